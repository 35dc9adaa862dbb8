"""Every query on lists: what waits, what comes into force, what a newer list takes over (R25, R61)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.beneficiary.entries import ImportPlan, Known
from services.beneficiary.item_records import Item
from services.beneficiary.lists import (
    BeneficiaryList,
    Draft,
    ListEntry,
    ListKind,
    ListState,
    digest_of,
    json_to_item,
)
from services.beneficiary.store.items import (
    read_items,
    read_known,
    set_list,
    withdraw_items,
    write_plan,
)
from services.beneficiary.tables import ItemListRow, ItemRow, ListEntryRow
from services.chassis.db import Database
from services.chassis.refusals import NotFound
from services.holder.store.records import chunked
from services.holder.store.rows import insert_many
from services.process.store.trail import Trail

MakePlan = Callable[[Sequence[Item], Known, ListKind], ImportPlan]
"""What putting items of a list of that kind in force changes."""


@dataclass(frozen=True)
class Held:
    """What a new list meets: items in force, which of them nobody signed, and what waits of them."""

    known: Known
    unsigned: frozenset[str]
    waiting: Mapping[str, tuple[ListKind, bytes]]


@dataclass(frozen=True)
class Taken:
    """What an import comes to. ``draft`` None: it says nothing new. ``plan``: what it changes.

    ``waits``: the draft is kept for signature and review; else the plan is carried out at once.
    """

    plan: ImportPlan
    draft: Draft | None
    waits: bool


class ListStore:
    """The lists of one unit. Every change and every look leaves its trail."""

    def __init__(self, database: Database, unit: str) -> None:
        self._database = database
        self._unit = unit

    def take(
        self,
        item_refs: Collection[str],
        decide: Callable[[Held], Taken],
        trail: Trail,
        tell: Callable[[Taken, int], str],
    ) -> tuple[Taken, int]:
        """What ``decide`` made of what is held, kept; and how many waiting items it took over.

        ``decide`` may be called twice; ``tell`` says in the trail how it ended.
        """

        def run(session: Session) -> tuple[Taken, int]:
            taken = decide(_read_held(session, item_refs))
            replaced = 0
            if taken.draft is not None:
                replaced = self._add(session, taken.draft, waits=taken.waits)
            if not taken.waits:
                write_plan(session, taken.plan, trail.at)
                if taken.draft is not None:
                    refs = [entry.item_ref for entry in taken.draft.entries]
                    set_list(session, refs, taken.draft.list_id)
            trail.write(session, tell(taken, replaced))
            return taken, replaced

        return self._database.run_tx("lists.take", run)

    def withdraw(
        self,
        item_ref: str,
        draft: Draft,
        make_trail: Callable[[bytes], Trail],
        *,
        waits: bool,
    ) -> int:
        """The number of persons of the item that were withdrawn just now; 0 where that waits.

        ``make_trail`` gets the item's opaque reference. Raises NotFound for an item not in force.
        """

        def run(session: Session) -> int:
            items = read_items(session, [item_ref])
            if not items:
                raise NotFound("no such item", "没有这个编号的事项；尚未签署的名单可以撤销。")
            trail = make_trail(items[0].ref)
            self._add(session, draft, waits=waits)
            if waits:
                trail.write(session, "waits for signature")
                return 0
            withdrawn = withdraw_items(session, [items[0].ref], trail.at)
            set_list(session, [item_ref], draft.list_id)
            trail.write(session, f"withdrawn {withdrawn}")
            return withdrawn

        return self._database.run_tx("lists.withdraw", run)

    def step(
        self,
        list_id: bytes,
        make: Callable[[BeneficiaryList], BeneficiaryList],
        make_plan: MakePlan,
        trail: Trail,
    ) -> BeneficiaryList:
        """The list as ``make`` gives it, in force where nobody's step is missing any more.

        Raises NotFound and what ``make`` raises; nothing is kept then.
        """

        def run(session: Session) -> BeneficiaryList:
            after = make(_get(session, list_id))
            if after.state is ListState.WAITING and after.is_complete:
                after = replace(after, state=ListState.IN_FORCE)
                _put_in_force(session, after, make_plan, trail.at)
            if after.state is not ListState.WAITING:
                _settle_entries(session, list_id)
            session.merge(ItemListRow(**vars(after)))
            trail.write(session, f"{after.state} {after.digest.hex()}")
            return after

        return self._database.run_tx("lists.step", run)

    def list_all(self, states: Collection[ListState], trail: Trail) -> list[BeneficiaryList]:
        """The lists in one of ``states`` (all, where none is named), the oldest first."""

        def run(session: Session) -> list[BeneficiaryList]:
            trail.write(session)
            query = select(ItemListRow).order_by(
                col(ItemListRow.imported_at), col(ItemListRow.list_id)
            )
            if states:
                query = query.where(col(ItemListRow.state).in_([state.value for state in states]))
            return [_row_to_list(row) for row in session.exec(query)]

        return self._database.run_tx("lists.list", run)

    def get(
        self, list_id: bytes, after: str, limit: int, trail: Trail
    ) -> tuple[BeneficiaryList, list[ListEntry]]:
        """A list with up to ``limit`` entries behind the number ``after``, in order. Raises NotFound."""

        def run(session: Session) -> tuple[BeneficiaryList, list[ListEntry]]:
            found = _get(session, list_id)
            trail.write(session)
            query = select(ListEntryRow).where(
                col(ListEntryRow.list_id) == list_id, col(ListEntryRow.item_ref) > after
            )
            page = query.order_by(col(ListEntryRow.item_ref)).limit(limit)
            return found, [_row_to_entry(row) for row in session.exec(page)]

        return self._database.run_tx("lists.get", run)

    def leave_trail(self, trail: Trail, outcome: str) -> None:
        """Keeps the trail of something that was refused."""
        self._database.run_tx("lists.trail", lambda session: trail.write(session, outcome))

    def _add(self, session: Session, draft: Draft, *, waits: bool) -> int:
        """Adds the list; the number of items that it took over from lists that waited."""
        replaced = self._take_over(session, [entry.item_ref for entry in draft.entries])
        state = ListState.WAITING if waits else ListState.IN_FORCE
        session.add(ItemListRow(**vars(draft.as_list(self._unit, state))))
        session.flush()
        rows = [
            {
                "list_id": draft.list_id,
                "item_ref": entry.item_ref,
                "digest": entry.digest,
                "content": entry.content if waits else "",
                "waiting": waits,
            }
            for entry in draft.entries
        ]
        insert_many(session, ListEntryRow, rows)
        return replaced

    def _take_over(self, session: Session, item_refs: Collection[str]) -> int:
        """Takes the items out of the lists in which they wait; what was signed of those is void."""
        count, touched = 0, set[bytes]()
        for chunk in chunked(item_refs):
            mine = col(ListEntryRow.item_ref).in_(chunk), col(ListEntryRow.waiting)
            found = session.exec(select(ListEntryRow.list_id).where(*mine)).all()
            touched |= set(found)
            count += len(found)
            session.execute(sa.delete(ListEntryRow).where(*mine))
        for list_id in touched:
            held = _get(session, list_id)
            digests = {entry.item_ref: entry.digest for entry in _read_entries(session, list_id)}
            after = held.altered(digest_of(self._unit, held.kind, digests), len(digests))
            session.merge(ItemListRow(**vars(after)))
        session.flush()
        return count


def read_waiting(session: Session, item_refs: Collection[str]) -> dict[str, tuple[ListKind, bytes]]:
    """What waits of the items with these numbers: the kind of list, and the entry's digest."""
    query = sa.select(
        col(ListEntryRow.item_ref), col(ItemListRow.kind), col(ListEntryRow.digest)
    ).join(ItemListRow, col(ItemListRow.list_id) == col(ListEntryRow.list_id))
    waiting = query.where(col(ListEntryRow.waiting))
    return {
        item_ref: (ListKind(kind), digest)
        for chunk in chunked(item_refs)
        for item_ref, kind, digest in session.execute(
            waiting.where(col(ListEntryRow.item_ref).in_(chunk))
        )
    }


def read_unsigned(session: Session, item_refs: Collection[str]) -> frozenset[str]:
    """The numbers of those items in force whose last list nobody signed."""
    query = (
        sa.select(col(ItemRow.item_ref))
        .outerjoin(ItemListRow, col(ItemListRow.list_id) == col(ItemRow.list_id))
        .where(sa.func.coalesce(col(ItemListRow.signed_by), "") == "")
    )
    return frozenset(
        item_ref
        for chunk in chunked(item_refs)
        for (item_ref,) in session.execute(query.where(col(ItemRow.item_ref).in_(chunk)))
    )


def _read_held(session: Session, item_refs: Collection[str]) -> Held:
    return Held(
        read_known(session, item_refs),
        read_unsigned(session, item_refs),
        read_waiting(session, item_refs),
    )


def _put_in_force(
    session: Session, done: BeneficiaryList, make_plan: MakePlan, at: datetime
) -> None:
    entries = _read_entries(session, done.list_id)
    refs = [entry.item_ref for entry in entries]
    if done.kind is ListKind.WITHDRAWAL:
        withdraw_items(session, [item.ref for item in read_items(session, refs)], at)
    else:
        items = [json_to_item(entry.content) for entry in entries]
        write_plan(session, make_plan(items, read_known(session, refs), done.kind), at)
    set_list(session, refs, done.list_id)


def _settle_entries(session: Session, list_id: bytes) -> None:
    """Lets the plaintext go: what is in force is in the tables of items and persons."""
    mine = sa.update(ListEntryRow).where(col(ListEntryRow.list_id) == list_id)
    session.execute(mine.values(waiting=False, content=""))


def _get(session: Session, list_id: bytes) -> BeneficiaryList:
    row = session.get(ItemListRow, list_id)
    if row is None:
        raise NotFound("no such list", "没有这个编号的名单。")
    return _row_to_list(row)


def _read_entries(session: Session, list_id: bytes) -> list[ListEntry]:
    query = select(ListEntryRow).where(col(ListEntryRow.list_id) == list_id)
    return [_row_to_entry(row) for row in session.exec(query.order_by(col(ListEntryRow.item_ref)))]


def _row_to_entry(row: ListEntryRow) -> ListEntry:
    return ListEntry(row.item_ref, row.digest, row.content)


def _row_to_list(row: ItemListRow) -> BeneficiaryList:
    values: dict[str, Any] = row.model_dump()
    kind, state = ListKind(values.pop("kind")), ListState(values.pop("state"))
    return BeneficiaryList(kind=kind, state=state, **values)
