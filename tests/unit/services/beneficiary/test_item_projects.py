"""services.beneficiary.item_sheet: projects and companies, and the persons who stand for them."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from libmatch.check_digits import credit_code_check, organisation_check
from libmatch.identifiers import Kind
from libmatch.payloads import NAME_CAP
from services.beneficiary.item_sheet import Capacity, read_items
from services.chassis.sheets import write_problem_file
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


def code(n: int) -> str:
    """A valid credit code; n from 0 to 9999 makes different ones."""
    organisation = f"MA5U{n:04d}"
    body = "91500102" + organisation + organisation_check(organisation)
    return body + credit_code_check(body)


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
