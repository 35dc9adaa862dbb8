"""The rows below a heading: which of them hold data, and which are furniture and may be skipped."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.chassis.sheets.cells import text_of
from services.chassis.sheets.headings import Header
from services.chassis.sheets.outcome import Outcome
from services.chassis.sheets.workbook import Cell


class RowKind(StrEnum):
    """What a row is; the value is the reason for skipping it."""

    DATA = "数据"
    BLANK = "空行"
    EXAMPLE = "示例行"
    NOTE = "说明行"
    TOTAL = "合计行"
    HEADING = "重复的表头"


ABOVE = "表头及以上的行"
"""The reason for skipping titles and headings."""

NO_TABLE = "没有可识别表头的工作表"
"""The reason for skipping all rows of a sheet that holds no table."""

FURNITURE = "模板自带的说明"
"""The reason for skipping the sheets that templates bring along."""

EXAMPLE_MARK = "示例"
"""What templates write into the first cell of their example row."""

_EXAMPLE = re.compile(r"(填写)?(示例|样例|举例|例如?)([:：(（].*)?")
_TOTAL = re.compile(r"(本页|本表)?(合计|小计|总计|共计).{0,12}")
_NOTE = re.compile(
    r"(填表|填报|填写)?说明[:：\d.、]|注[:：]|备注[:：]|(制表|填表|填报|审核|复核)人|"
    r"(单位)?负责人签|(单位)?(负责人)?(意见|盖章|签字|签章)[:：(（]|填报(单位|日期|时间)[:：]"
)
_FIRST_CHARACTERS = frozenset("示样举填例本合小总共说注备制审复单负意盖签")
_LIKE_A_NUMBER = re.compile(r"[0-9A-Za-z]{8,}")


@dataclass(frozen=True)
class RowRules:
    """What tells data from furniture in one kind of table; columns count from 0.

    ``content``: a row with nothing in these is blank. ``identifying``: a number in one of these
    makes a row data, whatever its first cell says. ``notes``: more beginnings of a note.
    """

    content: Collection[int]
    identifying: Collection[int]
    notes: re.Pattern[str] | None = None


def classify_rows(rows: Sequence[Sequence[Cell]], header: Header, rules: RowRules) -> list[RowKind]:
    """The kind of each row below the header, in order."""
    repeated = {_opening(rows[r]): rows[r] for r in header.rows}
    return [_kind(row, repeated, rules) for row in rows[header.rows.stop :]]


def data_rows(
    rows: Sequence[Sequence[Cell]], header: Header, rules: RowRules, outcome: Outcome
) -> list[int]:
    """The rows of data below the header, from 0 in the sheet; the others are counted as skipped."""
    data = []
    for row, kind in enumerate(classify_rows(rows, header, rules), header.rows.stop):
        if kind is RowKind.DATA:
            data.append(row)
            continue
        outcome.skip(str(kind))
        if kind is RowKind.EXAMPLE and _identified(rows[row], rules):
            outcome.note(f"标有“{EXAMPLE_MARK}”，未导入；如果是真实数据，请去掉该标记", row)
    return data


def _opening(row: Sequence[Cell]) -> Cell:
    """The first cell with something in it, or ""."""
    return next((cell for cell in row if cell != "" and text_of(cell)), "")


def _kind(row: Sequence[Cell], repeated: Mapping[Cell, Sequence[Cell]], rules: RowRules) -> RowKind:
    first = _opening(row)
    if first == "":
        return RowKind.BLANK
    if first in repeated and _same(row, repeated[first]):
        return RowKind.HEADING
    lead = _lead(row, first)
    if lead and (kind := _furniture(lead, row, rules)):
        return kind
    if all(row[column] == "" or not text_of(row[column]) for column in rules.content):
        return RowKind.BLANK
    return RowKind.DATA


def _lead(row: Sequence[Cell], first: Cell) -> str:
    """The first text of the row, behind its number if it has one; "" where something else leads."""
    if isinstance(first, str) and not first.strip().isdecimal():
        return first
    rest = (cell for cell in row if cell != "" and cell is not first)
    second = next(rest, "")
    return second if isinstance(second, str) else ""


def _same(row: Sequence[Cell], headings: Sequence[Cell]) -> bool:
    """Whether the row repeats most of the headings: they are printed again on each page."""
    shown = [(a, b) for a, b in zip(row, headings, strict=True) if b != ""]
    return 2 * sum(a == b for a, b in shown) > len(shown)


def _furniture(first: str, row: Sequence[Cell], rules: RowRules) -> RowKind | None:
    first = text_of(first).replace(" ", "")
    if rules.notes and rules.notes.match(first) and not _identified(row, rules):
        return RowKind.NOTE
    if first[:1] not in _FIRST_CHARACTERS:
        return None
    if _EXAMPLE.fullmatch(first):
        return RowKind.EXAMPLE
    if _identified(row, rules):
        return None
    if _TOTAL.fullmatch(first):
        return RowKind.TOTAL
    return RowKind.NOTE if _NOTE.match(first) else None


def _identified(row: Sequence[Cell], rules: RowRules) -> bool:
    return any(_LIKE_A_NUMBER.search(text_of(row[column])) for column in rules.identifying)
