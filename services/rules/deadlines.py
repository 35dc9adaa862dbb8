"""Deadlines of a campaign (R57 to R60), as data, and which units are late with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.rules.data_file import Entry, packaged_text, parse_entries
from services.rules.ruleset import RuleSet
from services.rules.unit_kinds import RECEIVING_KINDS, UnitKind
from services.rules.units import UnitTree
from services.rules.violation import RuleDataError, RuleViolation


class Step(StrEnum):
    """What a unit must have done; values go into the data file."""

    STAFF_FORMS = "staff-forms"  # R57
    DECLARATIONS = "declarations"  # R58
    ITEMS = "items"  # R59
    FIRST_PUBLICATION = "first-publication"  # R60


STEP_NAMES: dict[Step, str] = {
    Step.STAFF_FORMS: "基本情况表报区纪委备案",
    Step.DECLARATIONS: "亲属关系申报并录入",
    Step.ITEMS: "受益人数据录入",
    Step.FIRST_PUBLICATION: "首次比对并公示",
}
STEP_RULES: dict[Step, str] = {
    Step.STAFF_FORMS: "R57",
    Step.DECLARATIONS: "R58",
    Step.ITEMS: "R59",
    Step.FIRST_PUBLICATION: "R60",
}


@dataclass(frozen=True)
class Deadline:
    """By when which units finish a step. Empty ``units`` and ``kinds``: all reporting units (R7)."""

    step: Step
    due_on: date
    units: tuple[str, ...] = ()
    kinds: frozenset[UnitKind] = frozenset()

    def concerns(self, tree: UnitTree) -> tuple[str, ...]:
        """The units of the tree, as of the due day, that must meet it, by name."""
        everybody = not (self.units or self.kinds)
        return tuple(
            unit.name
            for unit in tree.receiving_units(self.due_on)
            if everybody or unit.name in self.units or unit.kind in self.kinds
        )


@dataclass(frozen=True)
class Campaign:
    """A round of the work: its name, and one deadline a step, in order of their days."""

    name: str
    display: str
    deadlines: tuple[Deadline, ...]

    def deadline(self, step: Step) -> Deadline:
        """The deadline of ``step``. RuleViolation where this campaign has none."""
        for deadline in self.deadlines:
            if deadline.step is step:
                return deadline
        raise RuleViolation(
            STEP_RULES[step],
            f"campaign {self.name!r} sets no day for {step}; add it to the data",
            f"“{self.display}”没有规定“{STEP_NAMES[step]}”的时限，请在数据中补充",
        )


@dataclass(frozen=True)
class Late:
    """A unit that missed a deadline. ``done_on`` None: not done yet. ``days``: late by so many."""

    unit: str
    step: Step
    rule: str
    due_on: date
    done_on: date | None
    days: int

    @property
    def text_zh(self) -> str:
        """What is late, for the list that the unit and the district's commission see."""
        state = f"{self.done_on}完成" if self.done_on else "尚未完成"
        return f"{STEP_NAMES[self.step]}：应于{self.due_on}前完成，{state}，逾期{self.days}天"


def last_day(deadline: Deadline, rules: RuleSet) -> date:
    """The last day in time: 「…日前」 with or without the day itself (R57 to R60)."""
    return deadline.due_on if rules.deadline_day_counts else deadline.due_on - timedelta(days=1)


def late_units(
    campaign: Campaign,
    tree: UnitTree,
    done: Mapping[tuple[str, Step], date],
    on: date,
    rules: RuleSet,
) -> tuple[Late, ...]:
    """Every unit and step late on that day (R57 to R60), by step and unit; finished late ones too.

    ``done``: when a unit finished a step; what is not in it, or was done after ``on``, is open.
    """
    return tuple(
        late
        for deadline in campaign.deadlines
        for unit in deadline.concerns(tree)
        for late in _lateness(deadline, unit, done.get((unit, deadline.step)), on, rules)
    )


def _lateness(
    deadline: Deadline, unit: str, done_on: date | None, on: date, rules: RuleSet
) -> Iterable[Late]:
    done_on = done_on if done_on is not None and done_on <= on else None
    days = ((done_on or on) - last_day(deadline, rules)).days
    if days > 0:
        rule = STEP_RULES[deadline.step]
        yield Late(unit, deadline.step, rule, deadline.due_on, done_on, days)


def load_campaigns(text: str, tree: UnitTree) -> tuple[Campaign, ...]:
    """The campaigns in a TOML text of ``[[campaign]]`` tables. Raises RuleDataError naming the entry.

    Every unit that a deadline names must be in ``tree`` on its day.
    """
    campaigns = tuple(_campaign(entry, tree) for entry in parse_entries(text, "campaign", "name"))
    names = [campaign.name for campaign in campaigns]
    if len(set(names)) != len(names):
        raise RuleDataError("campaign: a name is used twice", "规则数据“campaign”：名称重复")
    return campaigns


def packaged_campaigns(tree: UnitTree) -> tuple[Campaign, ...]:
    """The campaigns shipped with this release: the notice's first one."""
    return load_campaigns(packaged_text("campaign.toml"), tree)


def _campaign(entry: Entry, tree: UnitTree) -> Campaign:
    entry.allow(("name", "display", "deadline"))
    deadlines = [_deadline(part, tree) for part in entry.parts("deadline", "step")]
    if len({deadline.step for deadline in deadlines}) != len(deadlines):
        raise entry.refuse("a step has two deadlines", "同一步骤有两个时限")
    ordered = sorted(deadlines, key=lambda deadline: deadline.due_on)
    return Campaign(entry.text("name"), entry.text("display"), tuple(ordered))


def _deadline(entry: Entry, tree: UnitTree) -> Deadline:
    entry.allow(("step", "due_on", "units", "kinds"))
    due_on, units = entry.day("due_on"), entry.texts("units")
    for name in units:
        unit = tree.find(name, due_on)
        if unit is None or unit.kind not in RECEIVING_KINDS:
            raise entry.refuse(
                f"{name!r} is no reporting unit on {due_on}", f"{due_on}没有申报单位“{name}”"
            )
    kinds = frozenset(entry.words("kinds", UnitKind))
    return Deadline(entry.word("step", Step), due_on, units, kinds)
