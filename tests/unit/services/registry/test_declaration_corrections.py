"""services.registry.declaration_sheet: a corrected file is taken, the same file twice gives the same."""

from __future__ import annotations

import io

import openpyxl

from services.chassis.sheets import SheetReport, write_problem_file
from tests.unit.services.registry.declaration_tables import (
    FLAT,
    OFFICIAL,
    SON,
    SPOUSE,
    changed,
    number,
    read,
    read_flat,
    read_form,
    xlsx,
)


def mended(report: SheetReport, cell: str, value: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(write_problem_file(report)))
    book.worksheets[0][cell] = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_corrected_rows_of_a_flat_table_name_their_official_and_are_taken() -> None:
    result = read_flat(
        [*OFFICIAL, *SPOUSE], [""] * 11 + changed(SON, _6=5.1e17), [""] * 11 + changed(SON, _2="x")
    )
    assert result.report.tally.refused == 2
    again = read(mended(result.report, "R2", number(3)))
    (declaration,) = again.declarations
    assert declaration.official.name == "张三"
    assert [r.name for r in declaration.relatives] == ["张小三"]
    assert len(again.report.problems) == 1


def test_unmended_rows_are_refused_again_for_the_same_reasons() -> None:
    result = read_flat(
        [*OFFICIAL, *changed(SPOUSE, _6=510102199001011000)], [*changed(OFFICIAL, _7="x"), *SON]
    )
    again = read(write_problem_file(result.report))
    assert [p.what for p in again.report.problems] == [p.what for p in result.report.problems]
    assert [declaration.relatives for declaration in again.declarations] == [()]


def test_corrected_form_is_taken() -> None:
    result = read_form(OFFICIAL, changed(SPOUSE, _2="表哥"), SON)
    again = read(mended(result.report, "C7", "配偶"))
    assert again.report.problems == ()
    (declaration,) = again.declarations
    assert [r.name for r in declaration.relatives] == ["李四"]
    assert declaration.pledge is not None
    assert declaration.pledge.complete


def test_same_file_twice_gives_the_same_result() -> None:
    data = xlsx(FLAT, [*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SON, _6="1")])
    assert read(data).declarations == read(data).declarations
    assert read(data).report.problems == read(data).report.problems


def test_nothing_personal_shows_in_reprs_and_problems() -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SON, _1="女", _7="1380013")])
    shown = repr(result) + "".join(map(str, result.report.problems))
    for secret in ("张三", "李四", "张小三", number(1), number(3), "1380013"):
        assert secret not in shown
