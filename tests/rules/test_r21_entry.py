"""From draft to reviewed: no entry before the signature, two persons (R19, R21, R31, R56)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.rules import entry
from services.rules.accounts import Account
from services.rules.content import declaration_digest
from services.rules.declaration import Declaration, TruthPledge
from services.rules.entry import TRANSITIONS, Course, Event, State
from services.rules.readings import OpinionBox
from services.rules.reporting import Person, Post
from services.rules.roles import Role
from services.rules.signing import signing_right
from tests.rules_samples import DAY, RULES, TREE, account, number, refusal, relative, reporter

FORM = Declaration(reporter(), (relative(1),))
DIGEST = declaration_digest(FORM)
OTHER = bytes(32)
RIGHT = signing_right(Person("nongwei", Post.SECTION), TREE, RULES, DAY)
PLEDGE = TruthPledge("甲某", DAY)
SIGNER = account(Role.LEADER_IN_CHARGE, person=10)
WORKER = account(Role.WORKER, person=11)
LEADER = account(Role.RESPONSIBLE_LEADER, person=12)

DRAFT = Course(number(0), "nongwei", DIGEST)
PLEDGED = entry.pledge(DRAFT, FORM, PLEDGE, DAY)
SIGNED = entry.sign(PLEDGED, RIGHT, SIGNER, DIGEST, DAY, RULES)
ENTERED = entry.enter(SIGNED, WORKER, DIGEST)
REVIEWED = entry.review(ENTERED, LEADER)

STAGES = {course.state: course for course in (DRAFT, PLEDGED, SIGNED, ENTERED, REVIEWED)}
STEPS: dict[Event, Callable[[Course], Course]] = {
    Event.REVISE: lambda course: entry.revise(course, OTHER),
    Event.PLEDGE: lambda course: entry.pledge(course, FORM, PLEDGE, DAY),
    Event.SIGN: lambda course: entry.sign(course, RIGHT, SIGNER, DIGEST, DAY, RULES),
    Event.ENTER: lambda course: entry.enter(course, WORKER, DIGEST),
    Event.REVIEW: lambda course: entry.review(course, LEADER),
    Event.HAND_BACK: lambda course: entry.hand_back(course, whose_turn(course), "请补充", RIGHT),
}


def whose_turn(course: Course) -> Account:
    return {State.PLEDGED: SIGNER, State.SIGNED: WORKER}.get(course.state, LEADER)


def test_R21_declaration_goes_from_pledge_to_signature_to_entry_to_review() -> None:
    assert list(STAGES) == list(State)
    assert REVIEWED.opinion is not None
    assert (REVIEWED.opinion.account, REVIEWED.opinion.digest) == ("login-10", DIGEST)
    assert (REVIEWED.entered_by, REVIEWED.reviewed_by) == (WORKER, LEADER)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_R21_every_step_out_of_order_is_refused_and_leaves_the_course(
    state: State, event: Event
) -> None:
    course, step = STAGES[state], STEPS[event]
    if (state, event) in TRANSITIONS:
        assert step(course).state is TRANSITIONS[state, event]
        return
    rule = {Event.SIGN: "R21", Event.ENTER: "R21", Event.PLEDGE: "R19", Event.REVISE: "R20"}
    refused = refusal(rule.get(event, "R31"), step, course)
    assert f"当前状态为“{state}”" in refused.message_zh
    possible = [e for s, e in TRANSITIONS if s is state]
    assert all(e in refused.message_zh and e.name in str(refused) for e in possible)
    assert possible or "R20" in refused.message_zh
    assert course == STAGES[state]


def test_R21_no_entry_before_the_signature() -> None:
    for course in (DRAFT, PLEDGED):
        refusal("R21", entry.enter, course, WORKER, DIGEST)


def test_R21_altered_content_is_neither_signed_nor_entered() -> None:
    refusal("R21", entry.sign, PLEDGED, RIGHT, SIGNER, OTHER, DAY, RULES)
    refusal("R21", entry.enter, SIGNED, WORKER, OTHER)


@pytest.mark.parametrize("course", [PLEDGED, SIGNED])
def test_R19_revised_content_needs_pledge_and_signature_anew(course: Course) -> None:
    revised = entry.revise(course, OTHER)
    assert revised == Course(course.official, course.unit, OTHER)


def test_R20_what_was_entered_is_never_altered() -> None:
    for course in (ENTERED, REVIEWED):
        refusal("R20", entry.revise, course, OTHER)
    assert "R20" in refusal("R31", STEPS[Event.HAND_BACK], REVIEWED).message_zh


def test_R21_opinion_is_not_dated_before_the_pledge() -> None:
    early = DAY - timedelta(days=1)
    refusal("R21", entry.sign, PLEDGED, RIGHT, SIGNER, DIGEST, early, RULES)


def test_R19_incomplete_or_unsigned_form_is_not_pledged() -> None:
    gaps = replace(FORM, reporter=reporter(work=""))
    refusal("R17", entry.pledge, DRAFT, gaps, PLEDGE, DAY)
    refusal("R19", entry.pledge, DRAFT, FORM, TruthPledge("", DAY), DAY)
    with pytest.raises(ValueError, match="somebody else"):
        entry.pledge(replace(DRAFT, official=number(8)), FORM, PLEDGE, DAY)


def test_R24_official_does_not_sign_his_own_declaration() -> None:
    himself = account(Role.LEADER_IN_CHARGE, person=0)
    refusal("R24", entry.sign, PLEDGED, RIGHT, himself, DIGEST, DAY, RULES)
    own = account(Role.OFFICIAL, person=10)
    refusal("R24", entry.sign, PLEDGED, RIGHT, SIGNER, DIGEST, DAY, RULES, own=own)


def test_R23_responsible_leader_signs_too_where_the_box_is_read_so() -> None:
    rules = replace(RULES, opinion_box=OpinionBox.RESPONSIBLE_LEADER)
    refusal("R23", entry.sign, PLEDGED, RIGHT, SIGNER, DIGEST, DAY, rules)
    signed = entry.sign(PLEDGED, RIGHT, SIGNER, DIGEST, DAY, rules, box=LEADER)
    assert signed.state is State.SIGNED


def test_R31_worker_of_the_unit_enters_and_its_leader_reviews() -> None:
    refusal("R31", entry.enter, SIGNED, LEADER, DIGEST)
    refusal("R31", entry.review, ENTERED, account(Role.WORKER, person=13))
    refusal("R13", entry.enter, SIGNED, account(Role.WORKER, unit="mawu", person=11), DIGEST)
    refusal("R13", entry.review, ENTERED, account(Role.RESPONSIBLE_LEADER, unit="mawu"))


def test_R31_who_entered_does_not_review_with_another_account() -> None:
    second = replace(LEADER, person=WORKER.person)
    refusal("R31", entry.review, ENTERED, second)


def test_R31_handing_back_voids_what_was_signed_and_needs_a_reason() -> None:
    for course in (PLEDGED, SIGNED, ENTERED):
        back = entry.hand_back(course, whose_turn(course), "号码有误", RIGHT)
        assert back == DRAFT
        refusal("R31", entry.hand_back, course, whose_turn(course), " ", RIGHT)


def test_R31_only_who_has_it_hands_it_back() -> None:
    refusal("R22", entry.hand_back, PLEDGED, WORKER, "理由", RIGHT)
    refusal("R22", entry.hand_back, PLEDGED, replace(SIGNER, unit="mawu"), "理由", RIGHT)
    refusal("R31", entry.hand_back, SIGNED, SIGNER, "理由", RIGHT)
    refusal("R31", entry.hand_back, ENTERED, WORKER, "理由", RIGHT)
    refusal("R13", entry.hand_back, ENTERED, replace(LEADER, unit="mawu"), "理由", RIGHT)


def test_R56_discipline_staff_do_not_enter() -> None:
    refusal("R56", entry.enter, SIGNED, replace(WORKER, discipline=True), DIGEST)


def test_R21_no_state_is_made_up() -> None:
    for state in set(State) - {State.DRAFT}:
        with pytest.raises(ValueError, match="what led to it"):
            replace(DRAFT, state=state)
    for course in (PLEDGED, SIGNED, ENTERED, REVIEWED):
        with pytest.raises(ValueError, match="nothing beyond"):
            replace(course, state=State.DRAFT)


def test_R21_digest_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Course(number(0), "nongwei", b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        entry.enter(SIGNED, WORKER, DIGEST[:16])
