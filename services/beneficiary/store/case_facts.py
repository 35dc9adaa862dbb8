"""What the beneficiary service knows of a case: official from the notice, item from the unit's own list."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from services.beneficiary.tables import ItemNoticeRow, ItemRow, PersonRow
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.tables import Notice


def facts_of_cases(unit: str) -> FactsOf:
    """Reads the facts behind a notice to ``unit``, which approves."""

    def read(session: Session, notice_id: bytes) -> CaseFacts | None:
        query = (
            sa.select(ItemNoticeRow, PersonRow, ItemRow)
            .join(Notice, col(Notice.notice_id) == col(ItemNoticeRow.notice_id))
            .join(PersonRow, col(PersonRow.ref) == col(Notice.subject))
            .join(ItemRow, col(ItemRow.ref) == col(PersonRow.item))
            .where(col(ItemNoticeRow.notice_id) == notice_id)
        )
        row = session.execute(query).first()
        return None if row is None else _facts(unit, *row)

    return read


def _facts(unit: str, told: ItemNoticeRow, person: PersonRow, item: ItemRow) -> CaseFacts:
    return CaseFacts(
        approving_unit=unit,
        declaring_unit=told.declaring_unit,
        official=told.official_name,
        official_post=f"{told.official_unit}{told.official_post}",
        relation=told.relation,
        beneficiary=person.name,
        born=Identifier(Kind(person.kind), person.idn).birth_date,
        item_name=item.item_name,
        programme=item.programme,
        amount_fen=item.amount_fen,
        place=item.place,
        start=item.start,
        item_ref=item.item_ref,
    )
