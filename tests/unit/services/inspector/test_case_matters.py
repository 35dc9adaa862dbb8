"""纪委 folds each case to the matter that its units have, and leaves out what no unit could have done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from libmatch.reports import Stage
from services.inspector.states import DisputeKind
from services.process.entries import Entry, History, Opening
from services.rules.matter_facts import Recipient, State, Verdict
from services.rules.matter_steps import Conclude, Inform, Take
from tests.district import person
from tests.inspector_bench import InspectorBench, relative
from tests.unit.services.inspector.matter_scene import (
    BEN,
    LEADER,
    REG,
    SYSTEM,
    WORKER,
    Scene,
)


@pytest.fixture
def scene(prompt: InspectorBench) -> Scene:
    return Scene(prompt)


def conclude(verdict: Verdict = Verdict.COMPLIANT) -> Conclude:
    return Conclude(verdict, "符合条件", "wang", b"")


def test_R39_a_released_case_is_to_be_verified_from_the_day_its_units_were_told(
    scene: Scene,
) -> None:
    case, folded = scene.fold()
    matter = folded.matter
    assert case.case_id == scene.case.case_id == matter.matter_id
    assert (matter.state, matter.approving_unit) == (State.NOTIFIED, "ben-a")
    assert matter.declaring_units == ("reg-a",)
    assert matter.notified_at == scene.bench.matcher.clock()


def test_a_case_that_waits_for_its_release_is_no_matter_yet(bench: InspectorBench) -> None:
    assert list(Scene(bench).matters().fold_cases()) == []


def test_R40_the_steps_of_both_units_come_to_one_matter(scene: Scene) -> None:
    scene.do(SYSTEM, Inform(Recipient.UNIT, "00" * 16))
    scene.do(WORKER, Take())
    scene.do(LEADER, conclude())
    _, folded = scene.fold()
    assert folded.matter.state is State.COMPLIANT
    assert [entry.actor.unit for entry in folded.entries] == ["reg-a", "ben-a", "ben-a"]
    assert folded.refusals == {}
    assert scene.bench.disputes() == []


def other_time(entry: Entry) -> bytes:
    return replace(entry, at=entry.at + timedelta(seconds=1)).encode()


def other_unit(entry: Entry) -> bytes:
    return replace(entry, actor=replace(entry.actor, unit="reg-a")).encode()


def unsigned(entry: Entry) -> bytes:
    assert isinstance(entry.step, Conclude)
    return replace(entry, step=replace(entry.step, signature=bytes(64))).encode()


@pytest.mark.parametrize(
    "change",
    [lambda _: b"no step", other_time, other_unit, unsigned],
    ids=["no step", "other time", "other unit", "unsigned"],
)
def test_R40_what_is_no_step_of_its_unit_is_a_dispute_and_holds_up_nothing(
    scene: Scene, change: Callable[[Entry], bytes]
) -> None:
    scene.do(WORKER, Take())
    entry = scene.entry(LEADER, conclude())
    scene.report(entry, body=change(entry))
    scene.do(SYSTEM, Inform(Recipient.UNIT, "00" * 16))
    for _ in range(2):  # found again, it is the same dispute
        _, folded = scene.fold()
        assert folded.matter.state is State.VERIFYING
        assert len(folded.entries) == 2
        (dispute,) = scene.bench.disputes()
        assert (dispute.kind, dispute.answerable) == (DisputeKind.REPORT_BODY, ("ben-a",))


def test_R47_a_step_that_is_not_what_the_gate_was_told_is_a_dispute(scene: Scene) -> None:
    scene.do(WORKER, Take())
    scene.report(scene.entry(LEADER, conclude(Verdict.NOT_COMPLIANT)), Stage.COMPLIANT)
    _, folded = scene.fold()
    assert folded.matter.state is State.VERIFYING
    (dispute,) = scene.bench.disputes()
    assert dispute.kind is DisputeKind.REPORT_BODY


def test_R37_a_case_without_a_live_record_is_withdrawn_though_no_unit_said_so(
    scene: Scene,
) -> None:
    scene.do(WORKER, Take())
    scene.bench.matcher.withdraw("ben-a", BEN, [scene.rid])
    case, folded = scene.fold()
    assert case.live_pairs == ()
    assert folded.matter.state is State.WITHDRAWN


def test_R49_what_was_stated_is_no_step_and_only_its_unit_states_it(scene: Scene) -> None:
    scene.do(SYSTEM, Inform(Recipient.UNIT, "00" * 16))
    scene.state(2026, date(2026, 5, 31))
    scene.bench.pull()
    (one,) = scene.matters().read_matters()
    assert (one.folded.matter.state, len(one.folded.entries)) == (State.NOTIFIED, 1)
    assert [stated.year for stated in one.stated] == [2026]
    assert scene.bench.disputes() == []


def test_R43_the_case_is_as_its_approving_unit_says_that_it_opened_it(scene: Scene) -> None:
    bench = scene.bench
    bench.submit("reg-b", REG, [relative(person(1))])
    bench.pull()
    at = bench.matcher.clock().replace(microsecond=0)
    head = (scene.case.case_id, "ben-a", BEN, 1, at)
    history = History(*head, Opening("reg-b", "2018-14", at), ())
    scene.tell(history)
    _, folded = scene.fold()
    assert folded.matter.declaring_units == ("reg-b", "reg-a")
    assert folded.entries == ()


def test_a_case_under_rules_that_are_not_known_here_keeps_its_own(scene: Scene) -> None:
    at = scene.bench.matcher.clock().replace(microsecond=0)
    head = (scene.case.case_id, "ben-a", BEN, 1, at)
    scene.tell(History(*head, Opening("reg-a", "2099-1", at), ()))
    _, folded = scene.fold()
    assert folded.matter.rules_version == "2018-14"
