"""Writing empty sheets for clerks to fill in: text format, drop-downs, checks while typing.

A template is one or more tables, a sheet of instructions and a hidden sheet with the choices of the
drop-downs (a list written into the check itself may have 255 characters only).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.chassis.sheets.body import EXAMPLE_MARK

GUIDE_SHEET = "填写说明"
CHOICES_SHEET = "选项"
_CHECKED_ROWS = 5_000  # rows of a table that have drop-downs and checks
_TEXT = {"num_format": "@", "valign": "vcenter"}


@dataclass(frozen=True)
class TemplateColumn:
    """A column: heading, what the example row shows, and what may be typed.

    ``choices``: a drop-down. ``lengths``: other numbers of characters raise a warning.
    ``is_amount``: a number that is not negative; every other column is text.
    """

    heading: str
    example: str = ""
    width: int = 12
    choices: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    is_amount: bool = False
    required: bool = False


class TemplateStyles:
    """The looks of a template's cells."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        head = {"bold": True, "border": 1, "align": "center", "text_wrap": True} | _TEXT
        self.head: Format = book.add_format(head | {"bg_color": "#DDEBF7"})
        self.required: Format = book.add_format(
            head | {"bg_color": "#FCE4D6", "font_color": "#C00000"}
        )
        self.example: Format = book.add_format(_TEXT | {"italic": True, "font_color": "#808080"})
        self.text: Format = book.add_format(_TEXT)
        self.boxed: Format = book.add_format(_TEXT | {"border": 1, "text_wrap": True})
        self.amount: Format = book.add_format({"num_format": "0.00"})
        self.title: Format = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        self.guide: Format = book.add_format({"text_wrap": True, "valign": "top"})


class Choices:
    """The hidden sheet of drop-down choices; one column a list."""

    def __init__(self, page: Worksheet) -> None:
        self._page = page
        self._ranges: dict[tuple[str, ...], str] = {}

    def range_of(self, choices: tuple[str, ...]) -> str:
        """The formula of the range that holds these choices."""
        if choices not in self._ranges:
            column = len(self._ranges)
            for row, choice in enumerate(choices):
                self._page.write_string(row, column, choice)
            letter = chr(ord("A") + column)
            self._ranges[choices] = f"={CHOICES_SHEET}!${letter}$1:${letter}${len(choices)}"
        return self._ranges[choices]


def write_template(
    path: Path,
    guide: Sequence[str],
    fill: Callable[[xlsxwriter.Workbook, TemplateStyles, Choices], None],
) -> None:
    """Writes the file in one step: what ``fill`` adds, then the instructions. Raises OSError."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        styles = TemplateStyles(book)
        choices = Choices(book.add_worksheet(CHOICES_SHEET))
        fill(book, styles, choices)
        page = book.add_worksheet(GUIDE_SHEET)
        page.set_column(0, 0, 100)
        for row, line in enumerate(guide):
            page.write_string(row, 0, line, styles.guide)
        first = book.worksheets()[1]
        first.set_first_sheet()
        first.activate()
        book.get_worksheet_by_name(CHOICES_SHEET).hide()
    _replace(path, buffer.getvalue())


def _replace(path: Path, data: bytes) -> None:
    """A full disk leaves no half file under the final name."""
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def write_table(
    page: Worksheet,
    styles: TemplateStyles,
    choices: Choices,
    columns: Sequence[TemplateColumn],
) -> None:
    """Headings in row 1 (frozen), an example in row 2, formats and checks below.

    The first column marks the example row, which an import skips.
    """
    for index, column in enumerate(columns):
        look = styles.amount if column.is_amount else styles.text
        page.set_column(index, index, column.width, look)
        page.write_string(
            0, index, column.heading, styles.required if column.required else styles.head
        )
        example = EXAMPLE_MARK if index == 0 else column.example
        page.write_string(1, index, example, styles.example)
        add_check(page, choices, column, (2, index, _CHECKED_ROWS, index))
    page.set_row(0, 32)
    page.freeze_panes(1, 0)


def add_check(
    page: Worksheet,
    choices: Choices,
    column: TemplateColumn,
    cells: tuple[int, int, int, int],
) -> None:
    """The column's drop-down or warning on a range: first row, first column, last row, last column."""
    if check := _check(choices, column, cells[0], cells[1]):
        page.data_validation(*cells, check)


def _check(
    choices: Choices, column: TemplateColumn, row: int, index: int
) -> dict[str, object] | None:
    if column.choices:
        return {
            "validate": "list",
            "source": choices.range_of(column.choices),
            "error_title": "请从下拉列表中选择",
            "error_message": f"“{column.heading}”只能从列表中选择",
        }
    if column.lengths:
        # A warning and no stop: passports and permits have other lengths.
        cell = f"{_letter(index)}{row + 1}"
        lengths = ",".join(f"LEN({cell})={length}" for length in column.lengths)
        return {
            "validate": "custom",
            "value": f"=OR({lengths})",
            "error_type": "warning",
            "error_title": "位数不对",
            "error_message": f"应为{'位或'.join(map(str, column.lengths))}位，请核对",
        }
    if column.is_amount:
        return {
            "validate": "decimal",
            "criteria": ">=",
            "value": 0,
            "error_title": "不是金额",
            "error_message": "请填写不小于0的数字",
        }
    return None


def _letter(index: int) -> str:
    return chr(ord("A") + index)
