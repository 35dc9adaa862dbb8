"""Sheets as plain tables of cells, and the four kinds of file that clerks bring them in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path

import xlsxwriter
import xlwt

Cell = str | int | float | date | None
"""One cell; None is an empty one. Numbers become numeric cells: that is how digits get lost."""


@dataclass(frozen=True)
class Merge:
    """A merged range; bounds count from 0 and are inclusive. The top left cell holds the value."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, repr=False)
class Table:
    """One sheet: its name, its rows from A1 on, and its merged ranges."""

    name: str
    rows: Sequence[Sequence[Cell]]
    merges: Sequence[Merge] = ()


class Form(Enum):
    """A kind of file: its ending, and for text its encoding. An .et is an .xls under WPS's name."""

    XLSX = (".xlsx", "")
    XLS = (".xls", "")
    ET = (".et", "")
    CSV_GB18030 = (".csv", "gb18030")
    CSV_UTF8_BOM = (".csv", "utf-8-sig")
    CSV_UTF8 = (".csv", "utf-8")

    @property
    def ending(self) -> str:
        """The file name's ending, with its dot."""
        return self.value[0]

    @property
    def encoding(self) -> str:
        """The encoding of a text form, "" for a workbook."""
        return self.value[1]

    @property
    def rows(self) -> int:
        """How many rows one sheet of this form holds."""
        return 65_536 if self in (Form.XLS, Form.ET) else 1_048_576


def write_tables(path: Path, form: Form, tables: Sequence[Table]) -> None:
    """Write the file. Raises ValueError where the form cannot hold the tables."""
    if any(len(table.rows) > form.rows for table in tables):
        raise ValueError(f"a sheet of {form.name} holds {form.rows} rows")
    if form.encoding:
        if len(tables) != 1:
            raise ValueError("a text file holds one table")
        _write_csv(path, tables[0], form.encoding)
    elif form is Form.XLSX:
        _write_xlsx(path, tables)
    else:
        _write_xls(path, tables)


def _write_csv(path: Path, table: Table, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([_as_text(cell) for cell in row] for row in table.rows)


def _as_text(cell: Cell) -> str:
    """The cell as a spreadsheet saves it to text: long numbers keep six digits and an exponent."""
    if isinstance(cell, float) and cell >= 1e15:
        return f"{cell:.5E}"
    if isinstance(cell, date):
        return f"{cell.year}/{cell.month}/{cell.day}"
    return "" if cell is None else str(cell)


def _write_xlsx(path: Path, tables: Sequence[Table]) -> None:
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001  (the format has no zone)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        centred = book.add_format({"align": "center", "valign": "vcenter"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            for merge in table.merges:
                bounds = (merge.top, merge.left, merge.bottom, merge.right)
                sheet.merge_range(*bounds, "", centred)
            for row, cells in enumerate(table.rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    elif isinstance(cell, date):
                        sheet.write_datetime(row, column, cell, day)
                    elif cell is not None:
                        sheet.write_number(row, column, cell)


def _write_xls(path: Path, tables: Sequence[Table]) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    plain = xlwt.Style.default_style
    for table in tables:
        sheet = book.add_sheet(table.name)
        spans = {(merge.top, merge.left): merge for merge in table.merges}
        for row, cells in enumerate(table.rows):
            for column, cell in enumerate(cells):
                style = day if isinstance(cell, date) else plain
                if merge := spans.get((row, column)):
                    sheet.write_merge(row, merge.bottom, column, merge.right, cell, style)
                elif cell is not None:
                    sheet.write(row, column, cell, style)
    book.save(str(path))
