"""Bookkeeping for one sheet: which rows were taken, refused or skipped, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chassis.sheets.headings import Header, left_out_columns
from services.chassis.sheets.problems import Correction, Notice, Problem, SheetReport, Tally
from services.chassis.sheets.workbook import Sheet, column_letter

_MOST_ROWS_NAMED = 20


@dataclass(frozen=True)
class Flaw:
    """What is wrong with the field ``key`` of a row ("" for the row), and the cure, in Chinese."""

    key: str
    what: str
    cure: str


Place = tuple[str, str]
"""Letter and heading of a field's column."""


class Outcome:
    """Collects what happens to the rows (from 0) of one sheet. ``places``: field key -> Place."""

    def __init__(self, sheet: Sheet, places: dict[str, Place]) -> None:
        self._sheet = sheet
        self._places = places
        self._problems: list[Problem] = []
        self._notices: list[Notice] = []
        self._taken = 0
        self._skipped: Counter[str] = Counter()
        self.refused: set[int] = set()

    def take(self, rows: int = 1) -> None:
        """Counts rows as taken."""
        self._taken += rows

    def skip(self, reason: str, rows: int = 1) -> None:
        """Counts rows as skipped."""
        if rows:
            self._skipped[reason] += rows

    def refuse(self, row: int, flaws: Iterable[Flaw]) -> None:
        """Reports the flaws of a row that is not taken."""
        self.refused.add(row)
        for flaw in flaws:
            column, heading = self._places.get(flaw.key, ("", ""))
            self._problems.append(
                Problem(self._sheet.name, row + 1, column, heading, flaw.what, flaw.cure)
            )

    def note(self, text: str, row: int = -1) -> None:
        """Adds a notice, about a row or about the sheet."""
        self._notices.append(Notice(self._sheet.name, row + 1, text))

    def report(self, corrections: Sequence[Correction]) -> SheetReport:
        """The sheet's report. Raises ValueError where a row was lost."""
        rows = len(self._sheet.rows)
        tally = Tally(rows, self._taken, len(self.refused), dict(self._skipped))
        return SheetReport(tuple(self._problems), tuple(self._notices), tally, tuple(corrections))

    def note_left_out(self, header: Header) -> None:
        """Names the columns whose content is not imported."""
        if columns := left_out_columns(header):
            self.note("以下列不在导入范围，内容未导入：" + "、".join(columns))

    def note_repeated(self, rows: Sequence[int]) -> None:
        """Names the rows that repeat what earlier rows say."""
        if rows:
            named = "、".join(str(row + 1) for row in rows[:_MOST_ROWS_NAMED])
            more = "等" if len(rows) > _MOST_ROWS_NAMED else ""
            self.note(f"第{named}行{more}（共{len(rows)}行）与前面的行重复，只计一次")


def places_of(header: Header) -> dict[str, Place]:
    """Where each field of a table stands."""
    return {
        key: (column_letter(heading.column), heading.shown)
        for key, heading in header.columns.items()
    }
