"""The tables of random checks and of leads, kept in the database of the service that uses them.

A draw's items are opaque ids. ``check_result`` and ``lead_entry`` are append-only.
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.chassis.db import UtcDateTime

_STRICT = {"sqlite_strict": True}  # SQLite checks the types of what is written


class ProcessTables(SQLModel, registry=registry()):
    """Their own metadata; ``copy_tables`` shows them to a service's migrations."""


class DrawRow(ProcessTables, table=True):
    """A draw. ``record``: plan, commitments and reveals so far (``libmatch.sampling``).

    ``kind`` is the name of a services.rules.checks.CheckKind; ``unit`` "" for the whole district.
    ``moved_at``: when a party last did its part. ``percent``: the least by the rules.
    """

    __tablename__ = "draw"
    __table_args__ = (_STRICT,)

    draw_id: bytes = Field(primary_key=True)
    number: int = Field(unique=True)  # the order in which they were planned
    kind: str
    unit: str
    year: int
    percent: int
    record: bytes
    planned_by: str
    planned_at: datetime = Field(sa_type=UtcDateTime)
    moved_at: datetime = Field(sa_type=UtcDateTime)
    replaces: bytes | None = Field(default=None, unique=True)
    voided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DrawItemRow(ProcessTables, table=True):
    """One item that a draw is made from."""

    __tablename__ = "draw_item"
    __table_args__ = (_STRICT,)

    draw_id: bytes = Field(primary_key=True)
    item: bytes = Field(primary_key=True)


class CheckResultRow(ProcessTables, table=True):
    """What the check of a drawn item came to. ``lead_id`` None: no finding."""

    __tablename__ = "check_result"
    __table_args__ = (_STRICT,)

    draw_id: bytes = Field(primary_key=True)
    item: bytes = Field(primary_key=True)
    grounds: str
    checked_by: str
    checked_on: date
    lead_id: bytes | None


class LeadEntryRow(ProcessTables, table=True):
    """One step of a lead, canonical bytes. ``seq`` counts the steps of that unit."""

    __tablename__ = "lead_entry"
    __table_args__ = (_STRICT,)

    lead_id: bytes = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    body: bytes


def copy_tables(metadata: sa.MetaData) -> None:
    """Shows the tables above in a service's own ``metadata``, for its migrations."""
    for table in ProcessTables.metadata.sorted_tables:
        table.to_metadata(metadata)
