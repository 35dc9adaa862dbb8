"""A matcher in memory behind real gRPC and mutual TLS, for tests of its clients.

It admits, matches and logs as the protocol says, with the library's own functions, and keeps no database.
It can be told to misbehave: the attributes below "what goes wrong" are switches for tests.

::

    with serving(MemoryMatcher(district), pki.issue("spiffe://fuling/matcher")) as (matcher, address): …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import grpc

from libmatch import merkle
from libmatch.auditlog import (
    Checkpoint,
    encode_ack_leaf,
    encode_batch_leaf,
    encode_gate_leaf,
    encode_letter_leaf,
    encode_report_leaf,
    encode_withdrawal_leaf,
    hash_entry,
    log_hash,
    log_origin,
    sign_checkpoint,
    sign_receipt,
)
from libmatch.batch import admit_batch, admit_withdrawal
from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.client.messages import (
    letter_to_pb,
    notice_to_pb,
    pb_to_letter,
    pb_to_report,
    pb_to_side,
    report_to_pb,
)
from libmatch.errors import ConflictError, SequenceError
from libmatch.letters import Letter, verify_ack, verify_letter
from libmatch.matching import ReferenceMatcher
from libmatch.records import (
    RID_SIZE,
    Batch,
    BatchHeader,
    Columns,
    Receipt,
    RecordRef,
    Side,
    Withdrawal,
    cut,
)
from libmatch.release import SealedNotice
from libmatch.reports import Report, verify_report
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2, matcher_pb2_grpc
from services.chassis.authz import AccessTable, caller
from services.chassis.config import (
    DatabaseSettings,
    ListenSettings,
    ServiceSettings,
    TlsSettings,
)
from services.chassis.refusals import NotFound
from services.chassis.server import App, Runtime, start
from services.chassis.tls import check_own_certificate
from tests.district import District

_SERVICES = ("Intake", "Gate", "Mailbox", "Log")


class MemoryMatcher(
    matcher_pb2_grpc.IntakeServicer,
    matcher_pb2_grpc.GateServicer,
    matcher_pb2_grpc.MailboxServicer,
    matcher_pb2_grpc.LogServicer,
):
    """See the module's docstring. ``now`` is the district's time."""

    def __init__(self, district: District) -> None:
        self.district = district
        self.now: Callable[[], datetime] = lambda: district.now
        self.leaves: list[bytes] = []
        self.matcher = ReferenceMatcher()
        self.receipts: dict[tuple[str, Side, int], Receipt] = {}
        self.live: dict[tuple[str, bytes], Side] = {}
        self.notices: list[SealedNotice] = []
        self.acknowledged: dict[bytes, bytes] = {}
        self.reports: list[tuple[Report, int]] = []  # with their leaves; any case is known here
        # The newest of each sender to each recipient, with its number and leaf.
        self.letters: dict[tuple[str, str], tuple[int, Letter, int]] = {}
        self.letters_taken = 0
        self.received: list[
            tuple[Side, int]
        ] = []  # every submission that arrived, also repeated ones
        self.committed: list[str] = []  # "batch" or "withdrawal", in order
        self.questions: list[int] = []  # how many rids each question to the gate named
        # what goes wrong:
        self.fail_after_commit = 0  # so many answers are lost after the work was done
        self.fail_before_commit = 0
        self.clear_for = timedelta(days=30)
        self.hold_reason: int = HoldReason.UNVERIFIED
        self.change_receipt: Callable[[Receipt], Receipt] = lambda receipt: receipt
        self.change_statuses: Callable[[list[int]], list[int]] = lambda statuses: statuses

    # --- what tests do ----------------------------------------------------------------------------

    def rewrite_leaf(self, index: int) -> None:
        """Alter history."""
        self.leaves[index] = hash_entry(b"rewritten")

    # --- Intake -----------------------------------------------------------------------------------

    def GetManifest(
        self, request: matcher_pb2.GetManifestRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.GetManifestResponse:
        documents = (self.district.manifest_document, self.district.roster_document)
        manifest, roster = (
            core_pb2.SignedDocument(
                body=document.body,
                signatures=[
                    core_pb2.DocumentSignature(public_key=key, signature=signature)
                    for key, signature in document.signatures
                ],
            )
            for document in documents
        )
        return matcher_pb2.GetManifestResponse(manifest=manifest, roster=roster)

    def SubmitBatch(
        self,
        request_iterator: Iterator[matcher_pb2.SubmitBatchRequest],
        context: grpc.ServicerContext,
    ) -> matcher_pb2.SubmitBatchResponse:
        head = next(request_iterator).head
        packed = b"".join(piece.columns for piece in request_iterator)
        header = BatchHeader(head.epoch, pb_to_side(head.side), head.unit, head.seq, head.count)
        columns = Columns.unpack(packed, head.count)
        batch = Batch(header, head.capsule, head.signature, columns)
        member = self.district.roster.find(caller(context).name)
        admitted = admit_batch(self.district.manifest, member, batch)
        refs = [
            RecordRef(header.side, header.unit, rid) for rid in cut(batch.columns.rid, RID_SIZE)
        ]

        def commit() -> None:
            self.matcher.admit(zip(refs, admitted.tokens, strict=True))
            self.live |= {(ref.unit, ref.rid): ref.side for ref in refs}

        receipt = self._accept(header.side, header.unit, header.seq, admitted.digest, commit)
        return matcher_pb2.SubmitBatchResponse(receipt=_receipt_to_pb(receipt))

    def Withdraw(
        self, request: matcher_pb2.WithdrawRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.WithdrawResponse:
        side = pb_to_side(request.side)
        head = (request.epoch, side, request.unit, request.seq)
        withdrawal = Withdrawal(*head, tuple(request.rids), request.signature)
        member = self.district.roster.find(caller(context).name)
        digest = admit_withdrawal(self.district.manifest, member, withdrawal)

        def commit() -> None:
            self.matcher.withdraw(RecordRef(side, request.unit, rid) for rid in request.rids)
            for rid in request.rids:
                self.live.pop((request.unit, rid), None)

        receipt = self._accept(side, request.unit, request.seq, digest, commit, withdraws=True)
        return matcher_pb2.WithdrawResponse(receipt=_receipt_to_pb(receipt))

    def _accept(
        self,
        side: Side,
        unit: str,
        seq: int,
        digest: bytes,
        commit: Callable[[], None],
        *,
        withdraws: bool = False,
    ) -> Receipt:
        self.received.append((side, seq))
        if self.fail_before_commit:
            self.fail_before_commit -= 1
            raise RuntimeError("the matcher was killed")
        stored = self.receipts.get((unit, side, seq))
        if stored is not None and stored.digest != digest:
            raise ConflictError("used for other content")
        if stored is None:
            last = max((s for u, d, s in self.receipts if (u, d) == (unit, side)), default=0)
            if seq != last + 1:
                raise SequenceError(last + 1)
            commit()
            self.committed.append("withdrawal" if withdraws else "batch")
            at = _us(self.now())
            encode = encode_withdrawal_leaf if withdraws else encode_batch_leaf
            leaf = self._append(encode(digest, side, unit, seq, at))
            head = (self.district.manifest.epoch_id, side, unit, seq, digest, at, leaf)
            stored = self.receipts[unit, side, seq] = sign_receipt(self.district.log_signer, *head)
        if self.fail_after_commit:
            self.fail_after_commit -= 1
            raise RuntimeError("the matcher was killed")
        return self.change_receipt(stored)

    def GetReceipt(
        self, request: matcher_pb2.GetReceiptRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.GetReceiptResponse:
        key = (caller(context).name, pb_to_side(request.side), request.seq)
        if key not in self.receipts:
            raise NotFound("no such receipt")
        return matcher_pb2.GetReceiptResponse(receipt=_receipt_to_pb(self.receipts[key]))

    # --- Gate -------------------------------------------------------------------------------------

    def CheckClearance(
        self, request: matcher_pb2.CheckClearanceRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.CheckClearanceResponse:
        unit, now = caller(context).name, self.now()
        self.questions.append(len(request.rids))
        flagged = {
            ref for hit in self.matcher.live_hits() for ref in (hit.registry, hit.beneficiary)
        }
        statuses: list[int] = []
        for rid in request.rids:
            side = self.live.get((unit, rid))
            if side is None:
                statuses.append(ClearanceStatus.NOT_SUBMITTED)
            elif RecordRef(side, unit, rid) in flagged:
                statuses.append(ClearanceStatus.HOLD)
            else:
                statuses.append(ClearanceStatus.CLEAR)
        size = len(self.leaves)
        answers = list(zip(request.rids, statuses, strict=True))
        leaf = self._append(encode_gate_leaf(unit, _us(now), answers))
        statuses = self.change_statuses(statuses)
        return matcher_pb2.CheckClearanceResponse(
            clearances=[
                matcher_pb2.Clearance(
                    rid=rid,
                    status=matcher_pb2.ClearanceStatus.ValueType(status),
                    expires_at_us=_us(now + self.clear_for) if status == 3 else 0,
                    reason=matcher_pb2.HoldReason.ValueType(self.hold_reason if status == 4 else 0),
                )
                for rid, status in zip(request.rids, statuses, strict=True)
            ],
            epoch=self.district.manifest.epoch_id,
            checked_at_us=_us(now),
            tree_size=size,
            leaf_index=leaf,
        )

    # --- Mailbox ----------------------------------------------------------------------------------

    def FetchNotices(
        self, request: matcher_pb2.FetchNoticesRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.FetchNoticesResponse:
        page = []
        for number, notice in enumerate(self.notices, 1):
            wanted = (caller(context).name, pb_to_side(request.side))
            if number <= request.after or (notice.unit, notice.side) != wanted:
                continue
            entry = notice_to_pb(notice)
            entry.number, entry.acknowledged = number, notice.notice_id in self.acknowledged
            page.append(entry)
        return matcher_pb2.FetchNoticesResponse(notices=page[: request.limit])

    def AcknowledgeNotice(
        self, request: matcher_pb2.AcknowledgeNoticeRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.AcknowledgeNoticeResponse:
        self.acknowledged[request.notice_id] = request.signature
        leaf = self._append(encode_ack_leaf(request.notice_id, _us(self.now())))
        return matcher_pb2.AcknowledgeNoticeResponse(
            acknowledged_at_us=_us(self.now()), leaf_index=leaf
        )

    def SubmitReport(
        self, request: matcher_pb2.SubmitReportRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.SubmitReportResponse:
        report = pb_to_report(request.report)
        assert verify_report(self.district.epoch, report).unit == caller(context).name
        stream = [one for one in self.reports if _stream(one[0]) == _stream(report)]
        for earlier, leaf in stream:
            if earlier.seq == report.seq:
                if earlier != report:
                    raise ConflictError("used for another report")
                return matcher_pb2.SubmitReportResponse(leaf_index=leaf)
        if report.seq != len(stream) + 1:
            raise SequenceError(len(stream) + 1)
        r, digest = report, report.digest(self.district.suite)
        step = (r.unit, r.side, r.seq, r.stage, _us(self.now()), digest)
        leaf = self._append(encode_report_leaf(r.case_id, *step))
        self.reports.append((report, leaf))
        return matcher_pb2.SubmitReportResponse(leaf_index=leaf)

    def FetchReports(
        self, request: matcher_pb2.FetchReportsRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.FetchReportsResponse:
        own = (caller(context).name, pb_to_side(request.side))
        page = []
        for number, (report, leaf) in enumerate(self.reports, 1):
            recipients = {copy.recipient for copy in report.copies}
            if number > request.after and own[0] in recipients and own != _stream(report)[1:]:
                accepted = report_to_pb(report.only_for([own[0]]))
                page.append(
                    matcher_pb2.AcceptedReport(number=number, report=accepted, leaf_index=leaf)
                )
        return matcher_pb2.FetchReportsResponse(reports=page[: request.limit])

    def SubmitLetter(
        self, request: matcher_pb2.SubmitLetterRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.SubmitLetterResponse:
        letter = pb_to_letter(request.letter)
        assert verify_letter(self.district.epoch, letter).unit == caller(context).name
        key = (letter.sender, letter.recipient)
        if key in self.letters and self.letters[key][1].seq == letter.seq:
            _, earlier, leaf = self.letters[key]
            if earlier != letter:
                raise ConflictError("used for another letter")
            return matcher_pb2.SubmitLetterResponse(leaf_index=leaf)
        digest, number = letter.digest(self.district.suite), self.letters_taken + 1
        leaf = self._append(encode_letter_leaf(*key, letter.seq, _us(self.now()), digest))
        self.letters[key], self.letters_taken = (number, letter, leaf), number
        return matcher_pb2.SubmitLetterResponse(leaf_index=leaf)

    def FetchLetters(
        self, request: matcher_pb2.FetchLettersRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.FetchLettersResponse:
        page = [
            matcher_pb2.AcceptedLetter(number=number, letter=letter_to_pb(letter), leaf_index=leaf)
            for number, letter, leaf in sorted(self.letters.values(), key=lambda one: one[0])
            if letter.recipient == caller(context).name and number > request.after
        ]
        return matcher_pb2.FetchLettersResponse(letters=page[: request.limit or 16])

    def AcknowledgeLetters(
        self, request: matcher_pb2.AcknowledgeLettersRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.AcknowledgeLettersResponse:
        unit, number = caller(context).name, request.number
        verify_ack(self.district.epoch, unit, number, request.signature)
        self.letters = {
            key: one for key, one in self.letters.items() if key[1] != unit or one[0] > number
        }
        return matcher_pb2.AcknowledgeLettersResponse()

    # --- Log --------------------------------------------------------------------------------------

    def GetCheckpoint(
        self, request: matcher_pb2.GetCheckpointRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.GetCheckpointResponse:
        size, origin = len(self.leaves), log_origin(self.district.name)
        head = Checkpoint(origin, size, merkle.compute_root(log_hash, self.leaves))
        note = sign_checkpoint(head, self.district.log_signer)
        return matcher_pb2.GetCheckpointResponse(checkpoint=note)

    def GetInclusionProof(
        self, request: matcher_pb2.GetInclusionProofRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.GetInclusionProofResponse:
        index = request.leaf_index
        path = merkle.prove_position(log_hash, self.leaves[: request.tree_size], index)
        return matcher_pb2.GetInclusionProofResponse(leaf_hash=self.leaves[index], path=path)

    def GetConsistencyProof(
        self, request: matcher_pb2.GetConsistencyProofRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.GetConsistencyProofResponse:
        def read(level: int, index: int) -> bytes:
            start = index << level
            return merkle.compute_root(log_hash, self.leaves[start : start + (1 << level)])

        path = merkle.read_consistency(log_hash, read, request.old_size, request.new_size)
        return matcher_pb2.GetConsistencyProofResponse(path=path)

    def _append(self, entry: bytes) -> int:
        self.leaves.append(hash_entry(entry))
        return len(self.leaves) - 1


@contextmanager
def serving(
    matcher: MemoryMatcher, tls: TlsSettings, *, address: str = "127.0.0.1:0"
) -> Iterator[tuple[MemoryMatcher, str]]:
    """``matcher`` behind gRPC for the time of the block, with its address."""

    def register(server: grpc.Server) -> None:
        for name in _SERVICES:
            getattr(matcher_pb2_grpc, f"add_{name}Servicer_to_server")(matcher, server)

    now = lambda: datetime.now(UTC)  # noqa: E731  # certificates of tests are really valid
    access = AccessTable({f"libmatch.matcher.v1.{name}": {"unit"} for name in _SERVICES})
    settings = ServiceSettings(
        listen=ListenSettings(address=address),
        tls=tls,
        database=DatabaseSettings(url="sqlite://"),
    )
    runtime = Runtime(now, check_own_certificate(tls, now).identity)
    server = start(App(register=register, access=access), settings, runtime)
    try:
        yield matcher, server.address
    finally:
        server.stop(2)


def _stream(report: Report) -> tuple[bytes, str, Side]:
    return report.case_id, report.unit, report.side


def _receipt_to_pb(receipt: Receipt) -> core_pb2.Receipt:
    return core_pb2.Receipt(
        epoch=receipt.epoch,
        side=core_pb2.Side.ValueType(int(receipt.side)),
        unit=receipt.unit,
        seq=receipt.seq,
        digest=receipt.digest,
        accepted_at_us=receipt.accepted_at_us,
        leaf_index=receipt.leaf_index,
        signature=receipt.signature,
    )


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
