"""What a beneficiary list says: items and their persons (R28). Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from libmatch.identifiers import Identifier
from services.chassis.sheets import Position
from services.rules.catalogue import Capacity

__all__ = ["Capacity", "Item", "ItemPerson"]


@dataclass(frozen=True, slots=True, repr=False)
class ItemPerson:
    """A person of an item, or its company (kind CREDIT_CODE, capacity 受益人).

    ``name`` has at most 90 bytes of UTF-8; a longer name of a company is cut with …
    """

    identifier: Identifier
    name: str
    capacity: Capacity

    def __repr__(self) -> str:
        return f"<ItemPerson {self.identifier.kind.name}>"


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """A fund or project item. ``item_ref``: the unit's own reference, at most 48 bytes of UTF-8.

    ``amount_fen`` in 0.01 CNY. Blank texts are "". ``position`` is where it was read first.
    """

    item_ref: str
    persons: tuple[ItemPerson, ...]
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start_date: date | None
    remark: str
    company: str
    position: Position
    finished: date | None = None

    def __post_init__(self) -> None:
        if not self.item_ref or not self.persons:
            raise ValueError("an item has a reference and at least one person")
        if not (self.item_name or self.programme):
            raise ValueError("an item has a name or a programme")

    def __repr__(self) -> str:
        return f"<Item at {self.position.sheet!r} row {self.position.row}>"
