"""Text tables: encoding, separator and rows of a .csv.

Encodings: a byte order mark decides; else strict UTF-8, else strict GB18030. No guessing by
statistics: on short Chinese texts it takes GBK for Korean.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice

from services.chassis.sheets.workbook import SheetError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SEPARATORS = ",\t;"
_SAMPLE_ROWS = 30  # that are not blank, among the first …
_SAMPLE_LINES = 1_000
_LEAST_CELLS = 8  # what a row costs even if it is blank
# ="510…" is how exports keep a spreadsheet from turning digits into a number.
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')


class TooManyCellsError(Exception):
    """The table has more cells than the caller allows."""


def read_rows(data: bytes, most_cells: int) -> list[list[str]]:
    """All rows, padded to one width. Raises SheetError for bytes that are no text table.

    TooManyCellsError comes before the memory for them is taken; a row counts as 8 cells or more.
    """
    text = decode(data)
    rows = _parse(text, _separator(text), most_cells)
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > most_cells:
        raise TooManyCellsError
    return [_unwrapped(row) + [""] * (width - len(row)) for row in rows]


def decode(data: bytes) -> str:
    """The text. Raises SheetError when neither UTF-8 nor GB18030 fits all bytes."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _strict(data[len(bom) :], (encoding,))
    return _strict(data, ("utf-8", "gb18030"))


def _strict(data: bytes, encodings: tuple[str, ...]) -> str:
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError(
        "the text is neither UTF-8 nor GB18030",
        "文本编码无法识别（既不是 UTF-8 也不是 GB18030）。请用 WPS 或 Excel 打开，"
        "另存为 .xlsx 或“CSV UTF-8”后再导入",
    )


def _separator(text: str) -> str:
    """The separator that gives the first rows the most columns; a comma in doubt."""
    best, most = ",", 1
    for separator in _SEPARATORS:
        widths = _sample_widths(text, separator)
        common = max(set(widths), key=lambda w: (widths.count(w), w), default=1)
        if common > most:
            best, most = separator, common
    return best


def _sample_widths(text: str, separator: str) -> list[int]:
    """The widths of the first rows, as far as their quotes fit this separator."""
    widths: list[int] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for row in islice(reader, _SAMPLE_LINES):
            if row:
                widths.append(len(row))
            if len(widths) == _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return widths


def _parse(text: str, separator: str, most_cells: int) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            most_cells -= max(len(row), _LEAST_CELLS)
            if most_cells < 0:
                raise TooManyCellsError
        return rows
    except csv.Error:
        raise SheetError(
            f"broken quoting near line {reader.line_num}",
            f"第{reader.line_num}行附近的双引号不成对，或一格内容过长。请用 WPS 或 Excel 打开该文件，"
            "另存为 .xlsx 后再导入",
        ) from None


def _unwrapped(row: list[str]) -> list[str]:
    return [_unwrap(cell) if cell.startswith('="') else cell for cell in row]


def _unwrap(cell: str) -> str:
    match = _KEPT_AS_TEXT.fullmatch(cell)
    return match[1] if match else cell
