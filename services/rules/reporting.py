"""Who must report (R1 to R6), and to which units (R8 to R13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from services.rules.readings import HostReading, OutpostedReceiver
from services.rules.ruleset import RuleSet
from services.rules.unit_kinds import (
    BELOW_KINDS,
    ENTERPRISE_KINDS,
    MANAGERS_ONLY_KINDS,
    TOWNSHIP_KINDS,
    VILLAGE_KINDS,
    UnitKind,
)
from services.rules.units import Unit, UnitTree
from services.rules.violation import RuleViolation


class Post(StrEnum):
    """What a person is in his unit, as far as R5 and R22 tell posts apart."""

    PARTY_HEAD = "党组织主要负责人"
    LEADING_MEMBER = "班子其他成员"
    SECTION = "科所站室党员干部"
    INSTITUTION_HEAD = "下属单位负责人"
    VILLAGE_CADRE = "村（社区）干部"
    GROUP_HEAD = "村（居）民小组长"
    SUPPORTED = "财政补助、供养的其他人员"


VILLAGE_POSTS = frozenset({Post.VILLAGE_CADRE, Post.GROUP_HEAD, Post.SUPPORTED})


class Level(StrEnum):
    """How high a post is, as far as R2 and R3 ask."""

    MAIN_MANAGER = "主要管理人员"
    MIDDLE_MANAGER = "中层"
    ORDINARY = "一般人员"


@dataclass(frozen=True)
class Exemption:
    """That a city-managed leader need not report for now (R6), from the first to the last day."""

    reason: str
    valid_from: date
    valid_to: date

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise RuleViolation(
                "R6", "an exemption has a reason; state it", "免予申报须写明理由，请填写"
            )
        if self.valid_to < self.valid_from:
            raise RuleViolation(
                "R6",
                "the exemption ends before it begins; correct the dates",
                "免予申报的截止日期早于起始日期，请更正",
            )

    def holds_on(self, day: date) -> bool:
        """Whether ``day`` is within it."""
        return self.valid_from <= day <= self.valid_to


@dataclass(frozen=True)
class Person:
    """The facts about a person that decide whether and where he reports. ``unit``: a name of the tree.

    ``cadre``: 干部. RuleViolation R6 for an exemption of somebody who is not city-managed.
    """

    unit: str
    post: Post
    level: Level = Level.ORDINARY
    party_member: bool = False
    cadre: bool = False
    city_managed: bool = False
    exemptions: tuple[Exemption, ...] = ()

    def __post_init__(self) -> None:
        if self.exemptions and not self.city_managed:
            raise RuleViolation(
                "R6",
                "only city-managed leaders are exempt; remove the exemption or correct the person",
                "只有市管领导干部可暂不纳入申报，请撤销免报或更正人员信息",
            )


@dataclass(frozen=True)
class Obligation:
    """Whether a person must report, by which rule, and why, in Chinese. ``exemption``: the one in force.

    Who need not report may still be declared as somebody's relative, and is then matched (R6).
    """

    due: bool
    rule: str
    reason_zh: str
    exemption: Exemption | None = None


@dataclass(frozen=True)
class Receivers:
    """The units that a person reports to. Complete when all of ``required`` have the declaration.

    ``principal`` is the first of ``required``; ``copies`` get one for information (R11). However many
    units have it, it is one person's declaration: count persons, not copies (R10).
    """

    rule: str
    required: tuple[str, ...]
    copies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        units = self.required + self.copies
        if not self.required or len(set(units)) != len(units):
            raise ValueError("at least one receiver, each named once")

    @property
    def principal(self) -> str:
        """The unit that leads: the only one, the department (R10) or the principal host (R11)."""
        return self.required[0]

    def missing(self, received: Iterable[str]) -> tuple[str, ...]:
        """Which of the required units do not have the declaration yet."""
        got = set(received)
        return tuple(unit for unit in self.required if unit not in got)


def must_report(person: Person, tree: UnitTree, rules: RuleSet, on: date) -> Obligation:
    """Whether ``person`` must report on that day (R1 to R6). RuleViolation R5, R7, R9 on bad facts."""
    unit = tree.get(person.unit, on)
    check_post(person, unit)
    duty = _duty(person, unit, tree.receiver(unit.name, on), rules)
    if not duty.due or not person.city_managed or not _exemptible(unit, tree, rules, on):
        return duty
    exemption = next((e for e in person.exemptions if e.holds_on(on)), None)
    if exemption is None:
        return replace(
            duty, reason_zh=f"{duty.reason_zh}；市管领导干部，但没有在有效期内的免报记录"
        )
    zh = f"市管领导干部暂不纳入申报，至{exemption.valid_to}止：{exemption.reason}"
    return Obligation(False, "R6", zh, exemption)


def grant_exemption(person: Person, exemption: Exemption, tree: UnitTree, rules: RuleSet) -> Person:
    """The person with one more exemption. RuleViolation R6 where the rules admit none, or none so long."""
    began = exemption.valid_from
    if not _exemptible(tree.get(person.unit, began), tree, rules, began):
        raise RuleViolation(
            "R6",
            "leaders of this unit are not exempt under the rules in force; let the person report",
            "按现行规则，该单位的市管领导干部也须申报",
        )
    days = (exemption.valid_to - exemption.valid_from).days + 1
    if days > rules.exemption_longest_days:
        raise RuleViolation(
            "R6",
            f"an exemption lasts at most {rules.exemption_longest_days} days; end it earlier and "
            "decide again",
            f"一次免予申报最长{rules.exemption_longest_days}天，请提前截止日期，到期再行确认",
        )
    return replace(person, exemptions=(*person.exemptions, exemption))


def receivers(person: Person, tree: UnitTree, rules: RuleSet, on: date) -> Receivers:
    """Where ``person`` reports on that day (R8 to R12). RuleViolation R5, R7, R9 on bad facts."""
    unit = tree.get(person.unit, on)
    check_post(person, unit)
    if unit.kind is UnitKind.OUTPOSTED_BODY:
        return _outposted(unit, tree, rules, on)
    if unit.kind is UnitKind.STATIONED_DISCIPLINE_GROUP:
        if rules.stationed_hosts is HostReading.ALL:
            return Receivers("R11", unit.hosts)
        return Receivers("R11", unit.hosts[:1], unit.hosts[1:])
    rule = "R12" if unit.kind in VILLAGE_KINDS else "R9" if unit.kind in BELOW_KINDS else "R8"
    return Receivers(rule, (tree.receiver(unit.name, on).name,))


def require_receiver(unit: str, where: Receivers) -> None:
    """Nothing, if ``unit`` may hold the declaration: each unit holds its own people's (R13)."""
    if unit not in where.required + where.copies:
        to = ", ".join(where.required)
        raise RuleViolation(
            "R13",
            f"this person does not report to unit {unit!r}; hand the declaration to {to} "
            f"({where.rule})",
            f"该同志不向本单位申报，应报送：{to}（依据{where.rule}）",
        )


def check_post(person: Person, unit: Unit) -> None:
    """Nothing, if the post exists in that kind of unit. RuleViolation R5 or R9 otherwise."""
    if person.post in VILLAGE_POSTS and unit.kind not in VILLAGE_KINDS:
        raise RuleViolation(
            "R5",
            "this post exists in villages and communities alone; correct the unit or the post",
            f"“{person.post}”只用于村（社区），请更正单位或职务类别",
        )
    if person.post is Post.INSTITUTION_HEAD and unit.kind not in BELOW_KINDS:
        raise RuleViolation(
            "R9",
            "a head of a subordinate institution belongs to one; correct the unit or the post",
            "“下属单位负责人”只用于下属单位，请更正单位或职务类别",
        )


def _duty(person: Person, unit: Unit, receiver: Unit, rules: RuleSet) -> Obligation:
    if unit.kind in VILLAGE_KINDS:
        if person.post in VILLAGE_POSTS:
            return Obligation(True, "R5", f"{person.post}须申报")
        return Obligation(False, "R5", "村（社区）仅限村（社区）干部、小组长和财政补助、供养人员")
    if unit.kind in MANAGERS_ONLY_KINDS:
        due = person.level is Level.MAIN_MANAGER
        return Obligation(due, "R2", "学校、医院仅限主要管理人员")
    if unit.kind in ENTERPRISE_KINDS:
        return _enterprise_duty(person, rules)
    due = person.party_member or person.cadre
    rule = "R4" if receiver.kind in TOWNSHIP_KINDS else "R1"
    return Obligation(due, rule, "党员、干部须申报" if due else "既非党员也非干部，不在申报范围内")


def _enterprise_duty(person: Person, rules: RuleSet) -> Obligation:
    manager = person.level is not Level.ORDINARY
    if rules.enterprise_all_party_members:
        due = manager or person.party_member
        return Obligation(due, "R3", "国有企业及下属企业仅限中层以上干部及全体党员")
    due = manager and (person.party_member or person.cadre)
    return Obligation(due, "R3", "国有企业及下属企业仅限中层以上的干部和党员")


def _exemptible(unit: Unit, tree: UnitTree, rules: RuleSet, on: date) -> bool:
    """R6's note stands below annex 1, which has no township and no street."""
    annex_1 = tree.receiver(unit.name, on).kind not in TOWNSHIP_KINDS
    return rules.city_managed_exempt and (annex_1 or rules.exempt_outside_annex_1)


def _outposted(body: Unit, tree: UnitTree, rules: RuleSet, on: date) -> Receivers:
    if body.parent is None or body.seat is None:
        raise ValueError("an outposted body has a parent and a seat")  # Unit refuses it before
    first = tree.get(body.parent, on).name
    if rules.outposted_first_receiver is OutpostedReceiver.BODY:
        first = body.name
    return Receivers("R10", (first, body.seat))
