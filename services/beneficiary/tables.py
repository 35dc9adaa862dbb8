"""The beneficiary service's own tables: items, persons, lists, what notices said. Plaintext of one unit.

References are 16 random bytes: opaque for trails. A person's reference is the subject of his records
(``services.holder.tables``); ``item_ref`` is the unit's own number for an item.
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
    """The beneficiary service's own metadata."""


copy_tables(Tables.metadata)
copy_process_tables(Tables.metadata)


class ItemRow(Tables, table=True):
    """A fund or project item. Amount in 0.01 CNY; blank texts are ""."""

    __tablename__ = "item"
    __table_args__ = (STRICT,)

    ref: bytes = Field(primary_key=True)
    item_ref: str = Field(unique=True)
    item_name: str
    programme: str
    amount_fen: int | None = Field(sa_type=sa.BigInteger)
    place: str
    start: date | None
    remark: str
    company: str
    entered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    finished: date | None = None
    list_id: bytes | None = None  # of ``item_list``, the last one in force


class PersonRow(Tables, table=True):
    """A person of an item (R28), or its company. ``in_pre``, ``in_post``: on which list (R61)."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("item", "kind", "idn", "capacity", name="person_identifier"),
        Index("person_item", "item"),
        STRICT,
    )

    ref: bytes = Field(primary_key=True)
    item: bytes = Field(foreign_key="item.ref")
    kind: int
    idn: str
    capacity: str
    name: str
    withdrawn: bool
    entered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    in_pre: bool
    in_post: bool
    pre_amount_fen: int | None = Field(sa_type=sa.BigInteger)
    post_amount_fen: int | None = Field(sa_type=sa.BigInteger)


class ItemListRow(Tables, table=True):
    """A list (R25): the columns are the fields of ``lists.BeneficiaryList``."""

    __tablename__ = "item_list"
    __table_args__ = (Index("item_list_state", "state"), STRICT)

    list_id: bytes = Field(primary_key=True)
    kind: str
    state: str
    digest: bytes
    items: int
    imported_by: str
    imported_at: datetime = Field(sa_type=UtcDateTime)
    reason: str
    signed_by: str
    signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reviewed_by: str
    reviewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ListEntryRow(Tables, table=True):
    """One item of a list. ``content`` is emptied once the list is in force or discarded.

    An item waits in one list at a time.
    """

    __tablename__ = "item_list_entry"
    __table_args__ = (
        Index(
            "list_entry_one_waiting",
            "item_ref",
            unique=True,
            sqlite_where=sa.text("waiting"),
            postgresql_where=sa.text("waiting"),
        ),
        STRICT,
    )

    list_id: bytes = Field(primary_key=True, foreign_key="item_list.list_id")
    item_ref: str = Field(primary_key=True)
    digest: bytes
    content: str
    waiting: bool


class ItemNoticeRow(Tables, table=True):
    """What an opened notice says: whose relative the person of the item is."""

    __tablename__ = "item_notice"
    __table_args__ = (STRICT,)

    notice_id: bytes = Field(primary_key=True, foreign_key="notice.notice_id")
    declaring_unit: str
    official_name: str
    official_unit: str
    official_post: str
    relation: str


class RefKeyRow(Tables, table=True):
    """The one key behind the references of rows without a number; made once, kept for ever."""

    __tablename__ = "ref_key"
    __table_args__ = (STRICT,)

    number: int = Field(primary_key=True)
    key: bytes
