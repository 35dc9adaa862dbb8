"""Who must report (R1 to R6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.relations import Relation
from services.rules.declaration import Declaration, persons_to_match
from services.rules.reporting import (
    VILLAGE_POSTS,
    Exemption,
    Level,
    Obligation,
    Person,
    Post,
    grant_exemption,
    must_report,
)
from services.rules.ruleset import RuleSet
from services.rules.units import TOWNSHIP_KINDS
from tests.rules_samples import DAY, RULES, TREE, number, refusal, relative, reporter


def duty(unit: str, post: Post = Post.SECTION, rules: RuleSet = RULES, **facts: Any) -> Obligation:
    return must_report(Person(unit, post, **facts), TREE, rules, DAY)


@pytest.mark.parametrize(
    "unit", ["jiwei", "nongwei", "nongji", "fulian", "qixiang", "mawu-sifasuo"]
)
@pytest.mark.parametrize("facts", [{"party_member": True}, {"cadre": True}])
def test_R1_party_members_and_cadres_of_the_district_report(
    unit: str, facts: dict[str, Any]
) -> None:
    assert duty(unit, **facts) == Obligation(True, "R1", "党员、干部须申报")


def test_R1_who_is_neither_member_nor_cadre_does_not_report() -> None:
    assert not duty("nongwei", level=Level.MIDDLE_MANAGER).due


@pytest.mark.parametrize("unit", ["zhongxue", "yiyuan"])
@pytest.mark.parametrize("level", list(Level))
def test_R2_of_schools_and_hospitals_main_managers_only(unit: str, level: Level) -> None:
    got = duty(unit, level=level, party_member=True, cadre=True)
    assert (got.due, got.rule) == (level is Level.MAIN_MANAGER, "R2")


@pytest.mark.parametrize("unit", ["jituan", "zigongsi"])
@pytest.mark.parametrize(
    ("level", "member", "due"),
    [
        (Level.MIDDLE_MANAGER, False, True),
        (Level.MAIN_MANAGER, False, True),
        (Level.ORDINARY, True, True),
        (Level.ORDINARY, False, False),
    ],
)
def test_R3_enterprises_middle_managers_and_every_party_member(
    unit: str, level: Level, member: bool, due: bool
) -> None:
    got = duty(unit, level=level, party_member=member)
    assert (got.due, got.rule) == (due, "R3")


def test_R3_other_reading_leaves_out_ordinary_party_members() -> None:
    rules = replace(RULES, enterprise_all_party_members=False)
    assert not duty("jituan", rules=rules, party_member=True).due
    assert duty("jituan", rules=rules, party_member=True, level=Level.MIDDLE_MANAGER).due
    assert duty("jituan", rules=rules, cadre=True, level=Level.MIDDLE_MANAGER).due
    assert not duty("jituan", rules=rules, level=Level.MIDDLE_MANAGER).due


@pytest.mark.parametrize("unit", ["mawu", "lizhi", "mawu-wenhua"])
def test_R4_townships_and_streets_with_their_institutions(unit: str) -> None:
    assert (duty(unit, party_member=True).due, duty(unit, party_member=True).rule) == (True, "R4")
    assert not duty(unit).due


@pytest.mark.parametrize("unit", ["shiba", "xinmin"])
@pytest.mark.parametrize("post", sorted(VILLAGE_POSTS))
def test_R5_village_cadres_group_heads_and_supported_staff(unit: str, post: Post) -> None:
    assert (duty(unit, post).due, duty(unit, post).rule) == (True, "R5")


def test_R5_other_villagers_do_not_report_though_party_members() -> None:
    assert not duty("shiba", party_member=True).due


def test_R5_village_posts_exist_in_villages_alone() -> None:
    refusal("R5", duty, "nongwei", Post.GROUP_HEAD)


LEADER = Person("nongwei", Post.PARTY_HEAD, Level.MAIN_MANAGER, True, True, city_managed=True)
EXEMPTION = Exemption("市管干部由市里统一申报", DAY, DAY + timedelta(days=100))


def test_R6_exempt_leader_need_not_report_until_the_end() -> None:
    exempt = grant_exemption(LEADER, EXEMPTION, TREE, RULES)
    on_last_day = must_report(exempt, TREE, RULES, EXEMPTION.valid_to)
    assert (on_last_day.due, on_last_day.rule, on_last_day.exemption) == (False, "R6", EXEMPTION)
    assert EXEMPTION.reason in on_last_day.reason_zh
    assert must_report(exempt, TREE, RULES, EXEMPTION.valid_to + timedelta(days=1)).due
    assert must_report(exempt, TREE, RULES, DAY - timedelta(days=1)).due


def test_R6_who_need_not_report_anyway_is_not_called_exempt() -> None:
    teacher = Person("zhongxue", Post.SECTION, party_member=True, city_managed=True)
    exempt = grant_exemption(teacher, EXEMPTION, TREE, RULES)
    assert must_report(exempt, TREE, RULES, DAY).rule == "R2"


def test_R6_city_managed_leader_without_exemption_reports_and_the_gap_is_told() -> None:
    got = must_report(LEADER, TREE, RULES, DAY)
    assert got.due
    assert "没有在有效期内的免报记录" in got.reason_zh


def test_R6_exemption_ends_with_the_rules_that_admit_it() -> None:
    exempt = grant_exemption(LEADER, EXEMPTION, TREE, RULES)
    later = replace(RULES, city_managed_exempt=False)
    assert must_report(exempt, TREE, later, DAY).due
    refusal("R6", grant_exemption, LEADER, EXEMPTION, TREE, later)


def test_R6_note_of_annex_1_does_not_reach_townships() -> None:
    township = replace(LEADER, unit="mawu")
    refusal("R6", grant_exemption, township, EXEMPTION, TREE, RULES)
    wider = replace(RULES, exempt_outside_annex_1=True)
    assert not must_report(grant_exemption(township, EXEMPTION, TREE, wider), TREE, wider, DAY).due


def test_R6_exemption_has_reason_and_end_and_is_for_city_managed_alone() -> None:
    refusal("R6", Exemption, " ", DAY, DAY)
    refusal("R6", Exemption, "理由", DAY, DAY - timedelta(days=1))
    refusal("R6", Person, "nongwei", Post.SECTION, exemptions=(EXEMPTION,))
    for days, allowed in ((365, True), (366, False)):
        long = Exemption("理由", DAY, DAY + timedelta(days=days))
        if allowed:
            assert grant_exemption(LEADER, long, TREE, RULES).exemptions == (long,)
        else:
            refusal("R6", grant_exemption, LEADER, long, TREE, RULES)


def test_R6_exempt_leader_is_matched_as_somebodys_relative() -> None:
    exempt = grant_exemption(LEADER, EXEMPTION, TREE, RULES)
    assert not must_report(exempt, TREE, RULES, DAY).due
    sister = Declaration(reporter(), (relative(9),))
    assert (number(9), Relation.SIBLING) in persons_to_match(sister, RULES)


PEOPLE = st.builds(
    Person,
    st.sampled_from([unit.name for unit in TREE.units(DAY)]),
    st.sampled_from(sorted(set(Post) - VILLAGE_POSTS - {Post.INSTITUTION_HEAD})),
    st.sampled_from(list(Level)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(PEOPLE, st.dates(date(2018, 1, 1), date(2030, 1, 1)))
def test_R1_to_R6_joining_the_party_or_rising_never_ends_a_duty(person: Person, on: date) -> None:
    before = must_report(person, TREE, RULES, on)
    after = must_report(replace(person, party_member=True, cadre=True), TREE, RULES, on)
    higher = must_report(replace(person, level=Level.MAIN_MANAGER), TREE, RULES, on)
    assert after.due >= before.due
    assert higher.due >= before.due


@given(PEOPLE, st.integers(0, 400), st.integers(0, 365))
def test_R6_exemption_lifts_the_duty_on_its_days_and_no_other(
    person: Person, start: int, length: int
) -> None:
    leader = replace(person, city_managed=True, party_member=True, exemptions=())
    first = DAY + timedelta(days=start)
    exemption = Exemption("理由", first, first + timedelta(days=length))
    if TREE.receiver(person.unit, first).kind in TOWNSHIP_KINDS:
        return
    exempt = grant_exemption(leader, exemption, TREE, RULES)
    for day in (first, exemption.valid_to):
        assert not must_report(exempt, TREE, RULES, day).due
    for day in (first - timedelta(days=1), exemption.valid_to + timedelta(days=1)):
        assert (
            must_report(exempt, TREE, RULES, day).due == must_report(leader, TREE, RULES, day).due
        )
