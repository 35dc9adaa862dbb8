"""Retention of what never matched, and what a person can ask (R65)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.rules.retention import (
    Category,
    HeldRecord,
    PersonRequest,
    RequestKind,
    answer_due,
    correction_route,
    due_for_purge,
    purge_on,
    require_deletable,
    require_matched,
    what_is_held,
)
from tests.rules_samples import DAY, RULES, number, refusal

RECORD = HeldRecord("r1", "nongwei", Category.DECLARED, number(1), ("姓名", "证件号码"), DAY)
ITEM = replace(RECORD, reference="i1", category=Category.ITEM)


def test_R65_unmatched_relative_is_purged_a_year_after_ending() -> None:
    due = date(2019, 7, 2)
    assert purge_on(RECORD, RULES) == due
    assert due_for_purge([RECORD], RULES, due - timedelta(days=1)) == ()
    assert due_for_purge([RECORD, ITEM], RULES, due) == (RECORD,)


def test_R65_unmatched_beneficiary_is_purged_three_years_after_ending() -> None:
    assert purge_on(ITEM, RULES) == date(2021, 7, 2)


def test_R65_current_matched_and_held_records_stay() -> None:
    for kept in (
        replace(RECORD, ended_on=None),
        replace(RECORD, matched=True),
        replace(RECORD, held_for="异议核查中"),
    ):
        assert purge_on(kept, RULES) is None
        assert due_for_purge([kept], RULES, date(2100, 1, 1)) == ()


@given(st.integers(0, 3_000), st.sampled_from(Category))
def test_R65_once_due_a_record_stays_due(days: int, category: Category) -> None:
    record = replace(RECORD, category=category)
    on = DAY + timedelta(days=days)
    if due_for_purge([record], RULES, on):
        assert due_for_purge([record], RULES, on + timedelta(days=1)) == (record,)


def test_R65_what_did_not_match_is_not_opened() -> None:
    refusal("R65", require_matched, RECORD)
    require_matched(replace(RECORD, matched=True))


KNOW = PersonRequest(RequestKind.KNOW, number(1), DAY)


def test_R65_person_learns_what_is_held_about_himself_and_nobody_else() -> None:
    held = what_is_held(KNOW, [RECORD, replace(ITEM, subject=number(2)), ITEM], RULES)
    assert [line.reference for line in held] == ["r1", "i1"]
    first = held[0]
    assert (first.unit, first.fields_zh) == ("nongwei", ("姓名", "证件号码"))
    assert (first.purge_on, first.purpose_zh) == (date(2019, 7, 2), "党员干部亲属涉权事项比对")
    assert what_is_held(replace(KNOW, asker=number(3)), [RECORD], RULES) == ()


def test_R65_answer_is_due_in_thirty_days() -> None:
    assert answer_due(KNOW, RULES) == date(2018, 8, 1)


def test_R65_errors_are_corrected_where_the_record_comes_from() -> None:
    request = replace(KNOW, kind=RequestKind.CORRECT)
    assert "新的版本" in correction_route(request, RECORD)
    assert "重新签署" in correction_route(request, ITEM)
    refusal("R65", correction_route, request, replace(RECORD, subject=number(2)))


def test_R65_deletion_waits_for_the_end_of_retention_and_says_until_when() -> None:
    request = replace(KNOW, kind=RequestKind.DELETE)
    said = refusal("R65", require_deletable, request, RECORD, RULES, DAY)
    assert "2019-07-02" in said.message_zh
    current = replace(RECORD, ended_on=None)
    assert "仍在使用" in refusal("R65", require_deletable, request, current, RULES, DAY).message_zh
    require_deletable(request, RECORD, RULES, date(2019, 7, 2))
    other = replace(RECORD, subject=number(2))
    refusal("R65", require_deletable, request, other, RULES, date(2019, 7, 2))


def test_R65_nothing_personal_is_in_a_repr() -> None:
    assert number(1).idn not in repr((RECORD, KNOW))
