"""A table of plain rows on a real PostgreSQL, for the tests of services.chassis.db."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.db import (
    Database,
    UtcDateTime,
)

METADATA = sa.MetaData()
ROWS = sa.Table(
    "rows",
    METADATA,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text),
    sa.Column("at", UtcDateTime),
    sa.Column("fen", sa.BigInteger),
    sa.Column("body", sa.LargeBinary),
    sa.Column("live", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("share", sa.Float),
)


def make_tables(database: Database) -> None:
    with database.writer_connection() as connection:
        METADATA.create_all(connection)
        connection.commit()


def add_row(session: Session, n: int, text: str = "") -> None:
    session.execute(ROWS.insert().values(n=n, text=text))


def numbers_in(database: Database) -> list[int]:
    query = sa.select(ROWS.c.n).order_by(ROWS.c.n)
    return database.read(lambda session: list(session.execute(query).scalars()))


def run_statement(statement: str) -> Callable[[Session], object]:
    return lambda session: session.execute(sa.text(statement)).all()


def refused_by(server_code: str) -> Callable[[Session], None]:
    """A body that the server stops with that SQLSTATE."""

    def body(session: Session) -> None:
        add_row(session, 1)
        raising = f"DO $$ BEGIN RAISE EXCEPTION '张三' USING ERRCODE = '{server_code}'; END $$"
        session.connection().exec_driver_sql(raising)

    return body
