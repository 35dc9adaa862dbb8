"""A round with the matcher: complete, repeatable, and held up by no single hit."""

from __future__ import annotations

import pytest
import structlog.testing

from libmatch.clearances import ClearanceStatus
from libmatch.errors import ServiceError
from libmatch.manifest import Role
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2
from services.inspector.states import DisputeKind, HitState
from services.inspector.store.hits import Hits, Kept, Outcome
from tests.district import person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
UNREACHED = ServiceError("UNAVAILABLE", "", "no connection", "")
BROKEN = ServiceError("INTERNAL", "INTERNAL", "internal error", "")


def flag(bench: InspectorBench, *numbers: int) -> None:
    """A hit for each person."""
    bench.submit("reg-a", REG, [relative(person(n), official=900_000 + n) for n in numbers])
    bench.submit("ben-a", BEN, [item(person(n)) for n in numbers])


def test_a_round_opens_every_hit_and_a_second_one_finds_nothing(bench: InspectorBench) -> None:
    flag(bench, 1, 2, 3)
    first, second = bench.pull(), bench.pull()
    assert (first.tested.batches, first.opened.hits, first.disputes) == (2, 3, 0)
    assert (second.tested.batches, second.opened.hits, second.disputes) == (0, 0, 0)
    assert len(bench.cases()) == 3


def test_hits_are_opened_in_the_epoch_of_either_suite(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    (case,) = bench.cases()
    assert case.content.relative == relative(person(1), official=900_001)
    assert case.content.item == item(person(1))


def test_the_gate_waits_for_the_test_of_the_capsule(bench: InspectorBench) -> None:
    for unit in ("reg-a", "reg-b", "dual"):
        bench.submit(unit, REG, [relative(person(1))])
    (rid,) = bench.submit("ben-a", BEN, [item(person(2))])

    def ask() -> ClearanceStatus:
        return bench.matcher.use.gate.check("ben-a", [rid]).clearances[0].status

    assert ask() is ClearanceStatus.PENDING
    bench.pull()
    assert ask() is ClearanceStatus.CLEAR


def test_an_unchanged_log_needs_no_list(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    bench.pull()
    before = bench.wire.calls["ListHits"]
    bench.pull()
    assert bench.wire.calls["ListHits"] == before
    bench.submit("reg-b", REG, [relative(person(5))])
    bench.pull()
    assert bench.wire.calls["ListHits"] > before


def test_many_hits_are_read_and_opened_page_by_page(bench: InspectorBench) -> None:
    people = [person(n) for n in range(250)]
    bench.submit("reg-a", REG, [relative(who) for who in people])
    bench.submit("ben-a", BEN, [item(who) for who in people])
    assert bench.pull().opened.hits == 250
    assert len(bench.cases()) == 250


def test_an_outage_ends_the_round_and_loses_nothing(bench: InspectorBench) -> None:
    flag(bench, 1, 2, 3)
    second = bench.matcher.use.reviews.list_hits(1, 1)[0].hit_id
    bench.wire.fail("FetchHit", lambda asked: UNREACHED if asked.hit_id == second else None)
    with pytest.raises(ServiceError):
        bench.pull()
    assert len(bench.cases()) == 2
    assert bench.disputes() == []
    bench.wire.honest()
    assert bench.pull().opened.hits == 1
    assert len(bench.cases()) == 3


def test_an_outage_is_a_line_in_the_log_of_the_background(bench: InspectorBench) -> None:
    bench.wire.fail("GetCheckpoint", lambda _: UNREACHED)
    with structlog.testing.capture_logs() as lines:
        bench.use.pull.run_in_background()
    assert [(line["event"], line["status"]) for line in lines] == [
        ("matcher.not-reached", "UNAVAILABLE")
    ]


def test_a_hit_that_the_matcher_cannot_give_holds_up_no_other(bench: InspectorBench) -> None:
    flag(bench, 1, 2)
    first = bench.matcher.use.reviews.list_hits(0, 1)[0].hit_id
    bench.wire.fail("FetchHit", lambda asked: BROKEN if asked.hit_id == first else None)
    assert bench.pull().opened.hits == 1
    assert [(one.kind, one.answerable) for one in bench.disputes()] == [
        (DisputeKind.WITHHELD, ("matcher",))
    ]
    assert bench.pull().disputes == 0  # the same again is not new
    bench.wire.honest()
    assert bench.pull().opened.hits == 1
    assert bench.disputes() == []


def test_a_hit_withdrawn_before_it_was_opened_is_no_dispute(bench: InspectorBench) -> None:
    flag(bench, 1)
    declared = bench.submit("reg-a", REG, [relative(person(2))])
    bench.submit("ben-a", BEN, [item(person(2))])
    once = iter([True])

    def meanwhile(_: object, page: matcher_pb2.ListHitsResponse) -> object:
        if not page.hits and next(once, False):  # the list was read, the hits not yet
            bench.matcher.withdraw("reg-a", REG, declared)
        return page

    bench.wire.alter("ListHits", meanwhile)
    assert bench.pull().opened.hits == 1
    assert bench.disputes() == []
    bench.pull()
    assert len(bench.cases()) == 1


def test_a_unit_that_the_roster_lacks_is_waited_for_and_nobody_is_blamed(
    bench: InspectorBench,
) -> None:
    newer = bench.district.enrol("reg-new", Role.REGISTRY)
    bench.matcher.follow(newer)  # 纪委's kit is older
    bench.submit("reg-new", REG, [relative(person(1))])
    flag(bench, 1)
    done = bench.pull()
    assert (done.opened.hits, done.opened.waiting, done.tested.bad) == (1, 1, 0)
    assert [(one.kind, one.answerable) for one in bench.disputes()] == [
        (DisputeKind.UNKNOWN_PARTY, ())
    ]
    newer.write_epoch(bench.kit)
    done = bench.pull()
    assert (done.tested.batches, done.opened.hits, done.opened.waiting) == (1, 1, 0)
    assert bench.disputes() == []


def test_a_unit_that_a_newer_roster_lacks_too_stays_told(bench: InspectorBench) -> None:
    bench.matcher.follow(bench.district.enrol("reg-new", Role.REGISTRY))
    bench.submit("reg-new", REG, [relative(person(1))])
    bench.pull()
    bench.reopen()  # at a start, too, everything that waits is due again
    assert bench.pull().opened.waiting == 0
    (dispute,) = bench.disputes()
    assert dispute.detail == "reg-new"


def test_outcomes_that_come_twice_are_kept_once(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    (pair,) = bench.cases()[0].pairs
    again = Outcome(pair.number, HitState.OPENED, pair)
    assert Hits(bench.database).keep([again], bench.matcher.clock()) == Kept()
    assert len(bench.cases()[0].pairs) == 1


def test_a_revoked_units_records_still_open(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.district.revoke("reg-a").write_epoch(bench.kit)
    done = bench.pull()
    assert (done.tested.bad, done.opened.hits, done.disputes) == (0, 1, 0)


def test_an_older_roster_is_not_followed(bench: InspectorBench) -> None:
    older = bench.district
    older.revoke("reg-b").write_epoch(bench.kit)
    bench.pull()
    older.write_epoch(bench.kit)
    with structlog.testing.capture_logs() as lines:
        bench.pull()
    assert "roster.refused" in [line["event"] for line in lines]
    assert not bench.epochs.current.roster.find("reg-b").active


def test_an_untrusted_roster_is_not_followed(bench: InspectorBench) -> None:
    forged = bench.district.forge_roster().encode()
    (bench.kit / "epoch" / "roster").write_bytes(forged)
    bench.pull()
    assert bench.epochs.current.roster.version == 1


def test_hits_that_wait_count_until_they_are_withdrawn(bench: InspectorBench) -> None:
    bench.matcher.follow(bench.district.enrol("reg-new", Role.REGISTRY))
    rids = bench.submit("reg-new", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1))])
    assert bench.pull().opened.waiting == 1
    bench.matcher.withdraw("reg-new", REG, rids)
    assert bench.pull().opened.waiting == 0


def test_a_batch_that_waited_and_was_withdrawn_is_not_looked_for_for_ever(
    bench: InspectorBench,
) -> None:
    newer = bench.district.enrol("reg-new", Role.REGISTRY)
    bench.matcher.follow(newer)
    rids = bench.submit("reg-new", REG, [relative(person(1))])
    flag(bench, 2)
    bench.pull()
    bench.matcher.withdraw("reg-new", REG, rids)
    newer.write_epoch(bench.kit)
    bench.pull()
    asked: list[int] = []

    def note(request: matcher_pb2.ListBatchesRequest, page: object) -> object:
        asked.append(request.after)
        return page

    bench.wire.alter("ListBatches", note)
    bench.pull()
    assert asked == [3]  # behind the last batch


def test_an_opened_hit_is_not_fetched_again(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    bench.reopen()
    bench.pull()
    assert bench.wire.calls["FetchHit"] == 0
