"""Rows into a PostgreSQL table by binary COPY, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy as sa

_COPIED_AS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.Boolean, "bool"),
    (sa.BigInteger, "int8"),  # before its base
    (sa.SmallInteger, "int2"),
    (sa.Integer, "int4"),
    (sa.Float, "float8"),
    (sa.Date, "date"),
    (sa.LargeBinary, "bytea"),
    (sa.String, "text"),
)


def copy_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[object, ...]]
) -> None:
    """Returns when ``rows``, in the table's order of columns, are in. Raises sa.exc.DBAPIError."""
    quote = connection.dialect.identifier_preparer
    columns = ", ".join(quote.format_column(column) for column in table.columns)
    statement = f"COPY {quote.format_table(table)} ({columns}) FROM STDIN (FORMAT BINARY)"
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_copied_as(column.type) for column in table.columns])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        error.args = (f"SQLSTATE {error.sqlstate}",)  # the server's words repeat values
        # As SQLAlchemy would raise it: a transaction's errors are judged in one place.
        raise sa.exc.DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=driver.closed,
            dialect=connection.dialect,
        ) from None


def _copied_as(kind: sa.types.TypeEngine[Any]) -> str:
    if isinstance(kind, sa.types.TypeDecorator):
        kind = kind.impl_instance
    return next(name for base, name in _COPIED_AS if isinstance(kind, base))
