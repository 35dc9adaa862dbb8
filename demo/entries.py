"""What the district's units hold: officials with their declared relatives, items with their persons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from demo.families import Kin, Person
from demo.units import Post, Programme, Unit

BENEFICIARY = "受益人"
LEGAL_REPRESENTATIVE = "法定代表人"
AGENT = "委托代理人"


@dataclass(frozen=True, eq=False, slots=True)
class Official:
    """An official, where he reports, and whom he declares.

    ``units``: one unit, or two for an outposted body (R10). ``omitted``: living relatives within
    R15 whom he leaves out; nothing is ever matched for them.
    """

    person: Person
    units: tuple[Unit, ...]
    employer: str
    post: Post
    relatives: tuple[Kin, ...]
    omitted: tuple[Kin, ...]

    def __post_init__(self) -> None:
        if not self.units or not all(unit.declares for unit in self.units):
            raise ValueError("an official reports to units that take declarations")


@dataclass(frozen=True, eq=False, slots=True)
class Party:
    """A person of an item and the capacity in which (R28)."""

    person: Person
    capacity: str


@dataclass(frozen=True, eq=False, slots=True)
class Company:
    """The company that carries out an item."""

    name: str
    credit_code: str


@dataclass(frozen=True, eq=False, slots=True)
class Item:
    """One grant or contract of an approving unit; ``ref`` is the unit's own reference."""

    ref: str
    unit: Unit
    programme: Programme
    name: str
    amount_fen: int
    place: str
    start: date
    parties: tuple[Party, ...]
    company: Company | None = None

    def __post_init__(self) -> None:
        if not self.parties or not self.unit.approves or self.amount_fen <= 0:
            raise ValueError("an item has an approving unit, a sum and at least one person")
        if (self.company is not None) != self.programme.contracted:
            raise ValueError("contracted items, and only they, have a company")
