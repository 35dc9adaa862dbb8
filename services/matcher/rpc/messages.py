"""Protobuf messages to value types and back, the matcher's directions; each lives once.

What a peer sent is checked by the constructors of the value types: EncodingError or BatchError for wrong
lengths and numbers. The holder's directions are in ``libmatch.client.messages``, which the matcher cannot
import: the client holds keys.
"""

from __future__ import annotations

from libmatch.clearances import ClearanceAnswer
from libmatch.errors import EncodingError
from libmatch.letters import Letter
from libmatch.manifest import SignedDocument
from libmatch.records import BatchHeader, FlaggedRecord, Receipt, Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.reports import Report, ReportCopy, Stage
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2
from services.chassis.refusals import InvalidRequest
from services.matcher.store.figures import UnitFigures
from services.matcher.store.letters import AcceptedLetter
from services.matcher.store.mailbox import Posted
from services.matcher.store.reports import Accepted
from services.matcher.store.reviews import BatchSummary, HitSummary

_LARGEST = (1 << 63) - 1  # a database's integer; the wire has 64 bits


def check_number(number: int) -> int:
    """``number`` itself. Raises InvalidRequest for one that no row can have."""
    if number > _LARGEST:
        raise InvalidRequest("a number is below 2^63")
    return number


def page_size(asked: int, most: int) -> int:
    """How many entries a page has: ``most`` where 0 or more was asked for."""
    return min(asked or most, most)


def pb_to_side(value: int) -> Side:
    """The side of an enum value. Raises EncodingError for none."""
    try:
        return Side(value)
    except ValueError:
        raise EncodingError("a side is REGISTRY or BENEFICIARY") from None


def side_to_pb(side: Side) -> core_pb2.Side.ValueType:
    """The enum value of ``side``; the numbers agree."""
    return core_pb2.Side.ValueType(int(side))


def pb_to_header(head: core_pb2.BatchHead) -> BatchHeader:
    """``B`` of a head. Raises EncodingError or BatchError."""
    return BatchHeader(head.epoch, pb_to_side(head.side), head.unit, head.seq, head.count)


def pb_to_withdrawal(request: matcher_pb2.WithdrawRequest) -> Withdrawal:
    """The withdrawal, its signature unchecked. Raises EncodingError or BatchError."""
    return Withdrawal(
        epoch=request.epoch,
        side=pb_to_side(request.side),
        unit=request.unit,
        seq=request.seq,
        rids=tuple(request.rids),
        signature=request.signature,
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


def posted_to_pb(posted: Posted) -> matcher_pb2.SealedNotice:
    """A notice as it lies in the mailbox."""
    n = posted.notice
    return matcher_pb2.SealedNotice(
        notice_id=n.notice_id,
        number=posted.number,
        unit=n.unit,
        side=side_to_pb(n.side),
        sealed=n.sealed,
        signature=n.signature,
        hit_id=n.hit_id,
        epoch=n.epoch,
        acknowledged=posted.acknowledged,
    )


def pb_to_report(report: matcher_pb2.Report) -> Report:
    """The report, its signature and copies unchecked. Raises EncodingError or BatchError."""
    try:
        stage = Stage(report.stage)
    except ValueError:
        raise EncodingError("a report of a stage that this version does not know") from None
    copies = (ReportCopy(one.recipient, one.digest, one.sealed or None) for one in report.copies)
    return Report(
        epoch=report.epoch,
        case_id=report.case_id,
        unit=report.unit,
        side=pb_to_side(report.side),
        seq=report.seq,
        stage=stage,
        at_us=report.at_us,
        copies=tuple(copies),
        signature=report.signature,
    )


def accepted_to_pb(accepted: Accepted) -> matcher_pb2.AcceptedReport:
    """A report as it was accepted, with those copies that its reader gets."""
    r = accepted.report
    copies = [
        matcher_pb2.ReportCopy(recipient=one.recipient, digest=one.digest, sealed=one.sealed or b"")
        for one in r.copies
    ]
    return matcher_pb2.AcceptedReport(
        number=accepted.number,
        report=matcher_pb2.Report(
            epoch=r.epoch,
            case_id=r.case_id,
            unit=r.unit,
            side=side_to_pb(r.side),
            seq=r.seq,
            stage=matcher_pb2.Stage.ValueType(int(r.stage)),
            at_us=r.at_us,
            copies=copies,
            signature=r.signature,
        ),
        accepted_at_us=accepted.accepted_at_us,
        leaf_index=accepted.leaf_index,
    )


def pb_to_letter(letter: matcher_pb2.Letter) -> Letter:
    """The letter, its signature unchecked. Raises EncodingError."""
    who = (letter.sender, letter.recipient)
    return Letter(letter.epoch, *who, letter.seq, letter.sealed, letter.signature)


def accepted_letter_to_pb(accepted: AcceptedLetter) -> matcher_pb2.AcceptedLetter:
    """A letter as it was accepted."""
    one = accepted.letter
    return matcher_pb2.AcceptedLetter(
        number=accepted.number,
        letter=matcher_pb2.Letter(
            epoch=one.epoch,
            sender=one.sender,
            recipient=one.recipient,
            seq=one.seq,
            sealed=one.sealed,
            signature=one.signature,
        ),
        accepted_at_us=accepted.accepted_at_us,
        leaf_index=accepted.leaf_index,
    )


def document_to_pb(document: SignedDocument) -> core_pb2.SignedDocument:
    """A manifest or roster with its signatures."""
    signatures = [
        core_pb2.DocumentSignature(public_key=key, signature=signature)
        for key, signature in document.signatures
    ]
    return core_pb2.SignedDocument(body=document.body, signatures=signatures)


def receipt_to_pb(receipt: Receipt) -> core_pb2.Receipt:
    """A receipt as it was signed."""
    return core_pb2.Receipt(
        epoch=receipt.epoch,
        side=side_to_pb(receipt.side),
        unit=receipt.unit,
        seq=receipt.seq,
        digest=receipt.digest,
        accepted_at_us=receipt.accepted_at_us,
        leaf_index=receipt.leaf_index,
        signature=receipt.signature,
    )


def answer_to_pb(answer: ClearanceAnswer) -> matcher_pb2.CheckClearanceResponse:
    """The gate's answer; the numbers of statuses and reasons agree."""
    response = matcher_pb2.CheckClearanceResponse(
        epoch=answer.epoch,
        checked_at_us=answer.checked_at_us,
        tree_size=answer.tree_size,
        leaf_index=answer.leaf_index,
    )
    # A thousand records have few different answers: copying one is a third of making it.
    patterns: dict[tuple[int, int, int], matcher_pb2.Clearance] = {}
    for one in answer.clearances:
        key = (int(one.status), one.expires_at_us, int(one.reason or 0))
        pattern = patterns.get(key)
        if pattern is None:
            pattern = patterns[key] = _pattern_to_pb(*key)
        entry = response.clearances.add()
        entry.CopyFrom(pattern)
        entry.rid = one.rid
    return response


def _pattern_to_pb(status: int, expires_at_us: int, reason: int) -> matcher_pb2.Clearance:
    return matcher_pb2.Clearance(
        status=matcher_pb2.ClearanceStatus.ValueType(status),
        expires_at_us=expires_at_us,
        reason=matcher_pb2.HoldReason.ValueType(reason),
    )


def head_to_pb(header: BatchHeader, capsule: bytes, signature: bytes) -> core_pb2.BatchHead:
    """The head of a batch: all but its rows."""
    return core_pb2.BatchHead(
        epoch=header.epoch,
        side=side_to_pb(header.side),
        unit=header.unit,
        seq=header.seq,
        count=header.count,
        capsule=capsule,
        signature=signature,
    )


def batch_to_pb(batch: BatchSummary) -> matcher_pb2.BatchSummary:
    """A batch without its rows."""
    return matcher_pb2.BatchSummary(
        number=batch.number,
        head=head_to_pb(batch.header, batch.capsule, batch.signature),
        root=batch.root,
        leaf_index=batch.leaf_index,
    )


def hit_to_pb(hit: HitSummary) -> matcher_pb2.HitSummary:
    """A flagged pair without its rows."""
    return matcher_pb2.HitSummary(
        number=hit.number,
        hit_id=hit.hit_id,
        found_at_us=hit.found_at_us,
        leaf_index=hit.leaf_index,
        live=hit.live,
    )


def flagged_to_pb(record: FlaggedRecord) -> core_pb2.FlaggedRecord:
    """One side of a flagged pair: a row and the proof of its place."""
    row = record.row
    return core_pb2.FlaggedRecord(
        head=head_to_pb(record.header, record.capsule, record.signature),
        position=record.position,
        row=core_pb2.SealedRow(
            rid=row.rid, c_reg=row.c_reg, c_ben=row.c_ben, half=row.half, com=row.com, ct=row.ct
        ),
        path=record.path,
    )


def figures_to_pb(unit: str, side: Side, figures: UnitFigures) -> matcher_pb2.UnitFigures:
    """What one unit did as one side."""
    return matcher_pb2.UnitFigures(
        unit=unit,
        side=side_to_pb(side),
        batches=figures.batches,
        records_live=figures.records_live,
        records_withdrawn=figures.records_withdrawn,
        hits=figures.hits,
        notices=figures.notices,
        notices_acknowledged=figures.notices_acknowledged,
        bad_capsules=figures.bad_capsules,
        last_accepted_at_us=figures.last_accepted_at_us,
    )
