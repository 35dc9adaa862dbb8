"""Items and their persons as held, and what changes them. Functions over a session, all set-based."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from services.beneficiary.entries import ImportPlan, ItemEntry, Known, PersonEntry
from services.beneficiary.item_records import Capacity
from services.beneficiary.tables import ItemRow, PersonRow
from services.holder.store import records
from services.holder.store.records import chunked
from services.holder.store.rows import insert_rows, select_rows, update_rows, without_times


def read_known(session: Session, item_refs: Collection[str]) -> Known:
    """What is held of the items with these numbers."""
    items = {item.item_ref: item for item in read_items(session, item_refs)}
    persons: dict[bytes, list[PersonEntry]] = defaultdict(list)
    for person in read_persons(session, [item.ref for item in items.values()]):
        persons[person.item].append(person)
    return Known(items, persons)


def read_items(session: Session, item_refs: Collection[str]) -> list[ItemEntry]:
    """The items with these numbers that are held."""
    return [
        row_to_item(row)
        for chunk in chunked(item_refs)
        for row in select_rows(session, ItemRow, col(ItemRow.item_ref).in_(chunk))
    ]


def read_persons(session: Session, items: Collection[bytes]) -> list[PersonEntry]:
    """The persons of the items with these references."""
    return [
        row_to_person(row)
        for chunk in chunked(items)
        for row in select_rows(session, PersonRow, col(PersonRow.item).in_(chunk))
    ]


def write_plan(session: Session, plan: ImportPlan, at: datetime) -> None:
    """Carries an import out: rows, and the records to seal."""
    insert_rows(session, ItemRow, map(vars, plan.new_items), at)
    update_rows(session, ItemRow, map(vars, plan.changed_items), at)
    insert_rows(session, PersonRow, map(_person_to_row, plan.new_persons), at)
    update_rows(session, PersonRow, map(_person_to_row, plan.changed_persons), at)
    records.enter(session, plan.enter, at)


def withdraw_items(session: Session, items: Collection[bytes], at: datetime) -> int:
    """The number of persons of these items who were taken out of the match just now."""
    live = [person for person in read_persons(session, items) if not person.withdrawn]
    update_rows(session, PersonRow, (_person_to_row(one.taken_off()) for one in live), at)
    records.retire(session, [person.ref for person in live])
    return len(live)


def set_list(session: Session, item_refs: Collection[str], list_id: bytes) -> None:
    """Keeps which list spoke last of these items."""
    for chunk in chunked(item_refs):
        mine = sa.update(ItemRow).where(col(ItemRow.item_ref).in_(chunk))
        session.execute(mine.values(list_id=list_id))


# --- rows and entries -----------------------------------------------------------------------------


def row_to_item(row: sa.Row[Any]) -> ItemEntry:
    """The item of a row of ``item``."""
    return ItemEntry(**without_times(dict(row._mapping)))


def row_to_person(row: sa.Row[Any]) -> PersonEntry:
    """The person of a row of ``person``."""
    values = without_times(dict(row._mapping))
    identifier = Identifier(Kind(values.pop("kind")), values.pop("idn"))
    capacity = Capacity(values.pop("capacity"))
    return PersonEntry(identifier=identifier, capacity=capacity, **values)


def _person_to_row(entry: PersonEntry) -> dict[str, Any]:
    row = dict(vars(entry))
    identifier: Identifier = row.pop("identifier")
    numbers = {"kind": int(identifier.kind), "idn": identifier.idn}
    return row | numbers | {"capacity": entry.capacity.value}
