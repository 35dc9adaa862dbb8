"""What came of the process, beside what must have come of it by ``demo.courses``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.courses import ACTED_ON, CHECKED_ON, UNTOUCHED, Course, State
from demo.judge import CLEAR, HOLD, HitKey, case_key, key_of
from demo.parties import Beneficiary, blaming
from demo.process import Job, Work
from demo.truth import ExpectedHit
from libmatch.china_time import china_day
from libmatch.stubs.inspector.v1 import inspector_pb2

DAYS = tuple(sorted({*ACTED_ON, *CHECKED_ON}))
_MEASURED_ZH = "处理并移送"

Holder = tuple[str, str, bytes]  # a service's side, its unit, the case
ItemKey = tuple[str, str]  # the approving unit, its reference
Seen = tuple[str, bool]  # state, overdue


@dataclass(frozen=True)
class Figures:
    """Counts of one day. ``states`` and ``overdue`` are as the approving units see their matters."""

    states: Mapping[str, int]
    overdue: int
    published: int
    cleared: int
    held: int
    leads: int


@dataclass(frozen=True)
class Told:
    """Who was told of which case. ``told``: hits of which notices went out; ``live``: those that stand."""

    told: Sequence[ExpectedHit]
    live: Sequence[ExpectedHit]
    cases: Sequence[inspector_pb2.Case]

    def courses(self, jobs: Iterable[Job]) -> dict[HitKey, Course | None]:
        """The course of every case that was told of; None for a hit that no longer stands (R37)."""
        live = {key_of(hit) for hit in self.live}
        worked_on = {job.key: job.course for job in jobs}
        keys = (key_of(hit) for hit in self.told)
        return {key: worked_on.get(key, UNTOUCHED) if key in live else None for key in keys}

    def holders(self) -> dict[Holder, HitKey]:
        """Which service must hold which matter."""
        case_ids = {case_key(case): case.case_id for case in self.cases}
        found: dict[Holder, HitKey] = {}
        for hit in self.told:
            key = key_of(hit)
            found["beneficiary", hit.item.unit.id, case_ids[key]] = key
            for unit in hit.units:
                found["registry", unit.id, case_ids[key]] = key
        return found


@dataclass
class Reckoning:
    """Lets ``work`` be done and compares what the services say with the plain answer."""

    work: Work
    told: Told
    differences: Counter[str] = field(default_factory=Counter)

    def run(self, tell: Callable[[int], None]) -> dict[str, Any]:
        """What the report says. Raises DemoFailure."""
        days: dict[str, Any] = {}
        for day in DAYS:
            self.work.go_to(day)
            if day in ACTED_ON:
                self.work.act(day)
            if day in CHECKED_ON:
                self.work.meet()
                days[f"day_{day}"] = self._compare(day)
            tell(1)
        return {
            "sampled": len(self.work.jobs),
            **days[f"day_{CHECKED_ON[-1]}"],
            "days": days,
            "differences": dict(self.differences),
            "ok": bool(self.work.jobs) and not self.differences,
        }

    def _compare(self, day: int) -> dict[str, Any]:
        """Found and expected figures; what differs, matter by matter and item by item, is counted."""
        matters, right_matters = self._read_matters(day)
        answers, right_answers = self._ask_gate(day)
        leads = sum(
            job.approver.matters.count_steps(job.case_id, _MEASURED_ZH) for job in self.work.jobs
        )
        right_leads = sum(job.course.state_on(day) is State.MEASURED for job in self.work.jobs)
        found = _figures(matters, answers, leads)
        expected = _figures(right_matters, right_answers, right_leads)
        self._count("matters", matters, right_matters)
        self._count("gate", answers, right_answers)
        if leads != right_leads:
            self.differences["leads"] += abs(leads - right_leads)
        right = {f"{name}_expected": value for name, value in asdict(expected).items()}
        return {**asdict(found), **right}

    def _count(self, kind: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
        keys = found.keys() | expected.keys()
        wrong = sum(found.get(key) != expected.get(key) for key in keys)
        if wrong:
            self.differences[kind] += wrong

    def _read_matters(self, day: int) -> tuple[dict[Holder, Seen], dict[Holder, Seen]]:
        """Every matter of every service: as it is there, and as it must be."""
        courses, found, expected = self.told.courses(self.work.jobs), {}, {}
        notified: dict[Holder, int] = {}
        for office in self.work.site.offices:
            with blaming(office.process):
                matters = office.matters.list()
            for case_id, seen in matters.items():
                holder = (office.side, office.unit.id, case_id)
                found[holder] = (seen.state, seen.overdue)
                notified[holder] = self._day_of(seen.notified_at_us)
        for holder, key in self.told.holders().items():
            expected[holder] = _seen_on(day, courses[key], notified.get(holder, 0))
        return found, expected

    def _day_of(self, at_us: int) -> int:
        at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
        return (china_day(at) - self.work.first_day).days

    def _ask_gate(self, day: int) -> tuple[dict[ItemKey, str], dict[ItemKey, str]]:
        """The gate's answer about every item of the sample, and what it must be (R47)."""
        published = {job.key for job in self.work.jobs if job.course.is_published(day)}
        held = {
            (hit.item.unit.id, hit.item.ref)
            for hit in self.told.live
            if key_of(hit) not in published
        }
        asked: dict[Beneficiary, set[str]] = {}
        for job in self.work.jobs:
            asked.setdefault(job.approver, set()).add(job.key[2])
        found = {
            (office.unit.id, line.item_ref): line.status
            for office, refs in asked.items()
            for line in office.check(sorted(refs))
        }
        return found, {item: HOLD if item in held else CLEAR for item in found}


def _seen_on(day: int, course: Course | None, notified: int) -> Seen:
    if course is None:
        return State.WITHDRAWN.value, False
    due = course.due_on(day, notified)
    return course.state_on(day).value, due is not None and due < day


def _figures(matters: Mapping[Holder, Seen], answers: Mapping[Any, str], leads: int) -> Figures:
    own = [seen for (side, _, _), seen in matters.items() if side == "beneficiary"]
    states = Counter(state for state, _ in own)
    return Figures(
        states=dict(sorted(states.items())),
        overdue=sum(overdue for _, overdue in own),
        published=states[State.PUBLISHED.value],
        cleared=sum(answer == CLEAR for answer in answers.values()),
        held=sum(answer == HOLD for answer in answers.values()),
        leads=leads,
    )
