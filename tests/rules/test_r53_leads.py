"""Leads: who deals with them, on which grounds, and how they end (R53, R54)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from libmatch.china_time import CHINA
from libmatch.errors import EncodingError
from services.rules.leads import (
    Authority,
    Concern,
    Disposal,
    Gravity,
    Ground,
    Lead,
    LeadState,
    Nature,
    Organ,
    Source,
    dispose,
    may_read,
    note_correction,
    press,
    register_lead,
    route,
    take_over,
)
from services.rules.matter_facts import Actor
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

RULES = RuleSet()
FOUND = datetime(2018, 10, 8, 9, tzinfo=CHINA)
AT = FOUND + timedelta(days=2)
DUE = date(2019, 1, 8)
INSPECTOR = Actor("i-1", "郑六", "jiwei", Role.INSPECTOR)
HEAD = Actor("h-1", "何七", "baitao", Role.DISCIPLINE_HEAD)
ORGAN = Actor("d-1", "吕八", "baitao", Role.DISCIPLINE_ORGAN)
CONCERN = Concern(
    Ground.UNTRUE_REPORT, Source.CONSISTENCY, Authority.VILLAGE, "baitao", "baitao", False, FOUND
)


def lead_of(concern: Concern = CONCERN) -> Lead:
    return register_lead(bytes(16), concern, ORGAN, AT, RULES)


def disposed(lead: Lead, nature: Nature | None, disposal: Disposal = Disposal.FIRST_FORM) -> Lead:
    actor = HEAD if lead.organ_unit else INSPECTOR
    return dispose(lead, disposal, nature, "谈话核实", actor, AT)


def refused(error: pytest.ExceptionInfo[RuleViolation], rule: str, words: str) -> None:
    assert error.value.rule == rule
    assert words in error.value.message_zh


# --- by cadre authority ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authority", "organ", "of_discipline_staff"),
    [
        (Authority.CITY, Organ.CITY_COMMISSION, Organ.CITY_COMMISSION),
        (Authority.DISTRICT, Organ.DISTRICT_COMMISSION, Organ.DISTRICT_COMMISSION),
        (Authority.UNIT, Organ.UNIT_ORGAN, Organ.DISTRICT_COMMISSION),
        (Authority.TOWNSHIP, Organ.TOWNSHIP_COMMISSION, Organ.DISTRICT_COMMISSION),
        (Authority.VILLAGE, Organ.TOWNSHIP_COMMISSION, Organ.DISTRICT_COMMISSION),
    ],
)
def test_R53_leads_go_by_cadre_authority_and_never_to_oneself(
    authority: Authority, organ: Organ, of_discipline_staff: Organ
) -> None:
    assert route(authority, discipline=False) is organ
    assert route(authority, discipline=True) is of_discipline_staff


def test_R53_a_registered_lead_is_assigned_and_due() -> None:
    lead = lead_of()
    assert (lead.state, lead.organ, lead.organ_unit, lead.due_on) == (
        LeadState.ASSIGNED,
        Organ.TOWNSHIP_COMMISSION,
        "baitao",
        DUE,
    )
    assert lead_of(replace(CONCERN, authority=Authority.DISTRICT)).organ_unit == ""
    assert not lead.is_overdue(DUE)
    assert lead.is_overdue(DUE + timedelta(days=1))
    assert not disposed(lead, Nature.OMISSION).is_overdue(DUE + timedelta(days=1))


@pytest.mark.parametrize(
    "role", [Role.WORKER, Role.RESPONSIBLE_LEADER, Role.PARTY_HEAD, Role.ORGANISATION_DEPARTMENT]
)
def test_R53_leads_are_registered_by_discipline_organs(role: Role) -> None:
    with pytest.raises(RuleViolation) as caught:
        register_lead(bytes(16), CONCERN, replace(ORGAN, role=role), AT, RULES)
    assert caught.value.rule == "R53"


def test_R53_the_district_commission_presses() -> None:
    pressed = press(lead_of(), date(2018, 11, 1), INSPECTOR, AT)
    assert (pressed.state, pressed.due_on) == (LeadState.PRESSED, date(2018, 11, 1))
    assert press(pressed, date(2018, 10, 20), INSPECTOR, AT).due_on == date(2018, 10, 20)
    for day in (date(2018, 10, 10), DUE):  # today, and the day it had
        assert press(lead_of(), day, INSPECTOR, AT).due_on == day
    for day in (date(2018, 10, 9), date(2019, 1, 9)):
        with pytest.raises(RuleViolation) as caught:
            press(lead_of(), day, INSPECTOR, AT)
        refused(caught, "R53", "2019-01-08")
    with pytest.raises(RuleViolation) as caught:
        press(lead_of(), date(2018, 11, 1), HEAD, AT)
    refused(caught, "R53", "区纪委")


@pytest.mark.parametrize("gravity", Gravity)
def test_R53_the_district_commission_takes_grave_ones_itself(gravity: Gravity) -> None:
    taken = take_over(lead_of(), gravity, INSPECTOR)
    assert (taken.state, taken.organ, taken.organ_unit, taken.gravity) == (
        LeadState.TAKEN_OVER,
        Organ.DISTRICT_COMMISSION,
        "",
        gravity,
    )
    with pytest.raises(RuleViolation):
        dispose(taken, Disposal.FIRST_FORM, Nature.OMISSION, "谈话核实", HEAD, AT)
    assert disposed(taken, Nature.OMISSION).state is LeadState.DISPOSED


def test_R53_only_the_district_commission_takes_over_and_only_from_below() -> None:
    with pytest.raises(RuleViolation):
        take_over(lead_of(), Gravity.VILE, HEAD)
    for authority in (Authority.CITY, Authority.DISTRICT):
        with pytest.raises(RuleViolation) as caught:
            take_over(lead_of(replace(CONCERN, authority=authority)), Gravity.VILE, INSPECTOR)
        refused(caught, "R53", "无须提级")


def test_R53_the_organ_that_has_a_lead_disposes_of_it() -> None:
    foreign = [replace(HEAD, unit="minzheng"), INSPECTOR, ORGAN, replace(HEAD, role=Role.WORKER)]
    for actor in foreign:
        with pytest.raises(RuleViolation) as caught:
            dispose(lead_of(), Disposal.FIRST_FORM, Nature.OMISSION, "谈话核实", actor, AT)
        assert caught.value.rule == "R53"
    of_district = lead_of(replace(CONCERN, authority=Authority.DISTRICT))
    with pytest.raises(RuleViolation):
        dispose(of_district, Disposal.FIRST_FORM, Nature.OMISSION, "谈话核实", HEAD, AT)


def test_R53_a_lead_is_seen_by_its_organ_and_the_district_commission() -> None:
    lead = lead_of()
    assert all(may_read(lead, actor) for actor in (HEAD, ORGAN, INSPECTOR))
    for actor in (replace(ORGAN, unit="minzheng"), replace(ORGAN, role=Role.RESPONSIBLE_LEADER)):
        assert not may_read(lead, actor)
    taken = take_over(lead, Gravity.SERIOUS, INSPECTOR)
    assert not may_read(taken, HEAD)
    assert not may_read(taken, replace(HEAD, unit=""))


def test_R53_what_is_disposed_of_stays_so() -> None:
    done = disposed(lead_of(), Nature.OMISSION)
    with pytest.raises(RuleViolation):
        disposed(done, Nature.OMISSION)
    with pytest.raises(RuleViolation):
        press(done, date(2018, 11, 1), INSPECTOR, AT)
    with pytest.raises(RuleViolation):
        take_over(done, Gravity.VILE, INSPECTOR)
    with pytest.raises(RuleViolation):
        note_correction(done, FOUND, HEAD, AT)


# --- grounds and ends -----------------------------------------------------------------------------


def test_R54_the_grounds_are_the_closed_list() -> None:
    assert "/".join(Ground) == (
        "不如实报告亲属信息/不说明/不如实说明/以权谋私、优亲厚友/工作懈怠/核查不严/泄露信息"
    )


@pytest.mark.parametrize("disposal", Disposal)
def test_R54_a_lead_ends_by_one_of_the_four_forms_or_as_unfounded(disposal: Disposal) -> None:
    nature = None if disposal is Disposal.UNFOUNDED else Nature.OMISSION
    done = disposed(lead_of(), nature, disposal)
    assert done.state is LeadState.DISPOSED
    assert done.conclusion is not None
    assert (done.conclusion.disposal, done.conclusion.signed_by) == (disposal, "h-1")


def test_R54_self_correction_before_discovery_is_an_omission_and_no_concealment() -> None:
    before = note_correction(lead_of(), FOUND - timedelta(seconds=1), HEAD, AT)
    assert before.is_self_corrected
    with pytest.raises(RuleViolation) as caught:
        disposed(before, Nature.CONCEALMENT)
    refused(caught, "R54", "漏报")
    assert disposed(before, Nature.OMISSION).conclusion is not None


@pytest.mark.parametrize("corrected_at", [FOUND, FOUND + timedelta(days=1)])
def test_R54_a_correction_after_discovery_may_still_be_a_concealment(
    corrected_at: datetime,
) -> None:
    after = note_correction(lead_of(), corrected_at, ORGAN, AT)
    assert not after.is_self_corrected
    assert disposed(after, Nature.CONCEALMENT).conclusion is not None


def test_R54_the_earliest_correction_counts() -> None:
    earlier, later = FOUND - timedelta(days=3), FOUND + timedelta(days=1)
    for first, second in ((earlier, later), (later, earlier)):
        lead = note_correction(note_correction(lead_of(), first, HEAD, AT), second, HEAD, AT)
        assert lead.corrected_at == earlier


def test_R53_what_is_found_and_corrected_now_is_in_time() -> None:
    at_once = replace(CONCERN, discovered_at=AT)
    assert note_correction(lead_of(at_once), AT, HEAD, AT).corrected_at == AT


def test_R54_corrections_lie_in_the_past_and_are_noted_by_the_organ() -> None:
    with pytest.raises(RuleViolation) as caught:
        note_correction(lead_of(), AT + timedelta(seconds=1), HEAD, AT)
    refused(caught, "R54", "不能晚于")
    with pytest.raises(RuleViolation):
        note_correction(lead_of(), FOUND, replace(HEAD, unit="minzheng"), AT)


def test_R54_an_untrue_report_is_an_omission_or_a_concealment_and_nothing_else_is() -> None:
    with pytest.raises(RuleViolation) as caught:
        disposed(lead_of(), None)
    refused(caught, "R54", "漏报或瞒报")
    with pytest.raises(RuleViolation):
        disposed(lead_of(), Nature.OMISSION, Disposal.UNFOUNDED)
    for ground in set(Ground) - {Ground.UNTRUE_REPORT}:
        lead = lead_of(replace(CONCERN, ground=ground))
        with pytest.raises(RuleViolation):
            disposed(lead, Nature.OMISSION)
        assert disposed(lead, None).state is LeadState.DISPOSED


def test_R54_an_end_says_on_what_it_rests() -> None:
    with pytest.raises(RuleViolation) as caught:
        dispose(lead_of(), Disposal.FIRST_FORM, Nature.OMISSION, "", HEAD, AT)
    refused(caught, "R54", "处置依据")


def test_R53_values_refuse_wrong_ids_and_times() -> None:
    with pytest.raises(EncodingError):
        register_lead(b"short", CONCERN, ORGAN, AT, RULES)
    with pytest.raises(ValueError, match="after it was discovered"):
        register_lead(bytes(16), CONCERN, ORGAN, FOUND - timedelta(seconds=1), RULES)
    with pytest.raises(ValueError, match="after it was assigned"):
        dispose(lead_of(), Disposal.FIRST_FORM, Nature.OMISSION, "谈话核实", HEAD, FOUND)
