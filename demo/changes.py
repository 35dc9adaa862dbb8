"""What happens after the first run: late arrivals in both directions, a correction, two withdrawals.

Picks people whom no other change touches, so that each change has its own, known effect. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from demo.clerks import DeclaredRow, ListedRow, Mistake
from demo.declaration_tables import FlatStyle
from demo.district import District
from demo.entries import BENEFICIARY, Item, Official, Party
from demo.families import SELF, Kin, Papers, Person
from demo.list_tables import ListStyle
from demo.overlaps import Writing
from demo.sheets import DeclarationFile, ListFile, Sheets
from demo.tables import Form
from demo.truth import ExpectedHit, expected_truth

_T = TypeVar("_T")

_LATE_RELATION = "本人的兄弟姐妹"


@dataclass(frozen=True, repr=False)
class Correction:
    """A unit corrects an item: its file, the item before and as it is now."""

    file: ListFile
    before: Item
    after: Item


@dataclass(frozen=True, repr=False)
class Changes:
    """Files and withdrawals, in the order in which they happen.

    ``relatives``: hits whose relative may be withdrawn, one of which will be; ``item``: one whose
    item will be.
    """

    declaration: DeclarationFile
    listed: ListFile
    correction: Correction
    relatives: tuple[ExpectedHit, ...]
    item: ExpectedHit

    def with_arrivals(self, sheets: Sheets) -> list[ExpectedHit]:
        """The hits once the late files are in."""
        late = Sheets((*sheets.declarations, self.declaration), (*sheets.lists, self.listed))
        return list(expected_truth(late).hits)

    def with_correction(self, hits: Sequence[ExpectedHit]) -> list[ExpectedHit]:
        """``hits`` with the item as it is now."""
        before, after = self.correction.before, self.correction.after
        return [replace(hit, item=after) if hit.item is before else hit for hit in hits]


def pick_changes(district: District, sheets: Sheets, hits: Sequence[ExpectedHit]) -> Changes:
    """The changes for this district. Raises ValueError where it is too small for them."""
    simple = _simple_hits(sheets, hits)
    corrected, withdrawn, *relatives = simple
    return Changes(
        declaration=_late_declaration(district, sheets),
        listed=_late_item(district, sheets),
        correction=_correct(corrected),
        relatives=tuple(hit for hit in relatives if hit.relation != SELF),
        item=withdrawn,
    )


def _simple_hits(sheets: Sheets, hits: Sequence[ExpectedHit]) -> list[ExpectedHit]:
    """Hits of one declaration and one item, on a person who is in no other hit. At least three."""
    times = Counter(hit.person for hit in hits)
    repeated = {row.item for row in _listed(sheets) if row.mistake is Mistake.REPEATED}
    simple = [
        hit
        for hit in hits
        if times[hit.person] == 1
        and len(hit.units) == 1
        and len(hit.item.parties) == 1
        and hit.item not in repeated
    ]
    if len([hit for hit in simple[2:] if hit.relation != SELF]) < 1:
        raise ValueError("the district is too small for its later changes")
    return simple


def _listed(sheets: Sheets) -> Iterator[ListedRow]:
    return chain.from_iterable(file.rows for file in sheets.lists)


def _declared(sheets: Sheets) -> Iterator[DeclaredRow]:
    return chain.from_iterable(file.rows for file in sheets.declarations)


def _late_declaration(district: District, sheets: Sheets) -> DeclarationFile:
    """An official adds a relative who has been on a list for long."""
    known = {one for official in district.officials for one in _family(official)}
    known |= {overlap.person for overlap in district.overlaps}
    person = _first(
        row.item.parties[0].person
        for row in _listed(sheets)
        if row.mistake is None and _fits(row.item.parties[0].person, known)
    )
    wrong = {r.official for r in _declared(sheets) if r.mistake is Mistake.OFFICIAL_NUMBER}
    official = _first(
        row.official
        for row in _declared(sheets)
        if row.official not in wrong and len(row.official.units) == 1
    )
    unit = official.units[0]
    kin = Kin(person, _LATE_RELATION)
    row = DeclaredRow(unit, official, kin, Writing.PLAIN)
    name = f"{unit.name}补充申报1.xlsx"
    return DeclarationFile(unit, name, Form.XLSX, (row,), FlatStyle())


def _family(official: Official) -> Iterator[Person]:
    yield official.person
    for kin in (*official.relatives, *official.omitted):
        yield kin.person


def _late_item(district: District, sheets: Sheets) -> ListFile:
    """A declared relative gets a grant."""
    known = {party.person for item in district.items for party in item.parties}
    known |= {overlap.person for overlap in district.overlaps}
    person = _first(
        row.kin.person
        for row in _declared(sheets)
        if row.kin and row.mistake is None and _fits(row.kin.person, known)
    )
    model = _first(row.item for row in _listed(sheets) if row.item.company is None)
    ref = f"{model.unit.id.upper()}-{model.start.year}-B00001"
    item = replace(model, ref=ref, parties=(Party(person, BENEFICIARY),))
    name = f"{item.unit.name}补充名单1.xlsx"
    return _list_file(item, name)


def _correct(hit: ExpectedHit) -> Correction:
    before = hit.item
    after = replace(before, name=f"{before.name}二期", amount_fen=before.amount_fen + 10_000)
    return Correction(_list_file(after, f"{after.unit.name}更正名单1.xlsx"), before, after)


def _list_file(item: Item, name: str) -> ListFile:
    row = ListedRow(item, (Writing.PLAIN,) * len(item.parties))
    return ListFile(item.unit, name, Form.XLSX, (row,), ListStyle(), item.company is not None)


def _fits(person: Person, known: set[Person]) -> bool:
    return person not in known and person.papers is Papers.RESIDENT_ID


def _first(found: Iterator[_T]) -> _T:
    for one in found:
        return one
    raise ValueError("the district is too small for its later changes")
