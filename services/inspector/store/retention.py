"""Cases that ended before anybody was told: found, and erased. Functions over a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.identifiers import Identifier
from services.inspector.store.pairs import row_to_key
from services.inspector.tables import Agreement, DisputeRow, Hit, Matter, Notice, Pair, table_of
from services.process.store.under_check import find_under_check

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it."""

_HIT, _MATTER, _PAIR, _NOTICE = table_of(Hit), table_of(Matter), table_of(Pair), table_of(Notice)
_CHUNK = 10_000  # below SQLite's 32,766 variables a statement


@dataclass(frozen=True, repr=False)
class EndedCase:
    """A case that no live hit says and no unit was told of. ``ended_at``: when its last hit ended.

    ``in_use``: a draw that goes on, a finding, or an open dispute is about it.
    """

    number: int
    case_id: bytes
    official: Identifier
    approving_unit: str
    ended_at: datetime
    in_use: bool


def find_ended(session: Session) -> list[EndedCase]:
    """Every such case, ascending."""
    last = sa.func.max(_HIT.c.withdrawn_at)
    ended = (
        sa.select(_PAIR.c.matter, last.label("ended_at"))
        .join(_HIT, _HIT.c.number == _PAIR.c.number)
        .group_by(_PAIR.c.matter)
        .having(sa.func.sum(sa.cast(_HIT.c.live, sa.Integer)) == 0, last.is_not(None))
        .subquery()
    )
    told = sa.select(_NOTICE.c.number).where(_NOTICE.c.matter == _MATTER.c.number)
    query = (
        sa.select(_MATTER, ended.c.ended_at.label("ended_at"))
        .join(ended, ended.c.matter == _MATTER.c.number)
        .where(_MATTER.c.released_at.is_(None), ~told.exists())
        .order_by(_MATTER.c.number)
    )
    used, disputed = find_under_check(session), _disputed(session)
    return [
        EndedCase(
            row.number,
            row.case_id,
            row_to_key(row).official,
            row.approving_unit,
            row.ended_at,
            row.case_id in used or row.number in disputed,
        )
        for row in session.execute(query)
    ]


def erase_cases(session: Session, numbers: Sequence[int]) -> None:
    """Deletes what was opened of these cases, and the cases; the lines of the list stay."""
    for start in range(0, len(numbers), _CHUNK):
        these = numbers[start : start + _CHUNK]
        for table in (table_of(Agreement), _PAIR):
            session.execute(table.delete().where(table.c.matter.in_(these)))
        session.execute(_MATTER.delete().where(_MATTER.c.number.in_(these)))


def _disputed(session: Session) -> set[int]:
    """The numbers of the cases of which a hit is in an open dispute."""
    query = (
        sa.select(_PAIR.c.matter)
        .join(_HIT, _HIT.c.number == _PAIR.c.number)
        .join(DisputeRow, col(DisputeRow.hit_id) == _HIT.c.hit_id)
        .where(col(DisputeRow.resolved_at).is_(None))
    )
    return set(session.scalars(query))
