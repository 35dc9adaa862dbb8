"""Records about a person as each service's own store tells them. Values only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from libmatch.identifiers import Identifier
from services.holder.store.matters import Transaction
from services.rules.retention import Category


@dataclass(frozen=True, repr=False)
class PersonRecord:
    """One record about ``person``: as official, as relative, as person of an item, or still unsigned.

    ``ref`` (16 bytes) names it in trails and lists. ``subjects``: the references that its notices are
    about (its own; an official's are his relatives'). ``fields``: the form's heading and what stands
    there, without the number and without what is about others. ``ended_at``: since when it is withdrawn.
    """

    ref: bytes
    category: Category
    capacity_zh: str
    person: Identifier
    fields: tuple[tuple[str, str], ...]
    status_zh: str
    entered_at: datetime
    subjects: tuple[bytes, ...] = ()
    ended_at: datetime | None = None

    def __repr__(self) -> str:
        return f"<PersonRecord {self.ref.hex()}>"


@dataclass(frozen=True, repr=False)
class EndedRecord:
    """A withdrawn record. ``person``: whose it is; of one without a number, who declared it.

    ``part_of``: the declaration's official, or the item, by the reference that checks draw from.
    """

    ref: bytes
    category: Category
    person: Identifier
    ended_at: datetime
    part_of: bytes

    def __repr__(self) -> str:
        return f"<EndedRecord {self.ref.hex()}>"


class PersonRecords(Protocol):
    """What registry and beneficiary each know of persons; everything in the given transaction."""

    def find(self, session: Transaction, person: Identifier) -> list[PersonRecord]:
        """Everything about ``person``, in order of entry."""
        ...

    def find_ended(self, session: Transaction) -> list[EndedRecord]:
        """Every record that was withdrawn, in order of entry."""
        ...

    def erase(self, session: Transaction, refs: Collection[bytes]) -> None:
        """Deletes these records of the service's own tables, and what belonged to them alone."""
        ...
