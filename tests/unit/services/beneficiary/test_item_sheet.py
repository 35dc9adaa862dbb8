"""services.beneficiary.item_sheet: beneficiary lists, from real files."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from libmatch.check_digits import credit_code_check, organisation_check, resident_check
from libmatch.identifiers import Kind
from libmatch.payloads import NAME_CAP, REFERENCE_CAP
from services.beneficiary.item_sheet import Capacity, Item, ItemImport, read_items
from services.chassis.sheets import SheetError, write_problem_file

TODAY = date(2018, 8, 1)
KEY = b"a unit's own key"
HEADS = ["序号", "姓名", "身份证号码", "资金名称", "金额（元）", "村组", "发放时间", "备注"]


def number(n: int) -> str:
    """A valid resident id; n from 0 to 999 makes different ones."""
    body = f"50010219700101{n:03d}"
    return body + resident_check(body)


def code(n: int) -> str:
    """A valid credit code; n from 0 to 9999 makes different ones."""
    organisation = f"MA5U{n:04d}"
    body = "91500102" + organisation + organisation_check(organisation)
    return body + credit_code_check(body)


ROW = [1, "王五", number(1), "农机购置补贴", 1200.5, "某村一组", "2018-03-05", "首笔"]


def changed(row: list[Any], **values: Any) -> list[Any]:
    """The row with some cells replaced, by position: ``_3="x"``."""
    copy = list(row)
    for key, value in values.items():
        copy[int(key[1:])] = value
    return copy


def xlsx(*rows: list[Any], merges: tuple[tuple[int, int, int, int], ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet("名单")
        for r, row in enumerate(rows):
            page.write_row(r, 0, row)
        for top, left, bottom, right in merges:
            page.merge_range(top, left, bottom, right, rows[top][left])
    return buffer.getvalue()


def read(*rows: list[Any], merges: tuple[tuple[int, int, int, int], ...] = ()) -> ItemImport:
    return read_items(xlsx(*rows, merges=merges), "a.xlsx", today=TODAY, ref_key=KEY)


def only_item(result: ItemImport) -> Item:
    assert result.report.problems == ()
    (item,) = result.items
    return item


def only_problem(result: ItemImport) -> tuple[int, str, str]:
    (problem,) = result.report.problems
    return problem.row, problem.column, problem.what


def persons(item: Item) -> list[tuple[str, str, Capacity]]:
    return [(person.name, person.identifier.idn, person.capacity) for person in item.persons]


def refusal(*rows: list[Any]) -> str:
    with pytest.raises(SheetError) as caught:
        read(*rows)
    return caught.value.message_zh


# --- a fund list --------------------------------------------------------------------------------


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


# --- references ---------------------------------------------------------------------------------


def test_given_reference_is_kept_and_an_ordinal_is_none() -> None:
    heads = changed(HEADS, _0="编号")
    assert only_item(read(heads, changed(ROW, _0="NJ-2018-001"))).item_ref == "NJ-2018-001"
    result = read(heads, changed(ROW, _0=12))
    assert only_item(result).item_ref == only_item(read(HEADS, ROW)).item_ref
    assert any("顺序号" in notice.text for notice in result.report.notices)


def test_derived_reference_follows_from_the_content_and_the_key_alone() -> None:
    item = only_item(read(HEADS, ROW))
    shuffled: list[list[Any]] = [["备注", *HEADS[:7]], ["另一个备注", 9, *ROW[1:7]]]
    assert only_item(read(*shuffled)).item_ref == item.item_ref
    other = read_items(xlsx(HEADS, ROW), "a.xlsx", today=TODAY, ref_key=b"another unit's k")
    assert only_item(other).item_ref != item.item_ref
    assert len(item.item_ref.encode()) <= REFERENCE_CAP
    assert number(1) not in item.item_ref


@pytest.mark.parametrize(
    "change",
    [{"_2": number(2)}, {"_3": "其他资金"}, {"_4": 1200.51}, {"_5": "二组"}, {"_6": "2018-03-06"}],
)
def test_rows_that_differ_are_different_items(change: dict[str, Any]) -> None:
    result = read(HEADS, ROW, changed(ROW, **change))
    assert result.report.problems == ()
    assert len({item.item_ref for item in result.items}) == 2


def test_identical_payment_on_the_same_day_is_a_possible_duplicate() -> None:
    result = read(HEADS, ROW, changed(ROW, _0=2))
    row, _, what = only_problem(result)
    assert row == 3
    assert "可能重复" in what
    assert "第2行" in what
    assert len(result.items) == 1


def test_rows_of_one_reference_are_one_item_with_several_persons() -> None:
    heads = changed(HEADS, _0="编号")
    first = changed(ROW, _0="NJ-2018-001")
    second = changed(first, _1="赵六", _2=number(2), _7="")
    item = only_item(read(heads, first, second))
    assert [name for name, _, _ in persons(item)] == ["王五", "赵六"]


def test_one_reference_for_two_different_items_is_refused() -> None:
    heads = changed(HEADS, _0="编号")
    first = changed(ROW, _0="NJ-2018-001")
    result = read(heads, first, changed(first, _1="赵六", _2=number(2), _4=99))
    row, column, what = only_problem(result)
    assert (row, column) == (3, "A")
    assert "“金额”" in what


@pytest.mark.parametrize("value", [20180101000000001, "x" * 49])
def test_reference_that_lost_digits_or_is_too_long_is_refused(value: Any) -> None:
    result = read(changed(HEADS, _0="编号"), changed(ROW, _0=value))
    assert only_problem(result)[:2] == (2, "A")


def test_short_ref_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        read_items(xlsx(HEADS, ROW), "a.xlsx", today=TODAY, ref_key=b"short")


# --- projects and companies ---------------------------------------------------------------------

PROJECT = [
    "项目名称",
    "合同金额（万元）",
    "建设地点",
    "开工日期",
    "承建单位",
    "统一社会信用代码",
    "法定代表人",
    "法定代表人身份证号码",
    "委托代理人",
    "委托代理人身份证号",
]
BRIDGE = [
    "某桥",
    12.5,
    "某村",
    "2018.3",
    "某建筑公司",
    code(1),
    "赵六",
    number(2),
    "钱七",
    number(3),
]


def test_project_has_company_legal_representative_and_agent() -> None:
    item = only_item(read(PROJECT, BRIDGE))
    assert persons(item) == [
        ("某建筑公司", code(1), Capacity.BENEFICIARY),
        ("赵六", number(2), Capacity.LEGAL_REPRESENTATIVE),
        ("钱七", number(3), Capacity.AGENT),
    ]
    assert item.persons[0].identifier.kind is Kind.CREDIT_CODE
    assert (item.item_name, item.company, item.amount_fen) == ("某桥", "某建筑公司", 12500000)
    assert item.start_date == date(2018, 3, 1)


def test_groups_above_the_headings_say_whose_number_it_is() -> None:
    rows = [
        ["项目名称", "承建单位", "", "法定代表人", "", "经办人", ""],
        ["", "单位", "统一社会信用代码", "姓名", "身份证号码", "姓名", "身份证号码"],
        ["某桥", "某建筑公司", code(1), "赵六", number(2), "孙八", number(4)],
    ]
    merges = ((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 0, 4), (0, 5, 0, 6))
    result = read(*rows, merges=merges)
    assert [(name, capacity) for name, _, capacity in persons(only_item(result))][-1] == (
        "赵六",
        Capacity.LEGAL_REPRESENTATIVE,
    )
    assert "经办人／身份证号码" in result.report.notices[0].text


def test_sole_trader_is_one_person() -> None:
    row = [*ROW, "王五", number(1)]
    item = only_item(read([*HEADS, "法定代表人", "法定代表人身份证号码"], row))
    assert persons(item) == [("王五", number(1), Capacity.BENEFICIARY)]


def test_company_as_beneficiary_is_known_by_its_credit_code() -> None:
    item = only_item(read(HEADS, changed(ROW, _1="某种植专业合作社（联合社）", _2=code(2))))
    assert item.persons[0].identifier.kind is Kind.CREDIT_CODE


def test_long_name_of_a_company_is_cut_for_the_person_and_kept_for_the_item() -> None:
    name = "重庆市涪陵区" + "很长" * 20 + "有限责任公司"
    item = only_item(read(PROJECT, changed(BRIDGE, _4=name)))
    assert item.company == name
    assert item.persons[0].name.endswith("…")
    assert len(item.persons[0].name.encode()) <= NAME_CAP


@pytest.mark.parametrize(
    ("change", "letter"),
    [
        ({"_5": code(1)[:-1] + "0"}, "F"),
        ({"_4": ""}, "E"),
        ({"_7": ""}, "H"),
        ({"_6": ""}, "G"),
        ({"_7": code(1)}, "H"),
        ({"_9": "1"}, "J"),
    ],
)
def test_wrong_person_of_a_project_refuses_the_row(change: dict[str, Any], letter: str) -> None:
    assert only_problem(read(PROJECT, changed(BRIDGE, **change)))[:2] == (2, letter)


def test_project_of_a_company_without_code_is_matched_by_its_legal_representative() -> None:
    item = only_item(read(PROJECT, changed(BRIDGE, _5="", _8="", _9="")))
    assert persons(item) == [("赵六", number(2), Capacity.LEGAL_REPRESENTATIVE)]


def test_row_with_nobody_to_match_is_refused() -> None:
    row = changed(BRIDGE, _5="", _6="", _7="", _8="", _9="")
    assert "没有可以比对的人" in only_problem(read(PROJECT, row))[2]


def test_stated_capacity_is_taken_and_others_are_refused() -> None:
    heads = [*HEADS, "身份类型"]
    item = only_item(read(heads, [*ROW, "委托代理人"]))
    assert item.persons[0].capacity is Capacity.AGENT
    assert only_problem(read(heads, [*ROW, "路人"]))[:2] == (2, "I")


def test_merged_project_cells_hold_for_all_rows_and_a_merged_amount_for_the_first() -> None:
    heads = ["编号", "项目名称", "金额（元）", "姓名", "身份证号码"]
    rows: list[list[Any]] = [
        heads,
        ["XM-001", "某路", 900, "王五", number(1)],
        ["", "", "", "赵六", number(2)],
    ]
    result = read(*rows, merges=((1, 0, 2, 0), (1, 1, 2, 1), (1, 2, 2, 2)))
    item = only_item(result)
    assert (item.amount_fen, len(item.persons)) == (90000, 2)
    assert any("合并" in notice.text for notice in result.report.notices)


def test_merged_amount_is_not_doubled_by_a_corrected_row() -> None:
    heads = ["项目名称", "金额（元）", "姓名", "身份证号码"]
    rows: list[list[Any]] = [
        heads,
        ["某路", 900, "王五", number(1)],
        ["某路", "", "赵6", number(2)],
    ]
    result = read(*rows, merges=((1, 1, 2, 1),))
    assert only_problem(result)[:2] == (3, "C")
    assert [item.amount_fen for item in result.items] == [90000]
    book = openpyxl.load_workbook(io.BytesIO(write_problem_file(result.report)))
    book.worksheets[0]["C2"] = "赵六"
    buffer = io.BytesIO()
    book.save(buffer)
    again = read_items(buffer.getvalue(), "改.xlsx", today=TODAY, ref_key=KEY)
    assert only_item(again).amount_fen is None


# --- sheets that cannot be used -----------------------------------------------------------------


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


# --- correct and import again -------------------------------------------------------------------


def test_corrected_row_is_taken_with_the_unit_stated_above() -> None:
    bad = changed(ROW, _2=510102199001011000, _4=1.2, _6=43164)
    result = read(["单位：万元"], changed(HEADS, _4="金额"), changed(ROW, _2=number(7)), bad)
    book = openpyxl.load_workbook(io.BytesIO(write_problem_file(result.report)))
    assert book.worksheets[0].max_row == 3
    book.worksheets[0]["C3"] = number(3)
    buffer = io.BytesIO()
    book.save(buffer)
    item = only_item(read_items(buffer.getvalue(), "改.xlsx", today=TODAY, ref_key=KEY))
    assert (item.amount_fen, item.start_date) == (1200000, date(2018, 3, 5))


def test_unmended_rows_are_refused_again_for_the_same_reasons() -> None:
    bad = [changed(ROW, _2=510102199001011000), changed(ROW, _6=2018.1), changed(ROW, _4="=1+1")]
    report = read(HEADS, *bad).report
    again = read_items(write_problem_file(report), "改.xlsx", today=TODAY, ref_key=KEY)
    assert [p.what for p in again.report.problems] == [p.what for p in report.problems]
    assert again.items == ()


def test_same_file_twice_gives_the_same_items() -> None:
    data = xlsx(HEADS, ROW, changed(ROW, _2=number(2)))
    first, second = (read_items(data, "a.xlsx", today=TODAY, ref_key=KEY) for _ in range(2))
    assert first.items == second.items


def test_nothing_personal_shows_in_reprs_and_problems() -> None:
    result = read(HEADS, ROW, changed(ROW, _2=number(2)[:-1]), changed(ROW, _0=3))
    shown = repr(result) + "".join(map(str, result.report.problems))
    for secret in ("王五", number(1), number(2)[:-1]):
        assert secret not in shown
