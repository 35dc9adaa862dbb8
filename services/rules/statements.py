"""The yearly statement: officials explain their matters at the meeting of their kind (R49, R50).

One record per official and year with at least one matter; a matter belongs to the year in China in which
the hit was notified. What was withdrawn needs no explanation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.rules.matter_facts import Actor
from services.rules.roles import Action, Role, require
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class Meeting(StrEnum):
    """The four meetings of the notice."""

    DEMOCRATIC_LIFE = "民主生活会"
    ORGANISATION_LIFE = "组织生活会"
    LEADING_GROUP = "领导班子会"
    STAFF = "干部职工会"


_OF_PARTY_MEMBERS = (Meeting.DEMOCRATIC_LIFE, Meeting.ORGANISATION_LIFE)
_OF_OTHERS = (Meeting.LEADING_GROUP, Meeting.STAFF)


def meetings_of(*, party_member: bool) -> tuple[Meeting, ...]:
    """The meetings at which an official may explain (R49)."""
    return _OF_PARTY_MEMBERS if party_member else _OF_OTHERS


@dataclass(frozen=True)
class ToExplain:
    """A matter that ``official`` of ``unit`` must explain, known since ``known_on``.

    ``official`` and ``matter_id`` are opaque. ``live``: the hit holds.
    """

    official: str
    unit: str
    party_member: bool
    matter_id: bytes
    known_on: date
    live: bool = True

    @property
    def year(self) -> int:
        """The year whose statement it belongs to."""
        return self.known_on.year


@dataclass(frozen=True)
class Statement:
    """That an official explained these matters at a meeting. The record of one year."""

    official: str
    unit: str
    year: int
    meeting: Meeting
    held_on: date
    matters: frozenset[bytes]
    recorded_by: str
    recorded_on: date


@dataclass(frozen=True)
class StatementDue:
    """What an official owes for a year, and what is still missing."""

    official: str
    unit: str
    year: int
    due_on: date
    missing: frozenset[bytes]
    stated: frozenset[bytes]

    @property
    def is_complete(self) -> bool:
        """Whether every matter of the year was explained."""
        return not self.missing

    def is_overdue(self, on: date) -> bool:
        """Whether something is missing and the day is over."""
        return bool(self.missing) and self.due_on < on


def statement_due_on(year: int, rules: RuleSet) -> date:
    """The last day on which the statement of that year is in time."""
    return date(year, 12, 31) + timedelta(days=rules.statement_days_after_year)


def list_due(
    matters: Iterable[ToExplain], statements: Iterable[Statement], rules: RuleSet
) -> tuple[StatementDue, ...]:
    """One for each official and year with at least one live matter (R49), by year and official."""
    stated = {(one.official, one.year): one.matters for one in statements}
    owed: dict[tuple[int, str], list[ToExplain]] = {}
    for matter in matters:
        if matter.live:
            owed.setdefault((matter.year, matter.official), []).append(matter)
    return tuple(
        _due(ones, stated.get((official, year), frozenset()), rules)
        for (year, official), ones in sorted(owed.items())
    )


def _due(matters: list[ToExplain], stated: frozenset[bytes], rules: RuleSet) -> StatementDue:
    first = matters[0]
    wanted = frozenset(matter.matter_id for matter in matters)
    due_on = statement_due_on(first.year, rules)
    return StatementDue(
        first.official, first.unit, first.year, due_on, wanted - stated, wanted & stated
    )


def record_statement(
    statement: Statement, matters: Iterable[ToExplain], earlier: Statement | None, actor: Actor
) -> Statement:
    """The statement, as it is to be kept. RuleViolation R49 where it is not one.

    ``matters``: all of that official. ``earlier``: the record of the same year, which a later meeting
    may replace with one that explains more.
    """
    require((actor.role,), Action.RECORD_STATEMENT)
    if actor.unit != statement.unit:
        raise _wrong(
            "statements are recorded by the official's unit; ask it",
            "说明情况由党员干部所在单位登记，请转交该单位",
        )
    owed = [one for one in matters if one.live and one.year == statement.year]
    if not owed:
        raise _wrong(
            "the official has no matter of that year; no statement is needed",
            f"该党员干部{statement.year}年度没有涉权事项，无须说明",
        )
    _require_meeting(statement, party_member=owed[0].party_member)
    _require_matters(statement, owed)
    if earlier is not None and not earlier.matters < statement.matters:
        raise _wrong(
            "there is a statement of that year already; a later one must explain more",
            f"该党员干部{statement.year}年度已经说明；只有补充说明新的涉权事项时才再次登记",
        )
    return statement


def _require_meeting(statement: Statement, *, party_member: bool) -> None:
    allowed = meetings_of(party_member=party_member)
    if statement.meeting not in allowed:
        kind = "中共党员" if party_member else "非中共党员的干部"
        raise _wrong(
            f"the meetings for this official are: {', '.join(one.name for one in allowed)}",
            f"{kind}应当在{'或'.join(allowed)}上说明，请核对会议类型",
        )
    if not date(statement.year, 1, 1) <= statement.held_on <= statement.recorded_on:
        raise _wrong(
            "the meeting was held in that year or later, and not after it is recorded",
            f"会议日期应在{statement.year}年1月1日至登记之日之间，请核对",
        )


def _require_matters(statement: Statement, owed: list[ToExplain]) -> None:
    known = {one.matter_id for one in owed if one.known_on <= statement.held_on}
    if not statement.matters <= known:
        raise _wrong(
            "it names matters that are not of that official and year, or not known at the meeting",
            "所列涉权事项中有不属于该党员干部该年度的，或会议召开时尚未得知的，请核对",
        )
    if missing := len(known - statement.matters):
        raise _wrong(
            f"{missing} matters that were known at the meeting are not explained",
            f"会议召开时已知的涉权事项还有{missing}项没有说明，请补充说明后登记",
        )


def _wrong(message: str, message_zh: str) -> RuleViolation:
    return RuleViolation("R49", message, message_zh)


# --- who sees them ------------------------------------------------------------------------------


def visible_units(actor: Actor, units: Iterable[str]) -> tuple[str, ...]:
    """The units whose statements ``actor`` may read (R50): all for 区委组织部, the own one for its
    staff. RuleViolation R50 for everybody else."""
    require((actor.role,), Action.READ_STATEMENTS)
    if actor.role is Role.ORGANISATION_DEPARTMENT:
        return tuple(units)
    return tuple(unit for unit in units if unit == actor.unit)


@dataclass(frozen=True)
class StatementFigures:
    """What 区委组织部 sees of a unit: how many officials owe a statement, and how it stands."""

    unit: str
    owed: int
    complete: int
    partial: int
    overdue: int


def count_statements(unit: str, dues: Iterable[StatementDue], on: date) -> StatementFigures:
    """The figures of ``unit`` on that day (R50)."""
    own = [due for due in dues if due.unit == unit]
    return StatementFigures(
        unit,
        owed=len(own),
        complete=sum(due.is_complete for due in own),
        partial=sum(bool(due.stated) and not due.is_complete for due in own),
        overdue=sum(due.is_overdue(on) for due in own),
    )
