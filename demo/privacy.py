"""What lies in plaintext where it must not: with the matcher, with the custodians, with other units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from demo.families import Person
from demo.needles import Needles, numbers_of
from demo.search import count_plaintext
from demo.sheets import Sheets
from demo.truth import ExpectedHit
from demo.units import Unit


def texts_of_unit(sheets: Sheets, unit: Unit) -> set[str]:
    """Numbers and phones that the unit entered itself."""
    people: set[Person] = set()
    companies: set[str] = set()
    for declared in sheets.declarations:
        if declared.unit is unit:
            for row in declared.rows:
                people |= {row.official.person, *([row.kin.person] if row.kin else ())}
    for listed in sheets.lists:
        if listed.unit is unit:
            people |= {party.person for row in listed.rows for party in row.item.parties}
            companies |= {r.item.company.credit_code for r in listed.rows if r.item.company}
    return _texts_of(people) | companies


def texts_of_hits(hits: Iterable[ExpectedHit]) -> set[str]:
    """Numbers that 纪委 may know: of the persons of hits and their officials."""
    return _texts_of({person for hit in hits for person in (hit.person, hit.official.person)})


def _texts_of(people: Iterable[Person]) -> set[str]:
    return {text for person in people for text in (*numbers_of(person), person.phone)}


def count_foreign(paths: Sequence[Path], needles: Needles, own: set[str]) -> int:
    """How often numbers and phones that are not ``own`` occur in these files.

    Names are left out: people share them.
    """
    foreign = Needles(needles.ids - own, frozenset(), needles.phones - own)
    return int(count_plaintext(paths, foreign)["total"])


def logs_of(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """What these services wrote to their standard streams."""
    for name in names:
        yield from (folder / f"{name}.stdout", folder / f"{name}.stderr")
