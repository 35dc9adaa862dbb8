"""What a unit's service submitted, for its figures: when first, and how many records."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.china_time import china_day
from services.chassis.db import UtcDateTime
from services.holder.states import MessageKind, MessageState
from services.holder.tables import Message


def read_submitted(session: Session) -> tuple[date | None, int]:
    """The day of the first batch that the matcher took, and the records of all; None before that."""
    first = sa.func.min(col(Message.sealed_at), type_=UtcDateTime())
    query = sa.select(first, sa.func.coalesce(sa.func.sum(col(Message.rows)), 0)).where(
        col(Message.kind) == MessageKind.BATCH, col(Message.state) == MessageState.ACCEPTED
    )
    at, records = session.execute(query).one()
    return None if at is None else china_day(at), int(records)
