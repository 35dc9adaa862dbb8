"""纪委 folds each case to the matter that its units have, and leaves out what no unit could have done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from libmatch.records import Side
from libmatch.reports import Stage
from services.inspector.case_matters import CaseMatters
from services.inspector.cases import Case
from services.inspector.states import DisputeKind
from services.inspector.store.disputes import Disputes
from services.inspector.store.entries import Entries
from services.process.entries import Entry
from services.process.folding import Folded, stage_of
from services.rules.matter_facts import Actor, Recipient, State, Verdict
from services.rules.matter_steps import Conclude, Inform, Step, Take
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from tests.district import person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
WORKER = Actor("wang", "王某", "ben-a", Role.WORKER)
LEADER = Actor("li", "李某", "ben-a", Role.RESPONSIBLE_LEADER)
SYSTEM = Actor("system", "", "reg-a", Role.SYSTEM)


class Scene:
    """One released case, and what its units report."""

    def __init__(self, bench: InspectorBench) -> None:
        self.bench = bench
        bench.submit("reg-a", REG, [relative(person(1))])
        (self.rid,) = bench.submit("ben-a", BEN, [item(person(1))])
        bench.pull()
        (self.case,) = bench.cases()
        self.seqs = {"reg-a": 0, "ben-a": 0}

    def matters(self) -> CaseMatters:
        bench = self.bench
        rules, clock = packaged_rulesets(), bench.matcher.clock
        entries, disputes = Entries(bench.database), Disputes(bench.database)
        return CaseMatters(entries, disputes, bench.epochs, rules, clock)

    def fold(self) -> tuple[Case, Folded]:
        self.bench.pull()
        (found,) = self.matters().fold_cases()
        return found

    def entry(self, actor: Actor, step: Step) -> Entry:
        self.seqs[actor.unit] += 1
        side = REG if actor.unit == "reg-a" else BEN
        at = self.bench.matcher.clock().replace(microsecond=0)
        at += timedelta(seconds=sum(self.seqs.values()) - 1)
        entry = Entry(self.case.case_id, side, self.seqs[actor.unit], at, actor, step)
        if isinstance(step, Conclude):
            message = step.message(entry.case_id, actor, at)
            key = self.bench.district.keys(actor.unit).signing
            entry = replace(entry, step=replace(step, signature=key.sign(message)))
        return entry

    def report(self, entry: Entry, stage: Stage | None = None, body: bytes | None = None) -> None:
        _, folded = self.fold()
        told = stage_of(entry.step, folded.matter) if stage is None else stage
        head = (entry.actor.unit, entry.side, entry.case_id, entry.seq, told)
        report = self.bench.make_report(*head, entry.encode() if body is None else body)
        report = replace(report, at_us=entry.at_us)
        key = self.bench.district.keys(report.unit).signing
        report = replace(report, signature=key.sign(report.signed_bytes()))
        self.bench.matcher.use.reports.accept(report.unit, report)

    def do(self, actor: Actor, step: Step) -> None:
        self.report(self.entry(actor, step))


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
