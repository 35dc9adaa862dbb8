"""services.beneficiary.item_sheet: a reference names the same item at each import, also a corrected one."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from libmatch.payloads import REFERENCE_CAP
from services.beneficiary.item_sheet import read_items
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
    xlsx,
)

# --- references -----------------------------------------------------------------------------------


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


# --- correct and import again ---------------------------------------------------------------------


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
