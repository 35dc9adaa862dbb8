"""Rows of a service's own tables in bulk: tables with ``entered_at`` and ``changed_at``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel


def select_rows(
    session: Session, table: type[SQLModel], condition: sa.ColumnElement[bool]
) -> Iterable[sa.Row[Any]]:
    """Plain rows in order of entry: no ORM objects, which cost ten times as much.

    PostgreSQL keeps no order within what was entered at one moment: there it is that of the primary key.
    """
    rows = _table(table)
    if session.connection().dialect.name == "sqlite":
        order: list[sa.ColumnElement[Any] | sa.TextClause] = [sa.text("rowid")]
    else:
        order = [rows.c.entered_at, *rows.primary_key]
    return session.execute(sa.select(*rows.c).where(condition).order_by(*order))


def insert_rows(
    session: Session,
    table: type[SQLModel],
    rows: Iterable[Mapping[str, Any]],
    at: datetime,
) -> None:
    """Adds rows, entered and changed ``at``."""
    insert_many(session, table, [{**row, "entered_at": at, "changed_at": at} for row in rows])


def update_rows(
    session: Session, table: type[SQLModel], rows: Iterable[Mapping[str, Any]], at: datetime
) -> None:
    """Changes the named columns of rows, by ``ref``, ``at``."""
    update_many(session, table, "ref", [{**row, "changed_at": at} for row in rows])


def insert_many(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows that name the same columns."""
    if rows:
        session.execute(sa.insert(_table(table)), rows)


def update_many(
    session: Session, table: type[SQLModel], key: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Changes the named columns, the same in each row, of the rows with the given ``key``."""
    if rows:
        target, changed = _table(table), [name for name in rows[0] if name != key]
        update = sa.update(target).where(target.c[key] == sa.bindparam("_key"))
        values = update.values({name: sa.bindparam(f"_{name}") for name in changed})
        named = [{"_key": row[key], **{f"_{name}": row[name] for name in changed}} for row in rows]
        session.execute(values, named)


def _table(table: type[SQLModel]) -> sa.Table:
    found = sa.inspect(table).local_table
    assert isinstance(found, sa.Table)
    return found


def without_times(values: dict[str, Any]) -> dict[str, Any]:
    return {key: v for key, v in values.items() if key not in ("entered_at", "changed_at")}
