"""services.chassis.sheets: headings are found, rows told apart and merges filled down."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.chassis.sheets import (
    Field,
    FieldIndex,
    Merge,
    RowKind,
    RowRules,
    Sheet,
    SheetError,
    classify_rows,
    filled_down,
    find_header,
    left_out_columns,
    require_header,
)
from tests.unit.services.chassis.sheet_rows import sheet

FIELDS = (
    Field("name", ("姓名", "名字"), required=True),
    Field("idn", ("身份证号码", "身份证号"), required=True),
    Field("amount", ("金额",)),
    Field("boss", ("法定代表人姓名",)),
    Field("boss_idn", ("法定代表人身份证号码",)),
)
INDEX = FieldIndex(FIELDS)


# --- headings -------------------------------------------------------------------------------------


def test_heading_row_is_found_below_titles_and_in_any_order() -> None:
    table = sheet(
        ["2018年发放表"],
        ["单位：某局", "", "单位：元"],
        ["金额（元）", "姓 名", "*身份证号："],
        [1, "张三", "x"],
    )
    header = find_header(table, INDEX)
    assert header is not None
    assert header.rows == range(2, 3)
    assert {key: h.column for key, h in header.columns.items()} == {
        "amount": 0,
        "name": 1,
        "idn": 2,
    }


def test_two_line_headings_under_merged_groups_are_told_apart() -> None:
    table = sheet(
        ["姓名", "身份证号码", "法定代表人", "", "金额"],
        ["", "", "姓名", "身份证号码", ""],
        ["张三", "1", "李四", "2", 3],
        merges=(Merge(0, 0, 1, 0), Merge(0, 1, 1, 1), Merge(0, 2, 0, 3), Merge(0, 4, 1, 4)),
    )
    header = find_header(table, INDEX)
    assert header is not None
    assert header.rows == range(2)
    assert {key: h.column for key, h in header.columns.items()} == {
        "name": 0,
        "idn": 1,
        "boss": 2,
        "boss_idn": 3,
        "amount": 4,
    }


def test_a_heading_split_over_two_lines_is_joined() -> None:
    header = find_header(sheet(["姓名", "身份证"], ["", "号码"], ["张三", "1"]), INDEX)
    assert header is not None
    assert set(header.columns) == {"name", "idn"}
    assert header.rows == range(2)


def test_columns_of_someone_else_are_left_out() -> None:
    index = FieldIndex(FIELDS, re.compile("经办"))
    table = sheet(
        ["项目信息", "", "经办人", ""],
        ["项目", "金额", "姓名", "身份证号码"],
        ["x", 1, "张三", "1"],
        merges=(Merge(0, 0, 0, 1), Merge(0, 2, 0, 3)),
    )
    header = find_header(table, index)
    assert header is not None
    assert set(header.columns) == {"amount"}
    assert [heading.shown for heading in header.foreign] == ["经办人／姓名", "经办人／身份证号码"]


def test_two_columns_of_one_field_are_refused() -> None:
    header = find_header(sheet(["姓名", "名字", "身份证号"], ["a", "b", "c"]), INDEX)
    assert header is not None
    with pytest.raises(SheetError) as caught:
        require_header(header, FIELDS)
    assert "A列“姓名”与B列“名字”" in caught.value.message_zh


def test_missing_column_names_the_accepted_headings() -> None:
    header = find_header(sheet(["姓名", "金额"], ["张三", 1]), INDEX)
    assert header is not None
    with pytest.raises(SheetError) as caught:
        require_header(header, FIELDS)
    assert "“身份证号码”（也可写作：身份证号）" in caught.value.message_zh


def test_no_headings_no_header() -> None:
    assert find_header(sheet(["张三", "1"], ["李四", "2"]), INDEX) is None
    assert find_header(Sheet("空", []), INDEX) is None


def test_columns_left_out_are_named() -> None:
    header = find_header(
        sheet(["姓名", "身份证号", "开户行", "", ""], ["a", "b", "c", "d", ""]), INDEX
    )
    assert header is not None
    assert left_out_columns(header) == ["C列“开户行”", "D列（没有表头）"]


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (["张三", "500102199001011234"], RowKind.DATA),
        (["", ""], RowKind.BLANK),
        ([" ", "\n"], RowKind.BLANK),
        (["示例", "500102199001011234"], RowKind.EXAMPLE),
        (["合  计", "12人"], RowKind.TOTAL),
        (["本页小计", ""], RowKind.TOTAL),
        (["共计：12人", ""], RowKind.TOTAL),
        ([13.0, "合计"], RowKind.TOTAL),
        (["13", "合计"], RowKind.TOTAL),
        (["例：张三", "500102199001011234"], RowKind.EXAMPLE),
        (["合计", "500102199001011234"], RowKind.DATA),
        (["说明：1.本表由单位填写", ""], RowKind.NOTE),
        (["制表人：某某", ""], RowKind.NOTE),
        (["注：xx", "500102199001011234"], RowKind.DATA),
        (["姓名", "身份证号"], RowKind.HEADING),
        (["单晓明", ""], RowKind.DATA),
    ],
)
def test_rows_are_told_apart(row: list[Any], kind: RowKind) -> None:
    table = sheet(["姓名", "身份证号"], row)
    header = find_header(table, INDEX)
    assert header is not None
    assert classify_rows(table.rows, header, RowRules((0, 1), (1,))) == [kind]


def test_vertical_merges_are_filled_down() -> None:
    table = sheet(
        ["h", "h"], ["a", "b"], ["", "c"], ["", ""], merges=(Merge(1, 0, 3, 0), Merge(2, 1, 9, 1))
    )
    assert [list(row) for row in filled_down(table, 1, {0, 1})] == [
        ["h", "h"],
        ["a", "b"],
        ["a", "c"],
        ["a", "c"],
    ]
    assert table.rows[2] == ["", "c"]
