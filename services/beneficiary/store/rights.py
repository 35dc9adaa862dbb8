"""What the beneficiary service holds about a person, and its end (R65)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.identifiers import Identifier, Kind
from services.beneficiary.entries import PersonStatus
from services.beneficiary.item_records import Item
from services.beneficiary.lists import json_to_item
from services.beneficiary.tables import ItemListRow, ItemRow, ListEntryRow, PersonRow
from services.holder.rights.records import EndedRecord, PersonRecord
from services.holder.states import RecordState
from services.holder.store.records import chunked, read_standing
from services.rules.retention import Category

_STATUS_ZH = {
    PersonStatus.ENTERED: "已录入，尚未参加比对",
    PersonStatus.SEALED: "待发送比对",
    PersonStatus.ACCEPTED: "参加比对",
    PersonStatus.WITHDRAWN: "已撤回，不再参加比对",
}
_SHOWN = {
    RecordState.SEALED: PersonStatus.SEALED,
    RecordState.ACCEPTED: PersonStatus.ACCEPTED,
}


class ListedPersons:
    """``services.holder.rights.records.PersonRecords`` of the beneficiary service."""

    def find(self, session: Session, person: Identifier) -> list[PersonRecord]:
        """Every item in which ``person`` has a part, then those of lists that wait for signature."""
        return [*_in_items(session, person), *_in_waiting_lists(session, person)]

    def find_ended(self, session: Session) -> list[EndedRecord]:
        """Every withdrawn person of an item, in order of entry."""
        query = (
            sa.select(
                col(PersonRow.ref),
                col(PersonRow.kind),
                col(PersonRow.idn),
                col(PersonRow.changed_at),
                col(PersonRow.item),
            )
            .where(col(PersonRow.withdrawn))
            .order_by(col(PersonRow.entered_at), col(PersonRow.ref))
        )
        return [
            EndedRecord(ref, Category.ITEM, Identifier(Kind(kind), idn), ended_at, item)
            for ref, kind, idn, ended_at, item in session.execute(query)
        ]

    def erase(self, session: Session, refs: Collection[bytes]) -> None:
        """Deletes these persons, and the items that have none left."""
        for chunk in chunked(refs):
            session.execute(sa.delete(PersonRow).where(col(PersonRow.ref).in_(chunk)))
        left = sa.select(col(PersonRow.ref)).where(col(PersonRow.item) == col(ItemRow.ref))
        session.execute(sa.delete(ItemRow).where(~left.exists()))


def _in_items(session: Session, person: Identifier) -> Iterator[PersonRecord]:
    query = (
        select(PersonRow, ItemRow)
        .join(ItemRow, col(ItemRow.ref) == col(PersonRow.item))
        .where(col(PersonRow.kind) == int(person.kind), col(PersonRow.idn) == person.idn)
        .order_by(col(PersonRow.entered_at), col(ItemRow.item_ref))
    )
    rows = list(session.exec(query))
    standing = read_standing(session, [row.ref for row, _ in rows])
    for row, item in rows:
        found = standing.get(row.ref)
        status = _SHOWN.get(found.state, PersonStatus.ENTERED) if found else PersonStatus.WITHDRAWN
        yield PersonRecord(
            ref=row.ref,
            category=Category.ITEM,
            capacity_zh=row.capacity,
            person=person,
            fields=_fields(row.name, item, item.start),
            status_zh=_STATUS_ZH[PersonStatus.WITHDRAWN if row.withdrawn else status],
            entered_at=row.entered_at,
            subjects=(row.ref,),
            ended_at=row.changed_at if row.withdrawn else None,
        )


def _in_waiting_lists(session: Session, person: Identifier) -> Iterator[PersonRecord]:
    """The items of lists that nobody has put in force; their content is emptied when it is (R25)."""
    query = (
        select(ListEntryRow, ItemListRow)
        .join(ItemListRow, col(ItemListRow.list_id) == col(ListEntryRow.list_id))
        .where(col(ListEntryRow.waiting), col(ListEntryRow.content).contains(person.idn))
        .order_by(col(ItemListRow.imported_at), col(ListEntryRow.item_ref))
    )
    for entry, listed in session.exec(query):
        item = json_to_item(entry.content)
        for one in item.persons:
            if one.identifier == person:
                yield PersonRecord(
                    ref=listed.list_id,
                    category=Category.ITEM,
                    capacity_zh=one.capacity.value,
                    person=person,
                    fields=_fields(one.name, item, item.start_date),
                    status_zh="名单待签署、审核，尚未参加比对",
                    entered_at=listed.imported_at,
                )


def _fields(name: str, item: ItemRow | Item, start: date | None) -> tuple[tuple[str, str], ...]:
    amount = item.amount_fen
    values = (
        ("姓名", name),
        ("身份证号码", "有（与请求中的号码一致）"),
        ("事项编号", item.item_ref),
        ("项目名称", item.item_name),
        ("资金（项目）名称", item.programme),
        ("金额（元）", "" if amount is None else f"{amount // 100}.{amount % 100:02d}"),
        ("地点", item.place),
        ("起始时间", start.isoformat() if start else ""),
        ("承建单位", item.company),
        ("备注", "有（可能涉及他人，不予摘录）" if item.remark else ""),
    )
    return tuple((heading, value) for heading, value in values if value)
