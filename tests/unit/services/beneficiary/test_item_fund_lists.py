"""services.beneficiary.item_sheet: lists of funds, and sheets that cannot be used, from real files."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from services.beneficiary.item_sheet import Capacity, read_items
from services.chassis.sheets import SheetError
from tests.unit.services.beneficiary.item_tables import (
    HEADS,
    KEY,
    ROW,
    TODAY,
    changed,
    number,
    only_item,
    only_problem,
    persons,
    read,
)


def refusal(*rows: list[Any]) -> str:
    with pytest.raises(SheetError) as caught:
        read(*rows)
    return caught.value.message_zh


# --- a fund list ----------------------------------------------------------------------------------


def test_all_fields_of_a_fund_item_are_read() -> None:
    item = only_item(read(HEADS, ROW))
    assert persons(item) == [("王五", number(1), Capacity.BENEFICIARY)]
    assert (item.item_name, item.programme, item.amount_fen) == ("", "农机购置补贴", 120050)
    assert (item.place, item.start_date, item.remark) == ("某村一组", date(2018, 3, 5), "首笔")
    assert str(item.position) == "工作表“名单”第2行"


@pytest.mark.parametrize(
    "heads",
    [
        ["发放时间", "证件号码", "户主姓名", "补贴名称", "补贴金额"],
        ["时间", "公民身份号码", "受益人", "资金（项目）名称", "财政资金\n（元）"],
        ["开工日期", "受益人身份证号", "受益人姓名", "补助类别", "发放金额（元）"],
        ["实施 起始\n\n时间", "*身份证号：", "领取人", "项目名称", "金额（人民币元）"],
    ],
)
def test_columns_are_known_by_their_usual_names_in_any_order(heads: list[str]) -> None:
    item = only_item(
        read(["某局发放表"], heads, ["2018年3月5日", number(1), "王五", "农机", "1,200.50"])
    )
    assert persons(item) == [("王五", number(1), Capacity.BENEFICIARY)]
    assert (item.amount_fen, item.start_date) == (120050, date(2018, 3, 5))
    assert "农机" in (item.item_name, item.programme)


@pytest.mark.parametrize(
    ("above", "heading", "fen"),
    [
        ("", "金额", 120),
        ("", "金额（元）", 120),
        ("", "金额(万元)", 1200000),
        ("", "补贴金额:万元", 1200000),
        ("", "金额万元", 1200000),
        ("单位：万元", "金额", 1200000),
        ("单位：万元", "金额（元）", 120),
    ],
)
def test_unit_of_the_amount_is_that_of_the_heading_or_of_the_table(
    above: str, heading: str, fen: int
) -> None:
    rows = [[above], changed(HEADS, _4=heading), changed(ROW, _4=1.2)]
    assert only_item(read(*rows)).amount_fen == fen


def test_place_is_joined_from_town_village_and_group() -> None:
    heads = ["姓名", "身份证号", "资金名称", "乡镇", "村", "组"]
    assert (
        only_item(read(heads, ["王五", number(1), "农机", "某镇", "某村", "一组"])).place
        == "某镇某村一组"
    )


def test_amount_in_another_currency_is_left_out() -> None:
    result = read(changed(HEADS, _4="金额（美元）"), ROW)
    assert only_item(result).amount_fen is None
    assert "金额（美元）" in result.report.notices[0].text


@pytest.mark.parametrize(
    ("column", "value", "letter"),
    [
        (1, "王5", "B"),
        (1, "", "B"),
        (2, "", "C"),
        (2, "12345", "C"),
        (2, 5.10102199001011e17, "C"),
        (2, "5.10E+17", "C"),
        (3, "", "D"),
        (4, -5, "E"),
        (4, "约一千", "E"),
        (6, "2018-02-30", "G"),
        (6, "去年", "G"),
    ],
)
def test_wrong_field_is_refused_where_it_stands(column: int, value: Any, letter: str) -> None:
    other = changed(ROW, _2=number(2))
    result = read(HEADS, ROW, changed(other, **{f"_{column}": value}))
    row, where, _ = only_problem(result)
    assert row == 3
    assert where == letter or (column == 3 and where == "")
    assert len(result.items) == 1


def test_total_note_and_example_rows_are_skipped_and_counted() -> None:
    result = read(
        HEADS,
        changed(ROW, _0="示例", _2="18位身份证号码"),
        ROW,
        [2, "", "", "", "", "", "", ""],
        [],
        ["合计", "", "1人", "", 1200.5],
        ["说明：本表由单位填写"],
        ["党组织负责人签字："],
    )
    assert len(result.items) == 1
    assert result.report.tally.rows == 8
    assert result.report.tally.skipped == {
        "表头及以上的行": 1,
        "示例行": 1,
        "空行": 2,
        "合计行": 1,
        "说明行": 2,
    }


def test_row_marked_as_example_with_a_real_number_gets_a_notice() -> None:
    result = read(HEADS, changed(ROW, _0="示例"))
    assert result.items == ()
    assert [notice.row for notice in result.report.notices] == [2]


# --- sheets that cannot be used -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heads", "says"),
    [
        (["姓名", "资金名称", "金额"], "“身份证号码”"),
        (["身份证号", "资金名称", "金额"], "“姓名”"),
        (["姓名", "身份证号", "金额"], "“项目名称”"),
        (["姓名", "身份证号", "资金名称", "法定代表人"], "“法定代表人身份证号码”"),
        (["承建单位", "项目名称", "金额"], "“身份证号码”"),
        (["姓名", "户主姓名", "身份证号", "资金名称"], "同一项内容"),
        (["甲", "乙", "丙"], "找不到表头行"),
    ],
)
def test_unusable_headings_say_what_is_missing(heads: list[str], says: str) -> None:
    assert says in refusal(heads, ["x"] * len(heads))


def test_sheet_without_table_beside_a_good_one_gets_a_notice() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet("名单")
        for r, row in enumerate((HEADS, ROW)):
            page.write_row(r, 0, row)
        book.add_worksheet("随便").write(0, 0, "一些文字")
    result = read_items(buffer.getvalue(), "a.xlsx", today=TODAY, ref_key=KEY)
    assert len(result.items) == 1
    assert [notice.sheet for notice in result.report.notices] == ["随便"]


def test_csv_gives_the_same_items_as_xlsx() -> None:
    rows: list[list[Any]] = [HEADS, [str(cell) for cell in ROW]]
    data = "\n".join("\t".join(row) for row in rows).encode("utf-8-sig")
    result = read_items(data, "名单.csv", today=TODAY, ref_key=KEY)
    assert only_item(result) == only_item(read(HEADS, ROW))
