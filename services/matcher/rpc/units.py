"""Intake, Gate and Mailbox: what a unit calls, always in its own name."""

# ruff: noqa: ARG002  # the signatures are gRPC's

from __future__ import annotations

from collections.abc import Iterator

import grpc

from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.chassis.authz import caller
from services.chassis.refusals import InvalidRequest
from services.matcher.epoch import EpochFolder
from services.matcher.gate import Gate
from services.matcher.intake import Intake
from services.matcher.letters import Letters
from services.matcher.release import Notices
from services.matcher.reports import Reports
from services.matcher.rpc.messages import (
    accepted_letter_to_pb,
    accepted_to_pb,
    answer_to_pb,
    check_number,
    document_to_pb,
    page_size,
    pb_to_header,
    pb_to_letter,
    pb_to_report,
    pb_to_side,
    pb_to_withdrawal,
    posted_to_pb,
    receipt_to_pb,
)
from services.matcher.store.mailbox import Mailbox
from services.matcher.store.reports import ReportStore

_NOTICES = 500  # of one page
_REPORTS = 200  # of one page, each with one copy
_LETTERS = 16  # of one page: 16 of the largest fit a message


class IntakeService(pb_grpc.IntakeServicer):
    """Submitting and withdrawing."""

    def __init__(self, intake: Intake, epochs: EpochFolder) -> None:
        self._intake = intake
        self._epochs = epochs

    def GetManifest(
        self, request: pb.GetManifestRequest, context: grpc.ServicerContext
    ) -> pb.GetManifestResponse:
        manifest, roster = self._epochs.documents()
        return pb.GetManifestResponse(
            manifest=document_to_pb(manifest), roster=document_to_pb(roster)
        )

    def SubmitBatch(
        self, request_iterator: Iterator[pb.SubmitBatchRequest], context: grpc.ServicerContext
    ) -> pb.SubmitBatchResponse:
        peer, first = caller(context).name, next(request_iterator, None)
        if first is None or first.WhichOneof("part") != "head":
            raise InvalidRequest("the first message of a batch is its head")
        head = first.head
        upload = self._intake.begin(peer, pb_to_header(head), head.capsule, head.signature)
        receipt = self._intake.receive(peer, upload, _pieces_of(request_iterator))
        return pb.SubmitBatchResponse(receipt=receipt_to_pb(receipt))

    def Withdraw(
        self, request: pb.WithdrawRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawResponse:
        receipt = self._intake.withdraw(caller(context).name, pb_to_withdrawal(request))
        return pb.WithdrawResponse(receipt=receipt_to_pb(receipt))

    def GetReceipt(
        self, request: pb.GetReceiptRequest, context: grpc.ServicerContext
    ) -> pb.GetReceiptResponse:
        side, seq = pb_to_side(request.side), check_number(request.seq)
        receipt = self._intake.get_receipt(caller(context).name, side, seq)
        return pb.GetReceiptResponse(receipt=receipt_to_pb(receipt))


class GateService(pb_grpc.GateServicer):
    """Clearance of the caller's own records."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def CheckClearance(
        self, request: pb.CheckClearanceRequest, context: grpc.ServicerContext
    ) -> pb.CheckClearanceResponse:
        return answer_to_pb(self._gate.check(caller(context).name, list(request.rids)))


class MailboxService(pb_grpc.MailboxServicer):
    """Notices to the caller, its reports and letters and those to it."""

    def __init__(
        self,
        mailbox: Mailbox,
        notices: Notices,
        report_store: ReportStore,
        reports: Reports,
        letters: Letters,
    ) -> None:
        self._mailbox = mailbox
        self._notices = notices
        self._report_store = report_store
        self._reports = reports
        self._letters = letters

    def FetchNotices(
        self, request: pb.FetchNoticesRequest, context: grpc.ServicerContext
    ) -> pb.FetchNoticesResponse:
        limit, after = page_size(request.limit, _NOTICES), check_number(request.after)
        side = pb_to_side(request.side)
        posted = self._mailbox.fetch(caller(context).name, side, after, limit)
        return pb.FetchNoticesResponse(notices=map(posted_to_pb, posted))

    def AcknowledgeNotice(
        self, request: pb.AcknowledgeNoticeRequest, context: grpc.ServicerContext
    ) -> pb.AcknowledgeNoticeResponse:
        unit = caller(context).name
        at_us, leaf = self._notices.acknowledge(unit, request.notice_id, request.signature)
        return pb.AcknowledgeNoticeResponse(acknowledged_at_us=at_us, leaf_index=leaf)

    def SubmitReport(
        self, request: pb.SubmitReportRequest, context: grpc.ServicerContext
    ) -> pb.SubmitReportResponse:
        leaf = self._reports.accept(caller(context).name, pb_to_report(request.report))
        return pb.SubmitReportResponse(leaf_index=leaf)

    def FetchReports(
        self, request: pb.FetchReportsRequest, context: grpc.ServicerContext
    ) -> pb.FetchReportsResponse:
        limit, after = page_size(request.limit, _REPORTS), check_number(request.after)
        side = pb_to_side(request.side)
        accepted = self._report_store.fetch(caller(context).name, side, after, limit)
        return pb.FetchReportsResponse(reports=map(accepted_to_pb, accepted))

    def SubmitLetter(
        self, request: pb.SubmitLetterRequest, context: grpc.ServicerContext
    ) -> pb.SubmitLetterResponse:
        leaf = self._letters.accept(caller(context).name, pb_to_letter(request.letter))
        return pb.SubmitLetterResponse(leaf_index=leaf)

    def FetchLetters(
        self, request: pb.FetchLettersRequest, context: grpc.ServicerContext
    ) -> pb.FetchLettersResponse:
        limit, after = page_size(request.limit, _LETTERS), check_number(request.after)
        accepted = self._letters.fetch(caller(context).name, after, limit)
        return pb.FetchLettersResponse(letters=map(accepted_letter_to_pb, accepted))

    def AcknowledgeLetters(
        self, request: pb.AcknowledgeLettersRequest, context: grpc.ServicerContext
    ) -> pb.AcknowledgeLettersResponse:
        number = check_number(request.number)
        self._letters.acknowledge(caller(context).name, number, request.signature)
        return pb.AcknowledgeLettersResponse()


def _pieces_of(messages: Iterator[pb.SubmitBatchRequest]) -> Iterator[bytes]:
    for message in messages:
        if message.WhichOneof("part") != "columns":
            raise InvalidRequest("behind the head of a batch come columns")
        yield message.columns
