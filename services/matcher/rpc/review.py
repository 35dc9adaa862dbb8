"""Review: what 纪委 calls."""

# ruff: noqa: ARG002  # the signatures are gRPC's

from __future__ import annotations

import grpc

from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from services.chassis.authz import caller
from services.matcher.release import Notices
from services.matcher.review import Review
from services.matcher.rpc.messages import (
    accepted_to_pb,
    batch_to_pb,
    check_number,
    figures_to_pb,
    flagged_to_pb,
    hit_to_pb,
    page_size,
    pb_to_notice,
)
from services.matcher.store.reports import ReportStore
from services.matcher.store.reviews import Reviews

_BATCHES = 500  # of one page: about 0.7 MB of capsules
_HITS = 1000
_REPORTS = 200


class ReviewService(pb_grpc.ReviewServicer):
    """Flagged pairs and reports out; notices, and which hits are one case, in."""

    def __init__(
        self, reviews: Reviews, review: Review, notices: Notices, reports: ReportStore
    ) -> None:
        self._reviews = reviews
        self._review = review
        self._notices = notices
        self._reports = reports

    def ListBatches(
        self, request: pb.ListBatchesRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchesResponse:
        limit = page_size(request.limit, _BATCHES)
        batches = self._reviews.list_batches(check_number(request.after), limit)
        return pb.ListBatchesResponse(batches=map(batch_to_pb, batches))

    def ReportCapsules(
        self, request: pb.ReportCapsulesRequest, context: grpc.ServicerContext
    ) -> pb.ReportCapsulesResponse:
        results = {check_number(result.number): result.opens for result in request.results}
        self._review.report_capsules(caller(context), results)
        return pb.ReportCapsulesResponse()

    def ListHits(
        self, request: pb.ListHitsRequest, context: grpc.ServicerContext
    ) -> pb.ListHitsResponse:
        limit = page_size(request.limit, _HITS)
        hits = self._reviews.list_hits(check_number(request.after), limit)
        return pb.ListHitsResponse(hits=map(hit_to_pb, hits))

    def FetchHit(
        self, request: pb.FetchHitRequest, context: grpc.ServicerContext
    ) -> pb.FetchHitResponse:
        hit, pair = self._reviews.fetch_pair(request.hit_id)
        return pb.FetchHitResponse(
            hit=hit_to_pb(hit),
            registry=flagged_to_pb(pair.registry),
            beneficiary=flagged_to_pb(pair.beneficiary),
        )

    def ReleaseNotice(
        self, request: pb.ReleaseNoticeRequest, context: grpc.ServicerContext
    ) -> pb.ReleaseNoticeResponse:
        number, leaf = self._notices.release(pb_to_notice(request.notice))
        return pb.ReleaseNoticeResponse(number=number, leaf_index=leaf)

    def GetFigures(
        self, request: pb.GetFiguresRequest, context: grpc.ServicerContext
    ) -> pb.GetFiguresResponse:
        figures = self._review.count()
        units = [figures_to_pb(*key, of_unit) for key, of_unit in sorted(figures.units.items())]
        return pb.GetFiguresResponse(units=units, hits=figures.hits, tree_size=figures.tree_size)

    def AssignCases(
        self, request: pb.AssignCasesRequest, context: grpc.ServicerContext
    ) -> pb.AssignCasesResponse:
        self._review.assign_cases([(one.hit_id, one.case_id) for one in request.assignments])
        return pb.AssignCasesResponse()

    def ListReports(
        self, request: pb.ListReportsRequest, context: grpc.ServicerContext
    ) -> pb.ListReportsResponse:
        limit = page_size(request.limit, _REPORTS)
        reports = self._reports.list_all(check_number(request.after), limit)
        return pb.ListReportsResponse(reports=map(accepted_to_pb, reports))
