"""Who submitted how much, by the headers of the batches whose capsules open; withdrawn ones too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import BatchHeader, Side
from services.chassis.db import Database
from services.inspector.tables import Submission, table_of

_SUBMISSION = table_of(Submission)


@dataclass(frozen=True)
class Submitted:
    """What a unit submitted as one side: when 纪委 saw the first batch, and how many records."""

    first_at: datetime
    records: int


class Submissions:
    """The submissions of the district."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[tuple[str, Side], Submitted]:
        """(unit, side) → what it submitted; nothing of who never did."""
        first = sa.func.min(_SUBMISSION.c.seen_at, type_=_SUBMISSION.c.seen_at.type)
        columns = (_SUBMISSION.c.unit, _SUBMISSION.c.side)
        query = sa.select(
            *columns, first.label("first_at"), sa.func.sum(_SUBMISSION.c.rows).label("records")
        ).group_by(*columns)
        rows = self._database.read(lambda session: session.execute(query).all())
        return {(r.unit, Side(r.side)): Submitted(r.first_at, r.records) for r in rows}


def add_submissions(session: Session, headers: Mapping[int, BatchHeader], at: datetime) -> None:
    """Keeps the batches of these numbers, each for the first time."""
    rows = [
        {"number": n, "unit": h.unit, "side": int(h.side), "rows": h.count, "seen_at": at}
        for n, h in headers.items()
    ]
    if rows:
        session.connection().execute(_SUBMISSION.insert(), rows)
