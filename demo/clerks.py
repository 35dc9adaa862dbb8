"""How clerks enter what they have: ways to write a valid number, and the mistakes they make.

Decides, row by row, what is written; writes nothing. A row with a mistake is refused (or, where the
number is said to be unknown, taken but never matched), so the expected answer follows from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import TypeVar

from demo.district import District
from demo.entries import Item, Official
from demo.families import Kin, Papers, Person
from demo.numbers import short_form, wrong_check_digit
from demo.overlaps import Writing
from demo.tables import Cell
from demo.units import Unit

AT_LEAST = 2  # rows with each mistake on each side, however small the district is


class Mistake(Enum):
    """What is wrong with a row. Only :attr:`UNKNOWN` is taken (R18): a reason stands in the remark.

    :attr:`REPEATED` is refused as a possible duplicate, while the row that it repeats is taken.
    """

    FLOAT = "the number is a numeric cell and has lost its digits"
    CHECK_DIGIT = "the check digit is wrong"
    LENGTH = "a digit is missing"
    BIRTH_DATE = "the birth date in the number does not exist"
    MISSING = "there is no number"
    SEX = "the sex of the form contradicts the number"
    RELATION = "a relation outside the closed list (R15)"
    OFFICIAL_NUMBER = "the official's own number is wrong: all his rows are lost"
    REPEATED = "the row was pasted a second time"
    UNKNOWN = "the number is not known, with a reason"

    @property
    def refused(self) -> bool:
        """Whether the row is refused; a row that is not is still never matched."""
        return self is not Mistake.UNKNOWN


# Parts of all rows. Real sheets of a first campaign are worse; these leave enough to match.
DECLARED_MISTAKES = {
    Mistake.FLOAT: 0.004,
    Mistake.CHECK_DIGIT: 0.004,
    Mistake.LENGTH: 0.003,
    Mistake.BIRTH_DATE: 0.002,
    Mistake.MISSING: 0.002,
    Mistake.SEX: 0.002,
    Mistake.RELATION: 0.003,
    Mistake.UNKNOWN: 0.004,
}
LISTED_MISTAKES = {
    Mistake.FLOAT: 0.005,
    Mistake.CHECK_DIGIT: 0.004,
    Mistake.LENGTH: 0.003,
    Mistake.BIRTH_DATE: 0.002,
    Mistake.MISSING: 0.003,
}
_OFFICIALS_WRONG = 0.003  # of the officials whose families serve no case
_REPEATED = 0.002  # of the rows of lists
# Parts of the valid numbers that are not written plainly, where the number allows it.
_WRITINGS = {Writing.SHORT: 0.02, Writing.FULL_WIDTH: 0.015, Writing.SPACED: 0.015}
_LOWER_X = 0.3  # of the numbers that end in X
# Out of scope (R15): nephews, cousins, former spouses.
OUTSIDE_RELATIONS = ("侄子", "表哥", "前妻", "外甥")
UNKNOWN_REASON = "身份证号码待补：本人在外地，尚未取得"


@dataclass(frozen=True, eq=False, slots=True)
class DeclaredRow:
    """One relative of one official, as one unit's sheet shows it.

    ``kin`` None: the official declares nobody and stands alone in his row.
    """

    unit: Unit
    official: Official
    kin: Kin | None
    official_writing: Writing
    writing: Writing = Writing.PLAIN
    mistake: Mistake | None = None


@dataclass(frozen=True, eq=False, slots=True)
class ListedRow:
    """One item with its persons. ``writings``: one for each; a mistake is in the first's entry."""

    item: Item
    writings: tuple[Writing, ...]
    mistake: Mistake | None = None


_Row = TypeVar("_Row", DeclaredRow, ListedRow)


class Clerks:
    """Enters a district: the same district is always entered alike."""

    def __init__(self, district: District) -> None:
        self._district = district
        self._rng = Random(f"clerks/{district.seed}")
        overlaps = district.overlaps
        self._kept = {overlap.person for overlap in overlaps}
        self._declared = {o.person: o.case.declared for o in overlaps if o.case.declared}
        self._listed = {o.person: o.case.listed for o in overlaps if o.case.listed}
        self._spoiled_declared = {o.person for o in overlaps if o.case.spoiled_declared}
        self._spoiled_listed = {o.person for o in overlaps if o.case.spoiled_listed}

    def declared_rows(self) -> list[DeclaredRow]:
        """The rows of all declarations: an official's together, once for each of his units."""
        rows = [
            row
            for official in self._district.officials
            for unit in official.units
            for row in self._declaration(unit, official)
        ]
        spoiled = [row.kin is not None and row.kin.person in self._spoiled_declared for row in rows]
        wrong = self._wrong_officials()
        people = [row.kin.person if row.kin and row.official not in wrong else None for row in rows]
        rows = self._spoil(rows, people, DECLARED_MISTAKES, spoiled)
        return [
            replace(row, mistake=Mistake.OFFICIAL_NUMBER) if row.official in wrong else row
            for row in rows
        ]

    def listed_rows(self) -> list[ListedRow]:
        """The rows of all beneficiary lists, in the order of the items."""
        rows = [
            ListedRow(item, tuple(self._write(p.person, self._listed) for p in item.parties))
            for item in self._district.items
        ]
        parties = [[party.person for party in row.item.parties] for row in rows]
        spoiled = [not self._spoiled_listed.isdisjoint(people) for people in parties]
        free = [people[0] if self._kept.isdisjoint(people) else None for people in parties]
        return self._repeat(self._spoil(rows, free, LISTED_MISTAKES, spoiled))

    def _wrong_officials(self) -> set[Official]:
        """Officials who mistype their own number, none of whose family serves a case."""
        officials = self._district.officials
        free = [
            official
            for official in officials
            if official.person not in self._kept
            and self._kept.isdisjoint(kin.person for kin in official.relatives)
        ]
        return set(self._rng.sample(free, max(1, round(_OFFICIALS_WRONG * len(officials)))))

    def _repeat(self, rows: list[ListedRow]) -> list[ListedRow]:
        """The rows, some of the good ones twice in a row."""
        good = [position for position, row in enumerate(rows) if row.mistake is None]
        twice = set(self._rng.sample(good, max(AT_LEAST, round(_REPEATED * len(rows)))))
        return [
            copy
            for position, row in enumerate(rows)
            for copy in (
                [row, replace(row, mistake=Mistake.REPEATED)] if position in twice else [row]
            )
        ]

    def _declaration(self, unit: Unit, official: Official) -> list[DeclaredRow]:
        own = self._write(official.person, {})
        if not official.relatives:
            return [DeclaredRow(unit, official, None, own)]
        return [
            DeclaredRow(unit, official, kin, own, self._write(kin.person, self._declared))
            for kin in official.relatives
        ]

    def _write(self, person: Person, fixed: dict[Person, Writing]) -> Writing:
        if person in fixed:
            return fixed[person]
        draw = self._rng.random()
        if person.number.endswith("X") and draw < _LOWER_X:
            return Writing.LOWER_X
        for writing, share in _WRITINGS.items():
            draw -= share
            if draw < 0:
                return writing if can_write(person, writing) else Writing.PLAIN
        return Writing.PLAIN

    def _spoil(
        self,
        rows: Sequence[_Row],
        people: Sequence[Person | None],
        mistakes: dict[Mistake, float],
        spoiled: Sequence[bool],
    ) -> list[_Row]:
        """The rows with mistakes: those that cases ask for (``spoiled``), and each kind at its rate.

        ``people``: whose number may be mistyped in a row; None spares it, as cases must show.
        """
        found = [
            replace(row, mistake=Mistake.CHECK_DIGIT) if s else row
            for row, s in zip(rows, spoiled, strict=True)
        ]
        free = [i for i, person in enumerate(people) if person and person not in self._kept]
        self._rng.shuffle(free)
        for kind, share in mistakes.items():
            fits = _FITS.get(kind, _any_resident)
            wanted = max(AT_LEAST, round(share * len(rows)))
            taken = [i for i in free if fits(people[i])][:wanted]  # type: ignore[arg-type]
            for position in taken:
                found[position] = replace(found[position], mistake=kind)
            gone = set(taken)
            free = [i for i in free if i not in gone]
        return found


def number_cell(person: Person, writing: Writing, mistake: Mistake | None = None) -> Cell:
    """What stands in the cell of the number."""
    number = person.number
    match mistake:
        case Mistake.FLOAT:
            return float(number)
        case Mistake.CHECK_DIGIT:
            return wrong_check_digit(number)
        case Mistake.LENGTH:
            return number[:-2] + number[-1]
        case Mistake.BIRTH_DATE:
            return number[:10] + "13" + number[12:]
        case Mistake.MISSING | Mistake.UNKNOWN:
            return None
    return written(number, writing)


def written(number: str, writing: Writing) -> str:
    """A valid number in one of the ways that clerks write it."""
    match writing:
        case Writing.SHORT:
            return short_form(number)
        case Writing.LOWER_X:
            return number.lower()
        case Writing.FULL_WIDTH:
            return "".join(chr(ord(c) + 0xFEE0) for c in number)
        case Writing.SPACED:
            return f"{number[:6]} {number[6:14]} {number[14:]}"
    return number


def can_write(person: Person, writing: Writing) -> bool:
    """Whether the number has this written form."""
    if writing is Writing.SHORT:
        return _any_resident(person) and person.number[0] != "8" and person.birth.year < 2000
    if writing is Writing.LOWER_X:
        return person.number.endswith("X")
    return _any_resident(person)


def _any_resident(person: Person) -> bool:
    return person.papers is Papers.RESIDENT_ID


def _is_all_digits(person: Person) -> bool:
    return _any_resident(person) and person.number.isdecimal()


_FITS: dict[Mistake, Callable[[Person], bool]] = {Mistake.FLOAT: _is_all_digits}
