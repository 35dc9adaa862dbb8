"""Statements that every question to the gate runs: compiled once, then given to the driver as they are.

SQLAlchemy finds its own compiled form by walking through the statement at each use, which takes longer than
SQLite takes to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session


class Prepared:
    """One statement. Values in and out are the driver's: bytes, text, integers, null; no lists."""

    def __init__(self, statement: sa.Select[Any] | sa.Insert) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Any], Sequence[str] | None]] = {}

    def rows(self, session: Session, values: Mapping[str, object]) -> list[Any]:
        """The rows that it selects, as tuples."""
        connection = session.connection()
        text, fixed, order = self._compile(connection.dialect)
        return list(connection.exec_driver_sql(text, _bind({**fixed, **values}, order)))

    def run_many(self, session: Session, values: Sequence[Mapping[str, object]]) -> None:
        """Run it once for each of ``values``."""
        connection = session.connection()
        text, fixed, order = self._compile(connection.dialect)
        connection.exec_driver_sql(text, [_bind({**fixed, **one}, order) for one in values])

    def _compile(self, dialect: sa.Dialect) -> tuple[str, dict[str, Any], Sequence[str] | None]:
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled: Any = self._statement.compile(dialect=dialect)
            order = compiled.positiontup if compiled.positional else None
            found = self._compiled[dialect.name] = (str(compiled), dict(compiled.params), order)
        return found


def _bind(values: dict[str, Any], order: Sequence[str] | None) -> Any:
    return values if order is None else tuple([values[name] for name in order])
