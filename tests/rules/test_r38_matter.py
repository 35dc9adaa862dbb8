"""The state machine of a matter: who and in which order, copies, outcomes, measures (R35 to R41)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest

from libmatch.suites import verify_signature
from services.rules.matter import EVENTS, TRANSITIONS, apply, possible_events
from services.rules.matter_facts import (
    MeasureKind,
    Recipient,
    State,
    Verdict,
)
from services.rules.matter_steps import (
    Complete,
    Conclude,
    Event,
    Inform,
    Step,
    Take,
    TakeMeasure,
)
from services.rules.publication import Place
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    BAD,
    DAY,
    END,
    HOUR,
    LATER,
    LEADER,
    MATTER,
    OK,
    PUBLIC_KEY,
    RIGHT_ACTOR,
    RULES,
    START,
    SYSTEM,
    UNIT_WORKER,
    WORKER,
    concluded,
    every_step,
    found,
    in_state,
    measure,
    measured,
    objected,
    posted,
    publishing,
    refuse,
    step,
    verifying,
)

# --- words --------------------------------------------------------------------------------------


def test_R39_a_new_matter_waits_to_be_verified_and_accuses_nobody() -> None:
    assert MATTER.state == "待核查"
    words = "".join((*State, *Event))
    assert not re.search("违规|违纪|违法|嫌疑|问题", words)


def test_R38_the_matter_shows_no_name_when_printed() -> None:
    assert MATTER.official_name not in repr(MATTER)


# --- who and in which order -----------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_R38_what_is_not_in_the_table_cannot_be_done(state: State) -> None:
    matter = in_state(state)
    at = max(matter.changed_at or START, START) + HOUR
    possible = {row.event for row in TRANSITIONS if row.source is state}
    for what in every_step(matter, at):
        if what.event not in possible:
            words = refuse(matter, what, RIGHT_ACTOR[what.event], at, EVENTS[what.event][1])
            assert f"“{state}”" in words
            assert all(event in words for event in possible)  # what would be right


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.source.name}-{row.event.name}")
def test_R38_only_who_is_in_the_table_may_do_it(row: object) -> None:
    assert isinstance(row, type(TRANSITIONS[0]))
    matter = in_state(row.source)
    at = max(matter.changed_at or START, START) + HOUR
    what = next(one for one in every_step(matter, at) if one.event is row.event)
    right = RIGHT_ACTOR[row.event]
    assert row.event in possible_events(matter, right)
    for role in set(Role) - EVENTS[row.event][0].roles:
        refuse(matter, what, replace(right, role=role), at, EVENTS[row.event][1])
        assert row.event not in possible_events(matter, replace(right, role=role))
    if right.role not in (Role.SYSTEM, Role.INSPECTOR):
        refuse(matter, what, replace(right, unit="caizheng"), at, EVENTS[row.event][1])
        assert row.event not in possible_events(matter, replace(right, unit="caizheng"))


def test_R38_the_refusal_says_who_may() -> None:
    words = refuse(MATTER, Take(), LEADER, START + HOUR, "R38")
    assert "审批单位的工作人员" in words


def test_R38_every_step_has_its_row_and_every_state_can_be_reached() -> None:
    assert {row.event for row in TRANSITIONS} == set(Event) == set(EVENTS)
    assert {row.target for row in TRANSITIONS} == set(State)
    assert {one.__name__ for one in get_args(Step)} >= {"Take", "Conclude", "Because"}


@pytest.mark.parametrize(
    "what", [Take(), concluded(MATTER, OK, LATER), TakeMeasure(measure(date(2018, 9, 3)))]
)
def test_R24_nobody_decides_on_a_matter_of_his_own(what: Step) -> None:
    state = {"Take": MATTER, "Conclude": verifying(), "TakeMeasure": found(BAD)}
    matter = replace(state[type(what).__name__], official_unit="minzheng")
    himself = replace(RIGHT_ACTOR[what.event], name="李四")
    words = refuse(matter, what, himself, LATER, "R24")
    assert "回避" in words
    assert "李四" not in words


def test_R10_a_namesake_of_another_unit_may_act() -> None:
    assert step(MATTER, Take(), replace(WORKER, name="李四"), START).state is State.VERIFYING
    copied = replace(MATTER, copied_to=("minzheng",))
    refuse(copied, Take(), replace(WORKER, name="李四"), START, "R24")


def test_R62_a_matter_goes_on_under_its_own_rules() -> None:
    with pytest.raises(ValueError, match="R62"):
        apply(MATTER, Take(), WORKER, START, RuleSet(version="2019-1"))


def test_R40_steps_do_not_lie_before_what_has_happened() -> None:
    with pytest.raises(ValueError, match="order of time"):
        step(verifying(), Take(), WORKER, START)
    with pytest.raises(ValueError, match="order of time"):
        step(MATTER, Take(), WORKER, START - HOUR)
    with pytest.raises(ValueError, match="time zone"):
        step(MATTER, Take(), WORKER, START.replace(tzinfo=None))


def test_R40_each_step_counts_so_that_the_second_of_two_people_notices() -> None:
    assert (MATTER.version, verifying().version, found(OK).version) == (0, 1, 2)


# --- copies -------------------------------------------------------------------------------------


def test_R36_every_declaring_unit_and_the_official_get_a_copy_with_a_receipt() -> None:
    matter = replace(MATTER, copied_to=("baitao",))
    assert matter.missing_receipts == (
        (Recipient.UNIT, "shuiwu"),
        (Recipient.UNIT, "baitao"),
        (Recipient.OFFICIAL, "shuiwu"),
    )
    of_unit = replace(SYSTEM, unit="shuiwu")
    matter = step(matter, Inform(Recipient.UNIT, "通知1"), of_unit, START + HOUR)
    assert (Recipient.OFFICIAL, "shuiwu") in matter.missing_receipts
    matter = step(matter, Inform(Recipient.OFFICIAL, "签收1"), UNIT_WORKER, START + 2 * HOUR)
    assert matter.missing_receipts == ((Recipient.UNIT, "baitao"),)
    matter = step(
        matter, Inform(Recipient.UNIT, "通知2"), replace(of_unit, unit="baitao"), START + 3 * HOUR
    )
    assert matter.missing_receipts == ()
    assert matter.state is State.NOTIFIED


def test_R36_a_copy_has_a_receipt() -> None:
    assert "回执编号" in refuse(MATTER, Inform(Recipient.OFFICIAL, " "), UNIT_WORKER, START, "R36")


# --- outcomes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "state"), [(OK, State.COMPLIANT), (BAD, State.NOT_COMPLIANT)])
def test_R39_every_verification_ends_in_an_outcome(verdict: Verdict, state: State) -> None:
    matter = found(verdict)
    assert matter.state is state
    assert matter.outcome is not None
    assert matter.outcome.verdict is verdict


def test_R38_nobody_concludes_without_verifying() -> None:
    refuse(MATTER, concluded(MATTER, OK, START), LEADER, START, "R40")


def test_R40_an_outcome_without_a_signature_is_refused() -> None:
    unsigned = Conclude(OK, "经核查符合规定", "w-1", b"")
    assert "签名" in refuse(verifying(), unsigned, LEADER, LATER, "R40")


def is_signed(message: bytes, signature: bytes) -> bool:
    return verify_signature(PUBLIC_KEY, message, signature)


def test_R40_the_signature_covers_the_whole_outcome() -> None:
    outcome = found(OK).outcome
    assert outcome is not None
    outcome.verify(MATTER.matter_id, is_signed)
    others = [
        replace(outcome, verdict=BAD),
        replace(outcome, grounds="另有依据"),
        replace(outcome, verified_by="w-9"),
        replace(outcome, signed_by="l-9"),
        replace(outcome, signed_at=outcome.signed_at + timedelta(microseconds=1)),
        replace(outcome, replaces_because="更正"),
    ]
    for altered in others:
        with pytest.raises(RuleViolation) as caught:
            altered.verify(MATTER.matter_id, is_signed)
        assert caught.value.rule == "R40"
    with pytest.raises(RuleViolation):
        outcome.verify(bytes(16), is_signed)


@pytest.mark.parametrize("grounds", ["合规", "查" * 500])
def test_R40_grounds_have_2_to_500_characters(grounds: str) -> None:
    said = replace(concluded(verifying(), OK, LATER), grounds=grounds)
    assert step(verifying(), said, LEADER, LATER).state is State.COMPLIANT
    for wrong in (grounds[:1], grounds + "查" * 499):
        refuse(verifying(), replace(said, grounds=wrong), LEADER, LATER, "R40")


def test_R40_an_outcome_says_on_what_it_rests() -> None:
    blank = replace(concluded(verifying(), OK, LATER), grounds=" ")
    assert "核查依据" in refuse(verifying(), blank, LEADER, LATER, "R40")


@pytest.mark.parametrize("verified_by", ["", "l-1"])
def test_R31_who_signs_is_not_who_verified(verified_by: str) -> None:
    alone = replace(concluded(verifying(), OK, LATER), verified_by=verified_by)
    refuse(verifying(), alone, LEADER, LATER, "R31")


@pytest.mark.parametrize(
    "state",
    [State.COMPLIANT, State.NOT_COMPLIANT, State.MEASURED, State.PUBLISHING, State.PUBLISHED],
)
@pytest.mark.parametrize("verdict", Verdict)
def test_R40_an_outcome_is_superseded_and_never_edited(state: State, verdict: Verdict) -> None:
    before = in_state(state)
    silent = concluded(before, verdict, LATER)
    assert "更正" in refuse(before, silent, LEADER, LATER, "R40")
    after = step(before, concluded(before, verdict, LATER, because="复核发现新情况"), LEADER, LATER)
    assert after.outcomes[:-1] == before.outcomes
    assert after.outcome is not None
    assert after.outcome.verdict is verdict
    assert after.state is (State.COMPLIANT if verdict is OK else State.NOT_COMPLIANT)


@pytest.mark.parametrize("verdict", Verdict)
def test_R45_a_superseded_outcome_takes_its_notices_down(verdict: Verdict) -> None:
    before = publishing()
    at = START + 2 * DAY
    after = step(before, concluded(before, verdict, at, because="复核发现新情况"), LEADER, at)
    assert {posting.taken_down_at for posting in after.postings} == {at}
    assert not after.is_published_to_the_end(LATER, RULES)


def test_R45_what_was_complete_before_an_outcome_was_superseded_is_posted_again() -> None:
    before = publishing()
    at = END + DAY  # complete in both places, and still hanging
    again = step(before, concluded(before, OK, at, because="复核发现新情况"), LEADER, at)
    assert again.clocks(RULES) == {}
    half = posted(again, Place.VILLAGE, at)
    refuse(half, Complete(), SYSTEM, at + 30 * DAY, "R43")


def test_R48_who_signs_without_knowing_of_an_objection_does_not_end_it_for_the_notices() -> None:
    before, at = objected(), START + 2 * DAY
    knowing = step(before, concluded(before, OK, at), LEADER, at)
    assert knowing.state is State.PUBLISHING
    unaware = step(before, concluded(before, OK, at, because="补充材料后复核"), LEADER, at)
    assert unaware.state is State.COMPLIANT
    assert unaware.clocks(RULES) == {}


# --- measures -----------------------------------------------------------------------------------


def test_R41_what_is_not_compliant_gets_a_measure_a_lead_and_a_reason() -> None:
    matter = measured()
    assert matter.state is State.MEASURED
    assert [one.kind for one in matter.measures] == [MeasureKind.STOPPED]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("told", "告知受益人的理由"),
        ("lead_to", "接收问题线索的纪检监察组织"),
        ("lead_reference", "移送文号"),
    ],
)
def test_R41_none_of_the_three_may_be_missing(field: str, words: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        replace(measure(date(2018, 9, 3)), **{field: ""})  # type: ignore[arg-type]
    assert caught.value.rule == "R41"
    assert words in caught.value.message_zh


def test_R41_another_measure_is_described() -> None:
    with pytest.raises(RuleViolation):
        measure(date(2018, 9, 3), MeasureKind.OTHER)
    assert measure(date(2018, 9, 3), MeasureKind.OTHER, "收回多发部分").detail


@pytest.mark.parametrize("day", [date(2018, 9, 2), date(2018, 9, 4)])
@pytest.mark.parametrize("field", ["decided_on", "told_on", "lead_on"])
def test_R41_its_days_lie_between_the_outcome_and_today(day: date, field: str) -> None:
    wrong = replace(measure(date(2018, 9, 3)), **{field: day})  # type: ignore[arg-type]
    refuse(found(BAD), TakeMeasure(wrong), LEADER, START + 5 * HOUR, "R41")
