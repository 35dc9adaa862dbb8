"""The checkpoints that were proved, for ever, and how far the list of hits was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.inspector.tables import SeenCheckpoint


class Checkpoints:
    """``libmatch.client.logwatch.Memory`` in this service's database."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    @contextmanager
    def transaction(self) -> Iterator[Checkpoints]:
        """This memory: a watch reads, then adds one row, which is a transaction by itself."""
        yield self

    def last_checkpoint(self, log_key: bytes) -> str | None:
        """The note of the largest log seen under that key, or None."""
        query = (
            select(SeenCheckpoint.note)
            .where(col(SeenCheckpoint.log_key) == log_key)
            .order_by(col(SeenCheckpoint.size).desc())
            .limit(1)
        )
        return self._database.read(lambda session: session.exec(query).first())

    def add_checkpoint(self, log_key: bytes, size: int, note: str) -> None:
        """Keep a proved checkpoint; one of the same size is there already, and says the same."""

        def write(session: Session) -> None:
            known = (
                col(SeenCheckpoint.log_key) == log_key,
                col(SeenCheckpoint.size) == size,
            )
            if session.exec(select(SeenCheckpoint.size).where(*known)).first() is None:
                at = self._now()
                new = SeenCheckpoint(
                    note=note, log_key=log_key, size=size, seen_at=at, listed=False
                )
                session.add(new)

        self._database.run_tx("checkpoint.add", write)

    def is_listed(self, log_key: bytes, size: int) -> bool:
        """Whether the list of hits was read to its end after the log had this size."""
        query = select(SeenCheckpoint.listed).where(
            col(SeenCheckpoint.log_key) == log_key, col(SeenCheckpoint.size) == size
        )
        return bool(self._database.read(lambda session: session.exec(query).first()))


def mark_listed(session: Session, log_key: bytes, size: int) -> None:
    """The list of hits was read to its end after the log had this size."""
    seen = col(SeenCheckpoint.log_key) == log_key, col(SeenCheckpoint.size) == size
    session.execute(sa.update(SeenCheckpoint).where(*seen).values(listed=True))
