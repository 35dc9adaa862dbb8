"""``MatcherClient``: the matcher's services as typed calls over a gRPC channel.

It converts and forwards, and checks that an answer is about what was asked. It keeps nothing, retries
nothing (the channel does) and verifies no signature: whoever holds the epoch does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import grpc

from libmatch.clearances import MAX_RIDS, ClearanceAnswer
from libmatch.client.messages import (
    batch_to_requests,
    letter_to_pb,
    pb_to_answer,
    pb_to_document,
    pb_to_letter,
    pb_to_notice,
    pb_to_receipt,
    pb_to_report,
    report_to_pb,
    side_to_pb,
    withdrawal_to_pb,
)
from libmatch.client.pipeline import submit_in_order
from libmatch.errors import BatchError, ConflictError, EncodingError, ServiceError
from libmatch.letters import Letter
from libmatch.manifest import SignedDocument
from libmatch.records import Batch, Receipt, Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.reports import Report
from libmatch.stubs.matcher.v1 import matcher_pb2, matcher_pb2_grpc

PAGE = 500  # notices a call
REPORT_PAGE = 200  # reports a call, each with one copy
LETTER_PAGE = 16  # letters a call: 16 of the largest fit a message

# Every call of a unit may be repeated: the same batch again gets the identical receipt.
IDEMPOTENT = (
    "libmatch.matcher.v1.Intake",
    "libmatch.matcher.v1.Gate",
    "libmatch.matcher.v1.Mailbox",
    "libmatch.matcher.v1.Log",
)


class MatcherClient:
    """The calls of a unit (and of the log, for all). Every one raises ServiceError where it fails.

    ``channel`` is mutual TLS with deadlines and retries (``libmatch.channel``); the caller closes it.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._intake = matcher_pb2_grpc.IntakeStub(channel)
        self._gate = matcher_pb2_grpc.GateStub(channel)
        self._mailbox = matcher_pb2_grpc.MailboxStub(channel)
        self._log = matcher_pb2_grpc.LogStub(channel)

    def fetch_epoch_documents(self) -> tuple[SignedDocument, SignedDocument]:
        """Manifest and roster, unverified: ``manifest.open_epoch`` with the trusted keys comes next."""
        response = self._intake.GetManifest(matcher_pb2.GetManifestRequest())
        return pb_to_document(response.manifest), pb_to_document(response.roster)

    def submit(self, batch: Batch) -> Receipt:
        """The receipt of ``batch``: it was committed durably. Sent again, the identical receipt."""
        # A list, not a generator: the channel can send it again.
        response = self._intake.SubmitBatch(batch_to_requests(batch))  # type: ignore[arg-type]
        return pb_to_receipt(response.receipt)

    def submit_many(self, batches: Iterable[Batch]) -> Iterator[Receipt]:
        """The receipts of a side's next batches, in order; several are under way at once.

        Raises what the first that fails raises. Those behind it may have been accepted all the same.
        """
        return submit_in_order(self.submit, batches)

    def withdraw(self, withdrawal: Withdrawal) -> Receipt:
        """The receipt of ``withdrawal``: its rows are erased. Sent again, the identical receipt."""
        return pb_to_receipt(self._intake.Withdraw(withdrawal_to_pb(withdrawal)).receipt)

    def get_receipt(self, side: Side, seq: int) -> Receipt | None:
        """The stored receipt of the caller's batch or withdrawal ``seq``; None if there is none."""
        request = matcher_pb2.GetReceiptRequest(side=side_to_pb(side), seq=seq)
        try:
            return pb_to_receipt(self._intake.GetReceipt(request).receipt)
        except ServiceError as error:
            if error.status == "NOT_FOUND":
                return None
            raise

    def check_clearance(self, rids: Sequence[bytes]) -> ClearanceAnswer:
        """The gate's answer about 1 to 1000 own records, in their order.

        Raises BatchError for another number, EncodingError for an answer about something else.
        """
        if not 1 <= len(rids) <= MAX_RIDS:
            raise BatchError(f"one question to the gate names 1 to {MAX_RIDS} records")
        request = matcher_pb2.CheckClearanceRequest(rids=rids)
        return pb_to_answer(rids, self._gate.CheckClearance(request))

    def fetch_notices(self, side: Side, after: int = 0) -> list[tuple[int, SealedNotice, bool]]:
        """All notices to the caller numbered above ``after``: (number, notice, acknowledged), ascending.

        Numbers ascend over the whole mailbox: remember the last one for the next call.
        """
        notices: list[tuple[int, SealedNotice, bool]] = []
        while True:
            request = matcher_pb2.FetchNoticesRequest(
                side=side_to_pb(side), after=after, limit=PAGE
            )
            page = self._mailbox.FetchNotices(request).notices
            for entry in page:
                # Without this check a faulty server could keep the loop going for ever.
                if entry.number <= after:
                    raise EncodingError("notices are not in ascending order of their numbers")
                after = entry.number
                notices.append((entry.number, pb_to_notice(entry), entry.acknowledged))
            if not page:
                return notices

    def acknowledge(self, notice_id: bytes, signature: bytes) -> None:
        """Tell that the notice arrived; ``signature`` is over ``SealedNotice.ack_bytes``."""
        self._mailbox.AcknowledgeNotice(
            matcher_pb2.AcknowledgeNoticeRequest(notice_id=notice_id, signature=signature)
        )

    def report(self, report: Report) -> int:
        """The leaf of ``report`` in the audit log: it was relayed. Sent again, the identical answer.

        Raises ConflictError where the unit made another report of that case under the same number.
        """
        request = matcher_pb2.SubmitReportRequest(report=report_to_pb(report))
        try:
            return self._mailbox.SubmitReport(request).leaf_index
        except ServiceError as error:
            if error.status == "ALREADY_EXISTS":
                raise ConflictError("a report of this number says something else") from error
            raise

    def fetch_reports(self, side: Side, after: int = 0) -> list[tuple[int, Report]]:
        """All reports of others to the caller numbered above ``after``, unverified, ascending.

        Each has the caller's own copy alone; numbers ascend over all reports of the district.
        """
        reports: list[tuple[int, Report]] = []
        while True:
            request = matcher_pb2.FetchReportsRequest(
                side=side_to_pb(side), after=after, limit=REPORT_PAGE
            )
            page = self._mailbox.FetchReports(request).reports
            for entry in page:
                if entry.number <= after:  # a faulty server must not keep the loop going for ever
                    raise EncodingError("reports are not in ascending order of their numbers")
                after = entry.number
                reports.append((entry.number, pb_to_report(entry.report)))
            if not page:
                return reports

    def send_letter(self, letter: Letter) -> int:
        """The leaf of ``letter`` in the audit log: it is kept for its recipient, in place of earlier ones.

        Sent again, the identical answer. Raises ConflictError where another has its number.
        """
        request = matcher_pb2.SubmitLetterRequest(letter=letter_to_pb(letter))
        try:
            return self._mailbox.SubmitLetter(request).leaf_index
        except ServiceError as error:
            if error.status == "ALREADY_EXISTS":
                raise ConflictError("a letter of this number says something else") from error
            raise

    def fetch_letters(self, after: int = 0) -> Iterator[tuple[int, Letter]]:
        """The letters to the caller that it has not acknowledged, unverified: (number, letter), ascending.

        Page by page, as they are asked for: a page of the largest has 7 MB.
        """
        while True:
            request = matcher_pb2.FetchLettersRequest(after=after, limit=LETTER_PAGE)
            page = self._mailbox.FetchLetters(request).letters
            for entry in page:
                if entry.number <= after:  # a faulty server must not keep the loop going for ever
                    raise EncodingError("letters are not in ascending order of their numbers")
                after = entry.number
                yield entry.number, pb_to_letter(entry.letter)
            if not page:
                return

    def acknowledge_letters(self, number: int, signature: bytes) -> None:
        """Tell that the letters up to ``number`` were taken in; ``signature`` is over
        ``libmatch.letters.ack_bytes``."""
        self._mailbox.AcknowledgeLetters(
            matcher_pb2.AcknowledgeLettersRequest(number=number, signature=signature)
        )

    def get_checkpoint(self) -> str:
        """The audit log's signed checkpoint (C2SP tlog-checkpoint), unverified."""
        return self._log.GetCheckpoint(matcher_pb2.GetCheckpointRequest()).checkpoint

    def get_inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, list[bytes]]:
        """(leaf hash, path from the leaf upwards) of a leaf in the log of ``tree_size`` leaves."""
        response = self._log.GetInclusionProof(
            matcher_pb2.GetInclusionProofRequest(leaf_index=leaf_index, tree_size=tree_size)
        )
        return response.leaf_hash, list(response.path)

    def get_consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of ``old`` leaves is a prefix of that of ``new`` leaves."""
        request = matcher_pb2.GetConsistencyProofRequest(old_size=old, new_size=new)
        return list(self._log.GetConsistencyProof(request).path)
