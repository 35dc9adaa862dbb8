"""The form of annex 2, one a sheet: the reporter, the relatives, the pledge, the leader's opinion.

The reporter's block is either a row of headings above a row of values, as printed, or labels with
the value to the right of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.chassis.sheets import (
    ABOVE,
    Cell,
    Correction,
    Flaw,
    Header,
    Outcome,
    Place,
    RowRules,
    Sheet,
    SheetError,
    SheetReport,
    column_letter,
    data_rows,
    filled_down,
    find_header,
    places_of,
    text_of,
)
from services.registry.declaration_book import DeclarationBook
from services.registry.declaration_columns import (
    OFFICIAL_FIELDS,
    ORDINAL,
    RELATIVE_FIELDS,
    official_key,
    resolve_form_official,
)
from services.registry.declaration_persons import parse_officials, parse_relatives
from services.registry.declaration_pledge import (
    check_signer,
    pledge_row,
    read_opinion,
    read_pledge,
    tail_start,
)
from services.registry.declaration_records import Official, Pledge

TAIL = "承诺和意见栏"
"""The reason for skipping the rows below the relatives."""

BLANK_FORM = "空白的报告表"
"""The reason for skipping a form that nobody filled in."""

_SECTION = re.compile(r"[一二三四五][、.]")
_LEAST_HEADINGS = 6  # of the 11 in one row: fewer are labels with their values between them


@dataclass(frozen=True)
class _Answer:
    """A field of the reporter: the cell, where it stands (from 0), under which label."""

    row: int
    column: int
    label: str
    cell: Cell


def read_form(header: Header, book: DeclarationBook, today: date) -> SheetReport:
    """The report on the form whose relatives stand below ``header``; what holds goes into ``book``.

    Raises SheetError where there is no reporter's block. A form whose reporter or pledge is wrong is
    refused whole: a relative without the official means nothing.
    """
    sheet = header.sheet
    answers = _reporter(sheet, header.rows.start)
    end = tail_start(sheet, header.rows.stop)
    outcome = Outcome(sheet, _places(answers) | places_of(header))
    if _is_blank(header, answers, end):
        outcome.skip(BLANK_FORM, len(sheet.rows))
        outcome.note("空白的报告表，未导入")
        return outcome.report(())
    official = _enter_official(sheet, answers, end, book, today, outcome)
    own_rows = {answer.row for answer in answers.values()}
    if official:
        outcome.take(len(own_rows))
    else:
        for row in own_rows:
            outcome.refuse(row, ())
    outcome.skip(ABOVE, header.rows.stop - len(own_rows))
    outcome.skip(TAIL, sum(row not in outcome.refused for row in range(end, len(sheet.rows))))
    taken = _settle(header, end, official, book, today, outcome)
    outcome.note_left_out(header)
    return outcome.report(_corrections(header, taken, outcome.refused))


def _is_blank(header: Header, answers: Mapping[str, _Answer], end: int) -> bool:
    columns = [heading.column for heading in header.columns.values()]
    below = (header.sheet.rows[row][c] for row in range(header.rows.stop, end) for c in columns)
    return not any(text_of(cell) for cell in (*(a.cell for a in answers.values()), *below))


# --- the reporter -------------------------------------------------------------------------------


def _reporter(sheet: Sheet, end: int) -> dict[str, _Answer]:
    """The reporter's fields by key, from the rows above ``end``. Raises SheetError without a name."""
    header = find_header(sheet, resolve_form_official, rows=range(end))
    named = header and {"official.name", "official.idn"} <= header.columns.keys()
    if header and named and len(header.columns) >= _LEAST_HEADINGS:
        answers = _answers_below(header, end)
    else:
        answers = _answers_beside(sheet, end)
    if "official.name" not in answers or "official.idn" not in answers:
        raise SheetError(
            "no reporter's block above the relatives",
            f"工作表“{sheet.name}”：亲属表上方找不到报告人的“姓名”和“身份证号码”。请按附件2的式样填写报告人"
            "基本情况；一行一名亲属的汇总表，请加上“报告人姓名”“报告人身份证号码”两列",
        )
    return answers


def _answers_below(header: Header, end: int) -> dict[str, _Answer]:
    sheet = header.sheet
    filled = [row for row in range(header.rows.stop, end) if _has_values(sheet, row)]
    if len(filled) > 1:
        raise SheetError(
            "two reporters in one form",
            f"工作表“{sheet.name}”：报告人基本情况填了不止一行（第{filled[1] + 1}行）。"
            "一份报告表只填一名报告人，请把各人的报告表分到不同的工作表",
        )
    row = filled[0] if filled else header.rows.stop
    return {
        key: _answer_below(sheet, row, heading.column, heading.shown, header.rows.start)
        for key, heading in header.columns.items()
    }


def _has_values(sheet: Sheet, row: int) -> bool:
    texts = [text for cell in sheet.rows[row] if (text := text_of(cell))]
    return bool(texts) and not _SECTION.match(texts[0])


def _answer_below(sheet: Sheet, row: int, column: int, label: str, label_row: int) -> _Answer:
    """The first filled cell of ``row`` under the label, which may be merged over several columns."""
    last = _right_end(sheet, label_row, column)
    if row >= len(sheet.rows):
        return _Answer(label_row, column, label, "")
    for c in range(column, last + 1):
        if sheet.rows[row][c] != "":
            return _Answer(row, c, label, sheet.rows[row][c])
    return _Answer(row, column, label, "")


def _right_end(sheet: Sheet, row: int, column: int) -> int:
    ends = [m.right for m in sheet.merges if m.left == column and m.top <= row <= m.bottom]
    return min(max([column, *ends]), sheet.width - 1)


def _answers_beside(sheet: Sheet, end: int) -> dict[str, _Answer]:
    answers: dict[str, _Answer] = {}
    for row in range(end):
        for column, cell in enumerate(sheet.rows[row]):
            key = official_key(text_of(cell)) if isinstance(cell, str) and cell else None
            if key is None or key in answers:
                continue
            beside = _right_end(sheet, row, column) + 1
            value = sheet.rows[row][beside] if beside < sheet.width else ""
            answers[key] = _Answer(row, min(beside, column + 1), text_of(cell), value)
    return answers


def _places(answers: Mapping[str, _Answer]) -> dict[str, Place]:
    return {key: (column_letter(a.column), a.label) for key, a in answers.items()}


def _enter_official(
    sheet: Sheet,
    answers: Mapping[str, _Answer],
    end: int,
    book: DeclarationBook,
    today: date,
    outcome: Outcome,
) -> Official | None:
    """The official, now in the book; or None, with the flaws reported where they stand."""
    texts = [
        text_of(answers[key].cell) if (key := f"official.{field}") in answers else ""
        for field in OFFICIAL_FIELDS
    ]
    position = sheet.position(answers["official.name"].row)
    (official,) = parse_officials([texts], [position], today)
    signed = read_pledge(sheet, end, today)
    flaws = official if isinstance(official, tuple) else ()
    if isinstance(official, Official) and isinstance(signed, Pledge):
        signed = check_signer(signed, official)
    if isinstance(signed, Flaw):
        outcome.refuse(pledge_row(sheet, end), (signed,))
    elif isinstance(official, Official):
        flaws = book.add_official(official, signed, read_opinion(sheet, end))
        if not flaws:
            if not signed.complete:
                outcome.note("“报告人承诺”没有签字或没有日期，补签之前不能进入下一步")
            return official
    for flaw in flaws:
        outcome.refuse(answers[flaw.key].row, (flaw,))
    return None


# --- the relatives ------------------------------------------------------------------------------


def _settle(
    header: Header,
    end: int,
    official: Official | None,
    book: DeclarationBook,
    today: date,
    outcome: Outcome,
) -> set[int]:
    """The rows of relatives that were taken; the others are reported."""
    data = _relative_texts(header, end, outcome)
    positions = [header.sheet.position(row) for row in data]
    taken: set[int] = set()
    repeated = []
    for row, relative in zip(
        data, parse_relatives(list(data.values()), positions, today), strict=True
    ):
        flaws = list(relative) if isinstance(relative, tuple) else []
        if official is None:
            flaws.append(_WHOLE_FORM)
        elif not isinstance(relative, tuple):
            added = book.add_relative(official, relative)
            flaws += added.flaws
            if added.repeated:
                repeated.append(row)
        if flaws:
            outcome.refuse(row, flaws)
            if official is not None:
                book.note_refused(official)
        else:
            outcome.take()
            taken.add(row)
    outcome.note_repeated(repeated)
    return taken


_WHOLE_FORM = Flaw(
    "",
    "报告人信息或承诺有误，整份报告表没有导入",
    "改正报告人信息和承诺后，本行随之导入",
)


def _relative_texts(header: Header, end: int, outcome: Outcome) -> dict[int, tuple[str, ...]]:
    """The texts of each relative's row, in the order of RELATIVE_FIELDS."""
    sheet = header.sheet
    columns = {key: heading.column for key, heading in header.columns.items()}
    rows = filled_down(sheet, header.rows.stop, set(columns.values()))[:end]
    content = tuple(c for key, c in columns.items() if not key.endswith(ORDINAL))
    rules = RowRules(content, (columns["relative.idn"],))
    return {
        row: tuple(
            text_of(rows[row][columns[key]]) if (key := f"relative.{field}") in columns else ""
            for field in RELATIVE_FIELDS
        )
        for row in data_rows(rows, header, rules, outcome)
    }


def _corrections(header: Header, taken: set[int], refused: set[int]) -> list[Correction]:
    """The form without the relatives that were taken."""
    if not refused:
        return []
    rows = [row for row in range(len(header.sheet.rows)) if row not in taken]
    return [Correction(header.sheet, rows, header.rows)]
