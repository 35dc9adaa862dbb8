"""services.registry.declaration_sheet: the form of annex 2, from real files."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from services.chassis.sheets import SheetError
from tests.unit.services.registry.declaration_tables import (
    FLAT,
    OFFICIAL,
    PLEDGE,
    RELATIVES,
    REPORTER,
    SON,
    SPOUSE,
    changed,
    form,
    number,
    only_problem,
    read,
    read_form,
    told,
    xlsx,
)


def test_form_of_annex_2_is_read() -> None:
    result = read_form(OFFICIAL, SPOUSE, SON)
    assert told(result.report) == []
    (declaration,) = result.declarations
    assert declaration.official.work == "农机"
    assert [r.name for r in declaration.relatives] == ["李四", "张小三"]
    assert declaration.pledge is not None
    assert (declaration.pledge.signer, declaration.pledge.signed_on) == ("张三", date(2018, 7, 1))
    assert declaration.opinion == "同意。李领导 2018年7月2日"
    tally = result.report.tally
    assert (tally.taken, tally.refused) == (3, 0)
    assert tally.skipped == {"表头及以上的行": 5, "承诺和意见栏": 3, "空行": 1}


def test_form_with_labels_beside_merged_values_is_read() -> None:
    values = dict(zip(REPORTER, OFFICIAL, strict=True))
    rows: list[list[Any]] = [["党员干部亲属关系报告表"]]
    pairs = list(values.items())
    for start in range(0, len(pairs), 3):
        rows.append(
            [cell for label, value in pairs[start : start + 3] for cell in (label, value, "")]
        )
    merges = tuple(
        (r, c + 1, r, c + 2) for r in range(1, len(rows)) for c in range(0, len(rows[r]), 3)
    )
    rows += [RELATIVES, SPOUSE, ["报告人承诺", PLEDGE.format("", "年    月   日")]]
    result = read(xlsx(*rows, merges=merges))
    assert told(result.report) == []
    (declaration,) = result.declarations
    assert (declaration.official.name, declaration.official.phone) == ("张三", "13800138000")
    assert len(declaration.relatives) == 1
    assert declaration.pledge is not None
    assert not declaration.pledge.complete


def test_one_form_a_sheet_many_sheets_a_workbook() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for n in (1, 20):
            page = book.add_worksheet(str(n))
            official = changed(OFFICIAL, _8=number(n))
            for r, row in enumerate(form(official, changed(SPOUSE, _6=number(n + 1, male=False)))):
                page.write_row(r, 0, row)
        book.add_worksheet("Sheet3")
    result = read(buffer.getvalue())
    assert len(result.declarations) == 2
    assert result.report.problems == ()


@pytest.mark.parametrize(
    "signing", [{"signer": "", "day": "年  月  日"}, {"day": "年 月 日"}, {"signer": ""}]
)
def test_unsigned_or_undated_pledge_is_incomplete(signing: dict[str, str]) -> None:
    result = read_form(OFFICIAL, SPOUSE, **signing)
    pledge = result.declarations[0].pledge
    assert pledge is not None
    assert not pledge.complete
    assert any("承诺" in notice.text for notice in result.report.notices)


@pytest.mark.parametrize(
    "signing", [{"signer": "王五"}, {"day": "2018年2月30日"}, {"day": "2018年9月1日"}]
)
def test_pledge_of_another_or_of_an_impossible_day_refuses_the_form(
    signing: dict[str, str],
) -> None:
    result = read_form(OFFICIAL, SPOUSE, **signing)
    assert result.declarations == ()
    assert result.report.problems[0].row == 9
    assert (result.report.tally.taken, result.report.tally.refused) == (0, 3)


def test_wrong_reporter_refuses_the_form_whole() -> None:
    result = read_form(changed(OFFICIAL, _8=number(1)[:-1]), SPOUSE)
    assert [problem[:2] for problem in told(result.report)] == [(4, "I"), (7, "")]
    assert result.declarations == ()


def test_wrong_relative_of_a_form_is_refused_alone() -> None:
    result = read_form(OFFICIAL, changed(SPOUSE, _2="表哥"), SON)
    assert only_problem(result)[:2] == (7, "C")
    assert [r.name for r in result.declarations[0].relatives] == ["张小三"]


def test_two_reporters_in_one_form_are_refused() -> None:
    rows = form(OFFICIAL, SPOUSE)
    rows.insert(4, changed(OFFICIAL, _8=number(9)))
    with pytest.raises(SheetError, match="two reporters"):
        read(xlsx(*rows))


def test_relatives_without_a_reporter_are_refused() -> None:
    with pytest.raises(SheetError) as caught:
        read(xlsx(RELATIVES, SPOUSE))
    assert "报告人姓名" in caught.value.message_zh


def test_unusable_sheet_beside_a_good_one_is_reported_and_the_good_one_kept() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        good, bad = book.add_worksheet("好"), book.add_worksheet("坏")
        for r, row in enumerate(([*FLAT], [*OFFICIAL, *SPOUSE])):
            good.write_row(r, 0, row)
        for r, row in enumerate((RELATIVES, SPOUSE)):
            bad.write_row(r, 0, row)
    result = read(buffer.getvalue())
    assert len(result.declarations) == 1
    (problem,) = result.report.problems
    assert (problem.sheet, problem.row) == ("坏", 1)
    assert result.report.tally.refused == 2
