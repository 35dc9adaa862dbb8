"""Counts per unit and side in one epoch, without a look at single records (R55)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import Side
from services.chassis.db import Database, to_micros
from services.matcher.store.ledger import read_size
from services.matcher.tables import (
    Capsule,
    Kind,
    Owner,
    Record,
    StoredBatch,
    StoredHit,
    StoredNotice,
    Submission,
    table_of,
)

_OWNER, _SUBMISSION, _RECORD = table_of(Owner), table_of(Submission), table_of(Record)
_BATCH, _HIT, _NOTICE = table_of(StoredBatch), table_of(StoredHit), table_of(StoredNotice)

Key = tuple[str, Side]


@dataclass
class UnitFigures:
    """What one unit did as one side; ``last_accepted_at_us`` is 0 if it never did."""

    batches: int = 0
    records_live: int = 0
    records_withdrawn: int = 0
    hits: int = 0
    notices: int = 0
    notices_acknowledged: int = 0
    bad_capsules: int = 0
    last_accepted_at_us: int = 0


@dataclass
class Figures:
    """Figures by (unit, side); ``hits`` are the live pairs, ``tree_size`` the log's leaves."""

    units: defaultdict[Key, UnitFigures] = field(default_factory=lambda: defaultdict(UnitFigures))
    hits: int = 0
    tree_size: int = 0


class FigureStore:
    """Counts, from one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, epoch: bytes) -> Figures:
        """The figures of one epoch; units that never submitted are missing."""
        return self._database.read(lambda session: _count(session, epoch))


def _count(session: Session, epoch: bytes) -> Figures:
    figures = Figures(tree_size=read_size(session))
    _count_submissions(session, epoch, figures)
    for column, side in (
        (_HIT.c.registry_record, Side.REGISTRY),
        (_HIT.c.beneficiary_record, Side.BENEFICIARY),
    ):
        for unit, hits in _count_hits(session, epoch, column):
            figures.units[unit, side].hits = hits
            figures.hits += hits if side is Side.REGISTRY else 0
    _count_notices(session, epoch, figures)
    return figures


def _count_submissions(session: Session, epoch: bytes, figures: Figures) -> None:
    bad = sa.case((_BATCH.c.state == int(Capsule.BAD), 1), else_=0)
    query = (
        sa.select(
            _OWNER.c.unit,
            _SUBMISSION.c.side,
            sa.func.count(_BATCH.c.number),
            sa.func.coalesce(sa.func.sum(_BATCH.c.live), 0),
            sa.func.coalesce(
                sa.func.sum(_SUBMISSION.c.count).filter(_SUBMISSION.c.kind == int(Kind.WITHDRAWAL)),
                0,
            ),
            sa.func.coalesce(sa.func.sum(bad), 0),
            sa.func.max(_SUBMISSION.c.accepted_at),
        )
        .join(_OWNER, _OWNER.c.id == _SUBMISSION.c.owner)
        .outerjoin(_BATCH, _BATCH.c.number == _SUBMISSION.c.number)
        .where(_OWNER.c.epoch == epoch)
        .group_by(_OWNER.c.unit, _SUBMISSION.c.side)
    )
    for unit, side, batches, live, withdrawn, bad_capsules, last in session.execute(query):
        of_unit = figures.units[unit, Side(side)]
        of_unit.batches, of_unit.records_live = batches, live
        of_unit.records_withdrawn, of_unit.bad_capsules = withdrawn, bad_capsules
        of_unit.last_accepted_at_us = to_micros(last)


def _count_hits(
    session: Session, epoch: bytes, column: sa.ColumnElement[int]
) -> Iterable[tuple[str, int]]:
    query = (
        sa.select(_OWNER.c.unit, sa.func.count())
        .select_from(_HIT)
        .join(_RECORD, _RECORD.c.id == column)
        .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
        .where(_HIT.c.live, _OWNER.c.epoch == epoch)
        .group_by(_OWNER.c.unit)
    )
    return session.execute(query).all()


def _count_notices(session: Session, epoch: bytes, figures: Figures) -> None:
    query = (
        sa.select(
            _NOTICE.c.unit,
            _NOTICE.c.side,
            sa.func.count(),
            sa.func.count(_NOTICE.c.acknowledged_at),
        )
        .where(_NOTICE.c.epoch == epoch)
        .group_by(_NOTICE.c.unit, _NOTICE.c.side)
    )
    for unit, side, notices, acknowledged in session.execute(query):
        of_unit = figures.units[unit, Side(side)]
        of_unit.notices, of_unit.notices_acknowledged = notices, acknowledged
