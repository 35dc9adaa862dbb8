"""Value types of ``libmatch`` to protobuf messages and back, the holder's directions; each lives once.

Whatever a peer sent is checked here by the constructors of the value types: EncodingError or BatchError
for wrong lengths or numbers. Signatures are checked by the caller. The opposite directions are the
matcher's (``services.matcher.rpc``) and 纪委's (``services.inspector.peers``).
"""

from __future__ import annotations

from collections.abc import Sequence

from libmatch.clearances import Clearance, ClearanceAnswer, ClearanceStatus, HoldReason
from libmatch.errors import EncodingError
from libmatch.letters import Letter
from libmatch.manifest import SignedDocument
from libmatch.records import Batch, Receipt, Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.reports import Report, ReportCopy, Stage
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2

_STATUSES = {int(status): status for status in ClearanceStatus}
CHUNK_SIZE = 256 * 1024  # of packed columns a message; below every default message cap


def side_to_pb(side: Side) -> core_pb2.Side.ValueType:
    """The enum value of ``side``; the numbers agree (a test holds it)."""
    return core_pb2.Side.ValueType(int(side))


def pb_to_side(value: int) -> Side:
    """The side of an enum value. Raises EncodingError for none."""
    try:
        return Side(value)
    except ValueError:
        raise EncodingError("a side is REGISTRY or BENEFICIARY") from None


def head_to_pb(batch: Batch) -> core_pb2.BatchHead:
    """The head of a batch: all but its columns."""
    header = batch.header
    return core_pb2.BatchHead(
        epoch=header.epoch,
        side=side_to_pb(header.side),
        unit=header.unit,
        seq=header.seq,
        count=header.count,
        capsule=batch.capsule,
        signature=batch.signature,
    )


def batch_to_requests(batch: Batch) -> list[matcher_pb2.SubmitBatchRequest]:
    """The stream of ``SubmitBatch``: the head, then the packed columns in pieces of 256 KiB."""
    packed = batch.columns.pack()
    pieces = (packed[i : i + CHUNK_SIZE] for i in range(0, len(packed), CHUNK_SIZE))
    return [
        matcher_pb2.SubmitBatchRequest(head=head_to_pb(batch)),
        *(matcher_pb2.SubmitBatchRequest(columns=piece) for piece in pieces),
    ]


def withdrawal_to_pb(withdrawal: Withdrawal) -> matcher_pb2.WithdrawRequest:
    """The request of ``Withdraw``."""
    return matcher_pb2.WithdrawRequest(
        epoch=withdrawal.epoch,
        side=side_to_pb(withdrawal.side),
        unit=withdrawal.unit,
        seq=withdrawal.seq,
        rids=withdrawal.rids,
        signature=withdrawal.signature,
    )


def pb_to_receipt(receipt: core_pb2.Receipt) -> Receipt:
    """The receipt, its signature unchecked. Raises EncodingError."""
    return Receipt(
        epoch=receipt.epoch,
        side=pb_to_side(receipt.side),
        unit=receipt.unit,
        seq=receipt.seq,
        digest=receipt.digest,
        accepted_at_us=receipt.accepted_at_us,
        leaf_index=receipt.leaf_index,
        signature=receipt.signature,
    )


def pb_to_document(document: core_pb2.SignedDocument) -> SignedDocument:
    """The signed manifest or roster, unverified."""
    pairs = ((entry.public_key, entry.signature) for entry in document.signatures)
    return SignedDocument(document.body, tuple(pairs))


def notice_to_pb(notice: SealedNotice) -> matcher_pb2.SealedNotice:
    """The notice as 纪委 releases it; number and acknowledgement are the matcher's to set."""
    return matcher_pb2.SealedNotice(
        notice_id=notice.notice_id,
        unit=notice.unit,
        side=side_to_pb(notice.side),
        sealed=notice.sealed,
        signature=notice.signature,
        hit_id=notice.hit_id,
        epoch=notice.epoch,
    )


def pb_to_notice(notice: matcher_pb2.SealedNotice) -> SealedNotice:
    """The sealed notice, its signature unchecked. Raises EncodingError."""
    return SealedNotice(
        epoch=notice.epoch,
        notice_id=notice.notice_id,
        unit=notice.unit,
        side=pb_to_side(notice.side),
        hit_id=notice.hit_id,
        sealed=notice.sealed,
        signature=notice.signature,
    )


def report_to_pb(report: Report) -> matcher_pb2.Report:
    """The report with those copies that it has."""
    return matcher_pb2.Report(
        epoch=report.epoch,
        case_id=report.case_id,
        unit=report.unit,
        side=side_to_pb(report.side),
        seq=report.seq,
        stage=matcher_pb2.Stage.ValueType(int(report.stage)),
        at_us=report.at_us,
        copies=[
            matcher_pb2.ReportCopy(
                recipient=copy.recipient, digest=copy.digest, sealed=copy.sealed or b""
            )
            for copy in report.copies
        ],
        signature=report.signature,
    )


def pb_to_report(report: matcher_pb2.Report) -> Report:
    """The report, its signature and copies unchecked. Raises EncodingError or BatchError."""
    try:
        stage = Stage(report.stage)
    except ValueError:
        raise EncodingError("a report of a stage that this version does not know") from None
    return Report(
        epoch=report.epoch,
        case_id=report.case_id,
        unit=report.unit,
        side=pb_to_side(report.side),
        seq=report.seq,
        stage=stage,
        at_us=report.at_us,
        copies=tuple(
            ReportCopy(copy.recipient, copy.digest, copy.sealed or None) for copy in report.copies
        ),
        signature=report.signature,
    )


def letter_to_pb(letter: Letter) -> matcher_pb2.Letter:
    """The letter as its sender signed it."""
    return matcher_pb2.Letter(
        epoch=letter.epoch,
        sender=letter.sender,
        recipient=letter.recipient,
        seq=letter.seq,
        sealed=letter.sealed,
        signature=letter.signature,
    )


def pb_to_letter(letter: matcher_pb2.Letter) -> Letter:
    """The letter, its signature unchecked. Raises EncodingError."""
    who = (letter.sender, letter.recipient)
    return Letter(letter.epoch, *who, letter.seq, letter.sealed, letter.signature)


def pb_to_reason(status: ClearanceStatus, value: int) -> HoldReason | None:
    """The reason of a HOLD; None where there is none, or none that this version knows."""
    try:
        return HoldReason(value) if status is ClearanceStatus.HOLD else None
    except ValueError:
        return None


def pb_to_clearance(entry: matcher_pb2.Clearance) -> Clearance:
    """One answer of the gate. Raises EncodingError for a record id of another length."""
    status = pb_to_status(entry.status)
    return Clearance(entry.rid, status, entry.expires_at_us, pb_to_reason(status, entry.reason))


def pb_to_status(value: int) -> ClearanceStatus:
    """The status of an enum value. One that this version does not know is HOLD: never CLEAR."""
    return _STATUSES.get(value, ClearanceStatus.HOLD)


def pb_to_answer(
    rids: Sequence[bytes], response: matcher_pb2.CheckClearanceResponse
) -> ClearanceAnswer:
    """The gate's answer about ``rids``. Raises EncodingError where it is about other records."""
    clearances = tuple(map(pb_to_clearance, response.clearances))
    if [clearance.rid for clearance in clearances] != list(rids):
        raise EncodingError("the gate answered for other records than it was asked about")
    return ClearanceAnswer(
        epoch=response.epoch,
        checked_at_us=response.checked_at_us,
        tree_size=response.tree_size,
        leaf_index=response.leaf_index,
        clearances=clearances,
    )
