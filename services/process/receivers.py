"""Who must report, and to which unit, unit by unit as of a day (R1 to R12). Pure, from the list of units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.rules.reporting import (
    Level,
    Person,
    Post,
    Receivers,
    must_report,
    receivers,
)
from services.rules.ruleset import RuleSet
from services.rules.unit_kinds import RECEIVING_KINDS, VILLAGE_KINDS
from services.rules.units import Unit, UnitTree


@dataclass(frozen=True)
class WhoReports:
    """The people of ``unit`` and where they report.

    ``who_zh``: who of them must, by ``who_rule`` (R1 to R5); ``where``: by R8 to R12.
    """

    unit: Unit
    who_rule: str
    who_zh: str
    where: Receivers


def list_receivers(
    tree: UnitTree, rules: RuleSet, on: date, receiver: str = ""
) -> tuple[WhoReports, ...]:
    """Every unit of that day by name, or those whose people report to ``receiver`` (copies too, R11).

    RuleViolation R7 where there is no unit ``receiver`` on that day.
    """
    if receiver:
        tree.get(receiver, on)
    found = (_who_reports(unit, tree, rules, on) for unit in tree.units(on))
    return tuple(one for one in found if not receiver or receiver in _all_of(one.where))


def _all_of(where: Receivers) -> tuple[str, ...]:
    return where.required + where.copies


def _who_reports(unit: Unit, tree: UnitTree, rules: RuleSet, on: date) -> WhoReports:
    person = _somebody(unit)
    duty = must_report(person, tree, rules, on)
    return WhoReports(unit, duty.rule, duty.reason_zh, receivers(person, tree, rules, on))


def _somebody(unit: Unit) -> Person:
    """Somebody of the unit who must report, so that the rules say why."""
    post = Post.VILLAGE_CADRE if unit.kind in VILLAGE_KINDS else Post.SECTION
    return Person(unit.name, post, Level.MAIN_MANAGER, party_member=True, cadre=True)


# --- units that are missing -----------------------------------------------------------------------


@dataclass(frozen=True)
class MissingUnit:
    """A reporting unit (R7) that cannot report or has not: what is wrong, in Chinese."""

    unit: str
    display: str
    what_zh: str


def find_missing(
    tree: UnitTree, on: date, enrolled: frozenset[str], submitted: frozenset[str]
) -> Iterator[MissingUnit]:
    """Every reporting unit of that day that is not enrolled, or never submitted a declaration (R7)."""
    for unit in tree.units(on):
        if unit.kind not in RECEIVING_KINDS:
            continue
        if unit.name not in enrolled:
            yield MissingUnit(unit.name, unit.display, "未列入名册，不能申报")
        elif unit.name not in submitted:
            yield MissingUnit(unit.name, unit.display, "已列入名册，尚未提交申报")
