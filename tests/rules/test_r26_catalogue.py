"""Funds, projects, persons and time of items (R26 to R29)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.catalogue import (
    Capacity,
    Catalogue,
    Category,
    Participant,
    Programme,
    check_participants,
    check_scope,
    load_catalogue,
    packaged_catalogue,
)
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleDataError, RuleViolation

CATALOGUE = packaged_catalogue()
DAY = date(2018, 9, 1)
RULES = RuleSet()


def refused(name: str, catalogue: Catalogue = CATALOGUE, on: date = DAY) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        catalogue.classify(name, on)
    assert caught.value.rule == "R26"
    return caught.value


# --- funds and projects -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("临时救助", Category.RELIEF),
        ("城乡困难群众临时救助", Category.RELIEF),
        ("榨菜种植以奖代补", Category.REWARD),
        ("柑橘产业先建后补", Category.PAID_AFTERWARDS),
        ("农村危房改造补助", Category.PROJECT_SUBSIDY),
        ("退耕还林补助", Category.OTHER_SUBSIDY),
        (" 农机 购置（补贴）", Category.OTHER_SUBSIDY),
    ],
)
def test_R26_funds_that_somebody_awards_are_matched(name: str, category: Category) -> None:
    programme = CATALOGUE.classify(name, DAY)
    assert programme.category is category
    assert category.is_fund


@pytest.mark.parametrize(
    "name", ["耕地地力保护补贴", "2018年耕地地力保护补贴资金", "城乡居民基础养老金", "高龄津贴"]
)
def test_R26_a_universal_fund_is_refused_with_the_reason(name: str) -> None:
    error = refused(name)
    assert "普惠制" in error.message_zh
    reasons = [p.universal for p in CATALOGUE.programmes if p.universal]
    assert any(reason in error.message_zh for reason in reasons)


@pytest.mark.parametrize("name", ["某新设补贴", "", "—", "§"])
def test_R26_an_unknown_fund_waits_for_a_decision(name: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        CATALOGUE.classify(name, DAY)
    assert "由主管部门确认" in caught.value.message_zh
    assert not name or name not in f"{caught.value} {caught.value.message_zh}"


def test_R26_a_name_of_both_kinds_waits_for_a_decision() -> None:
    error = refused("耕地地力保护补贴核查外包服务")
    assert "既有" in error.message_zh


def test_R26_a_decision_of_the_district_settles_it() -> None:
    universal = Programme(
        "春节慰问", None, "向全体居民发放", decided_by="区民政局", decided_on=date(2018, 7, 1)
    )
    awarded = Programme(
        "耕地地力保护补贴核查外包服务",
        Category.OUTSOURCED_SERVICE,
        decided_by="区农委",
        decided_on=date(2018, 7, 1),
    )
    extended = CATALOGUE.extended([universal, awarded])
    assert extended.classify(awarded.name, DAY) is awarded
    assert "全体居民" in refused("春节慰问", extended).message_zh


def test_R26_a_decision_names_who_decided_and_when() -> None:
    with pytest.raises(RuleDataError) as caught:
        CATALOGUE.extended([Programme("春节慰问", Category.RELIEF)])
    assert "决定单位" in caught.value.message_zh
    with pytest.raises(RuleDataError):
        Programme("春节慰问", Category.RELIEF, decided_by="区民政局")


def test_R26_entries_hold_on_their_days() -> None:
    first, last = date(2018, 3, 1), date(2018, 3, 31)
    programme = Programme("春荒补助", Category.RELIEF, valid_from=first, valid_to=last)
    catalogue = Catalogue((programme,))
    assert catalogue.classify("春荒补助", first) is programme
    assert catalogue.classify("春荒补助", last) is programme
    refused("春荒补助", catalogue, first - timedelta(1))
    refused("春荒补助", catalogue, last + timedelta(1))


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("高标准农田建设项目", Category.CONSTRUCTION),
        ("乡村旅游规划设计", Category.PLANNING),
        ("工程招标代理服务", Category.TENDER_AGENCY),
        ("场镇保洁服务", Category.OUTSOURCED_SERVICE),
        ("办公设备政府采购", Category.PROCUREMENT),
        ("公路工程监理", Category.INTERMEDIARY),
        ("村社道路一事一议项目", Category.VILLAGE_DELIBERATION),
        ("群众筹资筹劳人行便道项目", Category.VILLAGE_FUNDRAISING),
    ],
)
def test_R27_projects_works_and_services_are_matched(name: str, category: Category) -> None:
    assert CATALOGUE.classify(name, DAY).category is category
    assert not category.is_fund


# 「等各类补贴补助资金」 is no name of a fund
NAMED = [category for category in Category if category is not Category.OTHER_SUBSIDY]


def test_R26_R27_every_word_of_the_notice_is_in_the_catalogue() -> None:
    assert {p.category for p in CATALOGUE.programmes if p.category} == set(Category)
    assert all(CATALOGUE.classify(word, DAY).category is word for word in NAMED)


# --- the data file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('name = "甲"', "须且只能填一项"),
        ('name = "甲"\ncategory = "救济救助"\nuniversal = "全体"', "须且只能填一项"),
        ('name = "甲"\ncategory = "慈善"', "以下之一"),
        ('name = "甲"\ncategory = "救济救助"\nmark = ["乙"]', "不认识"),
        ('name = "甲"\ncategory = "救济救助"\nmarks = ["（）"]', "空白"),
        ('category = "救济救助"', "缺少"),
    ],
)
def test_R26_a_faulty_catalogue_is_refused(entry: str, words: str) -> None:
    with pytest.raises(RuleDataError) as caught:
        load_catalogue(f"[[programme]]\n{entry}\n")
    assert words in caught.value.message_zh


def test_R26_a_decision_is_read_from_data() -> None:
    text = '[[programme]]\nname = "甲"\ncategory = "救济救助"\ndecided_by = "区民政局"\n'
    (programme,) = load_catalogue(text + "decided_on = 2018-07-01\n").programmes
    assert (programme.decided_by, programme.decided_on) == ("区民政局", date(2018, 7, 1))


# --- persons ------------------------------------------------------------------------------------

NATURAL = Participant(Capacity.BENEFICIARY, natural=True)
COMPANY = Participant(Capacity.BENEFICIARY, natural=False)
LEGAL = Participant(Capacity.LEGAL_REPRESENTATIVE, natural=True)
AGENT = Participant(Capacity.AGENT, natural=True)


@pytest.mark.parametrize(
    "participants",
    [[NATURAL], [COMPANY, LEGAL], [COMPANY, AGENT], [COMPANY, LEGAL, AGENT], [NATURAL, NATURAL]],
)
def test_R28_an_item_has_one_or_more_persons(participants: list[Participant]) -> None:
    check_participants(participants)


@pytest.mark.parametrize(
    ("participants", "words"),
    [
        ([], "没有受益人"),
        ([COMPANY], "补录"),
        ([COMPANY, COMPANY], "补录"),
        ([Participant(Capacity.AGENT, natural=False), NATURAL], "应为自然人"),
    ],
)
def test_R28_an_item_without_a_person_is_refused(
    participants: list[Participant], words: str
) -> None:
    with pytest.raises(RuleViolation) as caught:
        check_participants(participants)
    assert caught.value.rule == "R28"
    assert words in caught.value.message_zh


# --- time ---------------------------------------------------------------------------------------

days = st.dates(date(2015, 1, 1), date(2021, 12, 31))


@given(days, st.none() | days)
def test_R29_begun_since_2018_or_unfinished_at_the_cut_off(
    start: date, finished_on: date | None
) -> None:
    if finished_on is not None and finished_on < start:
        return
    recent = start >= date(2018, 1, 1)
    unfinished = finished_on is None or finished_on > date(2018, 6, 22)
    if recent or unfinished:
        check_scope(start, finished_on, RULES)
        return
    with pytest.raises(RuleViolation) as caught:
        check_scope(start, finished_on, RULES)
    assert caught.value.rule == "R29"
    assert "2018-06-22" in caught.value.message_zh


def test_R29_first_and_last_days_are_settings() -> None:
    rules = RuleSet(items_from=date(2019, 1, 1), unfinished_at=date(2019, 6, 30))
    check_scope(date(2018, 5, 1), date(2019, 7, 1), rules)
    check_scope(date(2019, 1, 1), date(2019, 2, 1), rules)  # the first day itself, soon finished
    with pytest.raises(RuleViolation):
        check_scope(date(2018, 12, 31), date(2019, 6, 30), rules)


@pytest.mark.parametrize(
    ("start", "finished_on", "words"),
    [(None, None, "没有填写"), (date(2018, 5, 2), date(2018, 5, 1), "早于")],
)
def test_R29_dates_that_say_nothing_are_refused(
    start: date | None, finished_on: date | None, words: str
) -> None:
    with pytest.raises(RuleViolation) as caught:
        check_scope(start, finished_on, RULES)
    assert words in caught.value.message_zh
