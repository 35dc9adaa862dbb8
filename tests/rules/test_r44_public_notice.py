"""Annex 3, field by field, and when it is shown (R44, R45, R46)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from libmatch.china_time import CHINA
from libmatch.relations import Relation
from services.rules.notice_export import (
    Period,
    period_of,
    render_html,
    render_json,
)
from services.rules.public_notice import (
    Hotline,
    RowFacts,
    fill_row,
    is_child,
    mask_child,
)
from services.rules.publication import Place, Posting, PublicationClock, Suspension
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from tests.rules.public_notices import HOTLINES, NOTICE, NOW, PERIOD, POSTED, ROW, TEXTS

RULES = RuleSet()
FACTS = RowFacts(
    beneficiary="王小明",
    born=date(2008, 5, 1),
    programme=ROW.programme,
    amount_fen=None,
    place=ROW.place,
    start=ROW.start,
    official=ROW.official,
    official_post=ROW.official_post,
    relation=ROW.relation,
)


# --- children -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "on", "child"),
    [
        (date(2004, 9, 3), date(2018, 9, 2), True),
        (date(2004, 9, 3), date(2018, 9, 3), True),  # 14 full years count from the day after
        (date(2004, 9, 3), date(2018, 9, 4), False),
        (date(2004, 2, 29), date(2018, 3, 1), True),
        (date(2004, 2, 29), date(2018, 3, 2), False),
    ],
)
def test_R44_names_of_children_under_14_are_masked(born: date, on: date, child: bool) -> None:
    assert is_child(born, on, RULES) is child
    assert mask_child("王小明", born, on, RULES) == ("王某某" if child else "王小明")


@pytest.mark.parametrize("name", ["王明", "王小明", "欧阳小小明", "阿依古丽·买买提"])
def test_R44_the_mask_does_not_tell_the_length_of_a_name(name: str) -> None:
    assert mask_child(name, date(2017, 1, 1), POSTED.date(), RULES) == name[0] + "某某"


def test_R44_nobody_is_posted_whose_age_is_not_known() -> None:
    with pytest.raises(RuleViolation) as caught:
        fill_row(replace(FACTS, born=None), POSTED.date(), RULES)
    assert "出生日期不详" in caught.value.message_zh


def test_R44_a_stricter_age_is_a_setting() -> None:
    rules = RuleSet(mask_below_age=18)
    assert mask_child("王小明", date(2002, 1, 1), date(2018, 9, 3), rules) == "王某某"


def test_R44_a_filled_row_is_masked_and_forgets_the_date_of_birth() -> None:
    row = fill_row(FACTS, POSTED.date(), RULES)
    assert row.beneficiary == "王某某"
    assert "born" not in {field.name for field in fields(row)}
    assert (
        fill_row(replace(FACTS, born=date(1990, 1, 1)), POSTED.date(), RULES).beneficiary
        == "王小明"
    )


# --- rows and notices -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "text", ["身份证500102199001011234", "电话13912345678", "卡号6222021234567890123", "人民路12号"]
)
def test_R44_a_row_with_a_number_or_an_address_is_refused(name: str, text: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        replace(ROW, **{name: text})  # type: ignore[arg-type]
    assert caught.value.rule == "R44"
    assert text not in f"{caught.value} {caught.value.message_zh}"


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["王\u202e五", "王\n五", "王" * 201, "王\x00"])
def test_R44_unreadable_texts_are_refused(name: str, text: str) -> None:
    with pytest.raises(RuleViolation):
        replace(ROW, **{name: text})  # type: ignore[arg-type]


def test_R44_a_text_may_have_200_characters() -> None:
    assert len(replace(ROW, remark="修" * 200).remark) == 200


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "remark"])
def test_R44_only_the_remark_may_be_blank(name: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        replace(ROW, **{name: " "})  # type: ignore[arg-type]
    assert "没有填写" in caught.value.message_zh


def test_R44_a_place_is_no_house() -> None:
    with pytest.raises(RuleViolation):
        replace(ROW, place="油坊村3组12号")


@pytest.mark.parametrize(
    ("fen", "shown"), [(0, "0.00"), (5, "0.05"), (3_500_050, "35000.50"), (None, "—")]
)
def test_R44_amounts_are_in_yuan_with_two_decimals(fen: int | None, shown: str) -> None:
    assert replace(ROW, amount_fen=fen).amount == shown


def test_R44_amounts_are_not_negative() -> None:
    with pytest.raises(RuleViolation):
        replace(ROW, amount_fen=-1)


@pytest.mark.parametrize("number", ["72800000", "023-72800000", "02372800000", "12388"])
def test_R44_hotlines_are_landlines_of_offices(number: str) -> None:
    assert Hotline("镇纪委", number).number == number


@pytest.mark.parametrize(
    "number", ["13912345678", "110", "7280000o", "", "７２８０００００", "12388 "]
)
def test_R44_a_hotline_is_never_a_mobile(number: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        Hotline("镇纪委", number)
    assert "固定电话" in caught.value.message_zh


def test_R44_a_notice_has_rows_a_unit_and_two_hotlines() -> None:
    for change in ({"rows": ()}, {"unit": " "}, {"hotlines": HOTLINES[:1]}):
        with pytest.raises(RuleViolation):
            replace(NOTICE, **change)


def test_R45_every_change_of_the_content_changes_the_digest() -> None:
    rows = [
        replace(ROW, beneficiary="王五"),
        replace(ROW, programme="先建后补"),
        replace(ROW, amount_fen=3_500_051),
        replace(ROW, amount_fen=None),
        replace(ROW, place="白涛街道油坊村"),
        replace(ROW, start=date(2018, 3, 6)),
        replace(ROW, official="李五"),
        replace(ROW, official_post="区水务局"),
        replace(ROW, relation=Relation.SPOUSE),
        replace(ROW, remark="二期"),
    ]
    others = [replace(NOTICE, rows=(ROW, row)) for row in rows]
    others += [
        replace(NOTICE, rows=(ROW,)),
        replace(NOTICE, notice_id=UUID(int=8)),
        replace(NOTICE, place=Place.OFFICIAL_UNIT),
        replace(NOTICE, unit="白涛街道"),
        replace(NOTICE, hotlines=HOTLINES[::-1]),
    ]
    assert len({NOTICE.digest, *(notice.digest for notice in others)}) == 1 + len(others)
    assert replace(NOTICE).digest == NOTICE.digest


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "when", [POSTED - timedelta(seconds=1), datetime(2018, 9, 11, tzinfo=CHINA)]
)
def test_R46_nothing_is_exported_before_the_posting_or_after_the_end(when: datetime) -> None:
    for render in (render_html, render_json):
        with pytest.raises(RuleViolation) as caught:
            render(NOTICE, PERIOD, when)
        assert caught.value.rule == "R46"


def test_R46_the_last_day_is_shown_to_its_end() -> None:
    last_second = datetime(2018, 9, 10, 23, 59, 59, tzinfo=CHINA)
    assert render_html(NOTICE, PERIOD, last_second)
    assert render_html(NOTICE, PERIOD, POSTED)


def _clock(*suspensions: Suspension) -> PublicationClock:
    posting = Posting(Place.VILLAGE, POSTED, "worker-1", NOTICE.digest)
    return PublicationClock(posting, suspensions, RULES)


def test_R46_a_notice_is_shown_until_its_slowest_row_is_over() -> None:
    closed = Suspension(POSTED + timedelta(days=2), POSTED + timedelta(days=4))
    assert period_of([_clock()], NOW, RULES) == PERIOD
    slow = period_of([_clock(), _clock(closed)], NOW, RULES)
    assert (slow.last_day, slow.shown_until) == (date(2018, 9, 13), date(2018, 9, 13))
    later = replace(_clock(), posting=replace(_clock().posting, posted_at=NOW))
    assert period_of([later, _clock()], NOW, RULES).posted_at == POSTED
    longer = period_of([_clock()], NOW, RuleSet(export_days_after_end=3))
    assert (longer.last_day, longer.shown_until) == (date(2018, 9, 10), date(2018, 9, 13))
    assert longer.expires_at == datetime(2018, 9, 14, tzinfo=CHINA)


def test_R46_a_notice_with_an_open_objection_has_an_end_all_the_same() -> None:
    open_one = _clock(Suspension(POSTED + timedelta(days=1)))
    later = POSTED + timedelta(days=20)
    assert period_of([open_one], later, RULES).last_day > later.date()


def test_R46_a_period_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="in this order"):
        Period(POSTED, date(2018, 9, 2), date(2018, 9, 10))
    with pytest.raises(ValueError, match="in this order"):
        Period(POSTED, date(2018, 9, 10), date(2018, 9, 9))
    assert Period(POSTED, POSTED.date(), POSTED.date()).shown_until == POSTED.date()
