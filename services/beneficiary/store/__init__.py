"""Every query on the service's own tables. One unit's plaintext; nobody else reads this database."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from libmatch.notices import HitNotice, ItemNotice
from services.beneficiary.entries import (
    ImportPlan,
    ItemEntry,
    Known,
    ListedItem,
    ListedNotice,
    PersonEntry,
    find_status,
)
from services.beneficiary.item_records import Capacity
from services.beneficiary.tables import ItemNoticeRow, ItemRow, PersonRow, RefKeyRow
from services.chassis.db import Database
from services.chassis.refusals import NotFound
from services.holder.store import records
from services.holder.store.records import Standing, chunked
from services.holder.store.rows import insert_rows, select_rows, update_rows, without_times
from services.holder.store.trail import Trail
from services.holder.tables import Notice

_REF_KEY_SIZE = 32


class Store:
    """The unit's items and notices. Every change and every look leaves its trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_ref_key(self) -> bytes:
        """The key behind derived references, 32 random bytes; made when first asked for."""

        def run(session: Session) -> bytes:
            row = session.get(RefKeyRow, 1)
            if row is None:
                row = RefKeyRow(number=1, key=secrets.token_bytes(_REF_KEY_SIZE))
                session.add(row)
            return row.key

        return self._database.run_tx("beneficiary.ref-key", run)

    def run_import(
        self,
        item_refs: Collection[str],
        make_plan: Callable[[Known], ImportPlan],
        trail: Trail,
        tell: Callable[[ImportPlan], str],
    ) -> ImportPlan:
        """The plan that was carried out, in one transaction with its trail.

        ``make_plan`` gets what is held of the items with these numbers, and may be called twice;
        ``tell`` says in the trail how it ended.
        """

        def run(session: Session) -> ImportPlan:
            at, plan = trail.at, make_plan(_read_known(session, item_refs))
            insert_rows(session, ItemRow, map(vars, plan.new_items), at)
            update_rows(session, ItemRow, map(vars, plan.changed_items), at)
            insert_rows(session, PersonRow, map(_person_to_row, plan.new_persons), at)
            update_rows(session, PersonRow, map(_person_to_row, plan.changed_persons), at)
            records.enter(session, plan.enter, at)
            trail.write(session, tell(plan))
            return plan

        return self._database.run_tx("beneficiary.import", run)

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of something that changed nothing."""
        self._database.run_tx("beneficiary.trail", lambda session: trail.write(session, outcome))

    def withdraw(self, item_ref: str, make_trail: Callable[[bytes], Trail]) -> int:
        """The number of persons of the item that were withdrawn just now.

        ``make_trail`` gets the item's opaque reference. Raises NotFound for an item that is not held.
        """

        def run(session: Session) -> int:
            items = _read_items(session, [item_ref])
            if not items:
                raise NotFound("no such item", "没有这个编号的事项。")
            trail = make_trail(items[0].ref)
            persons = _read_persons(session, [items[0].ref])
            live = [person.ref for person in persons if not person.withdrawn]
            rows = [{"ref": ref, "withdrawn": True} for ref in live]
            update_rows(session, PersonRow, rows, trail.at)
            records.retire(session, live)
            trail.write(session, f"withdrawn {len(live)}")
            return len(live)

        return self._database.run_tx("beneficiary.withdraw", run)

    def load(
        self, session: Session, subjects: Sequence[bytes]
    ) -> list[tuple[ItemEntry, PersonEntry]]:
        """Each person with the item, in the order of ``subjects``; in a transaction."""
        persons = {
            row.ref: _row_to_person(row)
            for chunk in chunked(subjects)
            for row in select_rows(session, PersonRow, col(PersonRow.ref).in_(chunk))
        }
        items = {
            row.ref: _row_to_item(row)
            for chunk in chunked({person.item for person in persons.values()})
            for row in select_rows(session, ItemRow, col(ItemRow.ref).in_(chunk))
        }
        ordered = (persons[subject] for subject in subjects)
        return [(items[person.item], person) for person in ordered]

    def read_standings(
        self, item_refs: Collection[str], trail: Trail
    ) -> dict[str, list[Standing | None]]:
        """How far each live person of each held item has come; leaves its trail.

        An item that is not held is not in the result; one without live persons has an empty list.
        """

        def run(session: Session) -> dict[str, list[Standing | None]]:
            trail.write(session, f"items {len(item_refs)}")
            items = {item.ref: item.item_ref for item in _read_items(session, item_refs)}
            live = [p for p in _read_persons(session, items) if not p.withdrawn]
            standing = records.read_standing(session, [person.ref for person in live])
            found: dict[str, list[Standing | None]] = {ref: [] for ref in items.values()}
            for person in live:
                found[items[person.item]].append(standing.get(person.ref))
            return found

        return self._database.run_tx("beneficiary.check", run)

    def list_items(self, trail: Trail) -> list[ListedItem]:
        """Every item that is held, in order of entry, with statuses; leaves its trail."""

        def run(session: Session) -> list[ListedItem]:
            trail.write(session)
            standing = records.read_standing(session)
            mine = defaultdict(list)
            for row in select_rows(session, PersonRow, sa.true()):
                person, found = _row_to_person(row), standing.get(row.ref)
                status = find_status(person, found.state if found else None)
                mine[person.item].append((person, status))
            items = map(_row_to_item, select_rows(session, ItemRow, sa.true()))
            return [ListedItem(item, tuple(mine[item.ref])) for item in items]

        return self._database.run_tx("beneficiary.list", run)

    @staticmethod
    def save_notice(session: Session, notice_id: bytes, notice: HitNotice) -> None:
        """Keeps what an opened notice says, in the transaction that keeps its envelope."""
        if not isinstance(notice, ItemNotice):
            raise TypeError("an approving unit gets notices about its items")
        session.merge(
            ItemNoticeRow(
                notice_id=notice_id,
                declaring_unit=notice.declaring_unit,
                official_name=notice.official_name,
                official_unit=notice.official_unit,
                official_post=notice.official_post,
                relation=notice.relation,
            )
        )

    def list_notices(self, trail: Trail) -> list[ListedNotice]:
        """All notices, newest last; leaves its trail."""

        def run(session: Session) -> list[ListedNotice]:
            trail.write(session)
            query = (
                sa.select(Notice, ItemNoticeRow, PersonRow, ItemRow)
                .outerjoin(ItemNoticeRow, col(ItemNoticeRow.notice_id) == col(Notice.notice_id))
                .outerjoin(PersonRow, col(PersonRow.ref) == col(Notice.subject))
                .outerjoin(ItemRow, col(ItemRow.ref) == col(PersonRow.item))
                .order_by(col(Notice.received_at), col(Notice.notice_id))
            )
            return [_list_notice(*row) for row in session.execute(query)]

        return self._database.run_tx("beneficiary.list-notices", run)


def _list_notice(
    notice: Notice, content: ItemNoticeRow | None, person: PersonRow | None, item: ItemRow | None
) -> ListedNotice:
    own: dict[str, Any] = {}
    if person is not None and item is not None:
        own = {
            "item_ref": item.item_ref,
            "item_name": item.item_name,
            "person_name": person.name,
        }
    told = {} if content is None else content.model_dump(exclude={"notice_id", "declaring_unit"})
    return ListedNotice(notice.notice_id, notice.received_at, notice.disputed, **own, **told)


def _read_known(session: Session, item_refs: Collection[str]) -> Known:
    items = {item.item_ref: item for item in _read_items(session, item_refs)}
    persons: dict[bytes, list[PersonEntry]] = defaultdict(list)
    for person in _read_persons(session, [item.ref for item in items.values()]):
        persons[person.item].append(person)
    return Known(items, persons)


def _read_items(session: Session, item_refs: Collection[str]) -> list[ItemEntry]:
    return [
        _row_to_item(row)
        for chunk in chunked(item_refs)
        for row in select_rows(session, ItemRow, col(ItemRow.item_ref).in_(chunk))
    ]


def _read_persons(session: Session, items: Collection[bytes]) -> list[PersonEntry]:
    return [
        _row_to_person(row)
        for chunk in chunked(items)
        for row in select_rows(session, PersonRow, col(PersonRow.item).in_(chunk))
    ]


# --- rows and entries -----------------------------------------------------------------------------


def _row_to_item(row: sa.Row[Any]) -> ItemEntry:
    return ItemEntry(**without_times(dict(row._mapping)))


def _person_to_row(entry: PersonEntry) -> dict[str, Any]:
    row = dict(vars(entry))
    identifier: Identifier = row.pop("identifier")
    numbers = {"kind": int(identifier.kind), "idn": identifier.idn}
    return row | numbers | {"capacity": entry.capacity.value}


def _row_to_person(row: sa.Row[Any]) -> PersonEntry:
    values = without_times(dict(row._mapping))
    identifier = Identifier(Kind(values.pop("kind")), values.pop("idn"))
    capacity = Capacity(values.pop("capacity"))
    return PersonEntry(identifier=identifier, capacity=capacity, **values)
