"""services.chassis.sheets: the report of an import and the file to correct."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from services.chassis.sheets import (
    Correction,
    Merge,
    Notice,
    Problem,
    Sheet,
    SheetError,
    SheetReport,
    Tally,
    read_workbook,
    what_and_cure,
    without_added_columns,
    write_problem_file,
)
from tests.unit.services.chassis.sheet_rows import sheet


def test_a_lost_row_cannot_be_reported() -> None:
    with pytest.raises(ValueError, match="lost"):
        Tally(3, 1, 1, {"空行": 0})


def test_problem_reads_as_one_line() -> None:
    problem = Problem("甲", 7, "C", "身份证号", "校验码不对", "请核对")
    assert str(problem) == "工作表“甲”第7行C列（身份证号）：校验码不对。请核对"


def test_library_error_is_split_into_what_and_cure() -> None:
    assert what_and_cure(SheetError("x", "太长，请改短"), "-") == ("太长", "请改短")
    assert what_and_cure(SheetError("x", "太长"), "请核对") == ("太长", "请核对")


def report_of(correction: Correction, *problems: Problem) -> SheetReport:
    return SheetReport(problems, (), Tally(0, 0, 0, {}), (correction,))


def test_problem_file_keeps_all_cells_as_text_and_marks_the_wrong_ones() -> None:
    rows: list[list[Any]] = [
        ["姓名", "身份证号", "金额", "日期"],
        ["好", "1", 1, ""],
        ["=cmd|' /C calc'!A0", 5.10102199001011e17, 43164.0, date(2018, 3, 5)],
        ["@x", 510102900101101.0, 2018.1, True],
    ]
    table = sheet(*rows)
    data = write_problem_file(
        report_of(
            Correction(table, [0, 2, 3], range(1)),
            Problem("甲", 3, "B", "身份证号", "末位丢失", "请重新填写"),
            Problem("甲", 4, "", "", "可能重复", "请核对"),
        )
    )
    page = openpyxl.load_workbook(io.BytesIO(data))["甲"]
    shown = [[cell.value for cell in row] for row in page.iter_rows()]
    assert shown[0] == ["姓名", "身份证号", "金额", "日期", "问题", "怎么改"]
    assert shown[1] == [
        "=cmd|' /C calc'!A0",
        "5.10102199001011E+17",
        "43164",
        "2018-03-05",
        "身份证号：末位丢失",
        "请重新填写",
    ]
    assert shown[2][:4] == ["@x", "510102900101101", 2018.1, "TRUE"]
    assert page["A2"].data_type == "s"
    assert page["A2"].quotePrefix
    assert {cell.number_format for row in page.iter_rows() for cell in row if cell.value} == {"@"}
    assert page["B2"].fill.fgColor.rgb == "FFFFC7CE"
    assert page["A2"].fill.fgColor.rgb != "FFFFC7CE"


def test_added_columns_are_ignored_when_the_file_comes_back() -> None:
    table = sheet(["姓名", "身份证号"], ["张", "1"])
    problem = Problem("甲", 2, "A", "姓名", "不完整", "请补全")
    data = write_problem_file(report_of(Correction(table, [0, 1], range(1)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.width == 4
    clean = without_added_columns(back)
    assert [list(row) for row in clean.rows] == [["姓名", "身份证号", "", ""], ["张", "1", "", ""]]


def test_problem_file_keeps_whole_merges_and_fills_cut_ones() -> None:
    table = sheet(
        ["组", ""],
        ["姓名", "身份证号"],
        ["张", "1"],
        ["", "2"],
        merges=(Merge(0, 0, 0, 1), Merge(2, 0, 3, 0)),
    )
    problem = Problem("甲", 4, "B", "身份证号", "错", "请改")
    data = write_problem_file(report_of(Correction(table, [0, 1, 3], range(2)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.merges == (Merge(0, 0, 0, 1),)
    assert back.rows[2][:2] == ["张", "2"]


def test_sheet_names_that_a_workbook_forbids_are_replaced() -> None:
    name = "a[1]*" + "很长的名字" * 10
    table = Sheet(name, [["姓名"], ["x"]])
    problem = Problem(name, 2, "A", "姓名", "错", "请改")
    data = write_problem_file(report_of(Correction(table, [0, 1], range(1)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.name.startswith("a_1__很长")
    assert back.rows[1][1] == "姓名：错"


def test_a_notice_about_the_whole_file_names_no_sheet() -> None:
    assert str(Notice("", 0, "已暂存2份")) == "已暂存2份"
    assert str(Notice("名单", 3, "缺少备注")) == "工作表“名单”第3行：缺少备注"
