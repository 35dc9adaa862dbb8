"""Finding the heading row of a table and telling which column is which.

The row may stand below titles, be two lines deep with merged groups, have its columns in any
order and more of them than are wanted. What a heading means is the caller's: a ``Resolver`` gives
each heading the key of a field, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.chassis.sheets.cells import fold_width, text_of
from services.chassis.sheets.workbook import Merge, Sheet, SheetError, column_letter

PROBLEM_HEADING = "问题"
CURE_HEADING = "怎么改"
_SEARCHED_ROWS = 60  # a heading row deeper than this has an essay above it
_LEAST_KEYS = 2
_IGNORED = re.compile(r"[\s*★☆:,，。、;·._\-/|'\"“”‘’?()\[\]【】{}<>]+")
_NOTE = re.compile(r"[(\[【{]([^)\]】}]*)[)\]】}]")


@dataclass(frozen=True)
class Field:
    """A field and the headings under which it is known; the first one is shown in messages."""

    key: str
    headings: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Heading:
    """The heading of one column: as shown, the text of its group above (or ""), its column from 0."""

    column: int
    text: str
    group: str = ""

    @property
    def shown(self) -> str:
        """The heading as the clerk may quote it."""
        return f"{self.group}／{self.text}" if self.group else self.text


Resolver = Callable[[Sequence[Heading]], Sequence[str | None]]

FOREIGN = "(foreign)"
"""The key of a column that is understood and belongs to someone outside the table's purpose."""


@dataclass(frozen=True)
class Header:
    """The heading row (or two) of a sheet: ``rows`` from 0, field key -> heading, and the rest."""

    sheet: Sheet
    rows: range
    columns: Mapping[str, Heading]
    duplicates: tuple[tuple[Heading, Heading], ...]
    unknown: tuple[Heading, ...]
    foreign: tuple[Heading, ...]

    def column_of(self, key: str) -> str:
        """The letter of the field's column, "" when the sheet has none."""
        heading = self.columns.get(key)
        return column_letter(heading.column) if heading else ""

    def heading_of(self, key: str) -> str:
        """The field's heading as this sheet has it, "" when it has none."""
        heading = self.columns.get(key)
        return heading.shown if heading else ""


def fold_heading(text: str) -> str:
    """The heading without width, case, white space, marks and brackets (their content stays)."""
    return _IGNORED.sub("", fold_width(text)).lower()


def fold_candidates(text: str) -> tuple[str, ...]:
    """What a heading may be looked up as: with its bracketed notes, then without: 金额（元）-> 金额."""
    bare = _NOTE.sub("", fold_width(text))
    return tuple(dict.fromkeys((fold_heading(text), fold_heading(bare))))


class FieldIndex:
    """The usual Resolver: fields by the exact folded heading, groups tried as a prefix first."""

    def __init__(
        self, fields: Sequence[Field], foreign_group: re.Pattern[str] | None = None
    ) -> None:
        self._keys = {fold_heading(name): f.key for f in fields for name in f.headings}
        self._foreign = foreign_group

    def __call__(self, headings: Sequence[Heading]) -> list[str | None]:
        return [self.key_of(heading) for heading in headings]

    def key_of(self, heading: Heading) -> str | None:
        """The field's key; FOREIGN where only the group speaks against it; None if unknown."""
        if heading.group:
            for group in fold_candidates(heading.group):
                for prefix in (group, group.removesuffix("信息").removesuffix("基本")):
                    if key := self._lookup(prefix, heading.text):
                        return key
        key = self._lookup("", heading.text)
        if key and heading.group and self._foreign and self._foreign.search(heading.group):
            return FOREIGN
        return key

    def _lookup(self, prefix: str, text: str) -> str | None:
        for candidate in fold_candidates(text):
            if key := self._keys.get(prefix + candidate):
                return key
        return None


def find_header(sheet: Sheet, resolve: Resolver, *, rows: range | None = None) -> Header | None:
    """The best heading row within ``rows`` (default: the first 60), or None. Raises nothing.

    Most fields understood wins, then fewest columns that claim the same one, then the reading that
    sees a group of someone else, then one line before two, then the upper row.
    """
    best: tuple[tuple[int, int, int, int], Header] | None = None
    searched = range(min(_SEARCHED_ROWS, len(sheet.rows))) if rows is None else rows
    for row in searched:
        for headings, depth in _readings(sheet, row, searched.stop):
            header = _header(sheet, range(row, row + depth), headings, resolve(headings))
            foreign = len(header.foreign)
            rank = (len(header.columns) + foreign, -len(header.duplicates), foreign, -depth)
            if rank[0] >= _LEAST_KEYS and (best is None or rank > best[0]):
                best = (rank, header)
    return best[1] if best else None


def without_added_columns(sheet: Sheet) -> Sheet:
    """The sheet as it was before ``write_problem_file`` added its two columns."""
    added: set[int] = set()
    for row in sheet.rows[:_SEARCHED_ROWS]:
        for column, (cell, following) in enumerate(pairwise(row)):
            if cell == PROBLEM_HEADING and following == CURE_HEADING:
                added |= {column, column + 1}
    return sheet.without_columns(added)


def _header(
    sheet: Sheet, rows: range, headings: Sequence[Heading], keys: Sequence[str | None]
) -> Header:
    columns: dict[str, Heading] = {}
    duplicates: list[tuple[Heading, Heading]] = []
    unknown: list[Heading] = []
    foreign: list[Heading] = []
    for heading, key in zip(headings, keys, strict=True):
        if key is None:
            unknown.append(heading)
        elif key == FOREIGN:
            foreign.append(heading)
        elif key in columns:
            duplicates.append((columns[key], heading))
        else:
            columns[key] = heading
    return Header(sheet, rows, columns, tuple(duplicates), tuple(unknown), tuple(foreign))


def _readings(sheet: Sheet, row: int, stop: int) -> Iterator[tuple[list[Heading], int]]:
    """The row's headings alone, and as groups above those of the next row before ``stop``."""
    upper = [text_of(cell) for cell in sheet.rows[row]]
    filled = sum(1 for text in upper if text)
    if filled < _LEAST_KEYS:
        return
    single = [Heading(c, text) for c, text in enumerate(upper) if text]
    yield single, 1
    if row + 1 < stop:
        lower = [text_of(cell) for cell in sheet.rows[row + 1]]
        if any(lower):
            yield _grouped(sheet.merges, row, upper, lower), 2


def _grouped(
    merges: Sequence[Merge], row: int, upper: list[str], lower: list[str]
) -> list[Heading]:
    groups = _group_texts(merges, row, upper, lower)
    headings = []
    for column, (above, text) in enumerate(zip(upper, lower, strict=True)):
        if text:
            headings.append(Heading(column, text, groups[column]))
        elif above:
            headings.append(Heading(column, above))
    return headings


def _group_texts(
    merges: Sequence[Merge], row: int, upper: list[str], lower: list[str]
) -> list[str]:
    """The group over each column: a text above counts for the blank cells to its right, as far as
    its merge goes, or, where nothing is merged (CSV), as far as there are texts below.

    What spans nearly all columns is a title and no group.
    """
    ends = {m.left: m.right for m in merges if m.top == m.bottom == row}
    groups = [""] * len(upper)
    most = max(2, 3 * sum(1 for text in lower if text) // 4)
    for start, text in enumerate(upper):
        if not text or not lower[start]:
            continue
        end = start
        while end + 1 < len(upper) and not upper[end + 1] and lower[end + 1]:
            if start in ends and end + 1 > ends[start]:
                break
            end += 1
        if end - start < most:
            groups[start : end + 1] = [text] * (end + 1 - start)
    return groups


def require_header(header: Header, fields: Sequence[Field]) -> None:
    """Nothing. Raises SheetError for two columns of one field and for a required field without one."""
    sheet = header.sheet.name
    for first, second in header.duplicates:
        raise SheetError(
            "two columns claim the same field",
            f"工作表“{sheet}”：{column_letter(first.column)}列“{first.shown}”与"
            f"{column_letter(second.column)}列“{second.shown}”被认作同一项内容，无法判断以哪一列为准；"
            "请删除其中一列，或按模板改写表头",
        )
    require_columns(header, [f for f in fields if f.required and f.key not in header.columns])


def require_columns(header: Header, missing: Sequence[Field]) -> None:
    """Nothing. Raises SheetError that names the accepted headings if anything is missing."""
    if missing:
        names = "；".join(f"“{f.headings[0]}”（也可写作：{_synonyms(f)}）" for f in missing)
        raise SheetError(
            "required columns are missing",
            f"工作表“{header.sheet.name}”第{header.rows[-1] + 1}行的表头缺少必需的列：{names}。"
            "请补上该列，或改用模板填写",
        )


def _synonyms(field: Field) -> str:
    return "、".join(field.headings[1:5]) or "无其他写法"


def left_out_columns(header: Header) -> list[str]:
    """The columns whose content is not imported, as the clerk sees them: ``D列“开户行”``."""
    heads = {h.column for h in header.columns.values()}
    named = {h.column: h.shown for h in (*header.unknown, *header.foreign)}
    below = header.sheet.rows[header.rows.stop :]
    texts = []
    for column in range(header.sheet.width):
        if column in heads or not any(row[column] != "" for row in below):
            continue
        name = named.get(column)
        texts.append(f"{column_letter(column)}列" + (f"“{name}”" if name else "（没有表头）"))
    return texts
