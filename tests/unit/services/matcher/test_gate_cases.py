"""The gate over real cases: reports come in, the clock is turned, and an item is cleared at the end only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from libmatch.china_time import CHINA
from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.records import Side
from libmatch.reports import Stage
from tests.district import make_district, person
from tests.matcher_bench import Bench

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
START = datetime(2026, 6, 1, 10, tzinfo=CHINA)
END = datetime(2026, 6, 9, tzinfo=CHINA)
DISTRICT = make_district(
    registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), both=("dual",), now=START
)
CASE, OTHER_CASE = b"c" * 16, b"o" * 16
TICK = timedelta(microseconds=1)
CLEAR, HOLD, PENDING = ClearanceStatus.CLEAR, ClearanceStatus.HOLD, ClearanceStatus.PENDING
Answer = tuple[ClearanceStatus, HoldReason | None]
UNPUBLISHED: Answer = (HOLD, HoldReason.UNPUBLISHED)
UNVERIFIED: Answer = (HOLD, HoldReason.UNVERIFIED)
FREE: Answer = (CLEAR, None)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        for i, unit in enumerate(("reg-b", "dual")):
            bench.submit(unit, REG, [person(5000 + i)])
        bench.submit("reg-a", REG, [person(1)])
        yield bench


@pytest.fixture
def rid(bench: Bench) -> bytes:
    _, (rid, _) = bench.submit("ben-a", BEN, [person(1), person(2)])
    bench.report_all()
    return rid


def ask(bench: Bench, rid: bytes, unit: str = "ben-a") -> Answer:
    (clearance,) = bench.use.gate.check(unit, [rid]).clearances
    assert bool(clearance.expires_at_us) is (clearance.status is CLEAR)
    return clearance.status, clearance.reason


def publish(bench: Bench, by: str = "reg-a", approver: str = "ben-a", case: bytes = CASE) -> None:
    """A compliant verdict, posted in both places now and completed at the end; the clock goes there."""
    bench.report(approver, BEN, case, Stage.COMPLIANT)
    for unit, side in ((approver, BEN), (by, REG)):
        bench.report(unit, side, case, Stage.POSTED)
    bench.clock.moment = END
    for unit, side in ((approver, BEN), (by, REG)):
        bench.report(unit, side, case, Stage.COMPLETED)


def test_R47_an_item_goes_from_unverified_to_clear(bench: Bench, rid: bytes) -> None:
    assert ask(bench, rid) == UNVERIFIED
    bench.assign(CASE)
    assert ask(bench, rid) == UNVERIFIED
    bench.report("ben-a", BEN, CASE, Stage.COMPLIANT)
    assert ask(bench, rid) == UNPUBLISHED
    for unit, side in (("ben-a", BEN), ("reg-a", REG)):
        bench.report(unit, side, CASE, Stage.POSTED)
        bench.report(unit, side, CASE, Stage.COMPLETED)  # too early: its word counts for nothing
    bench.clock.moment = END - TICK
    assert ask(bench, rid) == UNPUBLISHED
    bench.clock.moment = END
    assert ask(bench, rid) == FREE


def test_R47_the_verdict_is_read_by_the_latest_report(bench: Bench, rid: bytes) -> None:
    bench.assign(CASE)
    publish(bench)
    assert ask(bench, rid) == FREE
    bench.report("ben-a", BEN, CASE, Stage.NOT_COMPLIANT)
    assert ask(bench, rid) == (HOLD, HoldReason.NOT_COMPLIANT)


def test_R47_a_later_declaration_of_another_unit_voids_clear(bench: Bench, rid: bytes) -> None:
    bench.assign(CASE)
    publish(bench)
    bench.submit("reg-b", REG, [person(1)])
    assert ask(bench, rid) == UNVERIFIED
    late = bench.hit_ids()[-1:]
    bench.assign(OTHER_CASE, late)
    assert ask(bench, rid) == UNVERIFIED


def test_R47_two_units_declarations_of_one_case_are_cleared_together(
    bench: Bench, rid: bytes
) -> None:
    bench.submit("reg-b", REG, [person(1)])
    bench.assign(CASE)
    publish(bench, by="reg-b")
    assert ask(bench, rid) == FREE


def test_R43_a_declaration_that_was_withdrawn_posts_no_longer(bench: Bench, rid: bytes) -> None:
    _, late = bench.submit("reg-b", REG, [person(1)])
    bench.assign(CASE)
    publish(bench, by="reg-b")
    bench.withdraw("reg-b", REG, late)
    assert ask(bench, rid) == UNPUBLISHED


def test_R48_an_objection_stops_the_gate_until_it_is_closed(bench: Bench, rid: bytes) -> None:
    bench.assign(CASE)
    publish(bench)
    bench.report("reg-a", REG, CASE, Stage.OBJECTED)
    assert ask(bench, rid) == (HOLD, HoldReason.OBJECTION)
    bench.report("ben-a", BEN, CASE, Stage.OBJECTION_CLOSED)
    assert ask(bench, rid) == FREE


def test_R47_every_case_of_a_record_must_come_to_its_end(bench: Bench, rid: bytes) -> None:
    bench.submit("reg-b", REG, [person(1)])
    first, second = bench.hit_ids()
    bench.assign(CASE, [first])
    bench.assign(OTHER_CASE, [second])
    bench.report("ben-a", BEN, OTHER_CASE, Stage.NOT_COMPLIANT)
    publish(bench)
    assert ask(bench, rid) == (HOLD, HoldReason.NOT_COMPLIANT)


def test_R47_a_published_item_of_a_batch_that_does_not_open_is_unreadable(
    bench: Bench, rid: bytes
) -> None:
    bench.assign(CASE)
    publish(bench)
    bench.report_all(opens=False)
    assert ask(bench, rid) == (HOLD, HoldReason.UNREADABLE)


def test_R47_a_published_item_is_pending_while_not_everything_has_arrived(tmp_path: Path) -> None:
    with Bench(tmp_path, DISTRICT) as bench:
        bench.submit("reg-a", REG, [person(1)])
        _, (rid,) = bench.submit("ben-a", BEN, [person(1)])
        bench.report_all()
        bench.assign(CASE)
        publish(bench)
        assert ask(bench, rid) == (PENDING, None)


def test_R47_a_unit_of_both_sides_ends_a_case_with_itself(bench: Bench) -> None:
    bench.submit("dual", REG, [person(7)])
    _, (rid,) = bench.submit("dual", BEN, [person(7)])
    bench.report_all()
    bench.assign(CASE)
    publish(bench, by="dual", approver="dual")
    assert ask(bench, rid, "dual") == FREE


def test_R47_reports_outlive_a_restart(bench: Bench, rid: bytes) -> None:
    bench.assign(CASE)
    publish(bench)
    bench.reopen()
    assert ask(bench, rid) == FREE


def test_R47_a_thousand_records_of_as_many_cases_in_one_question(bench: Bench) -> None:
    persons = [person(i) for i in range(10, 1010)]
    bench.submit("reg-a", REG, persons)
    _, rids = bench.submit("ben-a", BEN, persons)
    bench.report_all()
    hits = bench.hit_ids()
    cases = [i.to_bytes(16, "big") for i in range(1000)]
    bench.use.review.assign_cases(list(zip(hits, cases, strict=True)))
    bench.report("ben-a", BEN, cases[17], Stage.NOT_COMPLIANT)
    answers = bench.use.gate.check("ben-a", rids).clearances
    reasons = [answer.reason for answer in answers]
    assert reasons.count(HoldReason.NOT_COMPLIANT) == 1
    assert reasons.count(HoldReason.UNVERIFIED) == 999
