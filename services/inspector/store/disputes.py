"""Disputes: each once, however often it is found again, and resolved where the hit opens after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.inspector.disputes import Dispute, ListedDispute
from services.inspector.states import PASSING, DisputeKind
from services.inspector.store.trail import Trail
from services.inspector.tables import DisputeRow


class Disputes:
    """What officers are told, and what does not belong to one hit or batch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, disputes: Sequence[Dispute], at: datetime) -> int:
        """How many of ``disputes`` are new."""
        return self._database.run_tx("dispute.add", lambda s: add_disputes(s, disputes, at))

    def list_page(self, trail: Trail, after: int, limit: int) -> list[ListedDispute]:
        """Up to ``limit`` unresolved disputes numbered above ``after``; the look is in the trail."""
        query = (
            select(DisputeRow)
            .where(col(DisputeRow.number) > after, col(DisputeRow.resolved_at).is_(None))
            .order_by(col(DisputeRow.number))
            .limit(limit)
        )

        def run(session: Session) -> list[ListedDispute]:
            trail.write(session)
            return [_row_to_dispute(row) for row in session.exec(query)]

        return self._database.run_tx("dispute.list", run)


def add_disputes(session: Session, disputes: Sequence[Dispute], at: datetime) -> int:
    """How many are new. One that was resolved is opened again."""
    new = 0
    for dispute in disputes:
        row = session.exec(select(DisputeRow).where(DisputeRow.key == dispute.key)).first()
        if row is not None and row.resolved_at is None:
            continue
        new += 1
        if row is None:
            session.add(_dispute_to_row(dispute, at))
        else:
            row.resolved_at, row.found_at, row.evidence = None, at, dispute.evidence
        session.flush()
    return new


def resolve_disputes(session: Session, hit_ids: Sequence[bytes], at: datetime) -> None:
    """The hits opened: what kept them from opening is past."""
    _resolve(session, at, col(DisputeRow.hit_id).in_(hit_ids), col(DisputeRow.kind).in_(PASSING))


def resolve_assigned(session: Session, hit_ids: Sequence[bytes], at: datetime) -> None:
    """The matcher took the case of these hits after all."""
    these = col(DisputeRow.hit_id).in_(hit_ids)
    _resolve(session, at, these, col(DisputeRow.kind) == DisputeKind.ASSIGNMENT)


def resolve_unknown(session: Session, at: datetime) -> None:
    """The kit is another: who is still unknown will be found again."""
    _resolve(session, at, col(DisputeRow.kind) == DisputeKind.UNKNOWN_PARTY)


def _resolve(session: Session, at: datetime, *which: sa.ColumnElement[bool]) -> None:
    open_ones = sa.update(DisputeRow).where(col(DisputeRow.resolved_at).is_(None), *which)
    session.execute(open_ones.values(resolved_at=at))


def _dispute_to_row(dispute: Dispute, at: datetime) -> DisputeRow:
    return DisputeRow(
        key=dispute.key,
        kind=dispute.kind,
        answerable=" ".join(dispute.answerable),
        hit_id=dispute.hit_id,
        detail=dispute.detail,
        evidence=dispute.evidence,
        found_at=at,
    )


def _row_to_dispute(row: DisputeRow) -> ListedDispute:
    assert row.number is not None
    answerable = tuple(row.answerable.split())
    dispute = Dispute(row.kind, answerable, row.hit_id, row.detail, row.evidence)
    return ListedDispute(row.number, dispute, row.found_at)
