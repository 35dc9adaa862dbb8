"""Whole columns as parameters of a statement, cut into rows by the database: no object a row on the way.

A statement that uses ``POSITIONS`` is given ``count``, the number of rows, and each column as bytes.
"""

from __future__ import annotations

import sqlalchemy as sa

_INT = sa.Integer()


def _positions() -> sa.CTE:
    first = sa.select(sa.literal(0).label("i")).cte("positions", recursive=True)
    following = sa.select(first.c.i + 1).where(first.c.i + 1 < sa.bindparam("count", type_=_INT))
    return first.union_all(following)


POSITIONS = _positions()
"""One column, ``i``: 0 up to ``:count``."""


def cut_column(
    name: str,
    width: int | sa.BindParameter[int],
    start: int = 0,
    size: int | sa.BindParameter[int] | None = None,
) -> sa.Function[bytes]:
    """Row ``i`` of the column ``:name`` of ``width`` bytes a row; or ``size`` bytes of it from ``start``."""
    column = sa.bindparam(name, type_=sa.LargeBinary)
    begin = POSITIONS.c.i * width + (start + 1)
    return sa.func.substr(column, begin, width if size is None else size, type_=sa.LargeBinary)
