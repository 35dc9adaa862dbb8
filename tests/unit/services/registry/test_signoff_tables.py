"""What a table may say of each official beside annex 2: his post (R22), when he signed (R19)."""

from __future__ import annotations

from datetime import date

import pytest

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
