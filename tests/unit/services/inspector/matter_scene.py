"""One released case at 纪委 and its two units, which report steps on it as their services do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from libmatch.records import Side
from libmatch.reports import Stage
from services.inspector.case_matters import CaseMatters
from services.inspector.cases import Case
from services.inspector.store.disputes import Disputes
from services.inspector.store.entries import Entries
from services.process.entries import Entry, History, Said
from services.process.folding import Folded, stage_of
from services.process.moments import to_us
from services.process.statements import Stated
from services.rules.matter_facts import Actor
from services.rules.matter_steps import Conclude, Step
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from services.rules.statements import Meeting
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

    def state(self, year: int, held_on: date, meeting: Meeting = Meeting.STAFF) -> None:
        """reg-a reports that the official explained the case at a meeting."""
        self.seqs["reg-a"] += 1
        seq, at = self.seqs["reg-a"], self.bench.matcher.clock().replace(microsecond=0)
        stated = Stated(self.case.case_id, "reg-a", REG, seq, at, year, meeting, held_on)
        self._send(stated, Stage.NOTE, stated.encode())

    def tell(self, history: History) -> None:
        """The unit repeats its steps for one that came later."""
        self._send(history, Stage.NOTE, history.encode())

    def report(self, entry: Entry, stage: Stage | None = None, body: bytes | None = None) -> None:
        _, folded = self.fold()
        told = stage_of(entry.step, folded.matter) if stage is None else stage
        self._send(entry, told, entry.encode() if body is None else body)

    def _send(self, said: Said, stage: Stage, body: bytes) -> None:
        head = (said.unit, said.side, said.case_id, said.seq, stage)
        report = replace(self.bench.make_report(*head, body), at_us=to_us(said.at))
        key = self.bench.district.keys(report.unit).signing
        report = replace(report, signature=key.sign(report.signed_bytes()))
        self.bench.matcher.use.reports.accept(report.unit, report)

    def do(self, actor: Actor, step: Step) -> None:
        self.report(self.entry(actor, step))
