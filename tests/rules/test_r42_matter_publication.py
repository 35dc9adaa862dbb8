"""The state machine of a matter: publication, objections, and hits that hold no more (R42 to R48)."""

from __future__ import annotations

from datetime import date

import pytest

from services.rules.matter_dues import due_on
from services.rules.matter_facts import (
    Actor,
    Matter,
    Objection,
    State,
)
from services.rules.matter_steps import (
    Because,
    Complete,
    Event,
    Object,
    Post,
    Take,
    TakeDown,
)
from services.rules.publication import Place
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    ACTORS,
    BAD,
    DAY,
    END,
    HOUR,
    INSPECTOR,
    LATER,
    LEADER,
    MATTER,
    OK,
    RULES,
    START,
    SYSTEM,
    UNIT_LEADER,
    UNIT_WORKER,
    VILLAGE_LEADER,
    VILLAGE_WORKER,
    WORKER,
    concluded,
    dispute,
    found,
    in_state,
    objected,
    posted,
    published,
    publishing,
    refuse,
    step,
    verifying,
    withdraw,
)

# --- publication --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [State.NOTIFIED, State.VERIFYING, State.NOT_COMPLIANT, State.MEASURED]
)
def test_R42_only_what_passed_is_published(state: State) -> None:
    refuse(in_state(state), Post(Place.VILLAGE, bytes(32)), VILLAGE_LEADER, LATER, "R42")


@pytest.mark.parametrize("place", Place)
def test_R43_one_place_is_not_enough(place: Place) -> None:
    matter = posted(found(OK), place, START + 3 * HOUR)
    words = refuse(matter, Complete(), SYSTEM, LATER, "R43")
    other = next(one for one in Place if one is not place)
    assert f"“{other}”" in words
    assert not matter.is_published_to_the_end(LATER, RULES)


def test_R43_each_place_is_posted_by_its_own_unit() -> None:
    refuse(found(OK), Post(Place.VILLAGE, bytes(32)), UNIT_LEADER, LATER, "R42")
    refuse(found(OK), Post(Place.OFFICIAL_UNIT, bytes(32)), VILLAGE_LEADER, LATER, "R42")
    refuse(publishing(), TakeDown(Place.VILLAGE), UNIT_LEADER, LATER, "R45")


def test_R45_the_slower_place_decides() -> None:
    matter = publishing(village_at=START + 3 * DAY)
    refuse(matter, Complete(), SYSTEM, END, "R45")
    assert not matter.is_published_to_the_end(END, RULES)
    assert step(matter, Complete(), SYSTEM, END + 3 * DAY).state is State.PUBLISHED
    assert matter.is_published_to_the_end(END + 3 * DAY, RULES)


def test_R45_a_corrected_notice_starts_again_in_its_place_alone() -> None:
    at = START + 4 * DAY
    matter = posted(publishing(), Place.VILLAGE, at, b"\1" * 32)
    clocks = matter.clocks(RULES)
    assert clocks[Place.VILLAGE].last_day == date(2018, 9, 14)
    assert clocks[Place.OFFICIAL_UNIT].last_day == date(2018, 9, 10)
    refuse(matter, Complete(), SYSTEM, END, "R45")


def test_R45_the_same_notice_is_not_posted_twice() -> None:
    refuse(publishing(), Post(Place.VILLAGE, bytes(32)), VILLAGE_LEADER, START + DAY, "R45")


def test_R45_a_notice_that_was_taken_down_starts_again() -> None:
    at = START + 3 * DAY
    matter = step(publishing(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, at)
    assert matter.state is State.PUBLISHING  # the other place still stands
    refuse(matter, Complete(), SYSTEM, LATER, "R45")
    refuse(matter, TakeDown(Place.VILLAGE), VILLAGE_LEADER, at, "R45")
    again = posted(matter, Place.VILLAGE, at + HOUR)
    assert again.clocks(RULES)[Place.VILLAGE].last_day == date(2018, 9, 13)


def test_R45_with_both_notices_down_the_matter_waits_to_be_posted() -> None:
    at = START + 3 * DAY
    matter = step(publishing(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, at)
    matter = step(matter, TakeDown(Place.OFFICIAL_UNIT), UNIT_LEADER, at)
    assert matter.state is State.COMPLIANT


def test_R45_taking_down_after_the_end_changes_nothing() -> None:
    matter = step(published(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, END + DAY)
    assert matter.state is State.PUBLISHED
    assert matter.is_published_to_the_end(END + DAY, RULES)
    early = publishing(village_at=START + 3 * DAY)
    early = step(early, TakeDown(Place.OFFICIAL_UNIT), UNIT_LEADER, END)
    assert step(early, Complete(), SYSTEM, END + 3 * DAY).state is State.PUBLISHED


# --- objections ---------------------------------------------------------------------------------


def test_R48_an_objection_stops_the_publication_until_it_is_verified() -> None:
    matter = objected()
    assert matter.state is State.OBJECTED
    assert not matter.is_published_to_the_end(LATER, RULES)
    refuse(matter, Complete(), SYSTEM, LATER, "R45")


def test_R48_passing_resumes_with_the_days_that_were_left() -> None:
    at = START + 3 * DAY  # posted on the 3rd, objection on the 4th, found groundless on the 6th
    matter = step(objected(), concluded(objected(), OK, at), LEADER, at)
    assert matter.state is State.PUBLISHING
    assert [one.upheld for one in matter.objections] == [False]
    assert matter.clocks(RULES)[Place.VILLAGE].last_day == date(2018, 9, 13)
    assert all(posting.taken_down_at is None for posting in matter.postings)


def test_R48_failing_goes_to_a_measure() -> None:
    at = START + 3 * DAY
    matter = step(objected(), concluded(objected(), BAD, at), LEADER, at)
    assert matter.state is State.NOT_COMPLIANT
    assert [one.upheld for one in matter.objections] == [True]
    assert {posting.taken_down_at for posting in matter.postings} == {at}


def test_R48_several_objections_are_answered_together() -> None:
    matter = step(objected(), Object("异议2018-2"), UNIT_WORKER, START + 2 * DAY)
    matter = step(matter, concluded(matter, OK, START + 3 * DAY), LEADER, START + 3 * DAY)
    assert [one.upheld for one in matter.objections] == [False, False]


def test_R48_notices_taken_down_meanwhile_are_posted_again() -> None:
    at = START + 2 * DAY
    matter = step(objected(), TakeDown(Place.VILLAGE), VILLAGE_LEADER, at)
    matter = step(matter, TakeDown(Place.OFFICIAL_UNIT), UNIT_LEADER, at)
    assert matter.state is State.OBJECTED
    assert step(matter, concluded(matter, OK, at), LEADER, at).state is State.COMPLIANT


@pytest.mark.parametrize("matter", [publishing(), published()], ids=["publishing", "published"])
def test_R48_after_the_end_it_is_a_lead_and_no_objection(matter: Matter) -> None:
    words = refuse(matter, Object("异议2018-3"), VILLAGE_WORKER, END, "R48")
    assert "R53" in words


def test_R48_a_district_may_take_late_objections() -> None:
    rules = RuleSet(version="x", objection_days_after_end=3)
    matter = step(publishing(rules=rules), Complete(), SYSTEM, END, rules)
    late = step(matter, Object("异议2018-3"), VILLAGE_WORKER, END + 2 * DAY, rules)
    assert late.state is State.OBJECTED
    assert not late.is_published_to_the_end(END + 2 * DAY, rules)
    refuse(matter, Object("异议2018-3"), VILLAGE_WORKER, END + 3 * DAY, "R48", rules)
    passed = step(late, concluded(late, OK, END + 2 * DAY), LEADER, END + 2 * DAY, rules)
    assert passed.is_published_to_the_end(END + 2 * DAY, rules)  # no day was left


def test_R48_an_objection_has_a_file_number() -> None:
    refuse(publishing(), Object(""), VILLAGE_WORKER, START + DAY, "R48")
    with pytest.raises(ValueError, match="closed"):
        Objection("异议1", START, closed_at=START)


# --- what is not so -----------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [WORKER, UNIT_WORKER])
def test_R38_either_unit_may_ask_for_a_confirmation(actor: Actor) -> None:
    matter = step(MATTER, dispute(), actor, START + HOUR)
    assert matter.state is State.DISPUTED
    confirmed = step(matter, Because(Event.CONFIRM, "记录一致"), INSPECTOR, START + 20 * DAY)
    assert confirmed.state is State.NOTIFIED
    assert due_on(confirmed, RULES) == date(2018, 10, 8)  # the verification begins anew


def test_R37_a_hit_that_holds_no_more_is_withdrawn_and_its_notices_come_down() -> None:
    matter = in_state(State.WITHDRAWN)
    assert {posting.taken_down_at for posting in matter.postings} == {START + DAY}
    assert matter.outcomes  # what was found stays


def test_R37_a_hit_that_comes_back_is_verified_anew() -> None:
    matter = in_state(State.WITHDRAWN)
    matter = step(matter, Because(Event.REVIVE, "再次申报"), SYSTEM, LATER)
    assert (matter.state, matter.outcome, matter.taken_by) == (State.NOTIFIED, None, "")
    matter = step(matter, Take(), WORKER, LATER)
    at = LATER + HOUR
    matter = step(matter, concluded(matter, OK, at), LEADER, at)
    assert len(matter.outcomes) == 2


def test_R37_nobody_withdraws_a_hit_by_hand() -> None:
    for actor in ACTORS:
        if actor is not SYSTEM:
            refuse(verifying(), withdraw(), actor, LATER, "R37")


def test_R37_reasons_are_given() -> None:
    for event, rule in ((Event.DISPUTE, "R38"), (Event.CONFIRM, "R36"), (Event.WITHDRAW, "R37")):
        with pytest.raises(RuleViolation) as caught:
            Because(event, " ")
        assert caught.value.rule == rule
    with pytest.raises(ValueError, match="step of its own"):
        Because(Event.TAKE, "原因")
