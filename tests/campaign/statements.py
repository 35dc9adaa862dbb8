"""The yearly statement: who owes one, who gave it, and how it stands in every unit (R49, R50)."""

from __future__ import annotations

from datetime import date

import pytest

from libmatch.errors import ServiceError
from services.cli.peers.statements import OversightClient, StatementsClient, UnitStatementsLine
from tests.campaign.site import OFFICERS
from tests.campaign.staff import WORKER
from tests.campaign.story import UNITS
from tests.campaign.year import REASON, Year

DUE = date(2019, 3, 31)


class Statements:
    """The officials of every unit who had a matter in 2018."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.given: dict[str, set[str]] = {}
        self.names = {o.person.idn: o.person.name for o in year.story.officials}

    def owed(self, unit: str) -> set[str]:
        """Which of the unit's officials had at least one matter in 2018 that holds (R49)."""
        model, today = self.year.model, self.year.today
        hits = model.hits(today)
        told = [key for key in hits if key in model.matters and unit in hits[key]]
        keys = [key for key in told if model.matters[key].notified.year == 2018]
        return {self.names[key[0]] for key in keys}

    def give(self, unit: str, *, all_of_them: bool) -> None:
        """Officials explain their matters at 组织生活会: everybody, or every second one."""
        client = self._at(unit)
        dues = sorted(client.list_due(2018, REASON), key=lambda due: due.official_name)
        assert {due.official_name for due in dues} == self.owed(unit), unit
        chosen = dues if all_of_them else dues[::2]
        for due in chosen:
            cases = [bytes.fromhex(one.case_id) for one in due.matters]
            ref = bytes.fromhex(due.official_ref)
            left = client.record(ref, 2018, "组织生活会", self.year.today.isoformat(), cases)
            assert left.missing == 0
        self.given[unit] = {due.official_name for due in chosen}

    def compare(self) -> int:
        """The overdue ones of the district, once units and 纪委 say what must be."""
        self.year.site.settle()
        overdue = self.year.today > DUE
        inspector = OversightClient(self.year.site.officer(OFFICERS[0]))
        with pytest.raises(ServiceError, match="role"):  # 纪委 is not who oversees them (R50)
            inspector.count()
        office = OversightClient(self.year.site.officer("sun", "organisation"))
        told = {line.unit: line for line in office.count()[1]}
        everywhere = set().union(*self.given.values())  # who reports twice explains once (R10)
        late = 0
        for unit in UNITS:
            owed = self.owed(unit.id)
            (own,) = OversightClient(self.year.site.clerk(unit.id, "registry", WORKER)).count()[1]
            self._same(own, owed, self.given.get(unit.id, set()), overdue=overdue)
            if owed:
                self._same(told[unit.id], owed, everywhere, overdue=overdue)
                late += len(owed - everywhere) if overdue else 0
        return late

    @staticmethod
    def _same(line: UnitStatementsLine, owed: set[str], given: set[str], *, overdue: bool) -> None:
        left = len(owed - given)
        expected = (len(owed), len(owed) - left, 0, left if overdue else 0)
        assert (line.owed, line.complete, line.partial, line.overdue) == expected, line.unit

    def _at(self, unit: str) -> StatementsClient:
        return StatementsClient(self.year.site.clerk(unit, "registry", WORKER))
