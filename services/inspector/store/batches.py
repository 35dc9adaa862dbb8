"""Batches whose capsules were tried, by the matcher's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from libmatch.records import BatchHeader
from services.chassis.db import Database
from services.inspector.disputes import Dispute
from services.inspector.states import BatchState
from services.inspector.store.disputes import add_disputes, resolve_unknown
from services.inspector.store.submissions import add_submissions
from services.inspector.tables import TestedBatch

_JUDGED = (BatchState.OPENS, BatchState.BAD)


@dataclass(frozen=True)
class Verdict:
    """What became of one batch. ``header`` where its capsule opens."""

    number: int
    state: BatchState
    dispute: Dispute | None = None
    header: BatchHeader | None = None


class Batches:
    """The verdicts, and which of them the matcher does not know yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_cursor(self) -> int:
        """The number behind which batches are to be listed: the first that is due, or the last."""
        due = sa.select(sa.func.min(col(TestedBatch.number))).where(
            col(TestedBatch.state) == BatchState.DUE
        )
        last = sa.select(sa.func.max(col(TestedBatch.number)))

        def read(session: Session) -> int:
            first = session.scalar(due)
            return int(session.scalar(last) or 0) if first is None else int(first) - 1

        return self._database.read(read)

    def keep(self, verdicts: Sequence[Verdict], at: datetime) -> tuple[list[int], int]:
        """(numbers judged for the first time, new disputes); the verdicts are kept.

        A batch that was judged before stays as it was.
        """

        def write(session: Session) -> tuple[list[int], int]:
            numbers = [verdict.number for verdict in verdicts]
            query = sa.select(col(TestedBatch.number)).where(
                col(TestedBatch.number).in_(numbers), col(TestedBatch.state).in_(_JUDGED)
            )
            known = set(session.scalars(query))
            fresh = [verdict for verdict in verdicts if verdict.number not in known]
            for v in fresh:
                row = TestedBatch(number=v.number, state=v.state, reported=False, tested_at=at)
                session.merge(row)
            session.flush()
            add_submissions(session, {v.number: v.header for v in fresh if v.header}, at)
            disputes = [verdict.dispute for verdict in fresh if verdict.dispute is not None]
            judged = [verdict.number for verdict in fresh if verdict.state in _JUDGED]
            return judged, add_disputes(session, disputes, at)

        return self._database.run_tx("batch.keep", write)

    def read_unreported(self, limit: int) -> dict[int, bool]:
        """Up to ``limit`` verdicts that the matcher does not know: number → whether it opens."""
        query = (
            sa.select(col(TestedBatch.number), col(TestedBatch.state))
            .where(col(TestedBatch.state).in_(_JUDGED), col(TestedBatch.reported).is_(False))
            .order_by(col(TestedBatch.number))
            .limit(limit)
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return {number: state is BatchState.OPENS for number, state in rows}

    def mark_reported(self, numbers: Sequence[int]) -> None:
        """The matcher knows these verdicts."""
        update = sa.update(TestedBatch).where(col(TestedBatch.number).in_(numbers))
        done = update.values(reported=True)
        self._database.run_tx("batch.reported", lambda session: session.execute(done))

    def requeue(self, at: datetime) -> None:
        """What waits for a unit or an epoch is due again: the kit may have it now."""

        def write(session: Session) -> None:
            _move(session, BatchState.WAITING, BatchState.DUE)
            resolve_unknown(session, at)

        self._database.run_tx("batch.requeue", write)

    def drop_due(self) -> None:
        """The list was read to its end: what is still due is not in it any more."""
        self._database.run_tx("batch.drop", lambda s: _move(s, BatchState.DUE, BatchState.GONE))


def _move(session: Session, before: BatchState, after: BatchState) -> None:
    moved = sa.update(TestedBatch).where(col(TestedBatch.state) == before)
    session.execute(moved.values(state=after))
