"""Makes the officials of the district, their families, and the overlaps between those families.

Besides ordinary families there are *recipes*: couples and siblings who are both officials, spouses
with unusual papers or a number that ends in X, officials of outposted bodies. Each occurs at least
:data:`AT_LEAST` times however small the district is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import chain, repeat
from random import Random

from demo.entries import Official
from demo.families import Kin, Papers, Person
from demo.people import PeopleMaker
from demo.units import Post, Unit

AT_LEAST = 2
_MARRIED_TO = ("permit", "foreign", "foreign_old", "passport", "ends_in_x")
_COUPLE, _SIBLINGS, _OUTPOSTED, _PLAIN = "couple", "siblings", "outposted", "plain"
# Parts of all officials, beyond the guaranteed ones: 3 % of families have two officials who are
# married, 2 % two who are siblings; 1 % of officials work in an outposted body.
_SHARES = ((_COUPLE, 0.03), (_SIBLINGS, 0.02), (_OUTPOSTED, 0.01))
SMALLEST = 40  # officials: room for every recipe, with ordinary families beside them
# A relative is left out (漏报) in this part of the cases: a spouse never, others ever more often.
_OMITTED = {"配偶": 0.0, "子女": 0.01, "本人的父母": 0.01}
_OMITTED_OTHERWISE = 0.1


class StaffMaker:
    """Makes officials one family at a time."""

    def __init__(self, rng: Random, people: PeopleMaker, units: Sequence[Unit]) -> None:
        self._rng = rng
        self._people = people
        self._units = tuple(unit for unit in units if unit.declares)
        self._weights = [unit.weight for unit in self._units]
        self._leading = {unit: [p for p in unit.posts if not p.share] for unit in self._units}
        self._ordinary = {unit: [p for p in unit.posts if p.share] for unit in self._units}
        if not self._outposts():
            raise ValueError("a department and a township that take declarations are needed")

    def make(self, count: int) -> list[Official]:
        """``count`` officials; the members of one family are next to each other."""
        if count < SMALLEST:
            raise ValueError(f"a district has at least {SMALLEST} officials")
        officials: list[Official] = []
        for recipe in self._recipes():
            if len(officials) >= count:
                break
            persons = self._family(recipe)[: count - len(officials)]
            units = self._assign(recipe, len(persons))
            officials.extend(map(self._appoint, persons, units))
        return officials

    def _recipes(self) -> Iterator[str]:
        guaranteed = [*_MARRIED_TO, _COUPLE, _SIBLINGS, _OUTPOSTED] * AT_LEAST
        names = [*(name for name, _ in _SHARES), _PLAIN]
        shares = [share for _, share in _SHARES]
        weights = [*shares, 1 - sum(shares)]
        drawn = (self._rng.choices(names, weights)[0] for _ in repeat(None))
        return chain(guaranteed, drawn)

    def _family(self, recipe: str) -> list[Person]:
        """The officials of one new family: one, or two where the recipe says so."""
        people = self._people
        official = people.adult(24, 59, papers="resident")
        if recipe in _MARRIED_TO:
            self._marry(official, recipe)
        if recipe == _COUPLE:
            self._marry(official, "resident")
        people.grow_family(official)
        if recipe == _COUPLE:
            second = people.kinship.spouse[official]
        elif recipe == _SIBLINGS:
            second = self._sibling(official)
            people.grow_family(second)
        else:
            return [official]
        return [official, second]

    def _marry(self, official: Person, recipe: str) -> None:
        papers = "resident" if recipe == "ends_in_x" else recipe
        while True:
            years = self._rng.uniform(-3, 3)
            birth = official.birth + timedelta(days=int(365 * years))
            birth = min(birth, self._people.birth_between(23, 24))
            spouse = self._people.person(birth, male=not official.male, papers=papers)
            if recipe != "ends_in_x" or spouse.number.endswith("X"):
                break
        self._people.kinship.marry(official, spouse)

    def _sibling(self, official: Person) -> Person:
        """A living brother or sister of working age: one who is there, or one more."""
        people, kinship = self._people, self._people.kinship
        siblings = kinship.siblings(official)
        for sibling in siblings:
            resident = sibling.papers is Papers.RESIDENT_ID
            if sibling.living and resident and 24 <= people.age(sibling.birth) < 60:
                return sibling
        father, mother = kinship.parents(official)
        birth = self._birth_between(official, siblings)
        sibling = people.person(
            birth, surname=father.surname, papers="resident", home=official.home
        )
        kinship.bear(sibling, father, mother)
        return sibling

    def _birth_between(self, official: Person, siblings: list[Person]) -> date:
        """A birth date of one more child, some years from the official's, at working age."""
        older = self._people.age(official.birth) < 40
        taken = [sibling.birth for sibling in siblings]
        for years in (2, 3, 4, 5, 6, 7, 8):
            days = years * 365 + self._rng.randrange(200)
            birth = official.birth + timedelta(days=-days if older else days)
            if all(abs((birth - other).days) > 340 for other in taken):
                break
        return birth

    def _assign(self, recipe: str, persons: int) -> list[tuple[Unit, ...]]:
        if recipe == _OUTPOSTED:
            return [self._rng.choice(self._outposts())]
        first = self._rng.choices(self._units, self._weights)[0]
        if persons == 1:
            return [(first,)]
        others = [unit for unit in self._units if unit is not first]
        return [(first,), (self._rng.choice(others),)]

    def _outposts(self) -> list[tuple[Unit, ...]]:
        departments = [unit for unit in self._units if not unit.township]
        townships = [unit for unit in self._units if unit.township]
        return [(department, township) for department in departments for township in townships]

    def _appoint(self, person: Person, units: tuple[Unit, ...]) -> Official:
        unit = units[0]
        post = self._post(unit, person, leads=len(units) == 1)
        employer = unit.name
        if len(units) == 2:
            employer = f"{unit.name}驻{units[1].name}服务站"
        elif post.village and unit.villages:
            employer = unit.name + self._rng.choice(unit.villages)
        declared: list[Kin] = []
        omitted: list[Kin] = []
        for kin in self._people.kinship.relatives(person):
            chance = _OMITTED.get(kin.relation, _OMITTED_OTHERWISE)
            (omitted if self._rng.random() < chance else declared).append(kin)
        return Official(person, units, employer, post, tuple(declared), tuple(omitted))

    def _post(self, unit: Unit, person: Person, *, leads: bool) -> Post:
        leading = self._leading[unit]
        if leads and leading and self._people.age(person.birth) >= 38:
            return leading.pop(0)
        ordinary = self._ordinary[unit]
        return self._rng.choices(ordinary, [post.share for post in ordinary])[0]
