"""How far the matters of a record's hits have come, as the gate must know it (R43, R45, R47, R48).

Pure: from what units reported and when the matcher accepted it, by the matcher's own clock. A unit's own
times and its word that the days are over count for nothing alone. What is not known is a reason to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.clearances import HoldReason
from libmatch.records import Side
from libmatch.reports import Stage
from services.rules.publication import Place, Posting, PublicationClock, Suspension
from services.rules.ruleset import RuleSet

_PLACES = {Side.REGISTRY: Place.OFFICIAL_UNIT, Side.BENEFICIARY: Place.VILLAGE}
_VERDICTS = frozenset({Stage.COMPLIANT, Stage.NOT_COMPLIANT})
Poster = tuple[str, Side]


@dataclass(frozen=True)
class Step:
    """One accepted report: ``at`` by the matcher's clock; ``digest`` is the report's, 32 bytes."""

    unit: str
    side: Side
    stage: Stage
    at: datetime
    digest: bytes


@dataclass(frozen=True)
class CaseFacts:
    """One case: who may speak in it now, by live hits, and all that was said, in order of acceptance."""

    approver: str
    declaring: frozenset[str]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class FlaggedPair:
    """One live hit of a record; ``case`` None until 纪委 assigned it."""

    found_at: datetime
    case: CaseFacts | None


RulesOn = Callable[[date], RuleSet]
"""The rules in force on a day: a matter keeps those of the day on which its hit was found (R62)."""


def find_hold(hits: Iterable[FlaggedPair], now: datetime, rules_on: RulesOn) -> HoldReason | None:
    """The weightiest reason to hold of all live ``hits`` of a record; None: they hold nothing up (R47)."""
    reasons = [_hold_of(hit, now, rules_on(china_day(hit.found_at))) for hit in hits]
    return min((reason for reason in reasons if reason is not None), default=None)


def _hold_of(hit: FlaggedPair, now: datetime, rules: RuleSet) -> HoldReason | None:
    if hit.case is None:
        return HoldReason.UNVERIFIED
    course = _Course(hit.case.approver)
    for step in hit.case.steps:
        course.take(step)
    if course.verdict is None:
        return HoldReason.UNVERIFIED
    if course.verdict is not Stage.COMPLIANT:
        return HoldReason.NOT_COMPLIANT
    if any(one.closed_at is None for one in course.objections):
        return HoldReason.OBJECTION
    in_village = course.is_published([(hit.case.approver, Side.BENEFICIARY)], now, rules)
    in_unit = course.is_published(((u, Side.REGISTRY) for u in hit.case.declaring), now, rules)
    return None if in_village and in_unit else HoldReason.UNPUBLISHED


@dataclass
class _Course:
    """A case, report by report. ``postings`` are those behind the latest verdict, one a poster."""

    approver: str
    verdict: Stage | None = None
    postings: dict[Poster, Posting] = field(default_factory=dict)
    completed: set[Poster] = field(default_factory=set)
    objections: list[Suspension] = field(default_factory=list)
    latest: datetime | None = None

    def take(self, step: Step) -> None:
        """Go on by one report. Time never runs backwards in a case, even if the matcher's clock did."""
        at = self.latest = max(step.at, self.latest or step.at)
        approves = (step.unit, step.side) == (self.approver, Side.BENEFICIARY)
        if step.stage in _VERDICTS and approves:
            self.verdict = step.stage
            self.postings.clear()  # a notice rests on the verdict that it was made from
            self.completed.clear()
            self._close_objections(at)
        elif step.stage is Stage.OBJECTION_CLOSED and approves:
            self._close_objections(at)
        elif step.stage is Stage.OBJECTED:
            if self.postings:  # else it was to notices that a verdict has voided meanwhile
                self.objections.append(Suspension(at))
        else:
            self._take_posting(step, at)

    def is_published(self, posters: Iterable[Poster], now: datetime, rules: RuleSet) -> bool:
        """Whether one of ``posters`` completed its posting and the seven days are over (R45)."""
        return any(
            PublicationClock(self.postings[poster], tuple(self.objections), rules).is_complete(now)
            for poster in posters
            if poster in self.completed
        )

    def _take_posting(self, step: Step, at: datetime) -> None:
        poster = (step.unit, step.side)
        posting = self.postings.get(poster)
        if step.stage is Stage.POSTED:
            # The matcher never sees the notice: its report stands for it.
            self.postings[poster] = Posting(_PLACES[step.side], at, step.unit, step.digest)
            self.completed.discard(poster)
        elif posting is None:
            return
        elif step.stage is Stage.COMPLETED:
            self.completed.add(poster)
        elif step.stage is Stage.TAKEN_DOWN and posting.taken_down_at is None:
            self.postings[poster] = replace(posting, taken_down_at=at)

    def _close_objections(self, at: datetime) -> None:
        self.objections = [
            one if one.closed_at else replace(one, closed_at=at) for one in self.objections
        ]
