"""Many rows at once, by the fastest way that each driver has."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session


def insert_many(session: Session, table: sa.Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Inserts ``rows``, in the table's order of columns, within ``session``'s transaction.

    SQLite: the driver's own executemany, as SQLAlchemy's handling of a dictionary a row takes a third of
    the CPU time of a submission. PostgreSQL: binary COPY. So values are the driver's: bytes, text, integers
    (times as microseconds), null, and for a Boolean column a bool.
    """
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        from services.chassis.db.postgresql_copy import (
            copy_rows,
        )  # late: only who uses it loads the driver

        copy_rows(connection, table, rows)
    else:
        connection.exec_driver_sql(str(table.insert().compile(connection)), list(rows))
