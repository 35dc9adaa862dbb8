"""What the beneficiary service holds, what an import changes of it, how it is shown. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from libmatch.identifiers import Identifier
from libmatch.payloads import ItemPayload
from services.beneficiary.item_records import Capacity
from services.beneficiary.lists import ListKind
from services.chassis.sheets import Notice
from services.holder.states import RecordState
from services.holder.store.records import Standing


@dataclass(frozen=True, repr=False)
class ItemEntry:
    """An item as held. ``ref`` is 16 bytes; ``amount_fen`` in 0.01 CNY.

    ``list_id``: the list that said so last, None for what was held before there were lists.
    """

    ref: bytes
    item_ref: str
    item_name: str = ""
    programme: str = ""
    amount_fen: int | None = None
    place: str = ""
    start: date | None = None
    remark: str = ""
    company: str = ""
    finished: date | None = None
    list_id: bytes | None = None

    @property
    def sealed_part(self) -> tuple[str | int | date | None, ...]:
        """What every record of this item's persons repeats: another one is a correction."""
        return (self.item_name, self.programme, self.amount_fen, self.place, self.start)

    def __repr__(self) -> str:
        return f"<ItemEntry {self.ref.hex()}>"


@dataclass(frozen=True, repr=False)
class PersonEntry:
    """A person of an item as held. ``ref`` is 16 bytes; ``item``: the reference of the item.

    ``in_pre``, ``in_post``: on the proposed and on the actual list (R61), with the item's amount there.
    """

    ref: bytes
    item: bytes
    identifier: Identifier
    capacity: Capacity
    name: str
    withdrawn: bool = False
    in_pre: bool = False
    in_post: bool = False
    pre_amount_fen: int | None = None
    post_amount_fen: int | None = None

    def listed(self, kind: ListKind, amount_fen: int | None) -> PersonEntry:
        """The person on the list of that kind, with the item's amount as it says there."""
        if kind is ListKind.POST:
            return replace(self, in_post=True, post_amount_fen=amount_fen)
        return replace(self, in_pre=True, pre_amount_fen=amount_fen)

    def is_listed(self, kind: ListKind) -> bool:
        """Whether the person is on the list of that kind."""
        return self.in_post if kind is ListKind.POST else self.in_pre

    def taken_off(self) -> PersonEntry:
        """The person out of the match and on no list."""
        return replace(self, withdrawn=True, in_pre=False, in_post=False)

    def __repr__(self) -> str:
        return f"<PersonEntry {self.ref.hex()}>"


@dataclass(frozen=True)
class Known:
    """What is held of the items of a file: by the unit's own number, and persons by reference."""

    items: Mapping[str, ItemEntry]
    persons: Mapping[bytes, Sequence[PersonEntry]]


@dataclass
class ImportPlan:
    """What to write, which persons to seal (``enter``: references), and what to tell the clerk.

    ``touched``: the numbers of the items of which anything is written.
    """

    new_items: list[ItemEntry] = field(default_factory=list)
    changed_items: list[ItemEntry] = field(default_factory=list)
    new_persons: list[PersonEntry] = field(default_factory=list)
    changed_persons: list[PersonEntry] = field(default_factory=list)
    enter: list[bytes] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    notices: list[Notice] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """How much there is to write."""
        written = (self.new_items, self.changed_items, self.new_persons, self.changed_persons)
        return sum(len(rows) for rows in written) + len(self.enter)


def make_payload(item: ItemEntry, person: PersonEntry) -> ItemPayload:
    """What is sealed of a person of an item."""
    return ItemPayload(
        person=person.identifier,
        name=person.name,
        capacity=person.capacity.value,
        item_ref=item.item_ref,
        item_name=item.item_name,
        programme=item.programme,
        amount_fen=item.amount_fen,
        place=item.place,
        start=item.start,
    )


@dataclass(frozen=True)
class GateFacts:
    """What the gate must know of an item (R25, R47, R61): how far each live person's record has come.

    ``signed``: its last list in force is; ``waits``: a newer list about it is not in force yet.
    """

    persons: tuple[Standing | None, ...]
    has_pre: bool
    signed: bool
    waits: bool


class PersonStatus(StrEnum):
    """How far a person of an item has come, as clerks see it."""

    ENTERED = "entered"
    SEALED = "sealed"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


_SHOWN = {
    RecordState.SEALED: PersonStatus.SEALED,
    RecordState.ACCEPTED: PersonStatus.ACCEPTED,
}


def find_status(person: PersonEntry, state: RecordState | None) -> PersonStatus:
    """The status of a person whose wanted record, if there is one, is in ``state``."""
    if person.withdrawn or state is None:
        return PersonStatus.WITHDRAWN
    return _SHOWN.get(state, PersonStatus.ENTERED)


@dataclass(frozen=True, repr=False)
class ListedItem:
    """An item as listed, with its persons and how far each has come."""

    item: ItemEntry
    persons: tuple[tuple[PersonEntry, PersonStatus], ...]


@dataclass(frozen=True, repr=False)
class ListedNotice:
    """A notice as listed. Item and person are this unit's own; the rest is blank where it did not open."""

    notice_id: bytes
    received_at: datetime
    disputed: bool
    item_ref: str = ""
    item_name: str = ""
    person_name: str = ""
    official_name: str = ""
    official_unit: str = ""
    official_post: str = ""
    relation: str = ""
