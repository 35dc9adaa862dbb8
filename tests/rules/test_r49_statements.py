"""Officials explain their matters once a year (R49), and who sees that (R50)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.matter_facts import Actor
from services.rules.roles import Action, Role, may
from services.rules.ruleset import RuleSet
from services.rules.statements import (
    Meeting,
    Statement,
    ToExplain,
    count_statements,
    list_due,
    meetings_of,
    record_statement,
    statement_due_on,
    visible_units,
)
from services.rules.violation import RuleViolation

RULES = RuleSet()
WORKER = Actor("w-2", "孙三", "shuiwu", Role.WORKER)
ORGANISATION = Actor("o-1", "何七", "zuzhi", Role.ORGANISATION_DEPARTMENT)
M1 = ToExplain("official-1", "shuiwu", True, b"1", date(2018, 9, 3))
M2 = replace(M1, matter_id=b"2", known_on=date(2018, 12, 20))
NEXT_YEAR = replace(M1, matter_id=b"3", known_on=date(2019, 1, 1))
WITHDRAWN = replace(M1, matter_id=b"4", live=False)
RECORD = Statement(
    official="official-1",
    unit="shuiwu",
    year=2018,
    meeting=Meeting.DEMOCRATIC_LIFE,
    held_on=date(2018, 12, 28),
    matters=frozenset({b"1", b"2"}),
    recorded_by="w-2",
    recorded_on=date(2018, 12, 29),
)
ALL = [M1, M2, NEXT_YEAR, WITHDRAWN]


def refuse(
    statement: Statement,
    matters: list[ToExplain] | None = None,
    earlier: Statement | None = None,
    actor: Actor = WORKER,
    rule: str = "R49",
) -> str:
    with pytest.raises(RuleViolation) as caught:
        record_statement(statement, ALL if matters is None else matters, earlier, actor)
    assert caught.value.rule == rule
    return caught.value.message_zh


# --- one record an official and year --------------------------------------------------------------


def test_R49_one_statement_is_due_per_official_and_year_with_a_matter() -> None:
    other = replace(M1, official="official-2", matter_id=b"5")
    dues = list_due([*ALL, other], [], RULES)
    assert [(due.year, due.official, set(due.missing)) for due in dues] == [
        (2018, "official-1", {b"1", b"2"}),
        (2018, "official-2", {b"5"}),
        (2019, "official-1", {b"3"}),
    ]
    assert {due.due_on for due in dues} == {date(2019, 3, 31), date(2020, 3, 30)}


def test_R49_a_withdrawn_matter_needs_no_explanation() -> None:
    assert list_due([WITHDRAWN], [], RULES) == ()
    assert "无须说明" in refuse(replace(RECORD, matters=frozenset()), [WITHDRAWN])


def test_R49_what_was_explained_is_not_missing() -> None:
    (due,) = list_due([M1, M2], [replace(RECORD, matters=frozenset({b"1"}))], RULES)
    assert (set(due.missing), set(due.stated), due.is_complete) == ({b"2"}, {b"1"}, False)
    (due,) = list_due([M1, M2], [RECORD], RULES)
    assert due.is_complete
    assert not due.is_overdue(date(2030, 1, 1))


def test_R49_overdue_is_what_is_missing_behind_its_day() -> None:
    (due,) = list_due([M1], [], RULES)
    assert due.due_on == statement_due_on(2018, RULES) == date(2019, 3, 31)
    assert not due.is_overdue(date(2019, 3, 31))
    assert due.is_overdue(date(2019, 4, 1))


# --- the meeting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("party_member", [True, False])
@pytest.mark.parametrize("meeting", Meeting)
def test_R49_party_members_and_others_explain_at_their_own_meetings(
    party_member: bool, meeting: Meeting
) -> None:
    allowed = (Meeting.DEMOCRATIC_LIFE, Meeting.ORGANISATION_LIFE)
    if not party_member:
        allowed = (Meeting.LEADING_GROUP, Meeting.STAFF)
    assert meetings_of(party_member=party_member) == allowed
    matters = [replace(M1, party_member=party_member), replace(M2, party_member=party_member)]
    record = replace(RECORD, meeting=meeting)
    if meeting in allowed:
        assert record_statement(record, matters, None, WORKER) == record
    else:
        words = refuse(record, matters)
        assert all(one in words for one in allowed)


@pytest.mark.parametrize("held_on", [date(2017, 12, 31), date(2018, 12, 30)])
def test_R49_the_meeting_lies_between_the_year_and_the_record(held_on: date) -> None:
    refuse(replace(RECORD, held_on=held_on))


def test_R49_first_and_last_days_are_in_time() -> None:
    known = replace(M1, known_on=date(2018, 1, 1))
    record = replace(RECORD, matters=frozenset({b"1"}))
    for day in (date(2018, 1, 1), RECORD.recorded_on):
        same = replace(record, held_on=day)  # what is known on the day is explained on it
        assert record_statement(same, [known], None, WORKER) == same


def test_R49_a_meeting_of_the_next_year_may_explain_the_last() -> None:
    late = replace(RECORD, held_on=date(2019, 1, 20), recorded_on=date(2019, 1, 21))
    assert record_statement(late, ALL, None, WORKER) == late


# --- the matters ----------------------------------------------------------------------------------


def test_R49_every_matter_known_at_the_meeting_is_explained() -> None:
    assert "还有1项" in refuse(replace(RECORD, matters=frozenset({b"1"})))


def test_R49_a_matter_that_came_later_is_not_yet_explained() -> None:
    early = replace(RECORD, held_on=date(2018, 12, 19), matters=frozenset({b"1"}))
    assert record_statement(early, ALL, None, WORKER) == early
    refuse(replace(early, matters=frozenset({b"1", b"2"})))
    assert record_statement(RECORD, ALL, early, WORKER) == RECORD  # the later meeting adds it


@pytest.mark.parametrize("foreign", [b"3", b"4", b"9"])
def test_R49_only_matters_of_that_official_and_year_are_named(foreign: bytes) -> None:
    refuse(replace(RECORD, matters=frozenset({b"1", b"2", foreign})))


def test_R49_there_is_one_record_a_year() -> None:
    assert "已经说明" in refuse(RECORD, earlier=RECORD)


def test_R49_the_official_s_unit_records_it() -> None:
    refuse(RECORD, actor=replace(WORKER, unit="minzheng"))
    for role in (Role.OFFICIAL, Role.ORGANISATION_DEPARTMENT, Role.DISCIPLINE_ORGAN):
        refuse(RECORD, actor=replace(WORKER, role=role))


days = st.dates(date(2018, 1, 1), date(2020, 12, 31))
to_explain = st.builds(
    ToExplain,
    st.sampled_from(["a", "b", "c"]),
    st.just("shuiwu"),
    st.just(True),
    st.binary(min_size=1, max_size=2),
    days,
    st.booleans(),
)


@given(st.lists(to_explain, max_size=12))
def test_R49_exactly_officials_and_years_with_a_live_matter_are_due(
    matters: list[ToExplain],
) -> None:
    dues = list_due(matters, [], RULES)
    wanted = {(one.official, one.known_on.year) for one in matters if one.live}
    assert [(due.official, due.year) for due in dues] == sorted(wanted, key=lambda w: (w[1], w[0]))


# --- who sees it ----------------------------------------------------------------------------------


def test_R50_the_organisation_department_reads_all_units_and_records_nothing() -> None:
    assert visible_units(ORGANISATION, ["shuiwu", "minzheng"]) == ("shuiwu", "minzheng")
    assert not may((ORGANISATION.role,), Action.RECORD_STATEMENT)


def test_R50_a_unit_s_staff_read_their_own() -> None:
    assert visible_units(WORKER, ["shuiwu", "minzheng"]) == ("shuiwu",)


@pytest.mark.parametrize(
    "role",
    sorted(set(Role) - {Role.WORKER, Role.RESPONSIBLE_LEADER, Role.ORGANISATION_DEPARTMENT}),
)
def test_R50_nobody_else_reads_them(role: Role) -> None:
    with pytest.raises(RuleViolation) as caught:
        visible_units(replace(WORKER, role=role), ["shuiwu"])
    assert caught.value.rule == "R50"


def test_R50_the_figures_of_a_unit_count_officials() -> None:
    two = replace(M1, official="official-2", matter_id=b"5")
    three = replace(M1, official="official-3", matter_id=b"6")
    foreign = replace(M1, official="official-4", unit="minzheng")
    part = replace(RECORD, matters=frozenset({b"1"}))
    whole = replace(RECORD, official="official-2", matters=frozenset({b"5"}))
    dues = list_due([M1, M2, two, three, foreign], [part, whole], RULES)
    figures = count_statements("shuiwu", dues, date(2019, 4, 1))
    assert (figures.owed, figures.complete, figures.partial, figures.overdue) == (3, 1, 1, 2)
