"""Random checks: how many of what, drawn with a seed of several parties, each with a result (R51, R52).

Within a unit its discipline organ checks at least 30 % of the declarations and of the matters; the district
commission checks at least 10 % of the district's matters, which are flagged hits only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from libmatch.sampling import Draw, Plan, draw_sample, plan_draw, sample_size
from services.rules.matter_facts import Actor, require_reason
from services.rules.readings import DistrictCheckScope, UnitCheckScope
from services.rules.roles import Action, require
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class CheckKind(StrEnum):
    """What is checked, by whom. Values are the words that people see."""

    UNIT_DECLARATIONS = "单位抽查：亲属关系报告"
    UNIT_MATTERS = "单位抽查：涉权事项"
    UNIT_BOTH = "单位抽查：亲属关系报告和涉权事项"
    DISTRICT_MATTERS = "区纪委抽查：涉权事项"

    @property
    def rule(self) -> str:
        """The rule that asks for it."""
        return "R52" if self is CheckKind.DISTRICT_MATTERS else "R51"

    @property
    def action(self) -> Action:
        """What whoever checks must be allowed to do."""
        district = self is CheckKind.DISTRICT_MATTERS
        return Action.SAMPLE_DISTRICT if district else Action.SAMPLE_UNIT


@dataclass(frozen=True)
class Quota:
    """Of what at least how many must be checked: ``count`` of ``population``, rounded up.

    ``unit`` "": the whole district. The items are opaque ids of 1 to 64 bytes.
    """

    kind: CheckKind
    unit: str
    year: int
    percent: int
    population: frozenset[bytes]

    @property
    def count(self) -> int:
        """The least number of items."""
        return sample_size(len(self.population), self.percent)

    @property
    def title(self) -> str:
        """What the plan of its draw is called."""
        return f"{self.kind.rule} {self.kind} {self.unit or '全区'} {self.year}"

    def plan(self, parties: Iterable[str], number: int = 1) -> Plan:
        """The plan of the year's draw with that number. SampleError for fewer than two parties."""
        return plan_draw(f"{self.title} #{number}", self.population, self.percent, parties)


def unit_quotas(
    unit: str,
    year: int,
    declarations: Collection[bytes],
    matters: Collection[bytes],
    rules: RuleSet,
) -> tuple[Quota, ...]:
    """What a unit's discipline organ must check of a year (R51); what there is none of has no quota.

    In a second draw of the same year, pass what has come since: each part is rounded up, so the
    whole is never below the percentage.
    """
    parts = {
        CheckKind.UNIT_DECLARATIONS: frozenset(declarations),
        CheckKind.UNIT_MATTERS: frozenset(matters),
    }
    if rules.unit_check_scope is UnitCheckScope.TOGETHER:
        parts = {CheckKind.UNIT_BOTH: frozenset((*declarations, *matters))}
    return tuple(
        Quota(kind, unit, year, rules.unit_check_percent, population)
        for kind, population in parts.items()
        if population
    )


def district_quotas(
    year: int, matters: Mapping[str, Collection[bytes]], rules: RuleSet
) -> tuple[Quota, ...]:
    """What the district commission must check (R52). ``matters``: the flagged ones, by unit."""
    groups = {unit: frozenset(ids) for unit, ids in sorted(matters.items())}
    if rules.district_check_scope is DistrictCheckScope.DISTRICT:
        groups = {"": frozenset(one for ids in groups.values() for one in ids)}
    return tuple(
        Quota(CheckKind.DISTRICT_MATTERS, unit, year, rules.district_check_percent, population)
        for unit, population in groups.items()
        if population
    )


# --- results ------------------------------------------------------------------------------------


class CheckVerdict(StrEnum):
    """What the check of one item came to."""

    IN_ORDER = "未发现问题"
    FINDING = "发现问题线索"


@dataclass(frozen=True)
class CheckResult:
    """The result for one drawn item. ``lead_reference``: of the lead that a finding became (R53)."""

    item: bytes
    verdict: CheckVerdict
    grounds: str
    checked_by: str
    checked_on: date
    lead_reference: str = ""


@dataclass(frozen=True)
class Check:
    """A draw that was made, and its results so far."""

    quota: Quota
    drawn: tuple[bytes, ...]
    results: tuple[CheckResult, ...] = ()

    @property
    def missing(self) -> tuple[bytes, ...]:
        """The drawn items without a result, in the order of choice."""
        done = {result.item for result in self.results}
        return tuple(item for item in self.drawn if item not in done)


def begin_check(quota: Quota, draw: Draw, actor: Actor) -> Check:
    """The check of what the finished draw chooses. RuleViolation where it is not of this quota.

    SampleError where reveals are missing, or the population is not the one that was planned.
    """
    _require_checker(quota, actor)
    rule, plan = quota.kind.rule, draw.plan
    if plan.percent < quota.percent:
        raise RuleViolation(
            rule,
            f"at least {quota.percent} % are drawn; plan the draw again",
            f"抽查比例不得低于{quota.percent}%，请重新抽取",
        )
    return Check(quota, draw_sample(draw, quota.population))


def add_result(check: Check, result: CheckResult, actor: Actor) -> Check:
    """The check with one more result. RuleViolation for an item that was not drawn, or has one."""
    _require_checker(check.quota, actor)
    rule = check.quota.kind.rule
    if result.item not in check.drawn:
        raise RuleViolation(
            rule,
            "the item was not drawn; only drawn ones count",
            "该对象未被抽中，不能登记抽查结果",
        )
    if result.item not in check.missing:
        raise RuleViolation(
            rule, "the item has a result already", "该对象已登记抽查结果，不能重复登记"
        )
    require_reason(result.grounds, rule, "抽查情况")
    if (result.verdict is CheckVerdict.FINDING) != bool(result.lead_reference):
        raise RuleViolation(
            rule,
            "a finding becomes a lead, whose reference is recorded with it; nothing else has one",
            "发现问题的须登记为问题线索并填写线索编号；未发现问题的不填",
        )
    return replace(check, results=(*check.results, result))


def require_finished(check: Check) -> None:
    """Nothing, if every drawn item has a result; RuleViolation with how many have none otherwise."""
    if check.missing:
        raise RuleViolation(
            check.quota.kind.rule,
            f"{len(check.missing)} drawn items have no result; record them first",
            f"还有{len(check.missing)}个抽中对象没有登记抽查结果，请补登后再办结",
        )


def results_due_on(year: int, rules: RuleSet) -> date:
    """The last day on which the results of that year are in time."""
    return date(year, 12, 31) + timedelta(days=rules.check_days_after_year)


@dataclass(frozen=True)
class Coverage:
    """How much of a year's quota has results."""

    required: int
    checked: int

    @property
    def short(self) -> int:
        """How many are missing from the least number."""
        return max(0, self.required - self.checked)


def cover(quota: Quota, checks: Iterable[Check]) -> Coverage:
    """How much of ``quota`` (the whole year's population) the checks' results cover."""
    done = {result.item for check in checks for result in check.results}
    return Coverage(quota.count, len(done & quota.population))


def _require_checker(quota: Quota, actor: Actor) -> None:
    require((actor.role,), quota.kind.action)
    inside = quota.kind is not CheckKind.DISTRICT_MATTERS
    if inside and actor.unit != quota.unit:
        raise RuleViolation(
            "R51",
            "a unit is checked by its own discipline organ; ask it",
            "单位抽查由本单位纪检组织进行，请转交该单位纪检组织",
        )
