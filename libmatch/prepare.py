"""The holder's whole chain: payloads to sealed batches, ready to send (spec sections 4 and 5).

The caller keeps the result durably before it sends anything: a retry resends stored bytes and never
seals again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from libmatch.accel.kernels import WORTH_COMPILING, Kernel
from libmatch.accel.rows import get_rows
from libmatch.errors import BatchError
from libmatch.keys import EpochKey, Share, SigningKey, combine_shares
from libmatch.manifest import Epoch
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import MAX_ROWS, Side, Withdrawal
from libmatch.seal import SealedBatch, seal_batch, sign_withdrawal
from libmatch.suites import get_suite
from libmatch.tokens import derive_column, derive_token

Payload = RelativePayload | ItemPayload


@dataclass(frozen=True, repr=False)
class Holder:
    """A unit in one epoch: its name, the verified epoch, the epoch key and its signing key."""

    unit: str
    epoch: Epoch
    key: EpochKey
    signing_key: SigningKey

    @classmethod
    def enrol(
        cls,
        unit: str,
        epoch: Epoch,
        shares: Sequence[Share],
        signing_key: SigningKey,
        now: datetime,
    ) -> Holder:
        """The unit, ready to work, after its shares were checked against their commitments.

        Raises ShareError naming the custodian; EpochError outside the validity; BatchError where the
        roster does not list this unit with this signing key.
        """
        manifest = epoch.manifest
        manifest.check_time(now)
        member = epoch.roster.find(unit)
        if not member.active or member.signing_key != signing_key.public_key:
            raise BatchError("the roster does not list this unit with this signing key")
        suite = get_suite(manifest.suite)
        key = combine_shares(suite, epoch.epoch_id, manifest.commitments, shares)
        return cls(unit, epoch, key, signing_key)

    def prepare(
        self, side: Side, payloads: Sequence[Payload], next_seq: int
    ) -> Iterator[SealedBatch]:
        """Sealed batches of up to 2048 payloads, numbered from ``next_seq``, in input order of batches.

        So many payloads that compiled code repays its compilation are sealed by it. Raises BatchError
        for a kind of identifier that the epoch does not take.
        """
        manifest = self.epoch.manifest
        kinds = [int(payload.person.kind) for payload in payloads]
        if not set(kinds) <= set(manifest.kinds):
            raise BatchError("this epoch does not take that kind of identifier")
        idns = [payload.person.idn for payload in payloads]
        halves = derive_column(get_suite(manifest.suite), self.key, kinds, idns)
        kernel = None if len(payloads) >= WORTH_COMPILING else Kernel.LIBRARY
        rows = get_rows(manifest.suite, kernel)
        for number, offset in enumerate(range(0, len(payloads), MAX_ROWS)):
            part = slice(offset, offset + MAX_ROWS)
            encoded = [payload.encode() for payload in payloads[part]]
            names = (manifest, side, self.unit, next_seq + number)
            yield seal_batch(*names, halves.take(part), encoded, self.signing_key, rows)

    def withdraw(self, side: Side, rids: Sequence[bytes], next_seq: int) -> Withdrawal:
        """The signed withdrawal of up to 2048 own records, numbered ``next_seq``."""
        manifest = self.epoch.manifest
        return sign_withdrawal(manifest, side, self.unit, next_seq, rids, self.signing_key)

    def token_of(self, kind: int, idn: str) -> bytes:
        """The token of one identifier: what a notice's token is checked against."""
        return derive_token(get_suite(self.epoch.manifest.suite), self.key, kind, idn)
