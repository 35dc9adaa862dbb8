"""Deadlines of the campaign, and who is late with what (R57 to R60)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.deadlines import (
    Campaign,
    Deadline,
    Late,
    Step,
    last_day,
    late_units,
    load_campaigns,
    packaged_campaigns,
)
from services.rules.units import UnitKind, packaged_units
from services.rules.violation import RuleDataError
from tests.rules_samples import RULES, TREE, refusal

UNITS = packaged_units()
(FIRST,) = packaged_campaigns(UNITS)


@pytest.mark.parametrize(
    ("rule", "step", "due_on"),
    [
        ("R57", Step.STAFF_FORMS, date(2018, 6, 22)),
        ("R58", Step.DECLARATIONS, date(2018, 8, 20)),
        ("R59", Step.ITEMS, date(2018, 9, 10)),
        ("R60", Step.FIRST_PUBLICATION, date(2018, 9, 30)),
    ],
)
def test_R57_R58_R59_R60_days_of_the_notice(rule: str, step: Step, due_on: date) -> None:
    assert FIRST.deadline(step).due_on == due_on
    missed = late_units(FIRST, UNITS, {}, due_on + timedelta(days=1), RULES)
    assert {late.rule for late in missed if late.days == 1} == {rule}


def test_R57_R58_R60_concern_every_reporting_unit() -> None:
    everybody = {unit.name for unit in UNITS.receiving_units(date(2018, 7, 1))}
    for step in (Step.STAFF_FORMS, Step.DECLARATIONS, Step.FIRST_PUBLICATION):
        assert set(FIRST.deadline(step).concerns(UNITS)) == everybody


def test_R59_concerns_four_departments_and_all_townships_and_streets() -> None:
    concerned = FIRST.deadline(Step.ITEMS).concerns(UNITS)
    kinds = [UNITS.get(name, date(2018, 9, 10)).kind for name in concerned]
    assert {"jianwei", "nongwei", "minzheng", "shuiwu"} <= set(concerned)
    assert kinds.count(UnitKind.DEPARTMENT) == 4
    assert kinds.count(UnitKind.STREET) + kinds.count(UnitKind.TOWNSHIP) == len(kinds) - 4 == 27


DEADLINE = Deadline(Step.DECLARATIONS, date(2018, 8, 20), ("nongwei",))
ONE = Campaign("one", "一次", (DEADLINE,))


def late(done: date | None, on: date) -> tuple[Late, ...]:
    finished = {("nongwei", Step.DECLARATIONS): done} if done else {}
    return late_units(ONE, TREE, finished, on, RULES)


def test_R58_last_day_itself_counts() -> None:
    assert late(None, DEADLINE.due_on) == ()
    (missed,) = late(None, DEADLINE.due_on + timedelta(days=3))
    assert (missed.unit, missed.rule, missed.done_on, missed.days) == ("nongwei", "R58", None, 3)
    assert missed.text_zh == "亲属关系申报并录入：应于2018-08-20前完成，尚未完成，逾期3天"


def test_R58_other_reading_ends_the_day_before() -> None:
    rules = replace(RULES, deadline_day_counts=False)
    assert last_day(DEADLINE, rules) == date(2018, 8, 19)
    assert len(late_units(ONE, TREE, {}, DEADLINE.due_on, rules)) == 1


def test_R58_finished_late_stays_late_by_the_days_it_took() -> None:
    done = DEADLINE.due_on + timedelta(days=2)
    assert late(done, done) == late(done, date(2019, 1, 1))
    (missed,) = late(done, date(2019, 1, 1))
    assert (missed.done_on, missed.days) == (done, 2)
    assert late(DEADLINE.due_on, date(2019, 1, 1)) == ()


@given(st.one_of(st.none(), st.integers(-20, 20)), st.integers(-20, 20))
def test_R58_what_is_done_after_the_day_asked_about_is_not_known(
    done: int | None, asked: int
) -> None:
    on = DEADLINE.due_on + timedelta(days=asked)
    done_on = None if done is None else DEADLINE.due_on + timedelta(days=done)
    missed = late(done_on, on)
    so_far = done if done is not None and done <= asked else asked
    assert [entry.days for entry in missed] == ([so_far] if so_far > 0 else [])


def test_R59_deadline_for_kinds_alone_concerns_no_other() -> None:
    kinds = frozenset({UnitKind.STREET})
    assert Deadline(Step.ITEMS, date(2018, 9, 10), (), kinds).concerns(TREE) == ("lizhi",)


def test_R57_campaign_without_a_day_for_a_step_says_so() -> None:
    refusal("R57", ONE.deadline, Step.STAFF_FORMS)


HEAD = "[[campaign]]\nname = 'x'\ndisplay = '某次'\n"
PART = "[[campaign.deadline]]\nstep = 'items'\ndue_on = 2018-09-10\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "'deadline' is missing"),
        (HEAD + "deadline = []", "'deadline' is a list of tables"),
        (HEAD + "deadline = 3", "'deadline' is a list of tables"),
        (HEAD + PART + PART, "a step has two deadlines"),
        (HEAD + PART + "units = ['nobody']", "'nobody' is no reporting unit on 2018-09-10"),
        (HEAD + PART + "units = ['zhongxue']", "'zhongxue' is no reporting unit"),
        (HEAD + PART + "kinds = ['castle']", "'kinds' is one of"),
        (HEAD + PART + "unit = 'nongwei'", "unknown key 'unit'"),
        (HEAD + PART.replace("items", "party"), "'step' is one of"),
        (HEAD + "rule = 'R59'\n" + PART, "campaign x: unknown key 'rule'"),
        ((HEAD + PART) * 2, "a name is used twice"),
    ],
)
def test_R57_faults_of_the_data_file_are_named(text: str, said: str) -> None:
    with pytest.raises(RuleDataError) as caught:
        load_campaigns(text, TREE)
    assert said in str(caught.value)
    assert re.search("[一-鿿]", caught.value.message_zh)
