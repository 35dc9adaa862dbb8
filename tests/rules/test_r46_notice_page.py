"""The page of a public notice: every field, no markup from texts, nothing from anywhere else (R34, R46)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.rules.notice_export import (
    render_html,
    render_json,
)
from tests.rules.public_notices import (
    EVIL,
    NAMES,
    NOTICE,
    NOW,
    PERIOD,
    ROW,
    Page,
    evil_notice,
    make_feed,
)


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
    content = make_feed(notice).find("a:entry/a:content", NAMES)
    assert content is not None
    assert content.text is not None
    assert text.strip() in Page(content.text).texts
