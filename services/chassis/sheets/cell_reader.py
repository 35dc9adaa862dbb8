"""The child process that decodes a workbook: bytes on stdin, JSON lines on stdout.

It runs apart because a hostile workbook can make any decoder allocate without end, and a failed
allocation in native code ends the process that it happens in. This one has hard limits on memory
and time and nothing to lose. It imports no module of ours, so that it starts in 30 ms.

Lines: ``{"sheet": name, "merges": [[top, left, bottom, right]…]}``, then lists of rows, for each
sheet; ``{"end": true}`` last. Or ``{"error": "password" | "format" | "size"}`` as the last line.
A date is ``{"t": "date" | "datetime" | "time" | "seconds", "v": …}``; other cells are JSON's own.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

_CHUNK_ROWS = 500  # rows in one line: keeps a line small and the number of lines too


class _TooLargeError(Exception):
    """The workbook passes one of the limits."""


class _Budget:
    """What the workbook may still use of cells, merged ranges and characters of output."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.left = limits

    def spend(self, what: str, amount: int) -> None:
        self.left[what] -= amount
        if self.left[what] < 0:
            raise _TooLargeError(what)


def _limit_process(limits: dict[str, int]) -> None:
    try:
        import resource
    except ImportError:  # not POSIX: the parent's timeout is all there is
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold personal data


def _json_cell(cell: object) -> dict[str, str | float]:
    if isinstance(cell, datetime):
        return {"t": "datetime", "v": cell.replace(tzinfo=None).isoformat()}
    if isinstance(cell, date | time):
        return {"t": "date" if isinstance(cell, date) else "time", "v": cell.isoformat()}
    if isinstance(cell, timedelta):
        return {"t": "seconds", "v": cell.total_seconds()}
    raise TypeError(type(cell).__name__)


def _rows(sheet: CalamineSheet, indent: int) -> Iterator[list[Any]]:
    blank = [""] * indent  # calamine leaves out empty columns on the left, not empty rows on top
    for row in sheet.iter_rows():
        yield blank + row


def _emit(line: object, budget: _Budget) -> None:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=_json_cell)
    budget.spend("characters", len(text))
    sys.stdout.write(text + "\n")


def _emit_sheet(name: str, sheet: CalamineSheet, budget: _Budget) -> None:
    merges = [[*first, *last] for first, last in sheet.merged_cell_ranges or ()]
    budget.spend("merges", len(merges))
    _emit({"sheet": name, "merges": merges}, budget)
    if sheet.start is None or sheet.end is None:
        return
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    if width > budget.left["columns"]:
        raise _TooLargeError("columns")
    budget.spend("cells", height * width)
    chunk: list[list[Any]] = []
    for row in _rows(sheet, sheet.start[1]):
        chunk.append(row)
        if len(chunk) == _CHUNK_ROWS:
            _emit(chunk, budget)
            chunk = []
    _emit(chunk, budget)


def _emit_workbook(data: bytes, budget: _Budget) -> None:
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        for meta in book.sheets_metadata:
            if meta.typ == SheetTypeEnum.WorkSheet:
                budget.spend("sheets", 1)
                _emit_sheet(meta.name, book.get_sheet_by_name(meta.name), budget)
    _emit({"end": True}, budget)


def main() -> None:
    limits: dict[str, int] = json.loads(sys.argv[1])
    _limit_process(limits)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    budget = _Budget(limits)
    try:
        _emit_workbook(sys.stdin.buffer.read(), budget)
        error = ""
    except PasswordError:
        error = "password"
    except (_TooLargeError, MemoryError):
        error = "size"
    except (CalamineError, ValueError, OSError):
        error = "format"
    if error:
        sys.stdout.write(json.dumps({"error": error}) + "\n")


if __name__ == "__main__":
    main()
