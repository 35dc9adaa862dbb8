"""Every query on the service's own tables. One unit's plaintext; nobody else reads this database."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.notices import HitNotice, ItemNotice
from services.beneficiary.entries import (
    GateFacts,
    ItemEntry,
    ListedItem,
    ListedNotice,
    PersonEntry,
    find_status,
)
from services.beneficiary.store.items import (
    read_items,
    read_known,
    read_persons,
    row_to_item,
    row_to_person,
)
from services.beneficiary.store.lists import read_unsigned, read_waiting
from services.beneficiary.tables import ItemNoticeRow, ItemRow, PersonRow, RefKeyRow
from services.chassis.db import Database
from services.holder.store import records
from services.holder.store.records import chunked
from services.holder.store.rows import select_rows
from services.holder.tables import Notice
from services.process.store.trail import Trail

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

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of something that changed nothing."""
        self._database.run_tx("beneficiary.trail", lambda session: trail.write(session, outcome))

    def load(
        self, session: Session, subjects: Sequence[bytes]
    ) -> list[tuple[ItemEntry, PersonEntry]]:
        """Each person with the item, in the order of ``subjects``; in a transaction."""
        persons = {
            row.ref: row_to_person(row)
            for chunk in chunked(subjects)
            for row in select_rows(session, PersonRow, col(PersonRow.ref).in_(chunk))
        }
        items = {
            row.ref: row_to_item(row)
            for chunk in chunked({person.item for person in persons.values()})
            for row in select_rows(session, ItemRow, col(ItemRow.ref).in_(chunk))
        }
        ordered = (persons[subject] for subject in subjects)
        return [(items[person.item], person) for person in ordered]

    def read_gate_facts(self, item_refs: Collection[str], trail: Trail) -> dict[str, GateFacts]:
        """What the gate must know of each item that is held or waits; leaves its trail.

        An item that neither is held nor waits is not in the result.
        """

        def run(session: Session) -> dict[str, GateFacts]:
            trail.write(session, f"items {len(item_refs)}")
            waiting = read_waiting(session, item_refs)
            unsigned = read_unsigned(session, item_refs)
            known = read_known(session, item_refs)
            live = {
                ref: [p for p in known.persons.get(item.ref, ()) if not p.withdrawn]
                for ref, item in known.items.items()
            }
            subjects = [person.ref for persons in live.values() for person in persons]
            standing = records.read_standing(session, subjects)
            return {
                ref: GateFacts(
                    persons=tuple(standing.get(person.ref) for person in live.get(ref, ())),
                    has_pre=any(person.in_pre for person in live.get(ref, ())),
                    signed=ref in live and ref not in unsigned,
                    waits=ref in waiting,
                )
                for ref in {**live, **waiting}
            }

        return self._database.run_tx("beneficiary.check", run)

    def read_shares(
        self, item_refs: Collection[str], trail: Trail
    ) -> list[tuple[ItemEntry, list[PersonEntry]]]:
        """The items with these numbers (all, where none is named) and their live persons, for a look."""

        def run(session: Session) -> list[tuple[ItemEntry, list[PersonEntry]]]:
            trail.write(session)
            if item_refs:
                items = read_items(session, item_refs)
            else:
                items = [row_to_item(row) for row in select_rows(session, ItemRow, sa.true())]
            live: dict[bytes, list[PersonEntry]] = defaultdict(list)
            for person in read_persons(session, [item.ref for item in items]):
                if not person.withdrawn:
                    live[person.item].append(person)
            return [(item, live[item.ref]) for item in items]

        return self._database.run_tx("beneficiary.shares", run)

    def list_items(self, trail: Trail) -> list[ListedItem]:
        """Every item that is held, in order of entry, with statuses; leaves its trail."""

        def run(session: Session) -> list[ListedItem]:
            trail.write(session)
            standing = records.read_standing(session)
            mine = defaultdict(list)
            for row in select_rows(session, PersonRow, sa.true()):
                person, found = row_to_person(row), standing.get(row.ref)
                status = find_status(person, found.state if found else None)
                mine[person.item].append((person, status))
            items = map(row_to_item, select_rows(session, ItemRow, sa.true()))
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
