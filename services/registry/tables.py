"""The registry's own tables: officials, their relatives, what notices said. Plaintext of one unit.

References are 16 random bytes: opaque for trails and for the outside. A relative's reference is the
subject of its records (``services.holder.tables``); the official himself is one of the relatives, with
relation 本人 (R16).
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from services.chassis.db import UtcDateTime
from services.holder.tables import STRICT, copy_tables
from services.process.tables import copy_tables as copy_process_tables


class Tables(SQLModel, registry=registry()):
    """The registry's own metadata."""


copy_tables(Tables.metadata)
copy_process_tables(Tables.metadata)


class OfficialRow(Tables, table=True):
    """A reporter with the fields of R17 and the pledge of R19; blank texts are ""."""

    __tablename__ = "official"
    __table_args__ = (UniqueConstraint("kind", "idn", name="official_identifier"), STRICT)

    ref: bytes = Field(primary_key=True)
    kind: int
    idn: str
    name: str = Field(index=True)
    sex: str
    political: str
    unit: str
    post: str
    rank: str
    work: str
    discipline: bool | None
    household: str
    phone: str
    opinion: str
    signer: str
    signed_on: date | None
    unsigned: bool
    entered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class RelativeRow(Tables, table=True):
    """A declared relative with the fields of R18; without kind and idn the number is not known."""

    __tablename__ = "relative"
    __table_args__ = (
        UniqueConstraint("official", "relation", "kind", "idn", name="relative_identifier"),
        sa.CheckConstraint("(kind IS NULL) = (idn IS NULL)", name="relative_kind_with_idn"),
        Index("relative_official", "official"),
        STRICT,
    )

    ref: bytes = Field(primary_key=True)
    official: bytes = Field(foreign_key="official.ref")
    relation: str
    kind: int | None
    idn: str | None
    name: str
    sex: str
    political: str
    unit: str
    post: str
    phone: str
    household: str
    remark: str
    withdrawn: bool
    entered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class OfficialNoticeRow(Tables, table=True):
    """What an opened notice says: the facts of the item (R36). Amount in 0.01 CNY."""

    __tablename__ = "official_notice"
    __table_args__ = (STRICT,)

    notice_id: bytes = Field(primary_key=True, foreign_key="notice.notice_id")
    approving_unit: str
    capacity: str
    item_ref: str
    item_name: str
    programme: str
    amount_fen: int | None = Field(sa_type=sa.BigInteger)
    place: str
    start: date | None


class StatementRow(Tables, table=True):
    """That an official explained matters of a year at a meeting (R49); the last number holds all of them.

    ``official``: the reference of ``official``, which may be gone by then. ``matters``: case ids, 16
    bytes each.
    """

    __tablename__ = "statement"
    __table_args__ = (STRICT,)

    official: bytes = Field(primary_key=True)
    year: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    meeting: str  # the name of a services.rules.statements.Meeting
    held_on: date
    matters: bytes
    recorded_by: str
    recorded_on: date


class DeclarationVersionRow(Tables, table=True):
    """A version of an official's declaration with its course (R19 to R21, R31). ``content``: JSON.

    ``course``: JSON of what was signed, entered and reviewed. ``digest`` covers the content, 32 bytes.
    Days that nothing sets are None, texts that nobody gave "". ``entered_at``: when the row was staged;
    the day of the entry into the match is that of the official's and relatives' rows.
    """

    __tablename__ = "declaration_version"
    __table_args__ = (
        UniqueConstraint("kind", "idn", "number", name="declaration_version_number"),
        Index("declaration_version_state", "state"),
        STRICT,
    )

    ref: bytes = Field(primary_key=True)
    kind: int
    idn: str
    number: int
    state: str  # the name of a services.rules.entry.State
    change: str  # the name of a services.rules.versions.ChangeKind
    event_on: date | None
    began_on: date | None
    due_on: date | None
    effective_from: date | None
    reported_on: date | None
    late: bool | None
    post: str  # the name of a services.rules.reporting.Post
    place: str
    signer: str
    signed_on: date | None
    refused_rows: int
    handed_back: str
    was_entered: bool
    digest: bytes
    content: str
    course: str
    step: int
    entered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class ConfirmationRow(Tables, table=True):
    """That an official confirmed a version: nothing has changed (R20). Append-only."""

    __tablename__ = "declaration_confirmation"
    __table_args__ = (Index("declaration_confirmation_person", "kind", "idn"), STRICT)

    position: int | None = Field(default=None, primary_key=True)
    kind: int
    idn: str
    version: bytes = Field(foreign_key="declaration_version.ref")
    confirmed_on: date
    recorded_at: datetime = Field(sa_type=UtcDateTime)


# --- relatives among officials (services.registry.consistency) ------------------------------------


class FindingRow(Tables, table=True):
    """What another unit, or this one, told of an official whose declaration lacks it.

    ``official``: his reference, also when he is no longer held. Texts that nobody gave are "".
    """

    __tablename__ = "consistency_finding"
    __table_args__ = (
        UniqueConstraint("official", "sender", "epoch", "pair", name="consistency_finding_pair"),
        Index("consistency_finding_sender", "sender", "state"),
        STRICT,
    )

    finding_id: bytes = Field(primary_key=True)
    official: bytes
    sender: str
    epoch: bytes
    pair: bytes
    name: str
    unit: str
    post: str
    relation: str
    state: str  # a services.registry.consistency.values.FindingState
    found_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    grounds: str
    decided_by: str


class LetterRow(Tables, table=True):
    """The newest letter to another unit: stored bytes, sent as they are; ``body`` is emptied then."""

    __tablename__ = "consistency_letter"
    __table_args__ = (STRICT,)

    recipient: str = Field(primary_key=True)
    epoch: bytes
    seq: int
    body: bytes
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class HeardRow(Tables, table=True):
    """The newest letter of another unit that was taken in."""

    __tablename__ = "consistency_heard"
    __table_args__ = (STRICT,)

    sender: str = Field(primary_key=True)
    epoch: bytes
    seq: int
    heard_at: datetime = Field(sa_type=UtcDateTime)


class LetterRunRow(Tables, table=True):
    """One time that letters were made, of which state of the declarations."""

    __tablename__ = "consistency_run"
    __table_args__ = (STRICT,)

    number: int | None = Field(default=None, primary_key=True)
    epoch: bytes
    made_at: datetime = Field(sa_type=UtcDateTime)
    mark: str
    letters: int
    claims: int
