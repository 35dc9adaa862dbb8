"""``ReviewClient``: the matcher's Review service as typed calls; each conversion lives once, here.

Lengths and numbers are checked by the value types, so that a use case only meets well-formed values:
EncodingError for anything else, which is the matcher's fault alone. No signature is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

import grpc

from libmatch.client.messages import notice_to_pb, pb_to_report, pb_to_side
from libmatch.encoding import exactly
from libmatch.errors import BatchError, EncodingError
from libmatch.records import (
    CAPSULE_SIZE,
    SIGNATURE_SIZE,
    WORD,
    BatchHeader,
    FlaggedPair,
    FlaggedRecord,
    SealedRow,
)
from libmatch.release import SealedNotice
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.inspector.matcher import BatchSummary, HitSummary, ListedBatch, ListedReport

# The same report, notice or question again changes nothing.
IDEMPOTENT = ("libmatch.matcher.v1.Review", "libmatch.matcher.v1.Log")
_MAX_PATH = 11  # a batch has at most 2048 rows


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


Line = TypeVar("Line", bound=_Numbered)


class ReviewClient:
    """``services.inspector.matcher.Review`` over a channel, which the caller closes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = pb_grpc.ReviewStub(channel)

    def list_batches(self, after: int) -> list[ListedBatch]:
        """The next page of batches with a number above ``after``."""
        page = self._stub.ListBatches(pb.ListBatchesRequest(after=after)).batches
        return [ListedBatch(line.number, _pb_to_summary(line)) for line in _ascending(page, after)]

    def report_capsules(self, results: Mapping[int, bool]) -> None:
        """Tell which batches' capsules open."""
        lines = [pb.CapsuleResult(number=n, opens=opens) for n, opens in results.items()]
        self._stub.ReportCapsules(pb.ReportCapsulesRequest(results=lines))

    def list_hits(self, after: int, limit: int = 0) -> list[HitSummary]:
        """The next page of hits; a line without form is left out, and so a gap in the numbers."""
        page = self._stub.ListHits(pb.ListHitsRequest(after=after, limit=limit)).hits
        hits = (_pb_to_hit(line) for line in _ascending(page, after))
        return [hit for hit in hits if hit is not None]

    def fetch_hit(self, hit_id: bytes) -> FlaggedPair:
        """The two rows of one hit. Raises EncodingError.

        What the answer says of the hit beside them is not read: the rows say which hit they are.
        """
        response = self._stub.FetchHit(pb.FetchHitRequest(hit_id=hit_id))
        return FlaggedPair(pb_to_flagged(response.registry), pb_to_flagged(response.beneficiary))

    def release_notice(self, notice: SealedNotice) -> int:
        """The number of the notice in the mailbox."""
        request = pb.ReleaseNoticeRequest(notice=notice_to_pb(notice))
        return self._stub.ReleaseNotice(request).number

    def assign_cases(self, case_of: Mapping[bytes, bytes]) -> None:
        """Tell which case each hit belongs to."""
        pairs = [pb.CaseAssignment(hit_id=hit, case_id=case) for hit, case in case_of.items()]
        self._stub.AssignCases(pb.AssignCasesRequest(assignments=pairs))

    def list_reports(self, after: int) -> list[ListedReport]:
        """The next page of reports with a number above ``after``."""
        page = self._stub.ListReports(pb.ListReportsRequest(after=after)).reports
        return [_pb_to_listed(line) for line in _ascending(page, after)]


def pb_to_flagged(record: core_pb2.FlaggedRecord) -> FlaggedRecord:
    """A row with its place. Raises EncodingError for a wrong length or number anywhere in it."""
    row = record.row
    if len(record.path) > _MAX_PATH:
        raise EncodingError("the path is longer than that of any batch")
    return FlaggedRecord(
        header=_pb_to_header(record.head),
        capsule=exactly(record.head.capsule, CAPSULE_SIZE, "a capsule"),
        signature=exactly(record.head.signature, SIGNATURE_SIZE, "a signature"),
        position=record.position,
        row=SealedRow(row.rid, row.c_reg, row.c_ben, row.half, row.com, row.ct),
        path=tuple(exactly(node, WORD, "a node of a path") for node in record.path),
    )


def _pb_to_header(head: core_pb2.BatchHead) -> BatchHeader:
    try:
        return BatchHeader(head.epoch, pb_to_side(head.side), head.unit, head.seq, head.count)
    except BatchError as error:
        raise EncodingError(str(error)) from None


def _pb_to_summary(line: pb.BatchSummary) -> BatchSummary | None:
    head = line.head
    try:
        return BatchSummary(_pb_to_header(head), head.capsule, head.signature, line.root)
    except EncodingError:
        return None


def _pb_to_hit(line: pb.HitSummary) -> HitSummary | None:
    try:
        return HitSummary(
            line.number, line.hit_id, line.found_at_us, line.leaf_index, bool(line.live)
        )
    except EncodingError:
        return None


def _pb_to_listed(line: pb.AcceptedReport) -> ListedReport:
    try:
        return ListedReport(line.number, pb_to_report(line.report), line.accepted_at_us)
    except (EncodingError, BatchError):
        return ListedReport(line.number, None)


def _ascending(page: Iterable[Line], after: int) -> list[Line]:
    """The lines of a page. Raises EncodingError where a faulty server could keep a loop for ever."""
    lines = list(page)
    for line in lines:
        if not after < line.number < 1 << 63:
            raise EncodingError("a list is not in ascending order of its numbers")
        after = line.number
    return lines
