"""Random checks within units and over the district (R51, R52)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.sampling import Draw, Plan, Reveal, SampleError, add_commitment, add_reveal, commit
from services.rules.checks import (
    Check,
    CheckKind,
    CheckResult,
    CheckVerdict,
    Quota,
    add_result,
    begin_check,
    cover,
    district_quotas,
    require_finished,
    results_due_on,
    unit_quotas,
)
from services.rules.matter_facts import Actor
from services.rules.readings import DistrictCheckScope, UnitCheckScope
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

RULES = RuleSet()
CHECKER = Actor("d-1", "何七", "shuiwu", Role.DISCIPLINE_ORGAN)
INSPECTOR = Actor("i-1", "郑六", "jiwei", Role.INSPECTOR)
DECLARATIONS = [f"declaration-{n}".encode() for n in range(11)]
MATTERS = [f"matter-{n}".encode() for n in range(4)]
PARTIES = ("区水务局党组", "派驻纪检组")


def finished(plan: Plan) -> Draw:
    draw = Draw(plan)
    reveals = [Reveal(party, party.encode()[:8].ljust(32, b"."), b"7") for party in plan.parties]
    for reveal in reveals:
        draw = add_commitment(draw, reveal.party, commit(plan, reveal))
    for reveal in reveals:
        draw = add_reveal(draw, reveal)
    return draw


def unit_quota(rules: RuleSet = RULES) -> Quota:
    return unit_quotas("shuiwu", 2018, DECLARATIONS, MATTERS, rules)[0]


def district_quota() -> Quota:
    (quota,) = district_quotas(2018, {"shuiwu": MATTERS}, RULES)
    return quota


def begun() -> Check:
    quota = unit_quota()
    return begin_check(quota, finished(quota.plan(PARTIES)), CHECKER)


def result_of(item: bytes) -> CheckResult:
    return CheckResult(item, CheckVerdict.IN_ORDER, "核对户籍和申报材料", "d-1", date(2018, 12, 1))


# --- how many -----------------------------------------------------------------------------------


def test_R51_thirty_percent_of_the_declarations_and_of_the_matters_each_rounded_up() -> None:
    quotas = unit_quotas("shuiwu", 2018, DECLARATIONS, MATTERS, RULES)
    assert [(quota.kind, quota.count) for quota in quotas] == [
        (CheckKind.UNIT_DECLARATIONS, 4),  # 3.3
        (CheckKind.UNIT_MATTERS, 2),  # 1.2
    ]


def test_R51_or_of_both_together_where_the_rules_say_so() -> None:
    rules = RuleSet(unit_check_scope=UnitCheckScope.TOGETHER)
    (quota,) = unit_quotas("shuiwu", 2018, DECLARATIONS, MATTERS, rules)
    assert (quota.kind, quota.count) == (CheckKind.UNIT_BOTH, 5)  # 4.5


def test_R51_nothing_is_drawn_from_nothing() -> None:
    kinds = [quota.kind for quota in unit_quotas("shuiwu", 2018, DECLARATIONS, [], RULES)]
    assert kinds == [CheckKind.UNIT_DECLARATIONS]
    assert unit_quotas("shuiwu", 2018, [], [], RULES) == ()
    assert district_quotas(2018, {"shuiwu": []}, RULES) == ()


def test_R52_ten_percent_of_the_district_s_matters_rounded_up() -> None:
    matters = {"shuiwu": [b"a", b"b"], "minzheng": [f"m{n}".encode() for n in range(9)]}
    (quota,) = district_quotas(2018, matters, RULES)
    assert (quota.unit, len(quota.population), quota.count) == ("", 11, 2)


def test_R52_or_of_each_unit_where_the_rules_say_so() -> None:
    rules = RuleSet(district_check_scope=DistrictCheckScope.EACH_UNIT)
    matters = {"shuiwu": [b"a", b"b"], "minzheng": [f"m{n}".encode() for n in range(11)]}
    quotas = district_quotas(2018, matters, rules)
    assert [(quota.unit, quota.count) for quota in quotas] == [("minzheng", 2), ("shuiwu", 1)]


populations = st.sets(st.binary(min_size=1, max_size=4), min_size=1, max_size=80)


@given(populations, populations, st.integers(30, 100))
def test_R51_parts_of_a_year_never_fall_below_the_whole(
    first: set[bytes], later: set[bytes], percent: int
) -> None:
    rules = RuleSet(unit_check_percent=percent)
    parts = [first, later - first]
    drawn = sum(q.count for part in parts for q in unit_quotas("u", 2018, part, [], rules))
    (whole,) = unit_quotas("u", 2018, first | later, [], rules)
    assert drawn >= whole.count
    assert whole.count * 100 >= len(first | later) * percent


# --- the draw -------------------------------------------------------------------------------------


def test_R51_the_sample_follows_from_the_draw() -> None:
    check = begun()
    assert len(check.drawn) == 4
    assert set(check.drawn) <= set(DECLARATIONS)
    assert begun() == check


def test_R52_one_party_alone_draws_nothing() -> None:
    with pytest.raises(SampleError):
        district_quota().plan(["区纪委"])


def test_R52_each_draw_has_a_title_of_its_own() -> None:
    quotas = [*unit_quotas("shuiwu", 2018, DECLARATIONS, MATTERS, RULES), district_quota()]
    quotas += [replace(quotas[0], year=2019), replace(quotas[0], unit="minzheng")]
    titles = {quota.plan(PARTIES, number).title for quota in quotas for number in (1, 2)}
    assert len(titles) == 10


def test_R51_a_draw_of_less_than_asked_is_refused() -> None:
    quota = unit_quota()
    less = finished(replace(quota.plan(PARTIES), percent=29))
    with pytest.raises(RuleViolation) as caught:
        begin_check(quota, less, CHECKER)
    assert "30%" in caught.value.message_zh
    more = finished(replace(quota.plan(PARTIES), percent=50))
    assert len(begin_check(quota, more, CHECKER).drawn) == 6


def test_R52_a_draw_over_others_is_refused() -> None:
    other = replace(district_quota(), population=frozenset({b"x", b"y"}))
    with pytest.raises(SampleError):
        begin_check(district_quota(), finished(other.plan(PARTIES)), INSPECTOR)


def test_R51_a_unit_is_checked_by_its_own_discipline_organ() -> None:
    quota = unit_quota()
    draw = finished(quota.plan(PARTIES))
    for actor in (replace(CHECKER, unit="minzheng"), INSPECTOR, replace(CHECKER, role=Role.WORKER)):
        with pytest.raises(RuleViolation) as caught:
            begin_check(quota, draw, actor)
        assert caught.value.rule == "R51"


def test_R52_the_district_s_matters_are_checked_by_the_district_commission() -> None:
    quota = district_quota()
    draw = finished(quota.plan(PARTIES))
    assert len(begin_check(quota, draw, INSPECTOR).drawn) == 1
    with pytest.raises(RuleViolation) as caught:
        begin_check(quota, draw, CHECKER)
    assert caught.value.rule == "R52"


# --- results --------------------------------------------------------------------------------------


def test_R51_every_drawn_item_needs_a_result() -> None:
    check = begun()
    for number, item in enumerate(check.drawn):
        with pytest.raises(RuleViolation) as caught:
            require_finished(check)
        assert f"还有{4 - number}个" in caught.value.message_zh
        assert check.missing == check.drawn[number:]
        check = add_result(check, result_of(item), CHECKER)
    require_finished(check)


def test_R51_only_drawn_items_get_a_result_and_only_one() -> None:
    check = begun()
    left = next(item for item in DECLARATIONS if item not in check.drawn)
    with pytest.raises(RuleViolation) as caught:
        add_result(check, result_of(left), CHECKER)
    assert caught.value.rule == "R51"
    assert "未被抽中" in caught.value.message_zh
    once = add_result(check, result_of(check.drawn[0]), CHECKER)
    with pytest.raises(RuleViolation) as caught:
        add_result(once, result_of(check.drawn[0]), CHECKER)
    assert "不能重复" in caught.value.message_zh


def test_R51_a_finding_becomes_a_lead() -> None:
    check = begun()
    finding = replace(result_of(check.drawn[0]), verdict=CheckVerdict.FINDING)
    for wrong in (finding, replace(result_of(check.drawn[0]), lead_reference="线索1号")):
        with pytest.raises(RuleViolation):
            add_result(check, wrong, CHECKER)
    assert add_result(check, replace(finding, lead_reference="线索1号"), CHECKER).results


def test_R51_a_result_says_what_was_checked() -> None:
    check = begun()
    with pytest.raises(RuleViolation):
        add_result(check, replace(result_of(check.drawn[0]), grounds=""), CHECKER)
    with pytest.raises(RuleViolation):
        add_result(check, result_of(check.drawn[0]), replace(CHECKER, unit="minzheng"))


def test_R51_coverage_counts_results_of_the_whole_year() -> None:
    check = begun()
    check = add_result(check, result_of(check.drawn[0]), CHECKER)
    year = replace(unit_quota(), population=frozenset([*DECLARATIONS, b"later-1", b"later-2"]))
    coverage = cover(year, [check, check])
    assert (coverage.required, coverage.checked, coverage.short) == (4, 1, 3)
    gone = replace(year, population=frozenset(DECLARATIONS) - {check.drawn[0]})
    assert cover(gone, [check]).checked == 0


def test_R52_refusals_of_the_district_s_checks_cite_R52() -> None:
    quota = district_quota()
    check = begin_check(quota, finished(quota.plan(PARTIES)), INSPECTOR)
    with pytest.raises(RuleViolation) as caught:
        require_finished(check)
    assert caught.value.rule == "R52"
    with pytest.raises(RuleViolation) as caught:
        add_result(check, result_of(b"not drawn"), INSPECTOR)
    assert caught.value.rule == "R52"
    assert quota.title.startswith("R52 ")


def test_R52_results_are_due_some_days_after_the_year() -> None:
    assert results_due_on(2018, RULES) == date(2019, 3, 31)
