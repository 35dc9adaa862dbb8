"""Accepting batches and withdrawals: who, for what epoch, how large, whose signature; then the store.

Everything that can be refused before the rows arrive is refused from the head alone, so that nothing is
buffered for a stranger's or an oversized batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from libmatch.batch import admit_batch, admit_withdrawal
from libmatch.errors import BatchError, EncodingError, EpochError, SequenceError
from libmatch.manifest import Manifest, Member
from libmatch.records import (
    CAPSULE_SIZE,
    RID_SIZE,
    SIGNATURE_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    Receipt,
    Side,
    Withdrawal,
)
from libmatch.suites import AEAD_TAG_SIZE
from services.chassis.refusals import NotFound, Refused
from services.matcher.arrivals import Arrival, Arrivals, Line
from services.matcher.epoch import EpochFolder
from services.matcher.hashing import Hashing
from services.matcher.store.submissions import Quota, Submissions

PIECE_SIZE = 256 * 1024  # of packed columns in one message
LEAST_PIECE = 4 * 1024


class Upload:
    """The rows of one batch as they arrive: never more than the head announced."""

    def __init__(self, header: BatchHeader, capsule: bytes, signature: bytes, bucket: int) -> None:
        self.header = header
        self._seals = (capsule, signature)
        row_size = RID_SIZE + 4 * WORD + bucket + AEAD_TAG_SIZE
        self._packed = bytearray(header.count * row_size)
        self._received = 0

    def add(self, piece: bytes) -> None:
        """Keep the next piece. Raises BatchError for one that is too small, too large or too much."""
        end = self._received + len(piece)
        if end > len(self._packed):
            raise BatchError("the batch is longer than its head announced")
        # Each piece costs some 50 µs of the process, whatever its size.
        least = 1 if end == len(self._packed) else LEAST_PIECE
        if not least <= len(piece) <= PIECE_SIZE:
            raise BatchError(
                f"a piece of a batch has {LEAST_PIECE} to {PIECE_SIZE} bytes; "
                "only the last may be shorter"
            )
        self._packed[self._received : end] = piece
        self._received = end

    def finish(self) -> Batch:
        """The batch. Raises BatchError where rows are missing, EncodingError for bad lengths."""
        if self._received != len(self._packed):
            raise BatchError("the batch is shorter than its head announced: it was cut off")
        return Batch(self.header, *self._seals, Columns.unpack(self._packed, self.header.count))


class Intake:
    """What units submit. ``peer`` is always the unit that the certificate names."""

    def __init__(
        self,
        submissions: Submissions,
        epochs: EpochFolder,
        hashing: Hashing,
        quota: Quota,
        now: Callable[[], datetime],
    ) -> None:
        self._submissions = submissions
        self._epochs = epochs
        self._hashing = hashing
        self._quota = quota
        self._now = now
        self._arrivals = Arrivals()

    def begin(self, peer: str, header: BatchHeader, capsule: bytes, signature: bytes) -> Upload:
        """The upload that this head opens, to be ``receive``d.

        Raises EpochError, Refused (another unit, another side), SequenceError (a gap), EncodingError.
        """
        manifest, _ = self._check_origin(peer, header.epoch, header.unit, header.side)
        if len(capsule) != CAPSULE_SIZE or len(signature) != SIGNATURE_SIZE:
            raise EncodingError("a capsule or a signature of the wrong length")
        stored = partial(self._submissions.next_seq, header.epoch, header.unit, header.side)
        expected = self._arrivals.expected(_line(header), header.seq, stored)
        if not 1 <= header.seq <= expected:  # an earlier one may be a repetition
            raise SequenceError(expected)
        return Upload(header, capsule, signature, manifest.bucket)

    def receive(self, peer: str, upload: Upload, pieces: Iterable[bytes]) -> Receipt:
        """The receipt of the batch that ``pieces`` make; its successor may begin as soon as this does.

        Raises what ``Upload`` and ``accept`` raise.
        """
        with self._arrivals.upload(_line(upload.header), upload.header.seq) as arrival:
            for piece in pieces:
                upload.add(piece)
            return self._accept(peer, upload.finish(), arrival)

    def accept(self, peer: str, batch: Batch) -> Receipt:
        """The receipt: the batch is committed durably. The same batch again: the stored receipt.

        Raises EpochError, Refused, BatchError, ConflictError, SequenceError, Overloaded.
        """
        with self._arrivals.upload(_line(batch.header), batch.header.seq) as arrival:
            return self._accept(peer, batch, arrival)

    def _accept(self, peer: str, batch: Batch, arrival: Arrival) -> Receipt:
        header = batch.header
        manifest, member = self._check_origin(peer, header.epoch, header.unit, header.side)
        admitted = admit_batch(manifest, member, batch, self._hashing.rows_for(header.count))
        suite, quota = self._epochs.suite, self._quota
        with self._arrivals.in_order(_line(header), arrival):
            ticket = self._submissions.offer(suite, admitted, quota, self._now())
        return ticket.result()

    def withdraw(self, peer: str, withdrawal: Withdrawal) -> Receipt:
        """The receipt: the rows are erased durably. Repeated: the stored receipt.

        Raises EpochError, Refused, BatchError, ConflictError, SequenceError.
        """
        w = withdrawal
        manifest, member = self._check_origin(peer, w.epoch, w.unit, w.side)
        digest = admit_withdrawal(manifest, member, w)
        return self._submissions.withdraw(self._epochs.suite, w, digest, self._now())

    def get_receipt(self, peer: str, side: Side, seq: int) -> Receipt:
        """The stored receipt of the caller's own submission. Raises NotFound."""
        receipt = self._submissions.find_receipt(self._epochs.manifest.epoch_id, peer, side, seq)
        if receipt is None:
            raise NotFound("no submission of that number", "没有该序号的提交记录。")
        return receipt

    def _check_origin(
        self, peer: str, epoch_id: bytes, unit: str, side: Side
    ) -> tuple[Manifest, Member]:
        epoch = self._epochs.in_force()
        if epoch_id != epoch.epoch_id:
            raise EpochError("the submission belongs to another epoch; fetch the manifest in force")
        if unit != peer:
            raise Refused(
                "a unit submits in its own name only",
                "只能以本单位的名义提交。",
                reason="OTHER_UNIT",
            )
        member = self._epochs.member(unit)
        if not member.may_submit(side):
            raise Refused(
                "the unit is not enrolled for this side",
                "本单位没有提交此类数据的权限。",
                reason="SIDE",
            )
        return epoch.manifest, member


def _line(header: BatchHeader) -> Line:
    return header.unit, header.side
