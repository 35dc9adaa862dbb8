"""The state machine of a matter: full coverage, signed outcomes, measures, publication (R35 to R48)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch.suites import verify_signature
from services.rules.china_time import CHINA, china_day
from services.rules.matter import EVENTS, TRANSITIONS, apply, possible_events
from services.rules.matter_diagram import to_mermaid
from services.rules.matter_dues import due_on, find_overdue, find_unverified, is_overdue
from services.rules.matter_facts import (
    Actor,
    Matter,
    MeasureKind,
    Objection,
    Recipient,
    State,
    Verdict,
)
from services.rules.matter_steps import (
    Because,
    Complete,
    Conclude,
    Event,
    Inform,
    Object,
    Post,
    Step,
    Take,
    TakeDown,
    TakeMeasure,
)
from services.rules.publication import Place
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.matter_walk import (
    ACTORS,
    DAY,
    END,
    HOUR,
    INSPECTOR,
    LEADER,
    MATTER,
    PUBLIC_KEY,
    RULES,
    START,
    SYSTEM,
    UNIT_LEADER,
    UNIT_WORKER,
    VILLAGE_LEADER,
    VILLAGE_WORKER,
    WORKER,
    concluded,
    found,
    measure,
    measured,
    objected,
    posted,
    published,
    publishing,
    step,
    verifying,
)

LATER = START + 30 * DAY
OK, BAD = Verdict.COMPLIANT, Verdict.NOT_COMPLIANT


def refuse(
    matter: Matter, what: Step, actor: Actor, at: datetime, rule: str, rules: RuleSet = RULES
) -> str:
    """The Chinese text of the refusal, which is of that rule."""
    with pytest.raises(RuleViolation) as caught:
        apply(matter, what, actor, at, rules)
    assert caught.value.rule == rule
    return caught.value.message_zh


def in_state(state: State) -> Matter:
    makers: dict[State, Callable[[], Matter]] = {
        State.NOTIFIED: lambda: MATTER,
        State.VERIFYING: verifying,
        State.DISPUTED: lambda: step(verifying(), dispute(), WORKER, START + 2 * HOUR),
        State.COMPLIANT: lambda: found(OK),
        State.NOT_COMPLIANT: lambda: found(BAD),
        State.MEASURED: measured,
        State.PUBLISHING: publishing,
        State.OBJECTED: objected,
        State.PUBLISHED: published,
        State.WITHDRAWN: lambda: step(publishing(), withdraw(), SYSTEM, START + DAY),
    }
    made = makers[state]()
    assert made.state is state
    return made


def dispute() -> Because:
    return Because(Event.DISPUTE, "通知与本单位记录不符")


def withdraw() -> Because:
    return Because(Event.WITHDRAW, "申报已更正")


# --- words --------------------------------------------------------------------------------------


def test_R39_a_new_matter_waits_to_be_verified_and_accuses_nobody() -> None:
    assert MATTER.state == "待核查"
    words = "".join((*State, *Event))
    assert not re.search("违规|违纪|违法|嫌疑|问题", words)


def test_R38_the_matter_shows_no_name_when_printed() -> None:
    assert MATTER.official_name not in repr(MATTER)


# --- who and in which order -----------------------------------------------------------------------


def every_step(matter: Matter, at: datetime) -> list[Step]:
    """One step of each event, as good as the matter allows."""
    steps: list[Step] = [
        Inform(Recipient.OFFICIAL, "回执1"),
        Take(),
        concluded(matter, OK, at, because="补充材料后复核"),
        concluded(matter, BAD, at, because="补充材料后复核"),
        TakeMeasure(measure(china_day(at))),
        Post(Place.VILLAGE, b"\1" * 32),
        TakeDown(Place.VILLAGE),
        Complete(),
        Object("异议2018-9"),
        *(Because(e, "说明原因") for e in (Event.DISPUTE, Event.CONFIRM, Event.WITHDRAW)),
        Because(Event.REVIVE, "说明原因"),
    ]
    assert {one.event for one in steps} == set(Event)
    return steps


RIGHT_ACTOR = {
    Event.INFORM: UNIT_WORKER,
    Event.TAKE: WORKER,
    Event.FIND_COMPLIANT: LEADER,
    Event.FIND_NOT_COMPLIANT: LEADER,
    Event.MEASURE: LEADER,
    Event.POST: VILLAGE_LEADER,
    Event.TAKE_DOWN: VILLAGE_LEADER,
    Event.COMPLETE: SYSTEM,
    Event.OBJECT: VILLAGE_WORKER,
    Event.DISPUTE: WORKER,
    Event.CONFIRM: INSPECTOR,
    Event.WITHDRAW: SYSTEM,
    Event.REVIVE: SYSTEM,
}


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
