"""Which subjects are wanted at the matcher, and how far their records have come.

Functions over a session, so that a service changes its own rows and these in one transaction. All
are set-based: the number of statements does not grow with the number of subjects, but by chunks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col

from services.holder.states import RecordState
from services.holder.store.rows import insert_many
from services.holder.tables import Record

T = TypeVar("T")

CHUNK = 10_000  # below SQLite's 32,766 variables a statement
PENDING = (RecordState.ENTERED, RecordState.HELD)


@dataclass(frozen=True)
class Standing:
    """The wanted record of a subject: its state, and its id once it was sealed."""

    state: RecordState
    rid: bytes | None


def chunked(items: Collection[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that fit into one statement."""
    rest = list(items)
    for start in range(0, len(rest), CHUNK):
        yield rest[start : start + CHUNK]


def enter(session: Session, subjects: Collection[bytes], at: datetime) -> None:
    """Plans a new record for each subject; what was sealed of it before is to be withdrawn.

    A subject that already waits to be sealed goes on waiting: it is sealed as it is then.
    """
    for chunk in chunked(subjects):
        standing = read_standing(session, chunk)
        sealed = [s for s, found in standing.items() if found.state not in PENDING]
        _unwant(session, sealed)
        new = [s for s in chunk if s not in standing or standing[s].state not in PENDING]
        add_entered(session, new, at)


def add_entered(session: Session, subjects: Sequence[bytes], at: datetime) -> None:
    """Adds a wanted, unsealed record for each subject, which has no wanted one."""
    rows = [
        {"subject": subject, "wanted": True, "state": RecordState.ENTERED, "entered_at": at}
        for subject in subjects
    ]
    insert_many(session, Record, rows)


def retire(session: Session, subjects: Collection[bytes]) -> int:
    """The number of subjects that were wanted and are no longer: their records are to be withdrawn."""
    count = 0
    for chunk in chunked(subjects):
        standing = read_standing(session, chunk)
        never_sent = [s for s, found in standing.items() if found.state in PENDING]
        _unwant(session, never_sent, state=RecordState.WITHDRAWN)
        _unwant(session, [s for s in standing if s not in set(never_sent)])
        count += len(standing)
    return count


def _unwant(session: Session, subjects: Sequence[bytes], state: RecordState | None = None) -> None:
    values: dict[str, object] = {"wanted": False}
    if state is not None:
        values["state"] = state
    if subjects:
        wanted = col(Record.wanted), col(Record.subject).in_(subjects)
        session.execute(sa.update(Record).where(*wanted).values(values))


def read_standing(
    session: Session, subjects: Collection[bytes] | None = None
) -> dict[bytes, Standing]:
    """The wanted record of each subject that has one; of all subjects where none are named."""
    query = sa.select(col(Record.subject), col(Record.state), col(Record.rid)).where(
        col(Record.wanted)
    )
    if subjects is None:
        found = list(session.execute(query))
    else:
        chunks = (query.where(col(Record.subject).in_(chunk)) for chunk in chunked(subjects))
        found = [row for part in chunks for row in session.execute(part)]
    return {subject: Standing(state, rid) for subject, state, rid in found}


def find_sealed(session: Session, rid: bytes) -> tuple[bytes, bytes] | None:
    """(subject, token) of the record with this id, live or not; None where it is unknown."""
    query = sa.select(col(Record.subject), col(Record.token)).where(col(Record.rid) == rid)
    for subject, token in session.execute(query):
        assert token is not None  # set with the rid
        return subject, token
    return None
