"""Queries for the rights of a person, over the tables that both services of a unit share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.audit import AuditEntry
from services.holder.states import RecordState
from services.holder.store.records import chunked
from services.holder.tables import MatterRow, Notice, Record
from services.rules.matter_facts import State

_OVER = (RecordState.WITHDRAWN, RecordState.LAPSED)
_WHOLE_LISTS = ("list-%", "export-%")


@dataclass(frozen=True, repr=False)
class NoticeOf:
    """A notice about a subject; ``state`` None where no matter rests on it."""

    subject: bytes
    notice_id: bytes
    received_at: datetime
    case_id: bytes | None
    state: State | None


@dataclass(frozen=True)
class TrailFilter:
    """Which entries of the trail are wanted; "" for all."""

    subject: str = ""
    login: str = ""
    action: str = ""
    refused: bool = False


def find_notices(session: Session, subjects: Collection[bytes]) -> dict[bytes, list[NoticeOf]]:
    """The notices about each of ``subjects``, the oldest first."""
    query = (
        sa.select(
            col(Notice.subject),
            col(Notice.notice_id),
            col(Notice.received_at),
            col(MatterRow.case_id),
            col(MatterRow.state),
        )
        .outerjoin(MatterRow, col(MatterRow.notice_id) == col(Notice.notice_id))
        .order_by(col(Notice.received_at), col(Notice.notice_id))
    )
    found: dict[bytes, list[NoticeOf]] = defaultdict(list)
    for chunk in chunked(subjects):
        for row in session.execute(query.where(col(Notice.subject).in_(chunk))):
            state = None if row.state is None else State[row.state]
            notice = NoticeOf(row.subject, row.notice_id, row.received_at, row.case_id, state)
            found[row.subject].append(notice)
    return found


def has_unopened(session: Session) -> bool:
    """Whether a notice waits that did not open: nobody knows yet whom it is about."""
    query = select(sa.func.count()).select_from(Notice).where(col(Notice.opened).is_(False))
    return session.exec(query).one() > 0


def find_unfinished(session: Session) -> set[bytes]:
    """The subjects of which the matcher has, or may still get, a record."""
    query = sa.select(col(Record.subject)).where(
        sa.or_(col(Record.wanted), col(Record.state).not_in(_OVER))
    )
    return set(session.execute(query).scalars())


def delete_records(session: Session, subjects: Collection[bytes]) -> None:
    """Deletes every record of the subjects, with its token."""
    for chunk in chunked(subjects):
        session.execute(sa.delete(Record).where(col(Record.subject).in_(chunk)))


# --- the trail ------------------------------------------------------------------------------------


def read_looks(
    session: Session, subjects: Iterable[str], since: datetime, limit: int
) -> list[AuditEntry]:
    """Up to ``limit`` entries about ``subjects``, or about whole lists from ``since`` on; newest first."""
    lists = sa.or_(*(col(AuditEntry.action).like(pattern) for pattern in _WHOLE_LISTS))
    whole = sa.and_(col(AuditEntry.subject) == "", lists, col(AuditEntry.at) >= since)
    about = col(AuditEntry.subject).in_(list(subjects))
    query = select(AuditEntry).where(sa.or_(about, whole))
    return list(session.exec(query.order_by(col(AuditEntry.seq).desc()).limit(limit)))


def read_trail(
    session: Session, after: int, limit: int, wanted: TrailFilter
) -> Sequence[AuditEntry]:
    """Up to ``limit`` entries numbered above ``after`` that are ``wanted``, in order."""
    query = select(AuditEntry).where(col(AuditEntry.seq) > after)
    if wanted.subject:
        query = query.where(col(AuditEntry.subject) == wanted.subject)
    if wanted.login:
        query = query.where(col(AuditEntry.actor).endswith(f"/{wanted.login}", autoescape=True))
    if wanted.action:
        query = query.where(col(AuditEntry.action) == wanted.action)
    if wanted.refused:
        query = query.where(col(AuditEntry.outcome).startswith("refused"))
    return session.exec(query.order_by(col(AuditEntry.seq)).limit(limit)).all()
