"""The tables of a unit's half of the protocol, kept in the database of the service that uses them.

A *subject* is what the service itself knows under an opaque reference of 16 bytes (a declared
relative, a person of an item). A *record* is one sealing of a subject, planned or done: a correction
or a new epoch gives the subject another record, and at most one record of a subject is wanted.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from services.chassis.db import UtcDateTime
from services.holder.states import MessageKind, MessageState, RecordState

STRICT = {"sqlite_strict": True}  # SQLite checks the types of what is written


def enum_column(kind: type[StrEnum]) -> sa.Enum:
    """The column type that keeps ``kind`` by value."""
    return sa.Enum(
        kind, native_enum=False, length=16, values_callable=lambda k: [e.value for e in k]
    )


class HolderTables(SQLModel, registry=registry()):
    """Their own metadata; ``copy_tables`` shows them to a service's migrations."""


class Record(HolderTables, table=True):
    """One sealing of a subject. Everything behind ``entered_at`` is set when it is sealed."""

    __tablename__ = "record"
    __table_args__ = (
        Index(
            "record_one_wanted",
            "subject",
            unique=True,
            sqlite_where=sa.text("wanted"),
            postgresql_where=sa.text("wanted"),
        ),
        Index("record_state", "state", "wanted"),
        Index("record_message", "epoch", "seq"),
        STRICT,
    )

    number: int | None = Field(default=None, primary_key=True)
    subject: bytes = Field(index=True)
    wanted: bool
    state: RecordState = Field(sa_type=enum_column(RecordState))
    entered_at: datetime = Field(sa_type=UtcDateTime)
    epoch: bytes | None = None
    seq: int | None = None
    rid: bytes | None = Field(default=None, unique=True)
    token: bytes | None = None  # what a notice about this record must repeat
    withdrawal_seq: int | None = None


class Message(HolderTables, table=True):
    """One entry of the outbox: stored bytes, sent as they are until the matcher's receipt is here.

    ``body`` is emptied then; ``proven``: the receipt's leaf was found in the log.
    """

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("epoch", "seq", name="outbox_epoch_seq"), STRICT)

    position: int | None = Field(default=None, primary_key=True)
    epoch: bytes
    seq: int
    kind: MessageKind = Field(sa_type=enum_column(MessageKind))
    state: MessageState = Field(sa_type=enum_column(MessageState))
    rows: int
    digest: bytes
    body: bytes
    sealed_at: datetime = Field(sa_type=UtcDateTime)
    reason: str = ""
    receipt: bytes | None = None
    leaf_index: int | None = Field(default=None, sa_type=sa.BigInteger)
    proven: bool = False


class SeenCheckpoint(HolderTables, table=True):
    """A checkpoint of the log: the newest that was proved, and those that contradict it (evidence)."""

    __tablename__ = "checkpoint"
    __table_args__ = (STRICT,)

    note: str = Field(primary_key=True)  # signed note, text
    log_key: bytes = Field(index=True)
    size: int = Field(sa_type=sa.BigInteger)
    root: bytes
    seen_at: datetime = Field(sa_type=UtcDateTime)
    consistent: bool


class Notice(HolderTables, table=True):
    """A notice from the mailbox. ``opened``: 纪委 signed it and it opened with this unit's key.

    ``disputed``: it did not, or it contradicts the unit's own record. What it says is the service's
    to keep. ``subject`` is None where the record that it names is unknown here.
    """

    __tablename__ = "notice"
    __table_args__ = (STRICT,)

    notice_id: bytes = Field(primary_key=True)
    epoch: bytes
    hit_id: bytes
    sealed: bytes
    signature: bytes
    received_at: datetime = Field(sa_type=UtcDateTime)
    opened: bool
    disputed: bool
    subject: bytes | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AccountRow(HolderTables, table=True):
    """The file of one account of the unit: annex 4 and what follows it (R32, R33). ``form`` is JSON.

    Blank texts are "". ``roles``: names with a space between them. Administrators have none: they
    stand in the settings (R64).
    """

    __tablename__ = "account"
    __table_args__ = (STRICT,)

    login: str = Field(primary_key=True)
    form: str
    discipline: bool
    roles: str
    pledge_signer: str
    pledged_on: date | None
    opinion_approves: bool | None
    opinion_sealed: bool
    opinion_on: date | None
    filing_number: str
    filed_on: date | None
    disabled: bool


# --- matters: ``matter_entry`` is the truth, append-only; ``matter`` is how a case began, for lists ----


class MatterRow(HolderTables, table=True):
    """A case as its notice told it. ``declaring_units``: ids with a blank between; the first posts."""

    __tablename__ = "matter"
    __table_args__ = (STRICT,)

    case_id: bytes = Field(primary_key=True)
    notice_id: bytes
    approving_unit: str
    declaring_units: str
    official_name: str
    rules_version: str
    notified_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(index=True)  # the name of a services.rules.matter_facts.State
    version: int  # how many entries there are: two people at once do not both win


class EntryRow(HolderTables, table=True):
    """One step (or history) of one party, canonical bytes. ``seq`` counts those of that unit and side."""

    __tablename__ = "matter_entry"
    __table_args__ = (STRICT,)

    case_id: bytes = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    side: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    body: bytes


class OwnReportRow(HolderTables, table=True):
    """An own step on its way to the others: stored bytes, sent as they are until the matcher has them.

    ``body`` is emptied then. ``resealed``: the bytes of a former epoch may have arrived instead.
    ``tries`` were refused; the next is not before ``not_before``.
    """

    __tablename__ = "matter_report"
    __table_args__ = (Index("matter_report_sent", "sent_at"), STRICT)

    position: int | None = Field(default=None, primary_key=True)
    case_id: bytes
    body: bytes
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resealed: bool = False
    tries: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PartyRow(HolderTables, table=True):
    """Another unit of a case. ``told``: it was sent every own step so far, and gets the next ones.

    ``tries`` to tell it were refused, as it has no live hit in the case; the next is not before
    ``not_before``.
    """

    __tablename__ = "matter_party"
    __table_args__ = (Index("matter_party_told", "told"), STRICT)

    case_id: bytes = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    told: bool
    tries: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReceivedReportRow(HolderTables, table=True):
    """A report of another party. ``problem``: why it is not among the entries; "" where it is."""

    __tablename__ = "matter_received"
    __table_args__ = (STRICT,)

    number: int = Field(primary_key=True)
    case_id: bytes = Field(index=True)
    unit: str
    side: int
    seq: int
    received_at: datetime = Field(sa_type=UtcDateTime)
    problem: str


class PublicNoticeRow(HolderTables, table=True):
    """What was posted in this unit's place: one row of annex 3 with its hotlines (R44), as JSON.

    ``content`` is emptied when its time is over (R46, R65); ``gone_at``: since when.
    """

    __tablename__ = "public_notice"
    __table_args__ = (STRICT,)

    notice_id: bytes = Field(primary_key=True)
    case_id: bytes = Field(index=True)
    digest: bytes
    content: str
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def copy_tables(metadata: sa.MetaData) -> None:
    """Shows the tables above in a service's own ``metadata``, for its migrations and foreign keys."""
    for table in HolderTables.metadata.sorted_tables:
        table.to_metadata(metadata)
