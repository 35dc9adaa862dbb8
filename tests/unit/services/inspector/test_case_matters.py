"""纪委 folds each case to the matter that its units have, and leaves out what no unit could have done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from libmatch.reports import Stage
from services.inspector.states import DisputeKind
from services.process.entries import Entry
from services.rules.matter_facts import Recipient, State, Verdict
from services.rules.matter_steps import Conclude, Inform, Take
from tests.inspector_bench import InspectorBench
from tests.unit.services.inspector.matter_scene import BEN, LEADER, SYSTEM, WORKER, Scene


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
    "change", [lambda _: b"no step", other_time, other_unit, unsigned], ids=str
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
