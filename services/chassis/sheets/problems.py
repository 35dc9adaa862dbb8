"""What an import reports back to the clerk: problems, notices and a count in which no row is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from libmatch.errors import InputError
from services.chassis.sheets.workbook import Cell, Sheet


@dataclass(frozen=True)
class Problem:
    """Why one row was not taken, and how to mend it, in Chinese; never the content of a cell.

    ``column`` is a letter, or "" when it is about the row as a whole. ``row`` counts from 1.
    """

    sheet: str
    row: int
    column: str
    heading: str
    what: str
    cure: str

    def __str__(self) -> str:
        place = f"工作表“{self.sheet}”第{self.row}行"
        if self.column:
            place += f"{self.column}列"
        if self.heading:
            place += f"（{self.heading}）"
        return f"{place}：{self.what}。{self.cure}"


@dataclass(frozen=True)
class Notice:
    """Something that the clerk should know although nothing was refused; row 0 is the whole sheet.

    ``sheet`` "": about the file as a whole.
    """

    sheet: str
    row: int
    text: str

    def __str__(self) -> str:
        if not self.sheet:
            return self.text
        place = f"第{self.row}行" if self.row else ""
        return f"工作表“{self.sheet}”{place}：{self.text}"


@dataclass(frozen=True)
class Tally:
    """Where every row went. ``skipped``: reason in Chinese -> number of rows."""

    rows: int
    taken: int
    refused: int
    skipped: Mapping[str, int]

    def __post_init__(self) -> None:
        if self.rows != self.taken + self.refused + sum(self.skipped.values()):
            raise ValueError("a row was lost: the parts do not add up to the whole")

    def __add__(self, other: Tally) -> Tally:
        skipped = dict(self.skipped)
        for reason, count in other.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
        return Tally(
            self.rows + other.rows,
            self.taken + other.taken,
            self.refused + other.refused,
            skipped,
        )


@dataclass(frozen=True, repr=False)
class Correction:
    """One sheet of the file to correct: which original rows it repeats, in order.

    ``rows`` count from 0 and hold the headings too; ``heading_rows`` are those among them that
    get the headings of the two added columns. ``filled`` overrides cells, by (row, column).
    """

    sheet: Sheet
    rows: Sequence[int]
    heading_rows: range
    filled: Mapping[tuple[int, int], Cell] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Correction {len(self.rows)} rows>"


@dataclass(frozen=True)
class SheetReport:
    """All that an import has to say. ``corrections`` is for ``write_problem_file``."""

    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]
    tally: Tally
    corrections: tuple[Correction, ...]


def what_and_cure(error: InputError, otherwise: str) -> tuple[str, str]:
    """The Chinese text of an error as what is wrong and how to mend it (``otherwise`` if it has none).

    The texts of the library put the cure last and begin it with 请.
    """
    what, found, cure = error.message_zh.partition("请")
    return what.rstrip("，；。："), found + cure if found else otherwise


def join_reports(reports: Sequence[SheetReport]) -> SheetReport:
    """One report of several sheets, in their order."""
    tally = Tally(0, 0, 0, {})
    for report in reports:
        tally += report.tally
    return SheetReport(
        tuple(problem for report in reports for problem in report.problems),
        tuple(notice for report in reports for notice in report.notices),
        tally,
        tuple(correction for report in reports for correction in report.corrections),
    )
