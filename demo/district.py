"""The synthetic district: people, families, declarations and items, from a seed and two sizes.

Pure: no files, no clock. The same arguments give the same district, person by person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from demo.entries import Item, Official
from demo.grants import ItemMaker
from demo.overlaps import Overlap, OverlapPicker
from demo.people import PeopleMaker
from demo.staff import StaffMaker
from demo.units import UNITS, Unit

# The day on which the invented campaign reckons ages; in the past, so that no birth is in the future.
AS_OF = date(2026, 6, 30)


@dataclass(frozen=True)
class District:
    """Everything that is true of the district, before anybody writes it into a sheet."""

    seed: int
    as_of: date
    units: tuple[Unit, ...]
    officials: tuple[Official, ...]
    items: tuple[Item, ...]
    overlaps: tuple[Overlap, ...]


def build_district(
    officials: int,
    items: int,
    seed: int,
    *,
    units: Sequence[Unit] = UNITS,
    as_of: date = AS_OF,
) -> District:
    """A district with that many officials and items; ages are reckoned at ``as_of``.

    Raises ValueError where it is too small for every known case to occur.
    """
    rng = Random(seed)
    people = PeopleMaker(rng, as_of)
    staff = StaffMaker(rng, people, units).make(officials)
    overlaps = OverlapPicker(rng, people, staff).pick(items)
    granted = ItemMaker(rng, people, units).make(items, overlaps)
    return District(seed, as_of, tuple(units), tuple(staff), tuple(granted), tuple(overlaps))
