"""What units' reports say, body by body, and when units were told of their cases: what matters fold from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import Side
from libmatch.reports import Report, Stage
from services.chassis.db import Database
from services.inspector.cases import Case
from services.inspector.states import NoticeState
from services.inspector.store.cases import read_cases
from services.inspector.tables import Matter, Notice, SeenReport, StepRow, table_of

_MATTER, _NOTICE = table_of(Matter), table_of(Notice)
_REPORT, _STEP = table_of(SeenReport), table_of(StepRow)


@dataclass(frozen=True, repr=False)
class Body:
    """An opened report: whose it is by its signature, what the gate makes of it, and what it says."""

    report: int
    unit: str
    side: Side
    seq: int
    stage: Stage
    at_us: int
    body: bytes


@dataclass(frozen=True, repr=False)
class Told:
    """A released case with what its units reported. ``told_at``: when the first notice left."""

    case: Case
    told_at: datetime
    bodies: tuple[Body, ...]


class Entries:
    """Released cases with the reports on them, page by page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_page(self, after: int, limit: int) -> list[Told]:
        """Up to ``limit`` (at most 1000) released cases numbered above ``after``, ascending."""
        query = (
            sa.select(_MATTER.c.number)
            .where(_MATTER.c.number > after, _MATTER.c.released_at.is_not(None))
            .order_by(_MATTER.c.number)
            .limit(limit)
        )

        def read(session: Session) -> list[Told]:
            numbers = session.scalars(query).all()
            told, cases = _read_told(session, numbers), read_cases(session, numbers)
            bodies = _read_bodies(session, [case.case_id for case in cases])
            return [_tell(case, told.get(case.number), bodies) for case in cases]

        return self._database.read(read)

    def read_reports(self, numbers: Sequence[int]) -> dict[int, Report]:
        """The reports of those numbers, as they were signed."""
        query = sa.select(_REPORT.c.number, _REPORT.c.encoded).where(_REPORT.c.number.in_(numbers))
        rows = self._database.read(lambda session: session.execute(query).all())
        return {row.number: Report.decode(row.encoded) for row in rows}


def _tell(case: Case, told_at: datetime | None, bodies: dict[bytes, list[Body]]) -> Told:
    # Released and not sent yet: units are told with the next round.
    at = told_at or case.released_at or case.opened_at
    return Told(case, at, tuple(bodies.get(case.case_id, ())))


def _read_told(session: Session, matters: Sequence[int]) -> dict[int, datetime]:
    first = sa.func.min(_NOTICE.c.sent_at, type_=_NOTICE.c.sent_at.type)
    query = (
        sa.select(_NOTICE.c.matter, first.label("told_at"))
        .where(_NOTICE.c.matter.in_(matters), _NOTICE.c.state == NoticeState.SENT)
        .group_by(_NOTICE.c.matter)
    )
    return {row.matter: row.told_at for row in session.execute(query)}


def _read_bodies(session: Session, case_ids: Sequence[bytes]) -> dict[bytes, list[Body]]:
    query = _STEP.select().where(_STEP.c.case_id.in_(case_ids)).order_by(_STEP.c.report)
    found: dict[bytes, list[Body]] = {}
    for row in session.execute(query):
        whose = (row.report, row.unit, Side(row.side), row.seq, Stage(row.stage), row.at_us)
        found.setdefault(row.case_id, []).append(Body(*whose, row.body))
    return found
