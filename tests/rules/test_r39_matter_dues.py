"""The state machine of a matter: what is due, any way through it, and its drawing (R38, R39)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch.china_time import CHINA
from services.rules.matter import TRANSITIONS, apply
from services.rules.matter_diagram import to_mermaid
from services.rules.matter_dues import due_on, find_overdue, find_unverified, is_overdue
from services.rules.matter_facts import (
    Matter,
    State,
)
from services.rules.matter_steps import (
    Event,
    Post,
    Step,
    TakeDown,
)
from services.rules.publication import Place
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    ACTORS,
    DAY,
    HOUR,
    LATER,
    MATTER,
    OK,
    RIGHT_ACTOR,
    RULES,
    START,
    UNIT_LEADER,
    VILLAGE_LEADER,
    every_step,
    found,
    in_state,
    posted,
    published,
    publishing,
    step,
)

# --- what is due --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (State.NOTIFIED, date(2018, 9, 18)),
        (State.VERIFYING, date(2018, 9, 18)),
        (State.DISPUTED, date(2018, 9, 18)),
        (State.COMPLIANT, date(2018, 9, 18)),
        (State.NOT_COMPLIANT, date(2018, 9, 18)),
        (State.MEASURED, None),
        (State.PUBLISHING, None),
        (State.OBJECTED, date(2018, 9, 19)),
        (State.PUBLISHED, None),
        (State.WITHDRAWN, None),
    ],
)
def test_R39_what_is_due_and_overdue_shows(state: State, due: date | None) -> None:
    matter = in_state(state)
    assert due_on(matter, RULES) == due
    if due is None:
        assert not is_overdue(matter, LATER, RULES)
        return
    last_minute = datetime(due.year, due.month, due.day, 23, 59, tzinfo=CHINA)
    assert not is_overdue(matter, last_minute, RULES)
    assert is_overdue(matter, last_minute + timedelta(minutes=1), RULES)


def test_R43_one_place_alone_is_due_for_the_other() -> None:
    matter = posted(found(OK), Place.VILLAGE, START + 3 * HOUR)
    assert due_on(matter, RULES) == date(2018, 9, 18)


def test_R43_the_place_that_waits_longest_is_due_first() -> None:
    matter = posted(found(OK), Place.VILLAGE, START + 3 * HOUR)
    matter = step(matter, TakeDown(Place.VILLAGE), VILLAGE_LEADER, START + 3 * DAY)
    assert due_on(matter, RULES) == date(2018, 9, 18)


def test_R45_a_notice_that_was_taken_down_is_due_again() -> None:
    matter = step(publishing(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, START + 3 * DAY)
    assert due_on(matter, RULES) == date(2018, 9, 21)


def test_R39_the_longest_overdue_come_first_each_by_its_own_rules() -> None:
    quick = RuleSet(version="quick", verification_days=3)
    versions = {RULES.version: RULES, "quick": quick}
    one = replace(MATTER, matter_id=b"1" * 16)
    two = replace(MATTER, matter_id=b"2" * 16, rules_version="quick")
    three = replace(published(), matter_id=b"3" * 16)
    assert find_overdue([one, two, three], LATER, versions.__getitem__) == (two, one)
    assert find_overdue([one, two, three], START + 5 * DAY, versions.__getitem__) == (two,)


def test_R39_full_coverage_leaves_none_without_an_outcome() -> None:
    matters = [in_state(state) for state in State]
    states = {matter.state for matter in find_unverified(matters)}
    assert states == {State.NOTIFIED, State.VERIFYING, State.DISPUTED}


# --- any way through ------------------------------------------------------------------------------

walks = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 6), st.timedeltas(HOUR, 5 * DAY)), max_size=30
)


@settings(max_examples=200)
@given(walks, st.booleans())
def test_R39_no_way_leads_to_the_end_of_a_publication_but_the_right_one(
    walk: list[tuple[int, int, timedelta]], eager: bool
) -> None:
    matter, at = MATTER, START
    for which, who, pause in walk:
        at += pause
        steps = every_step(matter, at)
        steps += [Post(Place.OFFICIAL_UNIT, b"\2" * 32), TakeDown(Place.OFFICIAL_UNIT)]
        steps = _likely(matter, steps) if eager else steps
        what = steps[which % len(steps)]
        actor = RIGHT_ACTOR[what.event] if eager else ACTORS[who]
        if isinstance(what, Post | TakeDown) and what.place is Place.OFFICIAL_UNIT and eager:
            actor = UNIT_LEADER
        try:
            after = apply(matter, what, actor, at, RULES)
        except RuleViolation:
            continue
        _check_step(matter, after, what, at)
        matter = after


def _likely(matter: Matter, steps: list[Step]) -> list[Step]:
    """The steps that bring the matter on, so that a walk gets far."""
    possible = {row.event for row in TRANSITIONS if row.source is matter.state}
    aside = {Event.INFORM, Event.WITHDRAW, Event.DISPUTE} if len(possible) > 3 else set()
    return [what for what in steps if what.event in possible - aside]


def _check_step(before: Matter, after: Matter, what: Step, at: datetime) -> None:
    assert (before.state, what.event, after.state) in {
        (row.source, row.event, row.target) for row in TRANSITIONS
    }
    assert after.version == before.version + 1
    assert after.outcomes[: len(before.outcomes)] == before.outcomes
    assert after.measures[: len(before.measures)] == before.measures
    if after.state is State.PUBLISHED:
        assert after.is_published_to_the_end(at, RULES)
    if after.state in (State.PUBLISHING, State.PUBLISHED, State.OBJECTED, State.COMPLIANT):
        assert after.outcome is not None
        assert after.outcome.verdict is OK
    standing = [posting for posting in after.postings if posting.taken_down_at is None]
    assert len({posting.place for posting in standing}) == len(standing)
    if after.state not in (State.PUBLISHING, State.PUBLISHED, State.OBJECTED):
        assert standing == []
    opened = [one for one in after.objections if one.closed_at is None]
    assert (after.state is not State.OBJECTED) or opened


# --- the drawing --------------------------------------------------------------------------------


def test_R38_the_drawing_holds_every_row_of_the_table() -> None:
    drawn = to_mermaid()
    lines = drawn.splitlines()
    assert lines[0] == "stateDiagram-v2"
    for state in State:
        assert f'state "{state}" as {state.name}' in drawn
    for row in TRANSITIONS:
        own = f"{row.source.name} --> {row.target.name}: {row.event}（"
        target = "LIVE" if row.source is row.target else row.target.name
        assert own in drawn or f"LIVE --> {target}: {row.event}（" in drawn
    assert drawn.count("-->") == 1 + len(TRANSITIONS) - 2 * (len(State) - 1) + 2


def test_R38_the_drawing_cites_who_and_which_rule() -> None:
    assert "NOTIFIED --> VERIFYING: 受理核查（审批单位的工作人员，R38）" in to_mermaid()
