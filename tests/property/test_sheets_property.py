"""Whatever stands in the cells: no exception but SheetError, no row lost, no content repeated."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from libmatch.check_digits import resident_check
from services.beneficiary.item_sheet import import_workbook as import_items
from services.chassis.sheets import (
    CellError,
    Merge,
    Sheet,
    SheetError,
    SheetReport,
    Workbook,
    parse_date,
    parse_fen,
    read_workbook,
    text_of,
    write_problem_file,
)
from services.registry.declaration_sheet import import_workbook as import_declarations

TODAY = date(2018, 8, 1)
KEY = bytes(16)


def number(n: int) -> str:
    body = f"50010219700101{n:03d}"
    return body + resident_check(body)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SENSIBLE = st.sampled_from(
    [
        *(
            "张三",
            "李四",
            "男",
            "女",
            "是",
            "否",
            "配偶",
            "本人",
            "子女",
            "中共党员",
            "13800138000",
        ),
        *("农机补贴", "某村一组", "2018-03-05", "1200.5", "示例", "合计", "说明：一", "无", "已故"),
        *(number(n) for n in range(4)),
        *(
            "报告人姓名",
            "亲属姓名",
            "亲属关系",
            "身份证号码",
            "报告人承诺",
            "承诺人签字：张三 2018年7月1日",
        ),
        *(
            "一、报告人基本情况",
            "责任领导意见",
            "问题",
            "怎么改",
            "单位：万元",
            "法定代表人",
            "=1+1",
        ),
    ]
)
CELLS: st.SearchStrategy[Any] = st.one_of(
    st.just(""),
    SENSIBLE,
    TEXTS,
    st.integers(-(10**19), 10**19).map(float),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
)
FLAT = ["序号", "报告人姓名", "报告人性别", "报告人单位", "是否纪检干部", "报告人身份证号码"]
FLAT += ["亲属姓名", "亲属性别", "亲属关系", "亲属身份证号码", "亲属手机号码", "备注"]
ITEMS = [
    "编号",
    "姓名",
    "身份证号码",
    "证件类型",
    "项目名称",
    "资金名称",
    "金额（万元）",
    "村",
    "发放时间",
]
ITEMS += ["承建单位", "统一社会信用代码", "法定代表人", "法定代表人身份证号码", "身份类型"]
REPORTER = [
    "姓名",
    "性别",
    "单位",
    "职务",
    "职级",
    "具体工作",
    "是否纪检干部",
    "身份证号码",
    "手机号码",
]
RELATIVES = [
    "姓名",
    "性别",
    "亲属关系",
    "政治面貌",
    "单位",
    "职务",
    "身份证号码",
    "手机号码",
    "备注",
]


NUMBERS = st.sampled_from([number(n) for n in range(6)])
NAMES = st.sampled_from(["张三", "李四", "王小五"])
GOOD: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("姓名", "报告人姓名", "亲属姓名", "法定代表人"), NAMES),
    **dict.fromkeys(
        ("身份证号码", "报告人身份证号码", "亲属身份证号码", "法定代表人身份证号码"), NUMBERS
    ),
    **dict.fromkeys(("统一社会信用代码", "承建单位", "证件类型", "身份类型", "序号"), st.just("")),
    **dict.fromkeys(("亲属性别", "性别", "报告人性别"), st.sampled_from(["", "男"])),
    "亲属关系": st.sampled_from(["配偶", "子女", "本人", "本人的父母"]),
    "是否纪检干部": st.sampled_from(["是", "否", ""]),
    "金额（万元）": st.floats(0, 1000).map(lambda amount: round(amount, 6)),
    "发放时间": st.dates(date(2018, 1, 1), date(2018, 7, 1)),
}


@st.composite
def good_row(draw: st.DrawFn, heads: list[str]) -> list[Any]:
    """A row that may well be taken, with up to one cell of anything."""
    row = [draw(GOOD.get(head, st.sampled_from(["", "某某"]))) for head in heads]
    if draw(st.booleans()):
        row[draw(st.integers(0, len(row) - 1))] = draw(CELLS)
    return row


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """A sheet that has headings of some kind, or none, among rows of anything, and merges."""
    width = draw(st.integers(1, 16))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))
    for heads in draw(st.lists(st.sampled_from([FLAT, ITEMS, REPORTER, RELATIVES]), max_size=3)):
        shuffled = list(draw(st.permutations(heads)) if draw(st.booleans()) else heads)
        at = draw(st.integers(0, len(rows)))
        rows[at:at] = [shuffled, *draw(st.lists(good_row(shuffled), max_size=4))]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    corner = st.tuples(st.integers(0, 9), st.integers(0, 16), st.integers(0, 3), st.integers(0, 4))
    merges = tuple(Merge(t, c, t + h, c + w) for t, c, h, w in draw(st.lists(corner, max_size=3)))
    return Sheet(draw(st.sampled_from(["甲", "名单[1]", ""])), rows, merges)


def imported(book: Workbook) -> list[SheetReport]:
    """The reports of both imports; a file that one of them cannot use gives none."""
    reports = []
    with suppress(SheetError):
        reports.append(import_declarations(book, TODAY).report)
    with suppress(SheetError):
        reports.append(import_items(book, today=TODAY, ref_key=KEY).report)
    return reports


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(sheets(), min_size=1, max_size=2))
def test_any_cells_give_a_report_that_accounts_for_every_row(pages: list[Sheet]) -> None:
    for report in imported(Workbook("a.xlsx", tuple(pages))):
        assert report.tally.rows == sum(len(page.rows) for page in pages)
        if len({page.name for page in pages}) == len(pages):
            named = {(problem.sheet, problem.row) for problem in report.problems}
            whole = {p.sheet for p in report.problems if p.what.startswith("整张工作表")}
            rest = sum(len(page.rows) for page in pages if page.name in whole)
            loose = {(sheet, row) for sheet, row in named if sheet not in whole}
            assert report.tally.refused >= rest + len(loose)
            assert not (report.tally.refused and not report.problems)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(sheets())
def test_every_report_with_problems_gives_a_file_to_correct(page: Sheet) -> None:
    for report in imported(Workbook("a.xlsx", (page,))):
        assert (report.tally.refused > 0) == bool(report.corrections)
        kept = {row for correction in report.corrections for row in correction.rows}
        assert {problem.row - 1 for problem in report.problems} <= kept
        assert write_problem_file(report)[:2] == b"PK"


SECRETS = st.text(st.sampled_from("0123456789Xx张李王"), min_size=6, max_size=20)


@settings(max_examples=150, deadline=None)
@given(st.lists(SECRETS, min_size=len(FLAT), max_size=len(FLAT)), st.integers(0, 11))
def test_problems_and_notices_never_repeat_a_cell(secrets: list[str], blank: int) -> None:
    for heads in (FLAT, ITEMS):
        row = (secrets + secrets)[: len(heads)]
        row[min(blank, len(row) - 1)] = ""
        book = Workbook("a.xlsx", (Sheet("甲", [heads, row]),))
        for report in imported(book):
            told = repr(report) + "".join(map(str, (*report.problems, *report.notices)))
            assert not [secret for secret in row if secret and secret in told]


@settings(max_examples=300)
@given(CELLS)
def test_any_cell_is_a_text_a_date_and_an_amount_or_a_cell_error(cell: Any) -> None:
    text = text_of(cell)
    assert text == text.strip()
    assert not re.search(r"[\r\n\x00-\x08\u200b\ufeff]", text)
    for parse in (parse_date, parse_fen):
        with suppress(CellError):
            parse(cell)


@settings(max_examples=200)
@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_a_day_reads_the_same_in_every_notation(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    notations: list[Any] = [
        *(
            day.isoformat(),
            f"{day:%Y%m%d}",
            f"{day:%Y/%m/%d}",
            f"{day.year}年{day.month}月{day.day}日",
        ),
        *(f"{day.year}.{day.month}.{day.day}", float(serial), str(serial), serial + 0.5, day),
        datetime.combine(day, time(8, 30)),
    ]
    assert {parse_date(notation) for notation in notations} == {day}


@given(st.integers(0, 10**11))
def test_an_amount_of_fen_survives_as_number_and_as_text(fen: int) -> None:
    yuan = f"{fen // 100}.{fen % 100:02d}"
    assert parse_fen(yuan) == fen
    assert parse_fen(float(yuan)) == fen
    assert parse_fen(f"{fen // 100:,}.{fen % 100:02d}元", "万元") == fen


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["xlsx", "xls", "et", "csv"]), st.integers(0, 3))
def test_any_bytes_give_a_workbook_or_a_sheet_error(data: bytes, ending: str, magic: int) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook\0".encode("utf-16-le")
    lead = [b"", b"PK\x03\x04", ole, b"\xef\xbb\xbf"]
    with suppress(SheetError):
        read_workbook(lead[magic] + data, f"a.{ending}")


@settings(max_examples=100)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), min_size=1, max_size=6))
@example([["", "\t"], ["", "\t"]])
def test_csv_rows_are_read_back(rows: list[list[str]]) -> None:
    import csv
    import io

    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    text = buffer.getvalue()
    assume("\0" not in text and not any(cell.startswith('="') for row in rows for cell in row))
    width = max(map(len, rows))
    (read,) = read_workbook(b"\xef\xbb\xbf" + text.encode(), "a.csv").sheets
    if width == min(map(len, rows)):
        assert [list(row) for row in read.rows] == rows


@pytest.mark.parametrize("cell", [timedelta.max, date.max, float("-inf"), 1e308, -0.0, "\x00"])
def test_extreme_cells_are_shown_as_text(cell: Any) -> None:
    assert isinstance(text_of(cell), str)
