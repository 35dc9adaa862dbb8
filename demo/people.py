"""Draws persons and the families around officials: ages, sexes and surnames that fit together.

Survival, marriage and the number of children follow rough curves for the year of birth, so that an
official declares about eight living relatives on average. Nothing here is a statistic of any place.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TypeVar

from demo.families import Kinship, Papers, Person
from demo.names import FOREIGN_SURNAMES, NamePool
from demo.numbers import NumberIssuer

_Entry = TypeVar("_Entry")

# Chance to be alive by age reached: (up to this age, chance).
_SURVIVAL = ((60, 0.985), (70, 0.94), (78, 0.82), (85, 0.52), (92, 0.2), (120, 0.03))
_MARRIED = ((22, 0.02), (26, 0.3), (30, 0.7), (120, 0.94))
# Number of children by the mother's year of birth: weights of 0, 1, 2, 3, 4 children.
_CHILDREN = (
    (1955, (2, 12, 36, 32, 18)),
    (1970, (4, 52, 36, 8, 0)),
    (1988, (8, 64, 27, 1, 0)),
    (2010, (30, 52, 18, 0, 0)),
)
_YEAR = 365.2425  # days
_RESIDENT = Papers.RESIDENT_ID
_FOREIGN = frozenset({"foreign", "foreign_old", "passport"})
_ELSEWHERE = 0.012  # persons whose papers are not a mainland resident ID


class PeopleMaker:
    """Makes the persons of one run. ``as_of`` is the day on which ages are reckoned."""

    def __init__(self, rng: Random, as_of: date) -> None:
        self._rng = rng
        self.as_of = as_of
        self.names = NamePool(rng)
        self.numbers = NumberIssuer(rng)
        self.kinship = Kinship()

    def person(
        self,
        birth: date,
        *,
        male: bool | None = None,
        surname: str | None = None,
        home: str | None = None,
        papers: str | None = None,
        living: bool = True,
        given: str | None = None,
        number: str | None = None,
    ) -> Person:
        """A person with name, number and the other entries of annex 2; what is not given is drawn.

        ``papers``: ``resident``, ``permit`` (港澳台), ``foreign``, ``foreign_old``, ``passport``;
        drawn, it is nearly always ``resident``. ``number``: a resident ID already issued.
        """
        male = self._rng.random() < 0.5 if male is None else male
        papers = "resident" if number else papers or self._draw_papers()
        # Somebody born here and naturalised elsewhere keeps a Chinese name: there a surname is given.
        abroad = papers in _FOREIGN and (surname is None or surname in FOREIGN_SURNAMES)
        if abroad:
            surname = surname or self.names.foreign_surname()
            name = f"{self.names.foreign_given(male)}·{surname}"
        else:
            surname = surname or self.names.surname()
            name = surname + (given or self.names.given(male))
        kind, drawn = self._number(papers, birth, male) if number is None else (_RESIDENT, number)
        age = self.age(birth)
        workplace, post = self.names.occupation(age)
        return Person(
            name=name,
            surname=surname,
            male=male,
            birth=birth,
            papers=kind,
            number=drawn,
            phone=self.numbers.phone() if age >= 14 else "",
            home=home or self.names.home(),
            politics=self._politics(age, papers in _FOREIGN),
            workplace=workplace,
            post=post,
            living=living,
        )

    def adult(self, youngest: int, oldest: int, **entries: str | bool | None) -> Person:
        """A person between two ages, in full years; the other arguments are those of ``person``."""
        return self.person(self.birth_between(youngest, oldest), **entries)  # type: ignore[arg-type]

    def birth_between(self, youngest: int, oldest: int) -> date:
        """A birth date of somebody who is now between these ages, in full years."""
        days = (youngest + self._rng.random() * (oldest + 1 - youngest)) * _YEAR
        return self.as_of - timedelta(days=int(days) + 1)

    def age(self, birth: date) -> int:
        """Full years at ``as_of``."""
        before_birthday = (self.as_of.month, self.as_of.day) < (birth.month, birth.day)
        return self.as_of.year - birth.year - before_birthday

    def grow_family(self, person: Person) -> None:
        """Add what is missing of everyone whom R15 obliges ``person`` to declare."""
        self._grow_ancestry(person)
        self._grow_marriage(person)
        spouse = self.kinship.spouse.get(person)
        if spouse is not None:
            self._grow_ancestry(spouse)
            self._grow_descent(person, spouse)
        if self._rng.random() < 0.015:
            ward = self.adult(5, 80, home=person.home, papers="resident")
            note = "由本人依法监护" if self.age(ward.birth) < 18 else "由本人依法扶养"
            self.kinship.dependants.setdefault(person, []).append((ward, note))

    def _grow_ancestry(self, person: Person) -> None:
        if person in self.kinship.father:
            return
        father, mother = self._parents_of(person)
        self._grow_siblings(person, father, mother)
        for parent in (father, mother):
            if self.age(parent.birth) < 72:  # older ones' parents are dead; nobody asks for them
                self._parents_of(parent)

    def _parents_of(self, child: Person) -> tuple[Person, Person]:
        mother_birth = child.birth - timedelta(days=int(self._triangle(20, 39, 25) * _YEAR))
        gap = self._triangle(-3, 9, 2)
        father_birth = mother_birth - timedelta(days=int(gap * _YEAR))
        latest = child.birth - timedelta(days=int(19.5 * _YEAR))
        papers = "passport" if child.foreign_name else None
        father = self._relative(
            min(father_birth, latest), child.home, male=True, surname=child.surname, papers=papers
        )
        mother = self._relative(mother_birth, child.home, male=False, papers=papers)
        self.kinship.marry(father, mother)
        self.kinship.bear(child, father, mother)
        return father, mother

    def _grow_siblings(self, person: Person, father: Person, mother: Person) -> None:
        for birth in self._births(father, mother, known=person.birth):
            home = None if self.age(birth) > 25 else person.home
            papers = "passport" if father.foreign_name else None
            sibling = self._relative(birth, home, surname=father.surname, papers=papers)
            self.kinship.bear(sibling, father, mother)
            self._grow_marriage(sibling)

    def _grow_marriage(self, person: Person) -> None:
        known = person in self.kinship.spouse
        if known or self._rng.random() >= _at(_MARRIED, self.age(person.birth)):
            return
        years = self._triangle(-2, 7, 1.5) * (1 if person.male else -1)
        youngest = self.as_of - timedelta(days=int(20.5 * _YEAR))
        birth = min(person.birth + timedelta(days=int(years * _YEAR)), youngest)
        self.kinship.marry(person, self._relative(birth, person.home, male=not person.male))

    def _grow_descent(self, person: Person, spouse: Person) -> None:
        father, mother = (person, spouse) if person.male else (spouse, person)
        if person not in self.kinship.children:
            for birth in self._births(father, mother, known=None):
                home = None if self.age(birth) > 28 else person.home
                child = self._relative(birth, home, surname=_inherited(father))
                self.kinship.bear(child, father, mother)
        for child in self.kinship.children.get(person, ()):
            self._grow_marriage(child)
            partner = self.kinship.spouse.get(child)
            if partner is None or child in self.kinship.children:
                continue
            couple = (child, partner) if child.male else (partner, child)
            for birth in self._births(*couple, known=None):
                grandchild = self._relative(birth, child.home, surname=_inherited(couple[0]))
                self.kinship.bear(grandchild, *couple)

    def _births(self, father: Person, mother: Person, known: date | None) -> list[date]:
        """Birth dates of a couple's (further) children, a year and more apart, none in the future."""
        weights = _at(_CHILDREN, mother.birth.year)
        wanted = self._rng.choices(range(5), weights)[0] - (known is not None)
        earliest = max(mother.birth, father.birth) + timedelta(days=int(20 * _YEAR))
        taken = [known] if known else []
        for _ in range(wanted):
            birth = earliest + timedelta(days=int(self._triangle(0, 18, 4) * _YEAR))
            if birth < self.as_of and all(abs((birth - t).days) > 340 for t in taken):
                taken.append(birth)
        return sorted(t for t in taken if t is not known)

    def _relative(
        self,
        birth: date,
        home: str | None,
        *,
        male: bool | None = None,
        surname: str | None = None,
        papers: str | None = None,
    ) -> Person:
        living = self._rng.random() < _at(_SURVIVAL, self.age(birth))
        return self.person(
            birth, male=male, surname=surname, home=home, papers=papers, living=living
        )

    def _triangle(self, low: float, high: float, mode: float) -> float:
        return self._rng.triangular(low, high, mode)

    def _draw_papers(self) -> str:
        if self._rng.random() >= _ELSEWHERE:
            return "resident"
        return self._rng.choice(("permit", "permit", "foreign", "foreign_old", "passport"))

    def _number(self, papers: str, birth: date, male: bool) -> tuple[Papers, str]:
        numbers = self.numbers
        if papers == "permit":
            region = self._rng.choice(("810000", "820000", "830000"))
            return Papers.RESIDENT_ID, numbers.resident(birth, male, region)
        if papers == "foreign":
            return Papers.FOREIGN_PERMIT, numbers.foreign_permit(birth, male)
        if papers == "foreign_old":
            return Papers.FOREIGN_PERMIT, numbers.foreign_permit_old(birth)
        if papers == "passport":
            return Papers.PASSPORT, numbers.passport()
        return Papers.RESIDENT_ID, numbers.resident(birth, male)

    def _politics(self, age: int, foreigner: bool) -> str:
        if foreigner or age < 14:
            return "群众"
        if age < 28:
            return "共青团员" if self._rng.random() < 0.5 else "群众"
        return "中共党员" if self._rng.random() < 0.2 else "群众"


def _inherited(father: Person) -> str | None:
    # A foreigner's child born here gets a Chinese surname of its own choice.
    return None if father.foreign_name else father.surname


def _at(table: tuple[tuple[int, _Entry], ...], value: int) -> _Entry:
    for limit, entry in table:
        if value <= limit:
            return entry
    return table[-1][1]
