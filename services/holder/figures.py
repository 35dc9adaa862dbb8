"""A unit in numbers, by one of its two services: declarations or items, and the matters it holds (R55).

A registry counts the matters about the unit's own officials, a beneficiary those that the unit approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.records import Side
from services.chassis.db import Database
from services.holder.accounts import Accounts
from services.holder.material import Material
from services.holder.store import matters as store
from services.holder.store.figures import read_submitted
from services.holder.store.matters import Transaction
from services.process.district_data import DistrictData
from services.process.figure_book import (
    DeadlineReport,
    FigureReport,
    UnitFigures,
    find_campaign,
    weigh_deadlines,
)
from services.process.figures import count_matters, first_publication
from services.process.receivers import WhoReports, list_receivers
from services.rules.deadlines import Step
from services.rules.figures import DeclarationFact, figures_of_unit
from services.rules.matter_facts import Matter
from services.rules.roles import STAFF


@dataclass(frozen=True)
class Declared:
    """An official of the unit, by an opaque reference.

    ``entered_on`` None: not yet entered. ``due_on`` None: by the campaign's day.
    """

    person: str
    entered_on: date | None
    due_on: date | None = None


@dataclass(frozen=True)
class People:
    """The unit's officials: their declarations, and how many of them have a live matter."""

    declared: Sequence[Declared] = ()
    with_matters: int = 0


PeopleOf = Callable[[Transaction], People]
"""What a registry knows of the unit's officials; a beneficiary knows none."""


def nobody(session: Transaction) -> People:
    """No officials: what a beneficiary knows of them."""
    del session
    return People()


@dataclass(frozen=True)
class UnitFigureBook:
    """``services.process.figure_book.FigureBook`` of one unit and side."""

    database: Database
    material: Material
    accounts: Accounts
    data: DistrictData
    people: PeopleOf
    now: Callable[[], datetime]

    def figures(self) -> FigureReport:
        """The unit's own figures."""
        on = china_day(self.now())
        figures = self.database.read(self._count)
        return FigureReport(on, (figures,))

    def deadlines(self, campaign: str) -> DeadlineReport:
        """What the unit is late with, of the steps that this service knows. Raises InputError."""
        asked, unit = find_campaign(self.data, campaign), self.material.unit
        others = Step.ITEMS if self._declares else Step.DECLARATIONS
        known = tuple(one for one in asked.deadlines if one.step is not others)
        done = {(unit, step): day for step, day in self._done().items()}
        own = replace(asked, deadlines=known)
        return weigh_deadlines(self.data, own, done, china_day(self.now()), [unit])

    def receivers(self, unit: str, on: date | None) -> tuple[WhoReports, ...]:
        """Who reports to ``unit``, "" for this one (R1 to R12). Raises RuleViolation."""
        day, receiver = on or china_day(self.now()), unit or self.material.unit
        return list_receivers(self.data.units, self.data.rules(day), day, receiver)

    @property
    def _declares(self) -> bool:
        return self.material.side is Side.REGISTRY

    def _count(self, session: Transaction) -> UnitFigures:
        unit, now, people = self.material.unit, self.now(), self.people(session)
        counts = count_matters("", self._matters(session), self.data.rulesets.get, now)
        _, records = read_submitted(session)
        return UnitFigures(
            unit,
            self.material.display_name,
            figures_of_unit(unit, self._facts(people), (), china_day(now)),
            replace(counts, unit=unit, concerning=counts.concerning if self._declares else 0),
            declaration_records=records if self._declares else 0,
            item_records=0 if self._declares else records,
            officials=people.with_matters,
        )

    def _facts(self, people: People) -> list[DeclarationFact]:
        unit = self.material.unit
        last = self.data.last_day(Step.DECLARATIONS, unit, china_day(self.now())) or date.max
        return [
            DeclarationFact(one.person, unit, one.due_on or last, one.entered_on)
            for one in people.declared
        ]

    def _matters(self, session: Transaction) -> list[Matter]:
        return [case.matter for case in store.read_cases(session, [], self.data.rulesets)]

    def _done(self) -> dict[Step, date]:
        days = {Step.STAFF_FORMS: self._forms_filed()}

        def read(session: Transaction) -> None:
            first, _ = read_submitted(session)
            days[Step.DECLARATIONS if self._declares else Step.ITEMS] = first
            unit, matters = self.material.unit, self._matters(session)
            days[Step.FIRST_PUBLICATION] = first_publication(unit, matters, first)

        self.database.read(read)
        return {step: day for step, day in days.items() if day is not None}

    def _forms_filed(self) -> date | None:
        """The day on which the forms of leader and worker were both on file with 纪委 (R57)."""
        files = [file for file in self.accounts.store.read().values() if not file.disabled]
        days = [
            [file.filing.filed_on for file in files if role in file.roles and file.filing.filed_on]
            for role in STAFF
        ]
        return max(min(ones) for ones in days) if all(days) else None
