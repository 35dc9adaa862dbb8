"""A workbook in memory: sheets of typed cells with the addresses that a clerk sees on the screen.

Rows and columns count from 0 in code and from 1 (columns: from A) in everything shown.
This module reads nothing; ``reading`` fills it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from libmatch.errors import InputError

Cell = str | int | float | bool | datetime | date | time | timedelta
"""One cell; the empty string is an empty cell."""


class SheetError(InputError):
    """The whole file, or the whole sheet, cannot be used; ``message_zh`` says what to do."""


@dataclass(frozen=True, order=True)
class Position:
    """A row as the clerk sees it: the sheet's name and the row's number from 1."""

    sheet: str
    row: int

    def __str__(self) -> str:
        return f"工作表“{self.sheet}”第{self.row}行"


@dataclass(frozen=True)
class Merge:
    """A merged range; the four bounds count from 0 and are inclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if not (0 <= self.top <= self.bottom and 0 <= self.left <= self.right):
            raise ValueError("a merged range has its corners in order")


@dataclass(frozen=True, repr=False)
class Sheet:
    """Dense rows of equal width, from A1 on. Only a merge's top left cell holds its value."""

    name: str
    rows: Sequence[Sequence[Cell]]
    merges: tuple[Merge, ...] = ()

    def __post_init__(self) -> None:
        if len({len(row) for row in self.rows}) > 1:
            raise ValueError("the rows of a sheet have one width")

    def __repr__(self) -> str:
        return f"<Sheet {len(self.rows)} x {self.width}>"

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.rows[0]) if self.rows else 0

    def position(self, row: int) -> Position:
        """Where row ``row`` (from 0) is for the clerk."""
        return Position(self.name, row + 1)

    def without_columns(self, columns: Collection[int]) -> Sheet:
        """The same sheet with these columns emptied; the addresses of the others stay."""
        if not columns:
            return self
        kept = [["" if c in columns else cell for c, cell in enumerate(row)] for row in self.rows]
        return Sheet(self.name, kept, self.merges)


@dataclass(frozen=True)
class Workbook:
    """The sheets of one file in their order, hidden ones included."""

    file_name: str
    sheets: tuple[Sheet, ...]


def column_letter(column: int) -> str:
    """The letter of a column that counts from 0: ``A``, ``Z``, ``AA``."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def filled_down(sheet: Sheet, first_row: int, columns: Collection[int]) -> Sequence[Sequence[Cell]]:
    """The rows, where each vertical merge in ``columns`` from ``first_row`` on shows its value in each row.

    A merge that spans columns counts for its leftmost one.
    """
    rows = list(sheet.rows)
    copied: set[int] = set()
    left = len(rows) * sheet.width  # merges that do not overlap cannot cover more
    for merge in sheet.merges:
        if merge.left not in columns or merge.top < first_row or merge.top >= len(rows):
            continue
        left -= min(merge.bottom, len(rows)) - merge.top
        if left < 0:
            break
        value = rows[merge.top][merge.left]
        for r in range(merge.top + 1, min(merge.bottom + 1, len(rows))):
            if r not in copied:
                rows[r] = list(rows[r])
                copied.add(r)
            rows[r][merge.left] = value  # type: ignore[index]  # copied above
    return rows
