"""A sheet in memory, made of its rows."""

from __future__ import annotations

from typing import Any

from services.chassis.sheets import (
    Merge,
    Sheet,
)


def sheet(*rows: list[Any], merges: tuple[Merge, ...] = ()) -> Sheet:
    width = max(map(len, rows), default=0)
    return Sheet("甲", [row + [""] * (width - len(row)) for row in rows], merges)
