"""Figures as units' services and 纪委's answer them alike: the values, and what is late (R55 to R60)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from libmatch.errors import InputError
from services.process.district_data import DistrictData
from services.process.figures import MatterCounts
from services.process.receivers import MissingUnit, WhoReports
from services.rules.deadlines import STEP_RULES, Campaign, Late, Step, last_day, late_units
from services.rules.figures import Figures

Done = Mapping[tuple[str, Step], date]
"""(unit, step) → the day on which the unit finished it."""


@dataclass(frozen=True)
class UnitFigures:
    """One unit in numbers, as of a day. ``declarations``: only its part about declarations counts.

    ``officials``: with live matters; one person once, however many units he reports to (R10).
    """

    unit: str
    display: str
    declarations: Figures
    matters: MatterCounts
    declaration_records: int = 0
    item_records: int = 0
    officials: int = 0


@dataclass(frozen=True)
class FigureReport:
    """Figures of units in order of their names; ``district`` and ``missing`` from 纪委 alone."""

    as_of: date
    units: tuple[UnitFigures, ...]
    district: UnitFigures | None = None
    missing: tuple[MissingUnit, ...] = ()


@dataclass(frozen=True)
class DeadlineStanding:
    """A deadline: its last day in time, how many units it concerns, and how many have done it."""

    step: Step
    rule: str
    due_on: date
    units: int
    done: int


@dataclass(frozen=True)
class DeadlineReport:
    """A campaign as of a day. ``names``: unit → as people see it."""

    campaign: str
    as_of: date
    standings: tuple[DeadlineStanding, ...]
    late: tuple[Late, ...]
    names: Mapping[str, str]


class FigureBook(Protocol):
    """Who can tell figures: a unit of itself, 纪委 of all."""

    def figures(self) -> FigureReport:
        """How far declarations and matters have come (R39, R55)."""

    def deadlines(self, campaign: str) -> DeadlineReport:
        """What is late by ``campaign``, the newest for "" (R57 to R60)."""

    def receivers(self, unit: str, on: date | None) -> tuple[WhoReports, ...]:
        """Who reports to ``unit`` on that day, today for None (R1 to R12)."""


def find_campaign(data: DistrictData, name: str) -> Campaign:
    """The campaign of that name, the newest for "". Raises InputError."""
    if not name:
        return data.campaigns[-1]
    for campaign in data.campaigns:
        if campaign.name == name:
            return campaign
    known = "、".join(campaign.name for campaign in data.campaigns)
    raise InputError("no such campaign", f"没有这一轮工作；现有：{known}")


def weigh_deadlines(
    data: DistrictData, campaign: Campaign, done: Done, on: date, units: Iterable[str] | None
) -> DeadlineReport:
    """What ``units`` have done and what is late on that day; None: all whom it concerns."""
    rules, only = data.rules(on), None if units is None else frozenset(units)
    late = late_units(campaign, data.units, done, on, rules)
    standings: list[DeadlineStanding] = []
    names: dict[str, str] = {}
    for deadline in campaign.deadlines:
        concerned = [u for u in deadline.concerns(data.units) if only is None or u in only]
        step = deadline.step
        finished = sum(done.get((unit, step), date.max) <= on for unit in concerned)
        due = last_day(deadline, rules)
        standings.append(DeadlineStanding(step, STEP_RULES[step], due, len(concerned), finished))
        names |= {unit: data.units.get(unit, deadline.due_on).display for unit in concerned}
    own = tuple(one for one in late if only is None or one.unit in only)
    return DeadlineReport(campaign.display, on, tuple(standings), own, names)
