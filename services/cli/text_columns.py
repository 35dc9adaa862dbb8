"""One column of a file as texts with their row numbers: of a sheet, or of a Parquet file of any size.

What is read is personal data: it goes to the caller in parts and nowhere else, no temporary file included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libmatch.errors import InputError
from services.chassis.sheets import (
    MAX_FILE_BYTES,
    Sheet,
    SheetError,
    fold_heading,
    read_workbook,
    text_of,
)

_PARQUET = b"PAR1"
_HEADING_ROWS = 30  # among the first of a sheet
_PART = 1 << 18  # rows that are in memory at once


@dataclass(frozen=True, repr=False)
class TextPart:
    """Some rows of a column: their texts, and their numbers as the file's reader shows them, from 1."""

    texts: list[str]
    rows: list[int]


def read_text_column(path: Path, column: str) -> Iterator[TextPart]:
    """The texts under the heading ``column``, in order; blank rows of a sheet are left out.

    A sheet's rows are numbered as on the screen, those of a Parquet file from 1. Raises InputError where the
    file or the column cannot be used, OSError, ModuleNotFoundError without DuckDB (Parquet alone).
    """
    with path.open("rb") as file:
        begin = file.read(len(_PARQUET))
        if begin != _PARQUET:
            return iter([_read_sheets(begin + file.read(MAX_FILE_BYTES + 1), path, column)])
    return _read_parquet(path, column)


def _read_sheets(data: bytes, path: Path, column: str) -> TextPart:
    sheets = read_workbook(data, path.name).sheets
    found = [(sheet, place) for sheet in sheets if (place := _find_heading(sheet, column))]
    if not found:
        raise SheetError(
            "no such heading", f"{path}：找不到表头“{column}”，请检查 --column 和所选文件"
        )
    if len(found) > 1:
        raise SheetError(
            "several sheets have that heading",
            f"{path}：有 {len(found)} 张工作表都有表头“{column}”，请拆成单独的文件",
        )
    ((sheet, (heading, at)),) = found
    texts, rows = [], []
    for number, cells in enumerate(sheet.rows[heading + 1 :], heading + 2):
        if any(cell != "" for cell in cells):
            texts.append(text_of(cells[at]))
            rows.append(number)
    return TextPart(texts, rows)


def _find_heading(sheet: Sheet, column: str) -> tuple[int, int] | None:
    """(row, column) of the first cell that is the heading, from 0."""
    wanted = fold_heading(column)
    for number, cells in enumerate(sheet.rows[:_HEADING_ROWS]):
        for at, cell in enumerate(cells):
            if isinstance(cell, str) and fold_heading(cell) == wanted:
                return number, at
    return None


def _read_parquet(path: Path, column: str) -> Iterator[TextPart]:
    import duckdb

    with duckdb.connect(":memory:") as engine:
        engine.execute("SET temp_directory = ''")  # no plaintext on the disk
        engine.execute("SET autoinstall_known_extensions = false")  # nothing from a network
        engine.execute("SET autoload_known_extensions = false")
        source, name = "read_parquet([?], hive_partitioning = false)", column.replace('"', '""')
        try:
            described = engine.execute(f"DESCRIBE SELECT * FROM {source}", [_escape(path)])  # noqa: S608
            _check_type(path, column, {row[0]: row[1] for row in described.fetchall()})
            texts = engine.execute(f'SELECT "{name}" FROM {source}', [_escape(path)])  # noqa: S608
            first = 1
            while found := texts.fetchmany(_PART):
                rows = [*range(first, first + len(found))]
                yield TextPart([text or "" for (text,) in found], rows)
                first += len(found)
        except (duckdb.InvalidInputException, duckdb.IOException):
            raise InputError(
                f"{path.name} is no Parquet file", f"{path}：不是 Parquet 文件，或文件不完整"
            ) from None


def _check_type(path: Path, column: str, types: dict[str, str]) -> None:
    found = types.get(column)
    if found is None:
        raise InputError("no such column", f"{path}：没有列“{column}”，请检查 --column")
    if found != "VARCHAR":
        raise InputError(
            "the column holds no texts",
            f"{path}：列“{column}”不是文本，号码可能已丢失末位；请以文本格式重新导出",
        )


def _escape(path: Path) -> str:
    """The path as a pattern that means this one file, whatever its name."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path.absolute()))
