"""Every query about yearly statements (R49): matters with their officials, and what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.china_time import china_day
from services.holder.tables import MatterRow, Notice
from services.registry.tables import OfficialNoticeRow, OfficialRow, RelativeRow, StatementRow
from services.rules.matter_facts import MATTER_ID_SIZE, State
from services.rules.statements import Meeting, Statement

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it: everything of a step is in one of it."""


@dataclass(frozen=True, repr=False)
class OwnMatter:
    """A matter about one of the unit's own officials, known since the unit was told of it."""

    official: bytes
    official_name: str
    political: str
    case_id: bytes
    item_name: str
    known_on: date
    live: bool


def read_own_matters(session: Session, official: bytes | None = None) -> list[OwnMatter]:
    """The matters whose record is still held, of one official or of all, the oldest first."""
    query = (
        sa.select(MatterRow, OfficialRow, OfficialNoticeRow)
        .join(Notice, col(Notice.notice_id) == col(MatterRow.notice_id))
        .join(RelativeRow, col(RelativeRow.ref) == col(Notice.subject))
        .join(OfficialRow, col(OfficialRow.ref) == col(RelativeRow.official))
        .join(OfficialNoticeRow, col(OfficialNoticeRow.notice_id) == col(MatterRow.notice_id))
        .order_by(col(MatterRow.notified_at), col(MatterRow.case_id))
    )
    if official is not None:
        query = query.where(col(OfficialRow.ref) == official)
    return [
        OwnMatter(
            official=person.ref,
            official_name=person.name,
            political=person.political,
            case_id=matter.case_id,
            item_name=told.item_name,
            known_on=china_day(matter.notified_at),
            live=matter.state != State.WITHDRAWN.name,
        )
        for matter, person, told in session.execute(query)
    ]


def read_statements(session: Session, unit: str, official: bytes | None = None) -> list[Statement]:
    """What was recorded, of one official or of all, each record after those that it adds to."""
    query = select(StatementRow).order_by(
        col(StatementRow.official), col(StatementRow.year), col(StatementRow.number)
    )
    if official is not None:
        query = query.where(col(StatementRow.official) == official)
    return [_row_to_statement(row, unit) for row in session.exec(query)]


def add_statement(session: Session, statement: Statement) -> None:
    """Keeps the record behind those of the same official and year."""
    official = bytes.fromhex(statement.official)
    same = (col(StatementRow.official) == official, col(StatementRow.year) == statement.year)
    last = session.exec(select(sa.func.max(col(StatementRow.number))).where(*same)).one()
    session.add(
        StatementRow(
            official=official,
            year=statement.year,
            number=(last or 0) + 1,
            meeting=statement.meeting.name,
            held_on=statement.held_on,
            matters=b"".join(sorted(statement.matters)),
            recorded_by=statement.recorded_by,
            recorded_on=statement.recorded_on,
        )
    )
    session.flush()


def _row_to_statement(row: StatementRow, unit: str) -> Statement:
    ids, size = row.matters, MATTER_ID_SIZE
    return Statement(
        official=row.official.hex(),
        unit=unit,
        year=row.year,
        meeting=Meeting[row.meeting],
        held_on=row.held_on,
        matters=frozenset(ids[at : at + size] for at in range(0, len(ids), size)),
        recorded_by=row.recorded_by,
        recorded_on=row.recorded_on,
    )
