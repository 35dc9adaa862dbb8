"""The district in numbers, as 纪委 knows it: from its cases, the units' reports, headers and filings (R55).

纪委 sees no declaration, so a unit has "filed" when it submitted its first batch; how many officials stand
behind it, the unit's own service tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.identifiers import Identifier
from libmatch.manifest import Role
from libmatch.records import Side
from services.inspector.case_matters import CaseMatters
from services.inspector.cases import Case
from services.inspector.epochs import Epochs
from services.inspector.states import StaffPost
from services.inspector.store.filings import Filings
from services.inspector.store.submissions import Submissions, Submitted
from services.process.district_data import DistrictData
from services.process.figure_book import (
    DeadlineReport,
    FigureReport,
    UnitFigures,
    find_campaign,
    weigh_deadlines,
)
from services.process.figures import count_matters, first_publication
from services.process.receivers import WhoReports, find_missing, list_receivers
from services.rules.deadlines import Step
from services.rules.figures import DeclarationFact, figures_of_district, figures_of_unit
from services.rules.matter_facts import Matter, State

SubmittedBy = dict[tuple[str, Side], Submitted]
_REPORTING = Role.REGISTRY | Role.BENEFICIARY


@dataclass(repr=False)
class _Share:
    """What concerns one unit: matters that it approves or whose official is its own, and these officials."""

    matters: list[Matter] = field(default_factory=list)
    officials: set[Identifier] = field(default_factory=set)


@dataclass(frozen=True)
class DistrictFigures:
    """``services.process.figure_book.FigureBook`` of the whole district."""

    matters: CaseMatters
    submissions: Submissions
    filings: Filings
    epochs: Epochs
    data: DistrictData
    now: Callable[[], datetime]

    def figures(self) -> FigureReport:
        """Every reporting unit and every member of the roster, and all of them together."""
        now, submitted = self.now(), self.submissions.read()
        on, names = china_day(now), self.names()
        shares, whole = self._shares()
        facts = self._declarations(submitted, on)
        units = tuple(
            self._count(unit, names[unit], shares.get(unit, _Share()), facts, submitted, now)
            for unit in sorted(names)
        )
        district = self._count("", "全区", whole, facts, submitted, now)
        enrolled = frozenset(self._enrolled(Role.REGISTRY))
        done = frozenset(unit for unit, side in submitted if side is Side.REGISTRY)
        missing = tuple(find_missing(self.data.units, on, enrolled, done))
        return FigureReport(on, units, district, missing)

    def deadlines(self, campaign: str) -> DeadlineReport:
        """What is late by ``campaign``, the newest for "" (R57 to R60). Raises InputError."""
        on, submitted = china_day(self.now()), self.submissions.read()
        asked = find_campaign(self.data, campaign)
        done = {(unit, Step.STAFF_FORMS): day for unit, day in self._filed().items()}
        for (unit, side), one in submitted.items():
            step = Step.DECLARATIONS if side is Side.REGISTRY else Step.ITEMS
            done[unit, step] = china_day(one.first_at)
        shares, _ = self._shares()
        for unit in self.names():
            first = done.get((unit, Step.DECLARATIONS), done.get((unit, Step.ITEMS)))
            through = first_publication(unit, shares.get(unit, _Share()).matters, first)
            if through is not None:
                done[unit, Step.FIRST_PUBLICATION] = through
        return weigh_deadlines(self.data, asked, done, on, None)

    def receivers(self, unit: str, on: date | None) -> tuple[WhoReports, ...]:
        """Who reports to ``unit``, or every unit's people for "" (R1 to R12). Raises RuleViolation."""
        day = on or china_day(self.now())
        return list_receivers(self.data.units, self.data.rules(day), day, unit)

    # --- what they are counted from -----------------------------------------------------------

    def names(self) -> dict[str, str]:
        """Reporting units of today (R7) and members of the roster, as people see them."""
        today = china_day(self.now())
        names = {unit.name: unit.display for unit in self.data.units.receiving_units(today)}
        return names | {
            member.unit: member.display_name
            for member in self.epochs.current.roster.members
            if member.roles & _REPORTING
        }

    def _enrolled(self, role: Role) -> Iterable[str]:
        members = self.epochs.current.roster.members
        return (member.unit for member in members if member.active and member.roles & role)

    def _shares(self) -> tuple[dict[str, _Share], _Share]:
        shares: dict[str, _Share] = {}
        whole = _Share()
        for case, folded in self.matters.fold_cases():
            matter = folded.matter
            for unit in {matter.approving_unit, *matter.declaring_units}:
                shares.setdefault(unit, _Share()).matters.append(matter)
            whole.matters.append(matter)
            _add_official(case, matter, shares, whole)
        return shares, whole

    def _filed(self) -> dict[str, date]:
        """Unit → the day on which the second of its two forms was filed (R57)."""
        days: dict[str, dict[StaffPost, date]] = {}
        for form in self.filings.read():
            days.setdefault(form.unit, {})[form.post] = form.filed_on
        return {unit: max(d.values()) for unit, d in days.items() if len(d) == len(StaffPost)}

    def _declarations(self, submitted: SubmittedBy, on: date) -> list[DeclarationFact]:
        """One for each reporting unit that a campaign asks for declarations, or that sent some."""
        facts = []
        for unit in self.names():
            one = submitted.get((unit, Side.REGISTRY))
            due = self.data.last_day(Step.DECLARATIONS, unit, on)
            if due is not None or one is not None:
                filed = None if one is None else china_day(one.first_at)
                facts.append(DeclarationFact(unit, unit, due or date.max, filed))
        return facts

    def _count(
        self,
        unit: str,
        display: str,
        share: _Share,
        facts: list[DeclarationFact],
        submitted: SubmittedBy,
        now: datetime,
    ) -> UnitFigures:
        on = china_day(now)
        filing = (
            figures_of_unit(unit, facts, (), on) if unit else figures_of_district(facts, (), on)
        )
        counts = count_matters(unit, share.matters, self.data.rulesets.get, now)
        records = dict.fromkeys(Side, 0)
        for (name, side), one in submitted.items():
            records[side] += one.records if unit in ("", name) else 0
        told = (records[Side.REGISTRY], records[Side.BENEFICIARY], len(share.officials))
        return UnitFigures(unit, display, filing, counts, *told)


def _add_official(case: Case, matter: Matter, shares: dict[str, _Share], whole: _Share) -> None:
    """Counts the case's official with each unit that declares him, and once in the district (R10)."""
    if matter.state is State.WITHDRAWN:
        return
    for unit in case.declaring_units:
        shares[unit].officials.add(case.key.official)
    whole.officials.add(case.key.official)
