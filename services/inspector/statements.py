"""How the statements of all units stand (R49, R50), from what declaring units reported on their cases.

For 区委组织部: counts and nothing of any case. An official whom two units declare owes one statement for a
matter; either unit may report it (R10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from libmatch.china_time import china_day
from services.chassis.identity import Identity
from services.inspector.case_matters import CaseMatter, CaseMatters
from services.process.statements import Stated, StatementReport
from services.rules.matter_facts import Actor, Recipient, State
from services.rules.matter_steps import Inform
from services.rules.roles import Role
from services.rules.ruleset import RuleSets
from services.rules.statements import (
    Statement,
    StatementFigures,
    ToExplain,
    count_statements,
    list_due,
    visible_units,
)

_OFFICIAL = "official-{}"


@dataclass(repr=False)
class _Ledger:
    """What the officials of one unit owe, and what they explained; officials by numbers of their own."""

    owed: list[ToExplain] = field(default_factory=list)
    stated: dict[tuple[str, int], list[Stated]] = field(default_factory=dict)


@dataclass(frozen=True)
class StatementOversight:
    """``services.process.statements.StatementBook`` of all units, for 区委组织部."""

    matters: CaseMatters
    names: Callable[[], dict[str, str]]
    rules: RuleSets
    now: Callable[[], datetime]

    def count(self, caller: Identity) -> StatementReport:
        """The counts of every unit. RuleViolation R50 for who is not of 区委组织部."""
        of_department = caller.role == "organisation"
        role = Role.ORGANISATION_DEPARTMENT if of_department else Role.INSPECTOR
        names, on = self.names(), china_day(self.now())
        units = visible_units(Actor(caller.name, caller.name, "", role), sorted(names))
        ledgers = self._read()
        figures = (self._count(unit, ledgers.get(unit, _Ledger()), on) for unit in units)
        return StatementReport(on, tuple(figures), names)

    def _count(self, unit: str, ledger: _Ledger, on: date) -> StatementFigures:
        rules = self.rules.on(on)
        stated = [_statement(official, ones) for (official, _), ones in ledger.stated.items()]
        return count_statements(unit, list_due(ledger.owed, stated, rules), on)

    def _read(self) -> dict[str, _Ledger]:
        ledgers: dict[str, _Ledger] = {}
        numbers: dict[object, str] = {}
        for one in self.matters.read_matters():
            key = one.case.key.official
            official = numbers.setdefault(key, _OFFICIAL.format(len(numbers)))
            for unit in one.case.declaring_units:
                ledger = ledgers.setdefault(unit, _Ledger())
                ledger.owed.append(_to_explain(one, unit, official))
                for stated in one.stated:
                    ledger.stated.setdefault((official, stated.year), []).append(stated)
        return ledgers


def _statement(official: str, stated: list[Stated]) -> Statement:
    """All that the official explained of one year, as the record of the last meeting."""
    last = max(stated, key=lambda one: one.held_on)
    explained = frozenset(one.case_id for one in stated)
    days = (last.meeting, last.held_on)
    return Statement(official, last.unit, last.year, *days, explained, "", last.held_on)


def _to_explain(one: CaseMatter, unit: str, official: str) -> ToExplain:
    """The matter, known since ``unit`` has its copy, which the unit itself reported (R36)."""
    copied = [
        entry.at
        for entry in one.folded.entries
        if entry.actor.unit == unit
        and isinstance(entry.step, Inform)
        and entry.step.recipient is Recipient.UNIT
    ]
    known_on = china_day(min(copied, default=one.told_at))
    live = one.folded.matter.state is not State.WITHDRAWN
    # Which meeting is the right one, the unit has checked: 纪委 does not know who is a party member.
    return ToExplain(official, unit, True, one.case.case_id, known_on, live)
