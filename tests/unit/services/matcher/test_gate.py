"""The gate: every answer, its order of reasons, and that it tells nothing of other units."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from libmatch.auditlog import encode_gate_leaf, open_checkpoint, verify_inclusion
from libmatch.clearances import ClearanceStatus
from libmatch.errors import EpochError
from libmatch.records import Side
from services.chassis.db import to_micros
from services.chassis.refusals import InvalidRequest
from services.matcher.config import GateSettings
from tests.district import make_district, person
from tests.matcher_bench import Bench

DISTRICT = make_district(
    registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), both=("dual",)
)
REG, BEN = Side.REGISTRY, Side.BENEFICIARY
NOT_SUBMITTED, PENDING = ClearanceStatus.NOT_SUBMITTED, ClearanceStatus.PENDING
CLEAR, HOLD = ClearanceStatus.CLEAR, ClearanceStatus.HOLD
MONTH = timedelta(days=30)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def ask(bench: Bench, unit: str, *rids: bytes) -> list[ClearanceStatus]:
    answer = bench.use.gate.check(unit, rids)
    assert [clearance.rid for clearance in answer.clearances] == list(rids)
    return [clearance.status for clearance in answer.clearances]


def declare_everywhere(bench: Bench) -> None:
    """Every unit of the registry side submits somebody, and 纪委 opens all capsules."""
    for i, unit in enumerate(("reg-a", "reg-b", "dual")):
        bench.submit(unit, REG, [person(5000 + i)])
    bench.report_all()


def test_an_unmatched_item_is_clear_once_everything_arrived(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    declare_everywhere(bench)
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_clear_is_dated_and_expires(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    declare_everywhere(bench)
    answer = bench.use.gate.check("ben-a", rids)
    assert answer.epoch == DISTRICT.manifest.epoch_id
    assert answer.checked_at_us == to_micros(bench.clock.moment)
    assert answer.clearances[0].expires_at_us == to_micros(bench.clock.moment + MONTH)


def test_clear_expires_with_the_epoch_at_the_latest(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    declare_everywhere(bench)
    bench.clock.moment = DISTRICT.manifest.not_after - timedelta(days=1)
    (clearance,) = bench.use.gate.check("ben-a", rids).clearances
    assert clearance.expires_at_us == to_micros(DISTRICT.manifest.not_after)


def test_only_clear_has_an_expiry(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    answers = bench.use.gate.check("ben-a", [*rids, bytes(16)]).clearances
    assert [(a.status, a.expires_at_us) for a in answers] == [(PENDING, 0), (NOT_SUBMITTED, 0)]


def test_a_later_declaration_voids_clear(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    declare_everywhere(bench)
    assert ask(bench, "ben-a", *rids) == [CLEAR]
    bench.submit("reg-b", REG, [person(1)])
    assert ask(bench, "ben-a", *rids) == [HOLD]


def test_a_withdrawn_declaration_lifts_hold(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    _, declared = bench.submit("reg-a", REG, [person(1)])
    declare_everywhere(bench)
    assert ask(bench, "ben-a", *rids) == [HOLD]
    bench.withdraw("reg-a", REG, declared)
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_pending_until_the_discipline_commission_tested_the_capsule(bench: Bench) -> None:
    declare_everywhere(bench)
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    assert ask(bench, "ben-a", *rids) == [PENDING]
    bench.report_all()
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_a_bad_capsule_is_hold_until_it_is_reported_good(bench: Bench) -> None:
    declare_everywhere(bench)
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    bench.report_all(opens=False)
    assert ask(bench, "ben-a", *rids) == [HOLD]
    bench.report_all(opens=True)
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_pending_until_every_registry_unit_has_submitted(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    for i, unit in enumerate(("reg-a", "reg-b", "dual")):
        bench.report_all()
        assert ask(bench, "ben-a", *rids) == [PENDING]
        bench.submit(unit, REG, [person(5000 + i)])
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_items_of_a_unit_of_both_sides_do_not_count_as_its_declarations(bench: Bench) -> None:
    _, rids = bench.submit("dual", BEN, [person(1)])
    bench.submit("reg-a", REG, [person(101)])
    bench.submit("reg-b", REG, [person(102)])
    bench.report_all()
    assert ask(bench, "dual", *rids) == [PENDING]


def test_a_revoked_registry_unit_is_not_waited_for(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    bench.submit("reg-a", REG, [person(101)])
    bench.submit("dual", REG, [person(102)])
    bench.report_all()
    assert ask(bench, "ben-a", *rids) == [PENDING]
    bench.follow(DISTRICT.revoke("reg-b"))
    assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_the_opening_day_ends_the_waiting(tmp_path: Path) -> None:
    opens_at = DISTRICT.now + timedelta(days=3)
    with Bench(tmp_path, DISTRICT, gate=GateSettings(opens_at=opens_at)) as bench:
        _, rids = bench.submit("ben-a", BEN, [person(1)])
        bench.report_all()
        bench.clock.moment = opens_at - timedelta(seconds=1)
        assert ask(bench, "ben-a", *rids) == [PENDING]
        bench.clock.moment = opens_at
        assert ask(bench, "ben-a", *rids) == [CLEAR]


def test_a_hit_is_hold_whatever_has_not_arrived(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    bench.submit("reg-a", REG, [person(1)])
    assert ask(bench, "ben-a", *rids) == [HOLD]


def test_foreign_unknown_and_withdrawn_are_one_answer(bench: Bench) -> None:
    _, own = bench.submit("ben-a", BEN, [person(1), person(2)])
    _, foreign = bench.submit("ben-b", BEN, [person(3)])
    declare_everywhere(bench)
    bench.withdraw("ben-a", BEN, own[:1])
    answer = bench.use.gate.check("ben-a", [own[0], foreign[0], os.urandom(16)])
    assert {(a.status, a.expires_at_us) for a in answer.clearances} == {(NOT_SUBMITTED, 0)}


def test_a_declaring_unit_learns_nothing_of_hits_on_its_declarations(bench: Bench) -> None:
    _, declared = bench.submit("reg-a", REG, [person(1), person(2)])
    bench.submit("ben-a", BEN, [person(1)])
    declare_everywhere(bench)
    assert ask(bench, "reg-a", *declared) == [NOT_SUBMITTED, NOT_SUBMITTED]
    _, of_both = bench.submit("dual", REG, [person(1)])
    assert ask(bench, "dual", *of_both) == [NOT_SUBMITTED]


def test_every_call_is_one_leaf_that_holds_the_answers(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1), person(2)])
    before = bench.use.log.get_checkpoint().split("\n")[1]
    answer = bench.use.gate.check("ben-a", rids)
    assert (answer.leaf_index, answer.tree_size) == (int(before), int(before) + 1)
    bench.use.gate.check("ben-a", rids)
    note, key = bench.use.log.get_checkpoint(), DISTRICT.manifest.log_key
    checkpoint = open_checkpoint(note, "libmatch/fuling/log", key)
    assert checkpoint.size == int(before) + 2
    answers = [(clearance.rid, clearance.status) for clearance in answer.clearances]
    entry = encode_gate_leaf("ben-a", answer.checked_at_us, answers)
    _, path = bench.use.log.prove_inclusion(answer.leaf_index, checkpoint.size)
    verify_inclusion(checkpoint, answer.leaf_index, entry, path)


def test_a_thousand_at_once_in_the_order_asked(bench: Bench) -> None:
    declare_everywhere(bench)
    _, rids = bench.submit("ben-a", BEN, [person(i) for i in range(1, 1001)])
    bench.submit("reg-a", REG, [person(500)])
    bench.report_all()
    assert ask(bench, "ben-a", *rids) == [CLEAR] * 499 + [HOLD] + [CLEAR] * 500


@pytest.mark.parametrize("rids", [[], [bytes(16)] * 1001, [b"short"], [bytes(16), bytes(17)]])
def test_a_question_out_of_bounds_is_refused_and_not_logged(
    bench: Bench, rids: list[bytes]
) -> None:
    before = bench.use.log.get_checkpoint()
    with pytest.raises(InvalidRequest):
        bench.use.gate.check("ben-a", rids)
    assert bench.use.log.get_checkpoint() == before


def test_the_gate_is_shut_outside_the_epoch(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(1)])
    bench.clock.moment = DISTRICT.manifest.not_after
    with pytest.raises(EpochError):
        bench.use.gate.check("ben-a", rids)


def test_questions_that_wait_together_share_commits_and_each_leaf_proves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rids = bench.submit("ben-a", BEN, [person(number) for number in range(8)])
    declare_everywhere(bench)
    held, go_on, names = threading.Event(), threading.Event(), []
    run_tx = bench.database.run_tx

    def noted(name: str, fn: Callable[[Session], object]) -> object:
        names.append(name)
        return run_tx(name, fn)

    def hold(session: Session) -> None:
        held.set()
        assert go_on.wait(timeout=30)

    monkeypatch.setattr(bench.database, "run_tx", noted)
    with ThreadPoolExecutor(9) as pool:
        writer = pool.submit(run_tx, "hold", hold)
        assert held.wait(timeout=30)
        asked = [pool.submit(bench.use.gate.check, "ben-a", [rid]) for rid in rids]
        time.sleep(0.2)  # most of them are in the line by now
        go_on.set()
        writer.result(timeout=30)
        answers = [one.result(timeout=30) for one in asked]
    assert set(names) == {"gate"}
    assert len(names) < len(rids)
    assert len({answer.leaf_index for answer in answers}) == len(rids)
    checkpoint = open_checkpoint(
        bench.use.log.get_checkpoint(), "libmatch/fuling/log", DISTRICT.manifest.log_key
    )
    for rid, answer in zip(rids, answers, strict=True):
        leaf = encode_gate_leaf("ben-a", answer.checked_at_us, [(rid, CLEAR)])
        _, path = bench.use.log.prove_inclusion(answer.leaf_index, checkpoint.size)
        verify_inclusion(checkpoint, answer.leaf_index, leaf, path)


def test_a_thousand_records_of_which_some_are_foreign_unknown_or_asked_twice(bench: Bench) -> None:
    _, own = bench.submit("ben-a", BEN, [person(number) for number in range(300)])
    _, foreign = bench.submit("ben-b", BEN, [person(number) for number in range(300, 600)])
    _, declared = bench.submit("reg-a", REG, [person(number) for number in range(0, 300, 50)])
    declare_everywhere(bench)
    unknown = [os.urandom(16) for _ in range(300)]
    asked = [*own, *foreign, *unknown, *own[:99], declared[0]]
    answers = ask(bench, "ben-a", *asked)
    expected = [HOLD if number % 50 == 0 else CLEAR for number in range(300)]
    assert answers == [*expected, *[NOT_SUBMITTED] * 600, *expected[:99], NOT_SUBMITTED]
