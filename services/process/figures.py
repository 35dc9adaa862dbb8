"""How far the matters of a unit have come, in numbers (R39, R55). Pure; counts alone, no person in them.

A matter is its approving unit's: "谁审批、谁核查" (R38). What concerns a unit's own officials is counted
beside it, and each unit posts in its own place (R43).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from libmatch.china_time import china_day
from services.rules.figures import Figures, MatterFact, figures_of_district, figures_of_unit
from services.rules.matter_dues import is_overdue
from services.rules.matter_facts import Matter, State, Verdict
from services.rules.publication import Place
from services.rules.ruleset import RuleSet

RulesOf = Callable[[str], RuleSet]
"""The rules of a version, which a matter keeps (R62)."""

_TO_VERIFY = frozenset({State.NOTIFIED, State.VERIFYING, State.DISPUTED, State.OBJECTED})


@dataclass(frozen=True)
class MatterCounts:
    """The matters that one unit approved, without those that were withdrawn. ``unit`` "": all units'.

    ``compliant`` and ``not_compliant`` are outcomes that hold. ``overdue``: the day of verification is
    over without an outcome (R39); ``overdue_steps``: that of the measure, the posting or an objection.
    ``measured``: measures were taken, each with a lead handed over (R41). ``published``: seven days over
    in both places (R45). ``objected``: ever (R48). ``concerning``: matters about the unit's own officials.
    """

    unit: str
    notified: int = 0
    verified: int = 0
    verified_late: int = 0
    overdue: int = 0
    overdue_steps: int = 0
    compliant: int = 0
    not_compliant: int = 0
    measured: int = 0
    leads: int = 0
    publishing: int = 0
    published: int = 0
    objected: int = 0
    withdrawn: int = 0
    concerning: int = 0


def count_matters(
    unit: str, matters: Iterable[Matter], rules_of: RulesOf, now: datetime
) -> MatterCounts:
    """The counts of ``unit``, or of the district for "", at that moment."""
    everything = list(matters)
    mine = [m for m in everything if unit in ("", m.approving_unit)]
    live = [m for m in mine if m.state is not State.WITHDRAWN]
    progress = _progress(unit, mine, rules_of, now)
    verdicts = [m.outcome.verdict for m in live if m.outcome is not None]
    states = [m.state for m in live]
    late = [m for m in live if is_overdue(m, now, rules_of(m.rules_version))]
    return MatterCounts(
        unit=unit,
        notified=progress.matters,
        verified=progress.verified,
        verified_late=progress.verified_late,
        overdue=progress.overdue,
        overdue_steps=sum(m.outcome is not None for m in late),
        compliant=verdicts.count(Verdict.COMPLIANT),
        not_compliant=verdicts.count(Verdict.NOT_COMPLIANT),
        measured=states.count(State.MEASURED),
        leads=sum(len(m.measures) for m in live),
        publishing=states.count(State.PUBLISHING) - _count_ended(live, rules_of, now),
        published=progress.published,
        objected=sum(bool(m.objections) for m in live),
        withdrawn=len(mine) - len(live),
        concerning=_count_concerning(unit, everything),
    )


def _progress(unit: str, mine: list[Matter], rules_of: RulesOf, now: datetime) -> Figures:
    facts = [matter_fact(m, rules_of(m.rules_version), now) for m in mine]
    on = china_day(now)
    return figures_of_unit(unit, (), facts, on) if unit else figures_of_district((), facts, on)


def _count_ended(live: list[Matter], rules_of: RulesOf, now: datetime) -> int:
    """Those whose seven days are over although no service has completed them yet."""
    publishing = (m for m in live if m.state is State.PUBLISHING)
    return sum(m.is_published_to_the_end(now, rules_of(m.rules_version)) for m in publishing)


def _count_concerning(unit: str, matters: list[Matter]) -> int:
    live = (m for m in matters if m.state is not State.WITHDRAWN)
    return sum(not unit or unit in m.declaring_units for m in live)


def matter_fact(matter: Matter, rules: RuleSet, now: datetime) -> MatterFact:
    """The matter as R55 asks about it: verified on the day of the first outcome of this round."""
    outcomes = (one.signed_at for one in matter.outcomes if one.signed_at >= matter.notified_at)
    verified = min(outcomes, default=None)
    return MatterFact(
        matter=matter.matter_id.hex(),
        unit=matter.approving_unit,
        due_on=china_day(matter.notified_at) + timedelta(days=rules.verification_days),
        verified_on=None if verified is None else china_day(verified),
        published_on=published_on(matter, rules, now),
        withdrawn=matter.state is State.WITHDRAWN,
    )


def published_on(matter: Matter, rules: RuleSet, now: datetime) -> date | None:
    """The last day of the longer of its two publications (R45); None before both are over."""
    if not matter.is_published_to_the_end(now, rules):
        return None
    days = [clock.last_day for clock in matter.clocks(rules).values()]
    return max(day for day in days if day is not None)


# --- the first publication (R60) ------------------------------------------------------------------


def first_publication(
    unit: str, matters: Iterable[Matter], submitted_on: date | None
) -> date | None:
    """When ``unit`` was through with the first match and publication in its own place; None: not yet.

    That is the day of its first posting. With nothing to post (R42) it is through when its data were
    matched, which is as soon as they were submitted (R37).
    """
    posted, wanted = [], False
    for matter in matters:
        places = [place for place in Place if matter.poster_of(place) == unit]
        posted += [china_day(one.posted_at) for one in matter.postings if one.place in places]
        wanted = wanted or (bool(places) and _is_to_be_posted(matter))
    return min(posted) if posted else None if wanted else submitted_on


def _is_to_be_posted(matter: Matter) -> bool:
    compliant = matter.outcome is not None and matter.outcome.verdict is Verdict.COMPLIANT
    return matter.state is not State.WITHDRAWN and (compliant or matter.state in _TO_VERIFY)
