"""What tables and forms say of pledge and post: annex 2's signature (R19), a table's own columns (R22)."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from services.registry.declaration_template import write_declaration_form
from services.rules.entry import State
from services.rules.reporting import Post
from tests.district import person
from tests.rules_samples import refusal
from tests.unit.services.registry.sheets_of_declarations import HEADINGS, sheet
from tests.unit.services.registry.signoff_bench import SPOUSE, Office, form

SIGNED_ON = date(2026, 5, 20)
WIDER = (*HEADINGS, "人员类别", "承诺日期")


def test_R22_table_says_of_each_what_he_is_and_when_he_signed(office: Office) -> None:
    first = form(SPOUSE) | {"人员类别": "班子其他成员", "承诺日期": "2026-05-20"}
    second = form(person(4), "赵某", 报告人姓名="钱某", 报告人身份证号码=person(900_002).idn) | {
        "人员类别": "",
        "承诺日期": "",
    }
    office.take(sheet(first, second, headings=WIDER))
    assert office.version("王某").placing.post is Post.LEADING_MEMBER
    assert office.version("王某").course.pledged_on == SIGNED_ON
    assert office.version("钱某").placing.post is Post.SECTION  # what was said of the whole file
    assert office.version("钱某").state is State.DRAFT


def test_R22_what_is_said_of_the_whole_file_is_checked_first(office: Office) -> None:
    data = sheet(form(SPOUSE))
    refusal("R19", office.take, data, signed_on=date(2026, 6, 2))
    refusal("R7", office.take, data, unit="nowhere")
    refusal("R13", office.take, data, unit="jiaowei")
    refusal("R9", office.take, data, post=Post.INSTITUTION_HEAD, unit="nongwei")
    assert [end for _, _, end in office.refusals()] == [f"refused R{n}" for n in (19, 7, 13, 9)]
    assert office.versions() == []


@pytest.mark.parametrize(
    ("heading", "cell", "words"),
    [
        ("人员类别", "科长", "人员类别"),
        ("承诺日期", "2026-06-02", "晚于今天"),
        ("承诺日期", "不详", "日期"),
    ],
)
def test_R22_cell_that_says_neither_post_nor_day_is_refused(
    office: Office, heading: str, cell: str, words: str
) -> None:
    wrong = form(SPOUSE) | {"人员类别": "", "承诺日期": "", heading: cell}
    done = office.take(sheet(wrong, headings=WIDER))
    (problem,) = done.report.problems
    assert problem.heading == heading
    assert words in problem.what
    assert office.versions() == []


def annex_2(folder: Path, signer: str, day: str) -> bytes:
    """The form as printed, filled in, with what stands below the pledge."""
    path = folder / "form.xlsx"
    write_declaration_form(path)
    book = openpyxl.load_workbook(path)
    page, values = book["报告表"], form(SPOUSE)
    for heading_row, whose in ((3, "报告人"), (6, "亲属")):
        for cell in list(page[heading_row]):
            heading = str(cell.value or "").replace("主管、分管或从事的具体工作", "具体工作")
            value = values.get(f"{whose}{heading}", values.get(heading))
            if cell.value and value:
                page.cell(heading_row + 1, cell.column, value)
    page["E28"], page["I28"] = signer, day
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("signer", "day", "state"),
    [
        ("王某", "2026-05-20", State.PLEDGED),
        ("王某", "", State.DRAFT),
        ("", "2026-05-20", State.DRAFT),
    ],
)
def test_R19_form_that_is_signed_and_dated_is_pledged(
    office: Office, tmp_path: Path, signer: str, day: str, state: State
) -> None:
    done = office.import_sheet(annex_2(tmp_path, signer, day), "报告表.xlsx")
    assert done.report.problems == ()
    assert office.version().state is state
    told = any("没有签字或没有日期，请本人补签后登记" in n.text for n in done.notices)
    assert told is (state is State.DRAFT)


def test_R19_form_signed_by_somebody_else_is_refused(office: Office, tmp_path: Path) -> None:
    done = office.import_sheet(annex_2(tmp_path, "钱某", "2026-05-20"), "报告表.xlsx")
    assert done.report.problems
    assert office.versions() == []
