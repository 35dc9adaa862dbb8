"""Versions of a declaration: changes within 30 days, late flags, yearly confirmation (R20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from services.rules.declaration import Declaration
from services.rules.differences import Differences, compare
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class ChangeKind(StrEnum):
    """Why there is a version. Values are the words that people see."""

    FIRST = "首次报告"
    RELATIVES = "亲属关系发生变化"
    POST = "工作岗位调整"
    CORRECTION = "更正"  # the facts were so all along; the earlier version was wrong


@dataclass(frozen=True, repr=False)
class Version:
    """A declaration as reported on ``reported_on``, true from ``effective_from``: the day of the event.

    ``number`` counts from 1. ``late``: reported after the rule's days (R20); a correction is not late.
    """

    number: int
    kind: ChangeKind
    effective_from: date
    reported_on: date
    late: bool
    declaration: Declaration

    def __repr__(self) -> str:
        return f"<Version {self.number} {self.kind.name}>"


@dataclass(frozen=True, repr=False)
class History:
    """All versions of one official at one unit, in order; none is ever changed or removed (R20)."""

    versions: tuple[Version, ...]
    confirmed_on: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if [v.number for v in self.versions] != list(range(1, len(self.versions) + 1)):
            raise ValueError("versions are numbered from 1")
        if not self.versions:
            raise ValueError("a history has a first version")

    @property
    def current(self) -> Version:
        """The version reported last."""
        return self.versions[-1]

    def on(self, day: date, known_on: date | None = None) -> Version | None:
        """What was true on ``day``, as known on ``known_on`` (default: now); None before the first.

        A later report says everything anew, also about the days before it that it covers.
        """
        told = [
            version
            for version in self.versions
            if version.effective_from <= day
            and (known_on is None or version.reported_on <= known_on)
        ]
        return told[-1] if told else None

    def __repr__(self) -> str:
        return f"<History of {len(self.versions)} versions>"


def report_due(event_on: date, rules: RuleSet) -> date:
    """The last day on which a change is reported in time: event date + 30 days (R20)."""
    return event_on + timedelta(days=rules.change_report_days)


def first_due(began_on: date, campaign_due: date, rules: RuleSet) -> date:
    """The last day for a first report: the campaign's (R58), or 30 days in a post begun later (R20)."""
    return max(campaign_due, report_due(began_on, rules))


def first_version(declaration: Declaration, due_on: date, reported_on: date) -> History:
    """A history that begins with a first report (R20), late after ``due_on``."""
    late = reported_on > due_on
    version = Version(1, ChangeKind.FIRST, reported_on, reported_on, late, declaration)
    return History((version,))


def report_change(
    history: History,
    declaration: Declaration,
    kind: ChangeKind,
    event_on: date,
    reported_on: date,
    rules: RuleSet,
) -> History:
    """The history with one more version (R20). RuleViolation for an event to come, or no change.

    ``kind``: not FIRST. ``event_on``: of a CORRECTION the day from which the right facts hold. A late
    report is taken and flagged: refusing it would hide the change.
    """
    if kind is ChangeKind.FIRST:
        raise ValueError("a first report begins a history")
    _require_order(history, event_on, reported_on)
    if not compare(history.current.declaration, declaration):
        raise RuleViolation(
            "R20",
            "nothing differs from the version before; confirm it instead",
            "与上一版本没有差别，不必另报变化；年度确认时确认“无变化”即可",
        )
    late = kind is not ChangeKind.CORRECTION and reported_on > report_due(event_on, rules)
    number = history.current.number + 1
    version = Version(number, kind, event_on, reported_on, late, declaration)
    return replace(history, versions=(*history.versions, version))


def _require_order(history: History, event_on: date, reported_on: date) -> None:
    if event_on > reported_on:
        raise RuleViolation(
            "R20",
            "the event is dated after its report; correct the date",
            "变化发生日期晚于报告日期，请核对",
        )
    if reported_on < history.current.reported_on:
        raise RuleViolation(
            "R20",
            "reported before the version before it; correct the date",
            "报告日期早于上一版本的报告日期，请核对",
        )


def confirmation_due(history: History, rules: RuleSet) -> date:
    """The day by which the official confirms again: so many days after the last word (R20)."""
    last = max((history.current.reported_on, *history.confirmed_on))
    return last + timedelta(days=rules.confirmation_days)


def confirm(
    history: History,
    on: date,
    rules: RuleSet,
    *,
    proposed: Declaration | None = None,
    kind: ChangeKind | None = None,
    event_on: date | None = None,
) -> tuple[History, Differences | None]:
    """The history confirmed on that day, and what differs; None for "nothing has changed" (R20).

    The official sees the current version and enters differences only: ``proposed`` is that version
    with them, ``kind`` and ``event_on`` say what happened and when. RuleViolation where they lack.
    """
    differences = compare(history.current.declaration, proposed) if proposed else None
    if proposed is not None and differences:
        if kind is None or event_on is None:
            raise RuleViolation(
                "R20",
                "a change has a kind and the day on which it happened; state both",
                "有变化的，请写明变化类型和发生日期",
            )
        history = report_change(history, proposed, kind, event_on, on, rules)
    elif on < history.current.reported_on:
        raise RuleViolation(
            "R20",
            "confirmed before the version was reported; correct the date",
            "确认日期早于所确认版本的报告日期，请核对",
        )
    return replace(history, confirmed_on=(*history.confirmed_on, on)), differences or None
