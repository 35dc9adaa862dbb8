"""What the registry knows of a case: the item from the notice, people from the unit's own declaration."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier, Kind
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.tables import Notice
from services.registry.tables import OfficialNoticeRow, OfficialRow, RelativeRow


def facts_of_cases(unit: str, unit_name: str) -> FactsOf:
    """Reads the facts behind a notice to ``unit``; its name stands in where a form leaves 单位 blank."""

    def read(session: Session, notice_id: bytes) -> CaseFacts | None:
        query = (
            sa.select(OfficialNoticeRow, RelativeRow, OfficialRow)
            .join(Notice, col(Notice.notice_id) == col(OfficialNoticeRow.notice_id))
            .join(RelativeRow, col(RelativeRow.ref) == col(Notice.subject))
            .join(OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official))
            .where(col(OfficialNoticeRow.notice_id) == notice_id)
        )
        row = session.execute(query).first()
        return None if row is None else _facts(unit, unit_name, *row)

    return read


def _facts(
    unit: str, unit_name: str, told: OfficialNoticeRow, relative: RelativeRow, official: OfficialRow
) -> CaseFacts:
    born = None
    if relative.kind is not None and relative.idn is not None:
        born = Identifier(Kind(relative.kind), relative.idn).birth_date
    return CaseFacts(
        approving_unit=told.approving_unit,
        declaring_unit=unit,
        official=official.name,
        official_post=f"{official.unit or unit_name}{official.post}",
        relation=relative.relation,
        beneficiary=relative.name,
        born=born,
        item_name=told.item_name,
        programme=told.programme,
        amount_fen=told.amount_fen,
        place=told.place,
        start=told.start,
    )
