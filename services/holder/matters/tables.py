"""The tables of a unit's matters, kept in the database of the service that uses them.

``matter_entry`` is the truth: append-only, every step of every party. ``matter`` is how a case began,
with the state that its steps came to, for lists.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.chassis.db import UtcDateTime
from services.holder.tables import STRICT


class MatterTables(SQLModel, registry=registry()):
    """Their own metadata; ``copy_matter_tables`` shows them to a service's migrations."""


class MatterRow(MatterTables, table=True):
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


class EntryRow(MatterTables, table=True):
    """One step of one party, canonical bytes. ``seq`` counts the steps of that unit and side."""

    __tablename__ = "matter_entry"
    __table_args__ = (STRICT,)

    case_id: bytes = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    side: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    body: bytes


class OwnReportRow(MatterTables, table=True):
    """An own step on its way to the others: stored bytes, sent as they are until the matcher has them.

    ``body`` is emptied then.
    """

    __tablename__ = "matter_report"
    __table_args__ = (STRICT,)

    position: int | None = Field(default=None, primary_key=True)
    case_id: bytes
    body: bytes
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReceivedReportRow(MatterTables, table=True):
    """A report of another party. ``problem``: why it is not among the entries; "" where it is."""

    __tablename__ = "matter_received"
    __table_args__ = (STRICT,)

    number: int = Field(primary_key=True)
    case_id: bytes
    unit: str
    side: int
    seq: int
    received_at: datetime = Field(sa_type=UtcDateTime)
    problem: str


class PublicNoticeRow(MatterTables, table=True):
    """What was posted in this unit's place: one row of annex 3 with its hotlines (R44), as JSON."""

    __tablename__ = "public_notice"
    __table_args__ = (STRICT,)

    notice_id: bytes = Field(primary_key=True)
    case_id: bytes = Field(index=True)
    digest: bytes
    content: str


def copy_matter_tables(metadata: sa.MetaData) -> None:
    """Shows the tables above in a service's own ``metadata``, for its migrations."""
    for table in MatterTables.metadata.sorted_tables:
        table.to_metadata(metadata)
