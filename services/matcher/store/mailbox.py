"""Sealed notices: kept for the units that they are for, acknowledged once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select

from libmatch.auditlog import encode_ack_leaf, encode_release_leaf
from libmatch.records import Side
from libmatch.release import SealedNotice
from services.chassis.db import Database, to_micros
from services.chassis.refusals import Conflict, NotFound, Refused, WrongState
from services.matcher.store.ledger import append_entries
from services.matcher.store.rows import next_number
from services.matcher.tables import Owner, Record, StoredHit, StoredNotice, table_of

_NOTICE, _HIT = table_of(StoredNotice), table_of(StoredHit)
_RECORD, _OWNER = table_of(Record), table_of(Owner)


@dataclass(frozen=True)
class Posted:
    """A notice in the mailbox; ``number`` ascends over the whole mailbox."""

    number: int
    notice: SealedNotice
    acknowledged: bool


class Mailbox:
    """The notices of all units."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fetch(self, unit: str, side: Side, after: int, limit: int) -> list[Posted]:
        """Up to ``limit`` notices to ``unit`` as ``side``, numbered above ``after``, ascending."""
        query = (
            select(StoredNotice)
            .where(_NOTICE.c.unit == unit, _NOTICE.c.side == int(side), _NOTICE.c.number > after)
            .order_by(_NOTICE.c.number)
            .limit(limit)
        )
        return self._database.read(lambda session: [_posted(row) for row in session.exec(query)])

    def find(self, unit: str, notice_id: bytes) -> SealedNotice:
        """The notice of that id to ``unit``. Raises NotFound, also for another unit's."""
        return self._database.read(lambda session: _posted(_row(session, unit, notice_id)).notice)

    def release(self, notice: SealedNotice, at: datetime) -> tuple[int, int]:
        """(number, log leaf) of a notice whose signature was checked; the same for a repetition.

        Raises Conflict for other content under its id, NotFound for an unknown hit, WrongState for one that
        is no longer live, Refused for a unit that is not that side of the pair.
        """

        def write(session: Session) -> tuple[int, int]:
            query = select(StoredNotice).where(_NOTICE.c.notice_id == notice.notice_id)
            row = session.exec(query).first()
            if row is not None:
                if _posted(row).notice != notice:
                    raise Conflict("this notice id was used for another notice")
                return row.number, row.leaf_index
            _check_pair(session, notice)
            return _post(session, notice, at)

        return self._database.run_tx("release", write)

    def acknowledge(
        self, unit: str, notice_id: bytes, signature: bytes, at: datetime
    ) -> tuple[int, int]:
        """(time in µs, log leaf) of the acknowledgement, the first one's for a repetition.

        Raises NotFound.
        """

        def write(session: Session) -> tuple[int, int]:
            row = _row(session, unit, notice_id)
            if row.acknowledged_at is None or row.acknowledged_leaf is None:
                leaf = encode_ack_leaf(notice_id, to_micros(at))
                row.acknowledged_leaf = append_entries(session, [leaf])
                row.acknowledged_at, row.acknowledgement = at, signature
            return to_micros(row.acknowledged_at), row.acknowledged_leaf

        return self._database.run_tx("acknowledge", write)


def _row(session: Session, unit: str, notice_id: bytes) -> StoredNotice:
    where = (_NOTICE.c.notice_id == notice_id, _NOTICE.c.unit == unit)
    row = session.exec(select(StoredNotice).where(*where)).first()
    if row is None:
        raise NotFound("no such notice of this unit", "没有找到这份告知书。")
    return row


def _posted(row: StoredNotice) -> Posted:
    notice = SealedNotice(
        epoch=row.epoch,
        notice_id=row.notice_id,
        unit=row.unit,
        side=Side(row.side),
        hit_id=row.hit_id,
        sealed=row.sealed,
        signature=row.signature,
    )
    return Posted(row.number, notice, row.acknowledged_at is not None)


def _check_pair(session: Session, notice: SealedNotice) -> None:
    hit = session.exec(select(StoredHit).where(_HIT.c.hit_id == notice.hit_id)).first()
    if hit is None:
        raise NotFound("the matcher flagged no such pair", "没有这一比中结果。")
    if not hit.live:
        raise WrongState(
            "a record of the pair was withdrawn", "该比中记录已被撤回，不能再发送告知书。"
        )
    registry = notice.side is Side.REGISTRY
    record = hit.registry_record if registry else hit.beneficiary_record
    query = (
        sa.select(_OWNER.c.epoch, _OWNER.c.unit)
        .join(_RECORD, _RECORD.c.owner == _OWNER.c.id)
        .where(_RECORD.c.id == record)
    )
    epoch, unit = session.execute(query).one()
    if (epoch, unit) != (notice.epoch, notice.unit):
        raise Refused(
            "the notice is for a unit that is not this side of the pair",
            "告知书的接收单位不是该比中结果的当事单位。",
            reason="NOT_PARTY",
        )


def _post(session: Session, notice: SealedNotice, at: datetime) -> tuple[int, int]:
    n = notice
    leaf = encode_release_leaf(n.notice_id, n.hit_id, n.unit, n.side, to_micros(at))
    row = StoredNotice(
        number=next_number(session, _NOTICE.c.number),
        notice_id=n.notice_id,
        epoch=n.epoch,
        unit=n.unit,
        side=int(n.side),
        hit_id=n.hit_id,
        sealed=n.sealed,
        signature=n.signature,
        released_at=at,
        leaf_index=append_entries(session, [leaf]),
        acknowledged_at=None,
        acknowledged_leaf=None,
        acknowledgement=None,
    )
    session.add(row)
    session.flush()
    return row.number, row.leaf_index
