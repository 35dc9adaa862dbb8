"""Column types that mean the same in SQLite and in PostgreSQL.

Every text is TEXT, an enumeration is a text. SQLite's STRICT tables know INTEGER, REAL, TEXT and BLOB only;
these are the names that the types get. An ``int`` has 32 bits in PostgreSQL: what may outgrow them (an amount
in fen, a position in the log) is declared as BigInteger.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as integer microseconds since 1970 UTC; comes back in UTC.

    Raises ValueError for a naive datetime: a time without a zone is not a moment.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(
        self,
        value: int | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


@compiles(sa.String, "sqlite", "postgresql")
@compiles(sa.Enum, "sqlite", "postgresql")
@compiles(postgresql.ENUM, "postgresql")  # what SQLAlchemy makes of sa.Enum there
@compiles(sa.Date, "sqlite")
@compiles(sa.JSON, "sqlite")
def _as_text(_type: Any, _compiler: Any, **_: Any) -> str:
    return "TEXT"


@compiles(sa.Float, "sqlite")
def _as_real(_type: Any, _compiler: Any, **_: Any) -> str:
    return "REAL"


@compiles(sa.Float, "postgresql")
def _as_double(_type: Any, _compiler: Any, **_: Any) -> str:
    return "DOUBLE PRECISION"


@compiles(sa.Boolean, "sqlite")
@compiles(sa.BigInteger, "sqlite")
@compiles(sa.SmallInteger, "sqlite")
def _as_integer(_type: Any, _compiler: Any, **_: Any) -> str:
    return "INTEGER"
