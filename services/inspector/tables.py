"""纪委's tables: what the matcher listed, what opened, cases, notices, disputes. Plaintext of hits only.

``batch`` and ``hit`` go by the matcher's numbers. A ``pair`` is what an opened hit says; pairs about one
official, person, item and capacity are one ``matter``, the case. What the case says and whether it is
withdrawn follow from its pairs and are stored nowhere else. ``step`` is what units reported on cases.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from services.chassis.db import UtcDateTime
from services.inspector.states import (
    AssignmentState,
    BatchState,
    DisputeKind,
    HitState,
    NoticeState,
    ReportState,
    StaffPost,
)
from services.process.tables import copy_tables as copy_process_tables

_STRICT = {"sqlite_strict": True}  # SQLite checks the types of what is written


def _by_value(kind: type[StrEnum]) -> sa.Enum:
    return sa.Enum(
        kind, native_enum=False, length=16, values_callable=lambda k: [e.value for e in k]
    )


class Tables(SQLModel, registry=registry()):
    """The inspector's own metadata."""


copy_process_tables(Tables.metadata)


def table_of(model: type[Tables]) -> sa.Table:
    """The table behind ``model``, for statements about sets of rows."""
    return Tables.metadata.tables[str(model.__tablename__)]


class SeenCheckpoint(Tables, table=True):
    """A checkpoint that was proved to extend those before it; kept for ever.

    ``listed``: the list of hits was read to its end after it, so that an unchanged log needs no other.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (UniqueConstraint("log_key", "size"), _STRICT)

    note: str = Field(primary_key=True)
    log_key: bytes
    size: int = Field(sa_type=sa.BigInteger)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    listed: bool


class RosterSeen(Tables, table=True):
    """The newest roster of an epoch that was ever followed; an older one is a rollback."""

    __tablename__ = "roster_seen"
    __table_args__ = (_STRICT,)

    epoch: bytes = Field(primary_key=True)
    version: int = Field(sa_type=sa.BigInteger)
    digest: bytes


class TestedBatch(Tables, table=True):
    """A batch whose capsule was tried. ``reported``: the matcher knows."""

    __tablename__ = "batch"
    __table_args__ = (Index("batch_unfinished", "state", "reported"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    state: BatchState = Field(sa_type=_by_value(BatchState))
    reported: bool
    tested_at: datetime = Field(sa_type=UtcDateTime)


class Submission(Tables, table=True):
    """A batch whose capsule opens: who submitted how many records, and when 纪委 saw it."""

    __tablename__ = "submission"
    __table_args__ = (_STRICT,)

    number: int = Field(primary_key=True, foreign_key="batch.number", sa_type=sa.BigInteger)
    unit: str
    side: int
    rows: int
    seen_at: datetime = Field(sa_type=UtcDateTime)


class StaffFiling(Tables, table=True):
    """That a unit's staff form (annex 4) is on file with 纪委 (R57), by its number; no person's name."""

    __tablename__ = "staff_filing"
    __table_args__ = (_STRICT,)

    unit: str = Field(primary_key=True)
    post: StaffPost = Field(primary_key=True, sa_type=_by_value(StaffPost))
    number: str
    filed_on: date
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Hit(Tables, table=True):
    """A line of the matcher's list, as it was when it was first seen; ``live`` may turn false once.

    ``withdrawn_at``: when 纪委 saw that; None while it is live, or was not when it was first seen.
    """

    __tablename__ = "hit"
    __table_args__ = (Index("hit_state", "state", "number"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    hit_id: bytes = Field(unique=True)
    found_at_us: int = Field(sa_type=sa.BigInteger)
    leaf_index: int = Field(sa_type=sa.BigInteger)
    live: bool
    state: HitState = Field(sa_type=_by_value(HitState))
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Matter(Tables, table=True):
    """A case. ``replan``: something changed since its notices were planned."""

    __tablename__ = "matter"
    __table_args__ = (
        UniqueConstraint(
            "official_idn",
            "official_kind",
            "person_idn",
            "person_kind",
            "approving_unit",
            "item_ref",
            "capacity",
            name="matter_key",
        ),
        Index(
            "matter_unplanned",
            "number",
            sqlite_where=sa.text("replan"),
            postgresql_where=sa.text("replan"),
        ),
        _STRICT,
    )

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    case_id: bytes = Field(unique=True)
    official_kind: int
    official_idn: str
    person_kind: int
    person_idn: str
    approving_unit: str
    item_ref: str
    capacity: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replan: bool = False


class Pair(Tables, table=True):
    """What an opened hit says: payloads in their canonical encoding, and the records' references."""

    __tablename__ = "pair"
    __table_args__ = (Index("pair_matter", "matter"), _STRICT)

    number: int = Field(primary_key=True, foreign_key="hit.number", sa_type=sa.BigInteger)
    matter: int = Field(foreign_key="matter.number", sa_type=sa.BigInteger)
    epoch: bytes
    declaring_unit: str
    declaring_rid: bytes
    approving_unit: str
    approving_rid: bytes
    token: bytes
    relative: bytes
    item: bytes
    opened_at: datetime = Field(sa_type=UtcDateTime)


class Agreement(Tables, table=True):
    """That an officer agreed to the release of what a case said (``facts``, 32 bytes)."""

    __tablename__ = "agreement"
    __table_args__ = (_STRICT,)

    matter: int = Field(primary_key=True, foreign_key="matter.number", sa_type=sa.BigInteger)
    officer: str = Field(primary_key=True)
    facts: bytes
    agreed_at: datetime = Field(sa_type=UtcDateTime)


class Notice(Tables, table=True):
    """A sealed notice, stored before it is sent. ``facts``: digest of what it tells (32 bytes)."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_matter", "matter"),
        Index("notice_state", "state", "number"),
        _STRICT,
    )

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    notice_id: bytes = Field(unique=True)
    matter: int = Field(foreign_key="matter.number", sa_type=sa.BigInteger)
    epoch: bytes
    unit: str
    side: int
    hit_id: bytes
    facts: bytes
    sealed: bytes
    signature: bytes
    state: NoticeState = Field(sa_type=_by_value(NoticeState))
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    mailbox_number: int | None = Field(default=None, sa_type=sa.BigInteger)


class Assignment(Tables, table=True):
    """That the matcher was told which case a hit belongs to, and what it said."""

    __tablename__ = "assignment"
    __table_args__ = (_STRICT,)

    hit: int = Field(primary_key=True, foreign_key="hit.number", sa_type=sa.BigInteger)
    state: AssignmentState = Field(sa_type=_by_value(AssignmentState))
    told_at: datetime = Field(sa_type=UtcDateTime)


class SeenReport(Tables, table=True):
    """A report of the matcher's list, by its number. ``encoded`` (``libmatch.reports``) proves the step.

    ``encoded`` is empty where the list's line had the form of none.
    """

    __tablename__ = "report"
    __table_args__ = (Index("report_state", "state", "number"), _STRICT)

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    state: ReportState = Field(sa_type=_by_value(ReportState))
    encoded: bytes
    accepted_at_us: int = Field(sa_type=sa.BigInteger)
    seen_at: datetime = Field(sa_type=UtcDateTime)


class StepRow(Tables, table=True):
    """What an opened report says; never changed. ``body``: the opened copy for 纪委."""

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("case_id", "unit", "side", "seq"), _STRICT)

    report: int = Field(primary_key=True, foreign_key="report.number", sa_type=sa.BigInteger)
    case_id: bytes
    unit: str
    side: int
    seq: int = Field(sa_type=sa.BigInteger)
    stage: int
    at_us: int = Field(sa_type=sa.BigInteger)
    body: bytes


class DisputeRow(Tables, table=True):
    """Something that somebody is answerable for. ``key`` keeps it single; ``evidence`` proves it."""

    __tablename__ = "dispute"
    __table_args__ = (Index("dispute_hit", "hit_id"), _STRICT)

    number: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    key: str = Field(unique=True)
    kind: DisputeKind = Field(sa_type=_by_value(DisputeKind))
    answerable: str  # names with a space between; none of them has one
    hit_id: bytes
    detail: str
    evidence: bytes
    found_at: datetime = Field(sa_type=UtcDateTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
