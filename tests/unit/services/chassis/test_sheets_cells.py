"""services.chassis.sheets: cells to texts, dates, amounts and names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.chassis.sheets import (
    CellError,
    column_letter,
    parse_date,
    parse_fen,
    parse_person_name,
    text_of,
)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("", ""),
        (" 张三 ", "张三"),
        ("涪陵区\n农委", "涪陵区农委"),
        ("张\u3000三", "张 三"),
        ("\ufeff张\u200b三", "张三"),
        (13800138000.0, "13800138000"),
        (510102900101101.0, "510102900101101"),
        (5.10102199001011e17, "5.10102199001011E+17"),
        (1e15, "1.00000000000000E+15"),
        (2018.3, "2018.3"),
        (True, "TRUE"),
        (float("nan"), "#NUM!"),
        (date(2018, 3, 5), "2018-03-05"),
        (datetime(2018, 3, 5), "2018-03-05"),  # noqa: DTZ001  # cells have no zone
        (timedelta(hours=1), "1:00:00"),
    ],
)
def test_text_of_a_cell(cell: Any, text: str) -> None:
    assert text_of(cell) == text


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("", None),
        (datetime(2018, 3, 5, 9, 30), date(2018, 3, 5)),  # noqa: DTZ001  # cells have no zone
        (date(2018, 3, 5), date(2018, 3, 5)),
        (43164.0, date(2018, 3, 5)),
        (43164.4, date(2018, 3, 5)),
        ("43164", date(2018, 3, 5)),
        ("2018年3月5日", date(2018, 3, 5)),
        ("2018 年 3 月 5 日", date(2018, 3, 5)),
        ("2018/03/05", date(2018, 3, 5)),
        ("2018-3-5 10:20:30", date(2018, 3, 5)),
        ("２０１８．３．５", date(2018, 3, 5)),
        ("2018.3", date(2018, 3, 1)),
        ("2018.10", date(2018, 10, 1)),
        (2018.3, date(2018, 3, 1)),
        (2018.12, date(2018, 12, 1)),
        ("201803", date(2018, 3, 1)),
        (201803.0, date(2018, 3, 1)),
        (20180305.0, date(2018, 3, 5)),
        ("20180305", date(2018, 3, 5)),
        ("2018年", date(2018, 1, 1)),
        ("2018", date(2018, 1, 1)),
        ("2018年3月至5月", date(2018, 3, 1)),
        ("2018.3—2018.5", date(2018, 3, 1)),
    ],
)
def test_dates_are_read(cell: Any, day: date | None) -> None:
    assert parse_date(cell) == day


@pytest.mark.parametrize(
    "cell",
    [
        "2018-02-30",
        "2018年13月",
        "20181305",
        "去年",
        "18.3.5",
        "3月5日",
        "0018-01-01",
        "2999-01-01",
        20183.0,
        "20183",
        12.0,
        -1.0,
        True,
        float("inf"),
        timedelta(1),
    ],
)
def test_impossible_dates_are_refused_with_the_cure(cell: Any) -> None:
    with pytest.raises(CellError) as caught:
        parse_date(cell)
    assert "请" in caught.value.cure


def test_a_number_that_may_be_january_or_october_is_refused() -> None:
    with pytest.raises(CellError) as caught:
        parse_date(2018.1)
    assert "10月" in caught.value.what


@pytest.mark.parametrize(
    ("cell", "unit", "fen"),
    [
        ("", "元", None),
        (1200.5, "元", 120050),
        (1200, "元", 120000),
        ("1,200.50", "元", 120050),
        ("１２００元", "元", 120000),
        ("￥1 200", "元", 120000),
        ("1.2万元", "元", 1200000),
        (1.2, "万元", 1200000),
        (0.123456, "万元", 123456),
        ("3000元", "万元", 300000),
        (1234.5600000000001, "元", 123456),
        ("0", "元", 0),
        ("1200元整", "元", 120000),
    ],
)
def test_amounts_become_fen(cell: Any, unit: str, fen: int | None) -> None:
    assert parse_fen(cell, unit) == fen


@pytest.mark.parametrize(
    "cell",
    [
        -1,
        "-3",
        "1,20,0",
        "1.2.3",
        "约500",
        "100×3",
        0.005,
        "1e5",
        True,
        float("nan"),
        1e18,
        date(2018, 1, 1),
    ],
)
def test_what_is_no_amount_is_refused(cell: Any) -> None:
    with pytest.raises(CellError):
        parse_fen(cell)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张 三", "张三"),
        ("买买提•艾力", "买买提·艾力"),
        ("阿凡提．买买提", "阿凡提·买买提"),
        ("John  Smith", "John  Smith"),
        ("𠮷田", "𠮷田"),
    ],
)
def test_names_are_folded(text: str, name: str) -> None:
    assert parse_person_name(text, 90) == name


@pytest.mark.parametrize(
    "text", ["", "张", "张3", "张三（户主）", "不详", "张?", "张" * 31, "a" * 51]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        parse_person_name(text, 90)


def test_column_letters() -> None:
    assert [column_letter(c) for c in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
