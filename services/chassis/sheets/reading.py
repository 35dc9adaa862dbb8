"""Bytes of an uploaded file -> Workbook. Workbooks are decoded by a child process, see cell_reader."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path, PurePath
from typing import Any

from services.chassis.sheets import cell_reader
from services.chassis.sheets.csv_text import TooManyCellsError, read_rows
from services.chassis.sheets.formats import Format, damaged, detect_format, encrypted
from services.chassis.sheets.workbook import Cell, Merge, Sheet, SheetError, Workbook

MAX_COLUMNS = 500
MAX_SHEETS = 3_000  # one form of annex 2 a sheet, for the largest unit
MAX_CELLS = 8_000_000  # 160,000 relatives with 21 columns are 3.4 million

_LIMITS = {
    "sheets": MAX_SHEETS,
    "columns": MAX_COLUMNS,
    "cells": MAX_CELLS,
    "merges": 1_000_000,
    "characters": 512 * 1024 * 1024,
    "memory": 3 * 1024**3,  # 3.4 million text cells take 0.7 GiB
    "seconds": 120,  # they take 5 s of processor time
}
_WALL_S = 300


def read_workbook(data: bytes, file_name: str) -> Workbook:
    """All sheets of an .xlsx, .xls, .et or .csv, at most 64 MiB, 500 columns, 8 million cells.

    Raises SheetError, whose Chinese text says what to do, for everything else.
    """
    if detect_format(data, file_name) is Format.CSV:
        return Workbook(file_name, (_csv_sheet(data, file_name),))
    return Workbook(file_name, tuple(_sheets(_decode(data))))


def _csv_sheet(data: bytes, file_name: str) -> Sheet:
    try:
        rows = read_rows(data, MAX_CELLS)
    except TooManyCellsError:
        raise _too_many_cells() from None
    if rows and len(rows[0]) > MAX_COLUMNS:
        raise _too_many_cells()
    return Sheet(PurePath(file_name).stem, rows)


def _too_many_cells() -> SheetError:
    return SheetError(
        "too many rows, columns, sheets or characters",
        f"表格太大（上限：{MAX_SHEETS} 张工作表、{MAX_COLUMNS} 列、合计 {MAX_CELLS // 10_000} 万个单元格）。"
        "常见原因是表格右侧或下方很远处有多余内容：请把数据复制到新的工作表后保存，或拆成几个文件",
    )


def _decode(data: bytes) -> list[bytes]:
    """The child's lines. Raises SheetError when it refuses, dies or does not end in time."""
    command = [sys.executable, "-I", str(Path(cell_reader.__file__)), json.dumps(_LIMITS)]
    try:
        # The argument list is ours alone: no shell, no user text in it.
        child = subprocess.run(  # noqa: S603
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a native panic may quote the content
            timeout=_WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_many_cells() from None
    if child.returncode in (-signal.SIGABRT, -signal.SIGXCPU, -signal.SIGKILL):
        raise _too_many_cells()
    lines = child.stdout.rstrip(b"\n").split(b"\n")
    if child.returncode != 0 or not lines[-1]:
        raise damaged()
    _check_end(json.loads(lines[-1]))
    return lines[:-1]


def _check_end(last: object) -> None:
    error = last.get("error", "") if isinstance(last, dict) else "format"
    if error == "password":
        raise encrypted()
    if error == "size":
        raise _too_many_cells()
    if error:
        raise damaged()


def _sheets(lines: list[bytes]) -> Iterator[Sheet]:
    name = ""
    merges: tuple[Merge, ...] = ()
    rows: list[list[Cell]] | None = None
    for line in lines:
        value: Any = json.loads(line, object_hook=_cell_from_json)
        if isinstance(value, dict):
            if rows is not None:
                yield Sheet(name, rows, merges)
            name, rows = value["sheet"], []
            merges = tuple(_merges(value["merges"]))
        elif rows is not None:
            rows += value
    if rows is not None:
        yield Sheet(name, rows, merges)


def _merges(bounds: list[list[int]]) -> Iterator[Merge]:
    for top, left, bottom, right in bounds:
        if top <= bottom and left <= right:  # a damaged file may say otherwise
            yield Merge(top, left, bottom, right)


def _cell_from_json(value: dict[str, Any]) -> Any:
    match value.get("t"):
        case "date":
            return date.fromisoformat(value["v"])
        case "datetime":
            return datetime.fromisoformat(value["v"])
        case "time":
            return time.fromisoformat(value["v"])
        case "seconds":
            return timedelta(seconds=value["v"])
    return value
