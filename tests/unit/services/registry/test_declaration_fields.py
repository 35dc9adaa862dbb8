"""services.registry.declaration_sheet: each field of a relative or an official, from real files."""

from __future__ import annotations

from typing import Any

import pytest

from libmatch.identifiers import Kind
from libmatch.relations import Relation
from tests.unit.services.registry.declaration_tables import (
    FLAT,
    OFFICIAL,
    SON,
    SPOUSE,
    changed,
    number,
    only_problem,
    read,
    read_flat,
    told,
    xlsx,
)


@pytest.mark.parametrize(
    ("column", "value", "letter"),
    [
        (0, "李4", "L"),
        (0, "", "L"),
        (1, "男", "M"),
        (1, "未知", "M"),
        (2, "侄子", "N"),
        (2, "", "N"),
        (6, "510102", "R"),
        (6, 5.10102199001011e17, "R"),
        (6, "5.10E+17", "R"),
        (6, number(2)[:-1] + "A", "R"),
        (6, "91500102MA5U00000X", "R"),
        (7, "12345", "S"),
        (7, "张三", "S"),
        (9, "很" * 201, "U"),
    ],
)
def test_wrong_field_of_a_relative_is_refused_where_it_stands(
    column: int, value: Any, letter: str
) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, **{f"_{column}": value})], [*OFFICIAL, *SON])
    assert only_problem(result)[:2] == (2, letter)
    assert result.report.problems[0].cure
    assert [r.relation for r in result.declarations[0].relatives] == [Relation.CHILD]


@pytest.mark.parametrize(
    ("column", "value", "letter"), [(7, "不是", "H"), (7, "√", "H"), (1, "女", "B")]
)
def test_wrong_field_of_an_official_is_refused_where_it_stands(
    column: int, value: str, letter: str
) -> None:
    result = read_flat([*changed(OFFICIAL, **{f"_{column}": value}), *SPOUSE])
    assert only_problem(result)[:2] == (2, letter)


def test_number_turned_into_a_float_names_the_cell_and_the_cure() -> None:
    (problem,) = read_flat([*OFFICIAL, *changed(SPOUSE, _6=510102199001011000)]).report.problems
    assert (problem.row, problem.column, problem.heading) == (2, "R", "亲属身份证号码")
    assert "已经丢失" in problem.what
    assert "文本" in problem.cure


def test_15_digits_full_width_and_small_x_are_taken() -> None:
    small_x = next(number(n) for n in range(10, 499) if number(n).endswith("X")).lower()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number(5))
    values = [500102700101101, "'" + wide, f" {small_x} "]
    rows = [[*OFFICIAL, *changed(SON, _6=value)] for value in values]
    result = read_flat(*rows)
    assert told(result.report) == []
    numbers = [r.identifier.idn for r in result.declarations[0].relatives if r.identifier]
    assert numbers == ["500102197001011016"[:17] + numbers[0][-1], number(5), small_x.upper()]


def test_passport_is_taken_where_the_kind_says_so() -> None:
    heads = [*FLAT, "亲属证件类型"]
    row = [*OFFICIAL, *changed(SPOUSE, _6="A1234567B"), "护照"]
    (declaration,) = read(xlsx(heads, row)).declarations
    assert declaration.relatives[0].identifier is not None
    assert declaration.relatives[0].identifier.kind is Kind.PASSPORT


@pytest.mark.parametrize(
    ("idn", "remark"), [("", "失散多年，10月底前补报"), ("不详", "出国"), ("已故", "")]
)
def test_unknown_number_with_a_reason_is_a_status_of_its_own(idn: str, remark: str) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, _6=idn, _9=remark)])
    (relative,) = result.declarations[0].relatives
    assert relative.identifier is None
    assert relative.remark == (remark or idn)
    assert any("没有证件号码" in notice.text for notice in result.report.notices)


@pytest.mark.parametrize(("idn", "remark"), [("", ""), ("无", ""), ("/", ""), ("不详", "无")])
def test_unknown_number_without_a_reason_is_refused(idn: str, remark: str) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, _6=idn, _9=remark)])
    assert only_problem(result)[:2] == (2, "R")


def test_other_relation_needs_a_remark() -> None:
    row = [*OFFICIAL, *changed(SPOUSE, _2="其他具有法定扶养、赡养关系的亲属")]
    assert only_problem(read_flat(row))[:2] == (2, "U")
    assert told(read_flat(changed(row, _20="抚养的孤儿")).report) == []


def test_blank_fields_of_r17_are_named_and_not_refused() -> None:
    result = read_flat([*changed(OFFICIAL, _5="", _7=""), *SPOUSE])
    assert result.declarations[0].official.missing == ("职级", "是否纪检干部")
    assert "有1名报告人没有填写“职级”" in [notice.text for notice in result.report.notices]
