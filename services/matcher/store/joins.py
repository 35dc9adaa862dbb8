"""The join: which live records of opposite sides have one token (docs/spec/protocol.md).

Found by the first 16 bytes of the token through an index, decided by the other 16. One set-based query a
batch, whatever its size; the full join is the same query without the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import RecordRef, Side
from services.chassis.db import Database
from services.matcher.tables import Owner, Record, Sealed, StoredHit, table_of

_RECORD = table_of(Record)
_SEALED = table_of(Sealed)
_OWNER = table_of(Owner)
_HIT = table_of(StoredHit)


@dataclass(frozen=True)
class Match:
    """A new record and a live one of the opposite side with its token."""

    new_record: int
    other_record: int
    other: RecordRef


def find_matches(
    session: Session, first: int, last: int, side: Side, epoch: bytes, limit: int
) -> list[Match]:
    """The pairs of the records with ids ``first`` to ``last``, all of ``side``; at most ``limit``."""
    new, other = _RECORD.alias("new"), _RECORD.alias("other")
    units = _units_of(session, epoch)
    # Tokens of two epochs differ, unless a unit submits old commitments again: such pairs must not use up
    # the limit. A sum has no index: by owners, SQLite would begin at the whole opposite side.
    of_epoch = sa.select(_OWNER.c.id).where(_OWNER.c.epoch == epoch)
    query = (
        sa.select(new.c.id, other.c.id, other.c.owner, other.c.rid)
        .select_from(_same_token(new, other))
        .where(
            new.c.id.between(first, last),
            other.c.side == int(side.other),
            (other.c.owner + 0).in_(of_epoch),
        )
        .order_by(new.c.id, other.c.id)
        .limit(limit)
    )
    return [
        Match(record, opposite, RecordRef(side.other, units[owner], rid))
        for record, opposite, owner, rid in session.execute(query)
    ]


def _units_of(session: Session, epoch: bytes) -> dict[int, str]:
    query = sa.select(_OWNER.c.id, _OWNER.c.unit).where(_OWNER.c.epoch == epoch)
    return dict(session.execute(query).all())


def _same_token(a: sa.FromClause, b: sa.FromClause) -> sa.Join:
    rest_a, rest_b = _SEALED.alias(), _SEALED.alias()
    # A null key (a withdrawn record) equals nothing.
    return (
        sa.join(a, b, b.c.key == a.c.key)
        .join(rest_a, rest_a.c.record == a.c.id)
        .join(rest_b, sa.and_(rest_b.c.record == b.c.id, rest_b.c.rest == rest_a.c.rest))
    )


@dataclass(frozen=True)
class Rejoin:
    """What a full join of the live records says of the stored hits: both counts must be 0."""

    pairs: int
    missed: int
    surplus: int

    @property
    def agrees(self) -> bool:
        return not self.missed and not self.surplus


def rejoin(database: Database) -> Rejoin:
    """The comparison of a full join with the live hits, from one snapshot; changes nothing.

    By the same index that found the hits, as one query: the oracle that ``rejoins``, which joins at scale and
    without it, and every history of the tests is held against.
    """
    return database.read(_rejoin)


def _rejoin(session: Session) -> Rejoin:
    registry, beneficiary = _RECORD.alias("registry"), _RECORD.alias("beneficiary")
    ours, theirs = _OWNER.alias("ours"), _OWNER.alias("theirs")
    joined = (
        sa.select(registry.c.id, beneficiary.c.id)
        .select_from(_same_token(registry, beneficiary))
        .join(ours, ours.c.id == registry.c.owner)
        .join(theirs, sa.and_(theirs.c.id == beneficiary.c.owner, theirs.c.epoch == ours.c.epoch))
        .where(registry.c.side == int(Side.REGISTRY), beneficiary.c.side == int(Side.BENEFICIARY))
    )
    stored = sa.select(_HIT.c.registry_record, _HIT.c.beneficiary_record).where(_HIT.c.live)
    return Rejoin(
        pairs=_count(session, joined),
        missed=_count(session, joined.except_(stored)),
        surplus=_count(session, stored.except_(joined)),
    )


def _count(
    session: Session, query: sa.Select[tuple[int, int]] | sa.CompoundSelect[tuple[int, int]]
) -> int:
    total = session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    return int(total or 0)
