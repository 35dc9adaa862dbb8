"""The file to correct and import again: the refused rows, the same headings, what is wrong, in red.

All cells are text cells, so that nothing is evaluated and no digits are lost; a text that a
spreadsheet might take for a formula once it is edited gets the quote prefix besides. The two added
columns are ignored when the file comes back.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.chassis.sheets.cells import LOSSLESS_BELOW, text_of
from services.chassis.sheets.headings import CURE_HEADING, PROBLEM_HEADING
from services.chassis.sheets.problems import Correction, Problem, SheetReport
from services.chassis.sheets.workbook import Cell, Merge, column_letter

_MOST_CHARACTERS = 32_767  # of one cell, by the format
_MOST_MERGED = 10_000  # cells of one merged range; a larger one is decoration and is taken apart
_NAME_FORBIDS = re.compile(r"[\[\]:*?/\\]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_problem_file(report: SheetReport) -> bytes:
    """An .xlsx with one sheet for each correction of the report, in order."""
    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        styles = _Styles(book)
        names: set[str] = set()
        for correction in report.corrections:
            page = book.add_worksheet(_sheet_name(correction.sheet.name, names))
            _write_page(page, styles, correction, _by_row(report.problems, correction.sheet.name))
        if not report.corrections:
            book.add_worksheet("没有问题")
    return buffer.getvalue()


class _Styles:
    """The three looks of a cell; each is text format, with or without the quote prefix."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        text = {"num_format": "@", "text_wrap": True, "valign": "vcenter"}
        red = {"bg_color": "#FFC7CE", "font_color": "#9C0006"}
        head = {"bold": True, "bg_color": "#DDEBF7", "border": 1}
        self._formats: dict[tuple[str, bool], Format] = {}
        for name, extra in (("plain", {}), ("wrong", red), ("head", head)):
            for quoted in (False, True):
                look = text | extra | ({"quote_prefix": True} if quoted else {})
                self._formats[name, quoted] = book.add_format(look)

    def look(self, name: str, text: str) -> Format:
        return self._formats[name, text.startswith(_FORMULA_STARTS)]


def _sheet_name(name: str, used: set[str]) -> str:
    """The name as the format allows it (31 characters, no brackets), unique in the file."""
    base = _NAME_FORBIDS.sub("_", name).strip("'")[:31] or "Sheet"
    unique, count = base, 1
    while unique.lower() in used:
        count += 1
        unique = f"{base[:27]}_{count}"
    used.add(unique.lower())
    return unique


def _by_row(problems: Sequence[Problem], sheet: str) -> Mapping[int, list[Problem]]:
    found: defaultdict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.sheet == sheet:
            found[problem.row - 1].append(problem)
    return found


def _write_page(
    page: Worksheet, styles: _Styles, correction: Correction, problems: Mapping[int, list[Problem]]
) -> None:
    merged, filled = _remap_merges(correction)
    filled |= correction.filled
    # A sheet without headings gets a row on top for those of the two added columns.
    offset = 0 if correction.heading_rows else 1
    if offset:
        _write_pair(page, styles, 0, correction, (PROBLEM_HEADING, CURE_HEADING), "head")
    for target, row in enumerate(correction.rows, offset):
        found = problems.get(row, [])
        wrong = {problem.column for problem in found}
        for column, cell in enumerate(correction.sheet.rows[row]):
            cell = filled.get((row, column), cell)
            is_wrong = column_letter(column) in wrong
            look = "head" if row in correction.heading_rows else "wrong" if is_wrong else "plain"
            _write_cell(page, styles, target, column, cell, look)
        _write_remarks(page, styles, target, correction, row, found)
    for merge in merged:
        row = correction.rows[merge.top]
        text = text_of(correction.sheet.rows[row][merge.left])
        look = styles.look("head" if row in correction.heading_rows else "plain", text)
        top, bottom = merge.top + offset, merge.bottom + offset
        page.merge_range(top, merge.left, bottom, merge.right, text, look)
    width = correction.sheet.width
    page.set_column(0, max(width - 1, 0), 16)
    page.set_column(width, width + 1, 40)


def _write_cell(
    page: Worksheet, styles: _Styles, row: int, column: int, cell: Cell, look: str
) -> None:
    """Text always, but for a number with decimals: as text, 2018.1 would no longer be refused."""
    if isinstance(cell, float) and cell % 1 and abs(cell) < LOSSLESS_BELOW:
        page.write_number(row, column, cell, styles.look(look, ""))
        return
    text = cell if isinstance(cell, str) else text_of(cell)
    if text or look != "plain":
        page.write_string(row, column, text[:_MOST_CHARACTERS], styles.look(look, text))


def _write_remarks(
    page: Worksheet,
    styles: _Styles,
    target: int,
    correction: Correction,
    row: int,
    found: Sequence[Problem],
) -> None:
    """What is wrong and the cures beside a row, or the headings of these two columns."""
    if correction.heading_rows and row == correction.heading_rows[-1]:
        pair = (PROBLEM_HEADING, CURE_HEADING)
        _write_pair(page, styles, target, correction, pair, "head")
        return
    whats = "；".join(dict.fromkeys(_named(problem) for problem in found))
    cures = "；".join(dict.fromkeys(problem.cure for problem in found))
    _write_pair(page, styles, target, correction, (whats, cures), "wrong")


def _write_pair(
    page: Worksheet,
    styles: _Styles,
    target: int,
    correction: Correction,
    pair: tuple[str, str],
    look: str,
) -> None:
    for column, text in enumerate(pair, correction.sheet.width):
        if text:
            page.write_string(target, column, text[:_MOST_CHARACTERS], styles.look(look, text))


def _named(problem: Problem) -> str:
    return f"{problem.heading}：{problem.what}" if problem.heading else problem.what


def _remap_merges(correction: Correction) -> tuple[list[Merge], dict[tuple[int, int], Cell]]:
    """The merges that survive whole, in rows of the new sheet; of the others, values by cell."""
    target = {row: index for index, row in enumerate(correction.rows)}
    merged: list[Merge] = []
    filled: dict[tuple[int, int], Cell] = {}
    for merge in _inside(correction):
        rows = range(merge.top, merge.bottom + 1)
        kept = [target[row] for row in rows if row in target]
        if len(kept) == len(rows):
            merged.append(Merge(kept[0], merge.left, kept[-1], merge.right))
        else:
            value = correction.sheet.rows[merge.top][merge.left]
            filled |= {(row, merge.left): value for row in rows if row in target}
    return merged, filled


def _inside(correction: Correction) -> Iterator[Merge]:
    """The merges of more than one cell within the sheet's bounds that do not overlap."""
    taken: set[tuple[int, int]] = set()
    for merge in correction.sheet.merges:
        if merge.bottom >= len(correction.sheet.rows) or merge.right >= correction.sheet.width:
            continue
        if (merge.bottom - merge.top + 1) * (merge.right - merge.left + 1) > _MOST_MERGED:
            continue
        cells = {
            (row, column)
            for row in range(merge.top, merge.bottom + 1)
            for column in range(merge.left, merge.right + 1)
        }
        if len(cells) > 1 and not cells & taken:
            taken |= cells
            yield merge
