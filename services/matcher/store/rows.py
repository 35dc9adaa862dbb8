"""Rows of batches: inserted and erased set by set, within the caller's transaction.

A live record has a key in ``record`` and its body in ``sealed``. Erasing removes both; what stays is the
record id, which is never used again, and the leaf hash, which the paths of other rows need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.batch import AdmittedBatch
from libmatch.errors import ConflictError
from libmatch.records import RID_SIZE, WORD, Side
from services.matcher.store.columns import POSITIONS, cut_column
from services.matcher.store.joins import Match
from services.matcher.tables import (
    KEY_SIZE,
    Capsule,
    Record,
    Sealed,
    StoredBatch,
    StoredHit,
    number_of,
    record_id,
    table_of,
)

_BATCH = table_of(StoredBatch)
_RECORD = table_of(Record)
_SEALED = table_of(Sealed)
_HIT = table_of(StoredHit)


def next_number(session: Session, column: sa.Column[int]) -> int:
    """One more than the largest number in ``column``; the first is 1."""
    return int(session.scalar(sa.select(sa.func.max(column))) or 0) + 1


def insert_rows(session: Session, number: int, owner: int, admitted: AdmittedBatch) -> None:
    """The rows of batch ``number``, live from now on. Raises ConflictError for a record id used before.

    Whole columns go to the database, which cuts them: two statements a batch and no object a row.
    """
    header, columns = admitted.batch.header, admitted.batch.columns
    bodies = columns.bodies()
    values = {
        "count": header.count,
        "first": record_id(number, 0),
        "owner": owner,
        "side": int(header.side),
        "rids": columns.rid,
        "tokens": admitted.token_column,
        "bodies": bodies,
        "width": len(bodies) // header.count,
    }
    connection = session.connection()
    try:
        connection.execute(_INSERT_RECORDS, values)
    except sa.exc.IntegrityError as error:
        if not _is_used_rid(error):
            raise
        raise ConflictError("a record id was used before; ids are never used again") from None
    connection.execute(_INSERT_SEALED, values)


def _is_used_rid(error: sa.exc.IntegrityError) -> bool:
    """False for another constraint: that one is no unit's doing, and must not be told as such."""
    diagnosis = getattr(error.orig, "diag", None)  # of PostgreSQL
    name = str(error.orig) if diagnosis is None else str(diagnosis.constraint_name)
    return "rid" in name  # "record.owner, record.rid", or record_owner_rid_key


_ID = sa.bindparam("first", type_=sa.BigInteger) + POSITIONS.c.i
_INSERT_RECORDS = _RECORD.insert().from_select(
    ["id", "owner", "side", "rid", "key"],
    sa.select(
        _ID,
        sa.bindparam("owner", type_=sa.BigInteger),
        sa.bindparam("side", type_=sa.Integer),
        cut_column("rids", RID_SIZE),
        cut_column("tokens", WORD, size=KEY_SIZE),
    ),
)
_INSERT_SEALED = _SEALED.insert().from_select(
    ["record", "rest", "body"],
    sa.select(
        _ID,
        cut_column("tokens", WORD, start=KEY_SIZE, size=WORD - KEY_SIZE),
        cut_column("bodies", sa.bindparam("width", type_=sa.Integer)),
    ),
)


def insert_batch(session: Session, number: int, admitted: AdmittedBatch) -> None:
    """What the rows of batch ``number`` have in common."""
    session.connection().execute(
        _BATCH.insert(),
        {
            "number": number,
            "capsule": admitted.batch.capsule,
            "signature": admitted.batch.signature,
            "root": admitted.root,
            "leaf_hashes": admitted.leaf_column,
            "state": Capsule.UNTESTED,
            "live": admitted.batch.header.count,
        },
    )


def insert_hits(
    session: Session,
    side: Side,
    matches: Sequence[Match],
    hit_ids: Sequence[bytes],
    at: datetime,
    first_leaf: int,
) -> None:
    """The hits of new records of ``side``, numbered on; their log leaves begin at ``first_leaf``."""
    number, rows = next_number(session, _HIT.c.number), []
    for i, (match, one) in enumerate(zip(matches, hit_ids, strict=True)):
        pair = (match.new_record, match.other_record)
        registry, beneficiary = pair if side is Side.REGISTRY else pair[::-1]
        rows.append(
            {
                "number": number + i,
                "hit_id": one,
                "registry_record": registry,
                "beneficiary_record": beneficiary,
                "found_at": at,
                "leaf_index": first_leaf + i,
                "live": True,
            }
        )
    if rows:
        session.connection().execute(_HIT.insert(), rows)


def find_live(session: Session, owner: int, side: Side, rids: Sequence[bytes]) -> list[int]:
    """The ids of those of ``rids`` that are live records of ``owner`` and ``side``."""
    query = sa.select(_RECORD.c.id).where(
        _RECORD.c.owner == owner,
        _RECORD.c.rid.in_(rids),
        _RECORD.c.side == int(side),
        _RECORD.c.key.is_not(None),
    )
    return list(session.scalars(query))


def erase_rows(session: Session, records: Sequence[int]) -> None:
    """Token and body are gone, the hits no longer live; a capsule goes with its batch's last row."""
    session.execute(_SEALED.delete().where(_SEALED.c.record.in_(records)))
    session.execute(_RECORD.update().where(_RECORD.c.id.in_(records)).values(key=None))
    for column in (_HIT.c.registry_record, _HIT.c.beneficiary_record):
        session.execute(_HIT.update().where(column.in_(records)).values(live=False))
    numbers = Counter(map(number_of, records))
    for number, gone in numbers.items():
        batch = _BATCH.update().where(_BATCH.c.number == number)
        session.execute(batch.values(live=_BATCH.c.live - gone))
    ended = _BATCH.update().where(_BATCH.c.number.in_(numbers), _BATCH.c.live == 0)
    session.execute(ended.values(capsule=None))
