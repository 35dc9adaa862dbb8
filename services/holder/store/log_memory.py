"""What this unit remembers of the audit log: the newest proved checkpoint, receipts to be proved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from libmatch.records import Receipt
from services.chassis.db import Database
from services.holder.states import MessageKind, MessageState
from services.holder.tables import Message, SeenCheckpoint


class LogMemory:
    """The memory of one log, named by its public key: another epoch may have another log."""

    def __init__(self, database: Database, log_key: bytes) -> None:
        self._database = database
        self._log_key = log_key

    def read_newest(self) -> tuple[int, bytes] | None:
        """(size, root) of the checkpoint that the next one must extend; None before the first."""
        query = (
            select(SeenCheckpoint.size, SeenCheckpoint.root)
            .where(col(SeenCheckpoint.log_key) == self._log_key, col(SeenCheckpoint.consistent))
            .order_by(col(SeenCheckpoint.size).desc())
            .limit(1)
        )
        return self._database.read(lambda session: session.exec(query).first())

    def remember(self, note: str, size: int, root: bytes, at: datetime) -> None:
        """Keeps a proved checkpoint instead of the one before, which it contains."""

        def run(session: Session) -> None:
            replaced = col(SeenCheckpoint.log_key) == self._log_key, col(SeenCheckpoint.consistent)
            session.execute(sa.delete(SeenCheckpoint).where(*replaced))
            session.merge(self._row(note, size, root, at, consistent=True))

        self._database.run_tx("log.remember", run)

    def keep_evidence(self, note: str, size: int, root: bytes, at: datetime) -> None:
        """Keeps a signed checkpoint that contradicts the remembered one: proof against the matcher."""
        row = self._row(note, size, root, at, consistent=False)
        self._database.run_tx("log.keep-evidence", lambda session: session.merge(row))

    def _row(
        self, note: str, size: int, root: bytes, at: datetime, *, consistent: bool
    ) -> SeenCheckpoint:
        return SeenCheckpoint(
            note=note,
            log_key=self._log_key,
            size=size,
            root=root,
            seen_at=at,
            consistent=consistent,
        )

    def read_unproven(self, epoch: bytes) -> list[tuple[int, MessageKind, Receipt]]:
        """(position, kind, receipt) of the accepted messages not yet found in the log."""
        query = (
            sa.select(col(Message.position), col(Message.kind), col(Message.receipt))
            .where(
                col(Message.epoch) == epoch,
                col(Message.state) == MessageState.ACCEPTED,
                col(Message.proven).is_(False),
            )
            .order_by(col(Message.position))
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return [
            (position, kind, Receipt.decode(receipt))
            for position, kind, receipt in rows
            if position is not None and receipt is not None  # both are set in accepted ones
        ]

    def mark_proven(self, positions: Sequence[int]) -> None:
        """Keeps that the receipts of these messages are in the log."""
        found = sa.update(Message).where(col(Message.position).in_(positions)).values(proven=True)
        self._database.run_tx("log.mark-proven", lambda session: session.execute(found))
