"""Annex 3, field by field, and its three online forms (R44, R46)."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.china_time import CHINA
from libmatch.relations import Relation
from services.rules.notice_export import (
    Period,
    Removed,
    period_of,
    render_atom,
    render_html,
    render_json,
)
from services.rules.public_notice import (
    AnnexRow,
    Hotline,
    PublicNotice,
    RowFacts,
    fill_row,
    is_child,
    mask_child,
)
from services.rules.publication import Place, Posting, PublicationClock, Suspension
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

RULES = RuleSet()
POSTED = datetime(2018, 9, 3, 9, tzinfo=CHINA)
NOW = POSTED + timedelta(days=1)
ROW = AnnexRow(
    beneficiary="王某",
    programme="农村危房改造补助",
    amount_fen=3_500_050,
    place="白涛街道油坊村3组",
    start=date(2018, 3, 5),
    official="李四",
    official_post="区水务局规划科科长",
    relation=Relation.SIBLING,
)
HOTLINES = (
    Hotline("区纪委派驻区水务局纪检组", "023-72800000"),
    Hotline("区水务局办公室", "72811111"),
)
NOTICE = PublicNotice(UUID(int=7), Place.VILLAGE, "白涛街道油坊村", (ROW, ROW), HOTLINES)
PERIOD = Period(POSTED, date(2018, 9, 10), date(2018, 9, 10))
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


# --- children -----------------------------------------------------------------------------------


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


# --- rows and notices ---------------------------------------------------------------------------

TEXTS = ["beneficiary", "programme", "place", "official", "official_post", "remark"]


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


# --- the page -------------------------------------------------------------------------------------

VOID = {"meta"}
EVIL = "<script>alert('x')</script>\"&'"


class Page(HTMLParser):
    """Tags must close in order; texts and metas are collected."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.metas: dict[str, str] = {}
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        found = dict(attrs)
        if tag == "meta":
            key = found.get("name") or found.get("http-equiv") or "charset"
            self.metas[key] = found.get("content") or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())


def test_R46_the_page_holds_every_field_of_annex_3() -> None:
    page = Page(render_html(NOTICE, PERIOD, NOW))
    shown = " ".join(page.texts)
    values = ["白涛街道油坊村", "2018年9月3日", "2018年9月10日", "王某", "农村危房改造补助"]
    values += ["35000.50", "白涛街道油坊村3组", "2018年3月5日", "李四", "区水务局规划科科长"]
    values += ["本人的兄弟姐妹", "023-72800000", "72811111", "区水务局办公室"]
    headings = [
        "公示单位（盖章）",
        "公示时间",
        "序号",
        "惠民资金受益人（项目承建或服务承接人）姓名",
    ]
    headings += [
        "惠民资金（项目）名称",
        "财政资金（元）",
        "享受资金（实施项目）地点",
        "实施起始时间",
    ]
    headings += ["涉及的党员干部", "单位及职务", "备注", "监督举报电话"]
    headings += ["与资金享受人（项目承建或服务承接人）亲属关系"]
    assert [text for text in (*values, *headings) if text not in shown] == []
    assert page.tags.count("tr") == 2 + len(NOTICE.rows)


def test_R46_nothing_stands_on_the_page_but_words() -> None:
    page = Page(render_html(NOTICE, PERIOD, NOW))
    strays = [
        text for text in page.texts if not re.search(r"[\w，。；：）（]", text) and text != "—"
    ]
    assert strays == []
    assert all("=" not in text for text in page.texts)
    assert page.metas.keys() >= {"viewport", "referrer", "robots", "charset"}


def test_R46_the_page_says_that_a_hit_is_no_violation() -> None:
    assert "不代表存在违规违纪问题" in render_html(NOTICE, PERIOD, NOW)


def test_R46_the_page_is_not_indexed_and_expires() -> None:
    robots = Page(render_html(NOTICE, PERIOD, NOW)).metas["robots"]
    assert robots.startswith("noindex, nofollow, noarchive")
    assert "unavailable_after: 2018-09-11T00:00:00+08:00" in robots


def test_R34_R46_notices_leave_as_an_export_that_needs_nothing_from_anywhere() -> None:
    text = render_html(NOTICE, PERIOD, NOW)
    page = Page(text)
    assert page.metas["Content-Security-Policy"].startswith("default-src 'none'")
    assert not {"script", "link", "img", "iframe", "form", "a"} & set(page.tags)
    assert "http://" not in text
    assert "https://" not in text


def test_R46_the_page_allows_exactly_its_own_style() -> None:
    import base64
    import hashlib

    text = render_html(NOTICE, PERIOD, NOW)
    style = re.search(r"<style>(.*)</style>", text, flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in Page(text).metas["Content-Security-Policy"]


def test_R46_the_page_is_readable_by_ear() -> None:
    page = Page(render_html(NOTICE, PERIOD, NOW))
    assert ("html", "lang", "zh-CN") in page.attributes
    assert {"caption", "main", "h1", "thead", "tbody"} <= set(page.tags)
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == page.tags.count("th")


evil_notice = replace(
    NOTICE,
    unit=EVIL,
    rows=(replace(ROW, **dict.fromkeys(TEXTS, EVIL)),),  # type: ignore[arg-type]
    hotlines=(Hotline(EVIL, "12388"), Hotline(EVIL, "12388")),
)


def test_R46_no_text_becomes_markup() -> None:
    page = Page(render_html(evil_notice, PERIOD, NOW))
    assert "script" not in page.tags
    assert set(page.tags) == set(Page(render_html(NOTICE, PERIOD, NOW)).tags)
    assert sum(text.count(EVIL) for text in page.texts) == 10  # title too


@given(st.text(alphabet="<>&\"'/=a王 `\\{}%;:-", min_size=1, max_size=40).filter(str.strip))
def test_R46_any_text_reads_back_from_every_form(text: str) -> None:
    notice = replace(NOTICE, rows=(replace(ROW, programme=text),))
    page = Page(render_html(notice, PERIOD, NOW))
    assert text.strip() in page.texts
    row = json.loads(render_json(notice, PERIOD, NOW))["公示内容"][0]
    assert row["资金（项目）名称"] == text
    content = _feed(notice).find("a:entry/a:content", NAMES)
    assert content is not None
    assert content.text is not None
    assert text.strip() in Page(content.text).texts


# --- JSON ---------------------------------------------------------------------------------------


def test_R46_json_holds_every_field_of_annex_3() -> None:
    document = json.loads(render_json(NOTICE, PERIOD, NOW))
    assert document["公示时间"] == {"起": "2018-09-03", "止": "2018-09-10"}
    assert document["有效期至"] == "2018-09-11T00:00:00+08:00"
    assert document["禁止收录"] is True
    assert [row["序号"] for row in document["公示内容"]] == [1, 2]
    assert document["公示内容"][0]["财政资金（元）"] == "35000.50"
    without = replace(NOTICE, rows=(replace(ROW, amount_fen=None),))
    assert json.loads(render_json(without, PERIOD, NOW))["公示内容"][0]["财政资金（元）"] is None
    assert "白涛街道油坊村" in render_json(NOTICE, PERIOD, NOW)  # readable as it is
    assert document["公示内容"][0]["涉及的党员干部"] == {
        "姓名": "李四",
        "单位及职务": "区水务局规划科科长",
        "与受益人亲属关系": "本人的兄弟姐妹",
    }
    assert document["监督举报电话"][1] == {"单位": "区水务局办公室", "电话": "72811111"}


def test_R46_json_can_be_pasted_into_a_page() -> None:
    text = render_json(evil_notice, PERIOD, NOW)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text)["公示单位"] == EVIL


# --- Atom ---------------------------------------------------------------------------------------

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "d": "http://purl.org/dc/terms/",
}
FEED = UUID(int=99)


def _feed(
    *notices: PublicNotice, removed: tuple[Removed, ...] = (), now: datetime = NOW
) -> ElementTree.Element:
    text = render_atom(FEED, "区水务局", [(n, PERIOD) for n in notices], removed, now)
    return ElementTree.fromstring(text)


def test_R46_the_feed_has_what_a_reader_needs() -> None:
    feed = _feed(NOTICE)
    assert feed.findtext("a:id", namespaces=NAMES) == FEED.urn
    assert feed.findtext("a:updated", namespaces=NAMES) == "2018-09-03T09:00:00+08:00"
    assert feed.findtext("a:author/a:name", namespaces=NAMES) == "区水务局"
    entry = feed.find("a:entry", NAMES)
    assert entry is not None
    for name in ("id", "title", "updated", "published", "content"):
        assert entry.findtext(f"a:{name}", namespaces=NAMES)
    assert "end=2018-09-11T00:00:00+08:00" in (entry.findtext("d:valid", namespaces=NAMES) or "")


def test_R46_the_feed_escapes_what_it_holds() -> None:
    content = _feed(evil_notice).findtext("a:entry/a:content", namespaces=NAMES) or ""
    assert "script" not in Page(content).tags


def test_R46_an_expired_entry_becomes_a_deletion() -> None:
    feed = _feed(NOTICE, now=PERIOD.expires_at)
    assert feed.find("a:entry", NAMES) is None
    deleted = feed.find("at:deleted-entry", NAMES)
    assert deleted is not None
    assert deleted.attrib == {"ref": NOTICE.notice_id.urn, "when": "2018-09-11T00:00:00+08:00"}
    assert feed.findtext("a:updated", namespaces=NAMES) == "2018-09-11T00:00:00+08:00"


def test_R46_a_removed_notice_is_deleted_once_and_not_shown() -> None:
    removed = Removed(NOTICE.notice_id, NOW)
    for now in (NOW, PERIOD.expires_at):
        feed = _feed(NOTICE, removed=(removed,), now=now)
        assert feed.find("a:entry", NAMES) is None
        assert len(feed.findall("at:deleted-entry", NAMES)) == 1


def test_R46_what_is_not_posted_yet_is_not_in_the_feed() -> None:
    feed = _feed(NOTICE, now=POSTED - timedelta(seconds=1))
    assert feed.find("a:entry", NAMES) is None
    assert feed.find("at:deleted-entry", NAMES) is None


def test_R46_the_feed_is_newest_first() -> None:
    later = Period(NOW, date(2018, 9, 12), date(2018, 9, 12))
    second = replace(NOTICE, notice_id=UUID(int=8))
    text = render_atom(FEED, "区水务局", [(NOTICE, PERIOD), (second, later)], (), NOW)
    feed = ElementTree.fromstring(text)
    ids = feed.findall("a:entry/a:id", NAMES)
    assert [one.text for one in ids] == [second.notice_id.urn, NOTICE.notice_id.urn]
    assert feed.findtext("a:updated", namespaces=NAMES) == "2018-09-04T09:00:00+08:00"
    removed = (Removed(UUID(int=1), POSTED), Removed(UUID(int=2), NOW))
    deleted = _feed(removed=removed).findall("at:deleted-entry", NAMES)
    assert [one.attrib["ref"] for one in deleted] == [UUID(int=2).urn, UUID(int=1).urn]


def test_R46_nothing_stands_between_the_parts_of_the_feed() -> None:
    feed = _feed(NOTICE, removed=(Removed(UUID(int=1), POSTED),))
    around = [feed.text, *(part.tail for part in feed.iter()), feed.tail]
    assert [text for text in around if text and text.strip()] == []
