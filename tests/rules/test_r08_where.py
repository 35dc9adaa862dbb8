"""Where each person reports (R8 to R13)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.figures import DeclarationFact, figures_of_district, figures_per_unit
from services.rules.readings import HostReading, OutpostedReceiver
from services.rules.reporting import Person, Post, Receivers, receivers, require_receiver
from services.rules.ruleset import RuleSet
from tests.rules_samples import DAY, RULES, TREE, refusal


def where(unit: str, post: Post = Post.SECTION, rules: RuleSet = RULES) -> Receivers:
    return receivers(Person(unit, post, party_member=True), TREE, rules, DAY)


@pytest.mark.parametrize("unit", ["jiwei", "nongwei", "fulian", "qixiang", "jituan", "mawu"])
def test_R8_default_is_the_own_unit(unit: str) -> None:
    assert where(unit) == Receivers("R8", (unit,))


@pytest.mark.parametrize(
    ("unit", "superior"),
    [
        ("nongji", "nongwei"),
        ("nongji-zhan", "nongwei"),
        ("zhongxue", "jiaowei"),
        ("yiyuan", "jiaowei"),
        ("zigongsi", "jituan"),
        ("mawu-wenhua", "mawu"),
    ],
)
def test_R9_subordinate_institutions_report_to_the_superior(unit: str, superior: str) -> None:
    assert where(unit) == Receivers("R9", (superior,))


def test_R9_head_of_a_subordinate_institution_belongs_to_one() -> None:
    refusal("R9", where, "nongwei", Post.INSTITUTION_HEAD)


def test_R10_outposted_body_reports_to_department_and_township() -> None:
    two = where("mawu-sifasuo")
    assert two == Receivers("R10", ("sifa", "mawu"))
    assert two.principal == "sifa"


def test_R10_is_complete_only_when_both_have_it() -> None:
    two = where("mawu-sifasuo")
    assert two.missing([]) == ("sifa", "mawu")
    assert two.missing(["mawu"]) == ("sifa",)
    assert two.missing(["lizhi", "sifa"]) == ("mawu",)
    assert two.missing(["mawu", "sifa"]) == ()


def test_R10_two_copies_are_one_person() -> None:
    facts = [DeclarationFact("p1", "sifa", DAY, DAY), DeclarationFact("p1", "mawu", DAY)]
    per_unit = figures_per_unit(["sifa", "mawu"], facts, [], DAY)
    assert [figures.filed for figures in per_unit] == [1, 0]
    for copies in (facts, facts[::-1]):
        district = figures_of_district(copies, [], DAY)
        assert (district.expected, district.filed) == (1, 0)
    both = figures_of_district([facts[0], replace(facts[1], filed_on=DAY)], [], DAY)
    assert (both.expected, both.filed) == (1, 1)


def test_R10_other_reading_sends_it_to_the_body_itself() -> None:
    rules = replace(RULES, outposted_first_receiver=OutpostedReceiver.BODY)
    assert where("mawu-sifasuo", rules=rules).required == ("mawu-sifasuo", "mawu")


def test_R11_stationed_group_reports_to_the_principal_host_and_others_get_copies() -> None:
    group = where("jijianzu-1")
    assert group == Receivers("R11", ("nongwei",), ("sifa", "qixiang"))
    assert group.missing(["nongwei"]) == ()


def test_R11_other_reading_asks_every_host() -> None:
    group = where("jijianzu-1", rules=replace(RULES, stationed_hosts=HostReading.ALL))
    assert group == Receivers("R11", ("nongwei", "sifa", "qixiang"))


@pytest.mark.parametrize(("unit", "township"), [("shiba", "mawu"), ("xinmin", "lizhi")])
def test_R12_villages_and_communities_report_to_township_or_street(
    unit: str, township: str
) -> None:
    assert where(unit, Post.GROUP_HEAD) == Receivers("R12", (township,))


def test_R13_each_unit_holds_its_own_people() -> None:
    group = where("jijianzu-1")
    require_receiver("nongwei", group)
    require_receiver("sifa", group)
    assert "nongwei" in refusal("R13", require_receiver, "jiaowei", group).message_zh


@given(st.sampled_from([unit.name for unit in TREE.units(DAY)]))
def test_R8_to_R12_everybody_reports_to_units_with_a_database(unit: str) -> None:
    receiving = {u.name for u in TREE.receiving_units(DAY)}
    post = Post.SUPPORTED if unit in ("shiba", "xinmin") else Post.SECTION
    to = where(unit, post)
    assert set(to.required + to.copies) <= receiving
    assert to.missing(to.required) == ()


def test_R8_receivers_are_named_once() -> None:
    with pytest.raises(ValueError, match="named once"):
        Receivers("R8", ("a",), ("a",))
    with pytest.raises(ValueError, match="at least one"):
        Receivers("R8", ())
