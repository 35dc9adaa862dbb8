"""The matcher's tables. Nothing in them opens anything: tokens, sealed bodies, opaque ids, times.

The join and the gate read ``record`` alone, so that table is narrow: the bulk of a record lies in
``sealed``, and what a batch's rows have in common in ``batch``. A record's id is its batch's number and
its position (``record_id``), so neither needs a column. A withdrawn record keeps its ``record`` row without
a key, as a tombstone: its record id is never used again.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.chassis.db import UtcDateTime

POSITION_BITS = 11  # 2^11 = MAX_ROWS of a batch
KEY_SIZE = 16  # bytes of a token in the index; the other 16 lie in ``sealed`` and decide


class Kind(IntEnum):
    """What a submission is."""

    BATCH = 1
    WITHDRAWAL = 2


class Capsule(IntEnum):
    """What 纪委 said about a batch's capsule."""

    UNTESTED = 0
    OPENS = 1
    BAD = 2


def record_id(number: int, position: int) -> int:
    """The id of the row at ``position`` (below 2048) of batch ``number``."""
    return number << POSITION_BITS | position


def number_of(record: int) -> int:
    """The batch number in a record's id."""
    return record >> POSITION_BITS


def position_of(record: int) -> int:
    """The position in a record's id."""
    return record & ((1 << POSITION_BITS) - 1)


_STRICT = {"sqlite_strict": True}  # SQLite checks the types of what is written


class Tables(SQLModel, registry=registry()):
    """The matcher's own metadata."""


def table_of(model: type[Tables]) -> sa.Table:
    """The table behind ``model``, for statements about sets of rows."""
    return Tables.metadata.tables[str(model.__tablename__)]


class Owner(Tables, table=True):
    """One unit in one epoch: whose record ids and sequence numbers are one namespace.

    ``suite`` is the epoch's: what its leaf hashes were made with, also when another epoch is in force.
    """

    __tablename__ = "owner"
    __table_args__ = (sa.UniqueConstraint("epoch", "unit"), _STRICT)

    id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    epoch: bytes
    unit: str
    suite: int


class Submission(Tables, table=True):
    """An accepted batch or withdrawal and its receipt, as it was handed out."""

    __tablename__ = "submission"
    __table_args__ = (sa.UniqueConstraint("owner", "side", "seq"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    owner: int = Field(foreign_key="owner.id", sa_type=sa.BigInteger)
    side: int
    seq: int = Field(sa_type=sa.BigInteger)
    kind: int
    count: int
    digest: bytes
    accepted_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    receipt: bytes


class StoredBatch(Tables, table=True):
    """What the rows of a batch have in common. ``capsule`` goes with the last live row.

    ``leaf_hashes`` are 32 bytes a row, of withdrawn rows too: the other rows' paths need them.
    """

    __tablename__ = "batch"
    __table_args__ = (_STRICT,)

    number: int = Field(primary_key=True, foreign_key="submission.number", sa_type=sa.BigInteger)
    capsule: bytes | None
    signature: bytes
    root: bytes
    leaf_hashes: bytes
    state: int
    live: int


class Record(Tables, table=True):
    """One row of a batch; ``key`` is the first half of its token, or null once it was withdrawn."""

    __tablename__ = "record"
    __table_args__ = (
        sa.UniqueConstraint("owner", "rid"),
        sa.Index("record_by_key", "key", "side"),
        _STRICT,
    )

    id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    owner: int = Field(foreign_key="owner.id", sa_type=sa.BigInteger)
    side: int
    rid: bytes
    key: bytes | None


class Sealed(Tables, table=True):
    """The other half of a live record's token, and c_reg ‖ c_ben ‖ half ‖ com ‖ ct of its row."""

    __tablename__ = "sealed"
    __table_args__ = (_STRICT,)

    record: int = Field(primary_key=True, foreign_key="record.id", sa_type=sa.BigInteger)
    rest: bytes
    body: bytes


class StoredHit(Tables, table=True):
    """A pair of records with one token; not live once one of them was withdrawn."""

    __tablename__ = "hit"
    __table_args__ = (
        sa.UniqueConstraint("registry_record", "beneficiary_record"),
        sa.Index("hit_by_beneficiary", "beneficiary_record"),
        _STRICT,
    )

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    hit_id: bytes = Field(unique=True)
    registry_record: int = Field(foreign_key="record.id", sa_type=sa.BigInteger)
    beneficiary_record: int = Field(foreign_key="record.id", sa_type=sa.BigInteger)
    found_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    live: bool


class StoredNotice(Tables, table=True):
    """A sealed notice in the mailbox of the unit that it is for, and the unit's acknowledgement."""

    __tablename__ = "notice"
    __table_args__ = (sa.Index("notice_by_unit", "unit", "side", "number"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    notice_id: bytes = Field(unique=True)
    epoch: bytes
    unit: str
    side: int
    hit_id: bytes
    sealed: bytes
    signature: bytes
    released_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    acknowledged_at: datetime | None = Field(sa_type=UtcDateTime)
    acknowledged_leaf: int | None = Field(sa_type=sa.BigInteger)
    acknowledgement: bytes | None


class CaseHit(Tables, table=True):
    """Which case a hit belongs to, as 纪委 said; for ever. All hits of a case have one approving unit."""

    __tablename__ = "case_hit"
    __table_args__ = (sa.Index("case_hit_by_case", "case_id"), _STRICT)

    hit: int = Field(primary_key=True, foreign_key="hit.number", sa_type=sa.BigInteger)
    case_id: bytes
    assigned_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)


class StoredReport(Tables, table=True):
    """A unit's step in a case. ``body`` is the encoded report without the sealed bytes of its copies."""

    __tablename__ = "report"
    __table_args__ = (sa.UniqueConstraint("case_id", "unit", "side", "seq"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    case_id: bytes
    unit: str
    side: int
    seq: int = Field(sa_type=sa.BigInteger)
    stage: int
    digest: bytes
    accepted_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    body: bytes


class StoredCopy(Tables, table=True):
    """The copy of a report in the mailbox of ``recipient`` as ``side``; side 0 is 纪委."""

    __tablename__ = "report_copy"
    __table_args__ = (
        sa.Index("report_copy_by_report", "report", "side"),
        {"sqlite_with_rowid": False} | _STRICT,
    )

    recipient: str = Field(primary_key=True)
    side: int = Field(primary_key=True)
    report: int = Field(primary_key=True, foreign_key="report.number", sa_type=sa.BigInteger)
    sealed: bytes


class StoredLetter(Tables, table=True):
    """A letter between units. ``body`` is the encoded letter; null once it was replaced or taken in."""

    __tablename__ = "letter"
    __table_args__ = (
        sa.UniqueConstraint("sender", "recipient", "epoch", "seq"),
        sa.Index("letter_by_recipient", "recipient", "number"),
        _STRICT,
    )

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    epoch: bytes
    sender: str
    recipient: str
    seq: int = Field(sa_type=sa.BigInteger)
    digest: bytes
    accepted_at: datetime = Field(sa_type=UtcDateTime)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    body: bytes | None


class LogEntry(Tables, table=True):
    """The data of one leaf of the audit log (``libmatch.auditlog.encode_…_leaf``)."""

    __tablename__ = "log_entry"
    __table_args__ = (_STRICT,)

    leaf_index: int = Field(primary_key=True, sa_type=sa.BigInteger)
    entry: bytes


class LogNode(Tables, table=True):
    """A complete subtree of the audit log; level 0 are the leaf hashes. Written once, for ever."""

    __tablename__ = "log_node"
    __table_args__ = ({"sqlite_with_rowid": False} | _STRICT,)

    level: int = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=sa.BigInteger)
    hash: bytes


class RosterSeen(Tables, table=True):
    """The newest roster of an epoch that the matcher ever followed; an older one is a rollback."""

    __tablename__ = "roster_seen"
    __table_args__ = (_STRICT,)

    epoch: bytes = Field(primary_key=True)
    version: int = Field(sa_type=sa.BigInteger)
    digest: bytes
