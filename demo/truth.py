"""The expected answer: who must be found and how many rows must be refused, from what was written.

A plain join over person objects. It parses no sheet and computes no token, so it shares nothing
with the code that it judges but the meaning of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo.clerks import Mistake
from demo.entries import Item, Official
from demo.families import SELF, Person
from demo.sheets import DeclarationFile, ListFile, Sheets
from demo.units import Unit


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ExpectedHit:
    """An official's relative (or himself, R16) who is a person of an item.

    ``units``: where this official's declaration of the person was validly entered, by id; two
    copies of one declaration (R10) are one hit with two units.
    """

    official: Official
    person: Person
    relation: str
    units: tuple[Unit, ...]
    item: Item
    capacity: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the hit in any result: the official's and the person's number, the ref."""
        return self.official.person.number, self.person.number, self.item.ref


@dataclass(frozen=True, repr=False)
class Truth:
    """What the job must find: the hits, and the refused rows of each file by unit id and name."""

    hits: tuple[ExpectedHit, ...]
    refused: Mapping[tuple[str, str], int]


def expected_truth(sheets: Sheets) -> Truth:
    """The truth about these files. No hit appears twice."""
    files: list[DeclarationFile | ListFile] = [*sheets.declarations, *sheets.lists]
    refused = {(file.unit.id, file.name): _refused(file) for file in files}
    return Truth(tuple(_hits(sheets)), refused)


def _refused(file: DeclarationFile | ListFile) -> int:
    """Rows with mistakes; in a form of annex 2 a wrong official's own row is refused as well."""
    rows = sum(row.mistake is not None and row.mistake.refused for row in file.rows)
    if isinstance(file, ListFile) or file.style:
        return rows
    wrong = {row.official for row in file.rows if row.mistake is Mistake.OFFICIAL_NUMBER}
    return rows + len(wrong)


_Declared = dict[Person, dict[Official, tuple[str, list[Unit]]]]


def _declared(sheets: Sheets) -> _Declared:
    """Every person who is on a valid row: by which official, as what, in which units."""
    declared: _Declared = {}
    for file in sheets.declarations:
        for row in file.rows:
            if row.mistake is Mistake.OFFICIAL_NUMBER:
                continue
            _enter(declared, row.official.person, row.official, SELF, row.unit)
            if row.kin and row.mistake is None:
                _enter(declared, row.kin.person, row.official, row.kin.relation, row.unit)
    return declared


def _enter(
    declared: _Declared, person: Person, official: Official, relation: str, unit: Unit
) -> None:
    _, units = declared.setdefault(person, {}).setdefault(official, (relation, []))
    if unit not in units:
        units.append(unit)


def _hits(sheets: Sheets) -> Iterator[ExpectedHit]:
    declared = _declared(sheets)
    for file in sheets.lists:
        for row in file.rows:
            if row.mistake is not None:
                continue
            for party in row.item.parties:
                for official, (relation, units) in declared.get(party.person, {}).items():
                    yield ExpectedHit(
                        official, party.person, relation, tuple(units), row.item, party.capacity
                    )
