"""What the matcher sends becomes well-formed values or an EncodingError, never anything between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libmatch.errors import EncodingError
from libmatch.records import Side
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.inspector.matcher import ListedBatch
from services.inspector.peers.review import ReviewClient, pb_to_flagged
from services.matcher.rpc.messages import flagged_to_pb
from tests.district import person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def review(bench: InspectorBench) -> ReviewClient:
    bench.submit("reg-a", REG, [relative(person(1)), relative(person(2))])
    bench.submit("ben-a", BEN, [item(person(1))])
    return ReviewClient(bench.wire)


def test_what_the_matcher_has_arrives_as_it_is(bench: InspectorBench, review: ReviewClient) -> None:
    (listed,) = bench.matcher.use.reviews.list_hits(0, 10)
    (hit,) = review.list_hits(0)
    assert (hit.number, hit.hit_id, hit.found_at_us, hit.leaf_index, hit.live) == (
        *(listed.number, listed.hit_id, listed.found_at_us, listed.leaf_index, listed.live),
    )
    assert review.fetch_hit(hit.hit_id) == bench.matcher.use.reviews.fetch_pair(hit.hit_id)[1]
    batches = bench.matcher.use.reviews.list_batches(0, 10)
    for ours, theirs in zip(review.list_batches(0), batches, strict=True):
        assert ours.number == theirs.number
        assert ours.summary is not None
        assert (ours.summary.header, ours.summary.root) == (theirs.header, theirs.root)
        assert (ours.summary.capsule, ours.summary.signature) == (theirs.capsule, theirs.signature)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: setattr(r.head, "epoch", b"short"),
        lambda r: setattr(r.head, "side", 0),
        lambda r: setattr(r.head, "unit", "单位"),
        lambda r: setattr(r.head, "seq", 1 << 63),
        lambda r: setattr(r.head, "count", 0),
        lambda r: setattr(r.head, "count", 4096),
        lambda r: setattr(r.head, "capsule", r.head.capsule[1:]),
        lambda r: setattr(r.head, "signature", b""),
        lambda r: setattr(r.row, "rid", bytes(15)),
        lambda r: setattr(r.row, "c_reg", bytes(33)),
        lambda r: setattr(r.row, "com", b""),
        lambda r: setattr(r.row, "ct", bytes(10)),
        lambda r: r.path.append(bytes(31)),
        lambda r: r.path.extend([bytes(32)] * 12),
        lambda r: r.ClearField("row"),
    ],
)
def test_a_record_of_a_wrong_form_is_no_record(
    bench: InspectorBench,
    review: ReviewClient,
    spoil: Callable[[core_pb2.FlaggedRecord], None],
) -> None:
    (hit,) = review.list_hits(0)
    message = flagged_to_pb(bench.matcher.use.reviews.fetch_pair(hit.hit_id)[1].registry)
    pb_to_flagged(message)
    spoil(message)
    with pytest.raises(EncodingError):
        pb_to_flagged(message)


def test_a_batch_of_a_wrong_form_keeps_its_number(
    bench: InspectorBench, review: ReviewClient
) -> None:
    def shorten(_: object, page: pb.ListBatchesResponse) -> pb.ListBatchesResponse:
        page.batches[0].root = b""
        return page

    bench.wire.alter("ListBatches", shorten)
    first, second = review.list_batches(0)
    assert first == ListedBatch(1, None)
    assert second.summary is not None


def test_a_list_that_does_not_ascend_is_no_list(
    bench: InspectorBench, review: ReviewClient
) -> None:
    def again(_: object, page: pb.ListHitsResponse) -> pb.ListHitsResponse:
        return pb.ListHitsResponse(hits=[pb.HitSummary(number=n, hit_id=bytes(32)) for n in (2, 2)])

    bench.wire.alter("ListHits", again)
    with pytest.raises(EncodingError, match="ascending"):
        review.list_hits(0)
    bench.wire.alter("ListHits", lambda *_: pb.ListHitsResponse(hits=[pb.HitSummary(number=1)]))
    with pytest.raises(EncodingError, match="ascending"):
        review.list_hits(1)
