"""Makes the items of the approving units: for the chosen overlaps, and for villagers in general."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from demo.entries import AGENT, BENEFICIARY, LEGAL_REPRESENTATIVE, Company, Item, Party
from demo.families import Person
from demo.overlaps import Overlap
from demo.people import PeopleMaker
from demo.units import Unit

_CONTRACTED = 0.12  # part of the items that a company carries out
_AGENT = 0.4  # part of those that have an entrusted agent too
_AGAIN = 0.08  # a villager who is on a list already
FIRST_START = date(2018, 1, 1)  # R29


class ItemMaker:
    """Makes items one by one; references count up per unit and year."""

    def __init__(self, rng: Random, people: PeopleMaker, units: Sequence[Unit]) -> None:
        self._rng = rng
        self._people = people
        self._units = tuple(unit for unit in units if unit.approves)
        self._weights = [unit.weight for unit in self._units]
        self._villagers: list[Person] = []
        self._count: dict[Unit, int] = dict.fromkeys(self._units, 0)
        self._places = [(u.name, village) for u in units for village in u.villages]
        if not self._places:
            raise ValueError("a township with villages is needed: items are enjoyed somewhere")

    def make(self, count: int, overlaps: Sequence[Overlap]) -> list[Item]:
        """``count`` items in random order, those of the overlaps among them."""
        wanted = [one for one in overlaps for _ in range(one.case.items)]
        if len(wanted) > count:
            raise ValueError(f"{len(wanted)} items are needed for the overlaps alone")
        rows: list[Overlap | None] = [*wanted, *([None] * (count - len(wanted)))]
        self._rng.shuffle(rows)
        return [self._item(row) for row in rows]

    def _item(self, overlap: Overlap | None) -> Item:
        capacity = overlap.case.capacity if overlap else BENEFICIARY
        contracted = capacity != BENEFICIARY
        if overlap is None:
            contracted = self._rng.random() < _CONTRACTED
        return self._contract(overlap) if contracted else self._grant(overlap)

    def _grant(self, overlap: Overlap | None) -> Item:
        person = overlap.person if overlap else self._villager()
        return self._assemble((Party(person, BENEFICIARY),), None)

    def _contract(self, overlap: Overlap | None) -> Item:
        capacity = overlap.case.capacity if overlap else ""
        representative = self._people.adult(25, 65, papers="resident")
        agent = self._people.adult(22, 60, papers="resident")
        if overlap and capacity == LEGAL_REPRESENTATIVE:
            representative = overlap.person
        if overlap and capacity == AGENT:
            agent = overlap.person
        parties = [Party(representative, LEGAL_REPRESENTATIVE)]
        if capacity == AGENT or self._rng.random() < _AGENT:
            parties.append(Party(agent, AGENT))
        company = Company(self._people.names.company(), self._people.numbers.credit_code())
        return self._assemble(tuple(parties), company)

    def _assemble(self, parties: tuple[Party, ...], company: Company | None) -> Item:
        unit = self._rng.choices(self._units, self._weights)[0]
        fitting = [p for p in unit.programmes if p.contracted == (company is not None)]
        programme = self._rng.choice(fitting)
        days = (self._people.as_of - FIRST_START).days
        start = FIRST_START + timedelta(days=self._rng.randrange(days))
        town, village = self._rng.choice(self._places)
        self._count[unit] += 1
        low, high = programme.yuan
        yuan = self._rng.randrange(low, high + 1)
        return Item(
            ref=f"{unit.id.upper()}-{start.year}-{self._count[unit]:06d}",
            unit=unit,
            programme=programme,
            name=f"{start.year}年{village}{programme.name}",
            amount_fen=yuan * 100 + (self._rng.randrange(100) if yuan % 3 == 0 else 0),
            place=town + village,
            start=start,
            parties=parties,
            company=company,
        )

    def _villager(self) -> Person:
        if self._villagers and self._rng.random() < _AGAIN:
            return self._rng.choice(self._villagers)
        villager = self._people.adult(18, 88)
        self._villagers.append(villager)
        return villager
