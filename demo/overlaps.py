"""Chooses who is on both sides, and decoys who only look as if: the known overlaps of the district.

Each case has a share of all items and occurs at least :data:`AT_LEAST` times. A case may fix how
the number is written on each side, or that one side is entered wrongly and so refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from demo.entries import AGENT, BENEFICIARY, LEGAL_REPRESENTATIVE, Official
from demo.families import Papers, Person
from demo.people import PeopleMaker

AT_LEAST = 2


class Writing(Enum):
    """How a clerk writes a valid number."""

    PLAIN = "plain"
    SHORT = "15 digits"
    LOWER_X = "lower-case x"
    FULL_WIDTH = "full-width digits"
    SPACED = "spaces between the groups"


@dataclass(frozen=True)
class Case:
    """A kind of overlap: whom it needs, how often, and how the two sides write the number."""

    name: str
    share: float  # of all items
    hit: bool = True
    capacity: str = BENEFICIARY
    items: int = 1
    declared: Writing | None = None  # None: as the clerk of that sheet happens to write
    listed: Writing | None = None
    spoiled_declared: bool = False
    spoiled_listed: bool = False


CASES: tuple[Case, ...] = (
    Case("relative", 0.02),
    Case("self", 0.004),
    Case("couple", 0.002),
    Case("shared_relative", 0.002),
    Case("outposted", 0.002),
    Case("two_items", 0.002, items=2),
    Case("legal_representative", 0.006, capacity=LEGAL_REPRESENTATIVE),
    Case("agent", 0.003, capacity=AGENT),
    Case("short_declared", 0.003, declared=Writing.SHORT, listed=Writing.PLAIN),
    Case("short_listed", 0.003, declared=Writing.PLAIN, listed=Writing.SHORT),
    Case("x_declared_lower", 0.002, declared=Writing.LOWER_X, listed=Writing.PLAIN),
    Case("x_listed_lower", 0.002, declared=Writing.PLAIN, listed=Writing.LOWER_X),
    Case("full_width", 0.002, declared=Writing.PLAIN, listed=Writing.FULL_WIDTH),
    Case("spaced", 0.002, declared=Writing.SPACED, listed=Writing.PLAIN),
    Case("permit", 0.001),
    Case("foreign", 0.001),
    Case("foreign_old", 0.001),
    Case("passport", 0.001),
    Case("omitted_relative", 0.003, hit=False),
    Case("same_name", 0.004, hit=False),
    Case("near_number", 0.004, hit=False),
    Case("spoiled_declared", 0.002, hit=False, spoiled_declared=True),
    Case("spoiled_listed", 0.002, hit=False, spoiled_listed=True),
)


@dataclass(frozen=True, eq=False)
class Overlap:
    """One person who is put on a list for the sake of a case."""

    case: Case
    person: Person


class OverlapPicker:
    """Picks the persons of every case; nobody serves two cases."""

    def __init__(self, rng: Random, people: PeopleMaker, officials: Sequence[Official]) -> None:
        self._rng = rng
        self._people = people
        self._officials = officials
        self._declared_by: dict[Person, list[Official]] = {}
        for official in officials:
            for kin in official.relatives:
                self._declared_by.setdefault(kin.person, []).append(official)
        self._used: set[Person] = {official.person for official in officials}

    def pick(self, items: int) -> list[Overlap]:
        """The overlaps for a district of so many items. Raises ValueError if a case has nobody.

        The rarest cases choose first.
        """
        found: list[Overlap] = []
        by_rarity = sorted(CASES, key=lambda case: len(self._candidates(case)))
        for case in by_rarity:
            wanted = max(AT_LEAST, round(case.share * items))
            found.extend(Overlap(case, person) for person in self._take(case, wanted))
        return found

    def _take(self, case: Case, wanted: int) -> list[Person]:
        candidates = [
            p for p in self._candidates(case) if case.name == "self" or p not in self._used
        ]
        if len(candidates) < AT_LEAST:
            raise ValueError(f"the district is too small for the case {case.name}")
        chosen = self._rng.sample(candidates, min(wanted, len(candidates)))
        self._used.update(chosen)
        if case.name == "same_name":
            return [self._namesake(person) for person in chosen]
        if case.name == "near_number":
            return [self._neighbour(person) for person in chosen]
        return chosen

    def _candidates(self, case: Case) -> list[Person]:
        if case.name == "self":
            return [o.person for o in self._officials if o.person not in self._declared_by]
        if case.name == "omitted_relative":
            omitted = (kin.person for o in self._officials for kin in o.omitted)
            return _distinct(p for p in omitted if p not in self._declared_by)
        fits = self._tests().get(case.name, _is_ordinary)
        return [person for person in self._declared_by if fits(person)]

    def _tests(self) -> dict[str, Callable[[Person], bool]]:
        return {
            "couple": lambda p: self._declared_twice(p, married=True),
            "shared_relative": lambda p: self._declared_twice(p, married=False),
            "outposted": lambda p: any(len(o.units) == 2 for o in self._declared_by[p]),
            "legal_representative": self._can_contract,
            "agent": self._can_contract,
            "short_declared": _has_short_form,
            "short_listed": _has_short_form,
            "x_declared_lower": lambda p: p.number.endswith("X"),
            "x_listed_lower": lambda p: p.number.endswith("X"),
            "permit": lambda p: p.papers is Papers.RESIDENT_ID and p.number[0] == "8",
            "foreign": lambda p: p.papers is Papers.FOREIGN_PERMIT and len(p.number) == 18,
            "foreign_old": lambda p: p.papers is Papers.FOREIGN_PERMIT and len(p.number) == 15,
            "passport": lambda p: p.papers is Papers.PASSPORT,
            "spoiled_declared": lambda p: _is_ordinary(p) and len(self._declared_by[p]) == 1,
        }

    def _declared_twice(self, person: Person, *, married: bool) -> bool:
        """Declared by two officials: who are husband and wife, or who are not."""
        officials = [official.person for official in self._declared_by[person]]
        spouse = self._people.kinship.spouse
        couple = any(spouse.get(one) in officials for one in officials)
        return len(officials) > 1 and couple == married

    def _can_contract(self, person: Person) -> bool:
        return _is_ordinary(person) and 22 <= self._people.age(person.birth) < 70

    def _namesake(self, of: Person) -> Person:
        """Somebody else with the same name, of nearly the same age."""
        birth = of.birth if self._rng.random() < 0.3 else self._people.birth_between(20, 70)
        return self._people.person(
            birth, male=of.male, surname=of.surname, given=of.name[len(of.surname) :]
        )

    def _neighbour(self, of: Person) -> Person:
        """Somebody else of the same birth date, region and sex: the numbers differ at the end."""
        number = self._people.numbers.neighbour(of.number)
        return self._people.person(of.birth, male=of.male, number=number)


def _is_ordinary(person: Person) -> bool:
    return person.papers is Papers.RESIDENT_ID and person.number[0] != "8"


def _has_short_form(person: Person) -> bool:
    return _is_ordinary(person) and person.birth.year < 2000


def _distinct(persons: Iterable[Person]) -> list[Person]:
    return list(dict.fromkeys(persons))
