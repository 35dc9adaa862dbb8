"""A public notice as JSON and as an Atom feed that forgets what has ended (R46)."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from services.rules.notice_export import (
    Period,
    Removed,
    render_atom,
    render_json,
)
from tests.rules.public_notices import (
    EVIL,
    FEED,
    NAMES,
    NOTICE,
    NOW,
    PERIOD,
    POSTED,
    ROW,
    Page,
    evil_notice,
    make_feed,
)

# --- JSON -----------------------------------------------------------------------------------------


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


# --- Atom -----------------------------------------------------------------------------------------


def test_R46_the_feed_has_what_a_reader_needs() -> None:
    feed = make_feed(NOTICE)
    assert feed.findtext("a:id", namespaces=NAMES) == FEED.urn
    assert feed.findtext("a:updated", namespaces=NAMES) == "2018-09-03T09:00:00+08:00"
    assert feed.findtext("a:author/a:name", namespaces=NAMES) == "区水务局"
    entry = feed.find("a:entry", NAMES)
    assert entry is not None
    for name in ("id", "title", "updated", "published", "content"):
        assert entry.findtext(f"a:{name}", namespaces=NAMES)
    assert "end=2018-09-11T00:00:00+08:00" in (entry.findtext("d:valid", namespaces=NAMES) or "")


def test_R46_the_feed_escapes_what_it_holds() -> None:
    content = make_feed(evil_notice).findtext("a:entry/a:content", namespaces=NAMES) or ""
    assert "script" not in Page(content).tags


def test_R46_an_expired_entry_becomes_a_deletion() -> None:
    feed = make_feed(NOTICE, now=PERIOD.expires_at)
    assert feed.find("a:entry", NAMES) is None
    deleted = feed.find("at:deleted-entry", NAMES)
    assert deleted is not None
    assert deleted.attrib == {"ref": NOTICE.notice_id.urn, "when": "2018-09-11T00:00:00+08:00"}
    assert feed.findtext("a:updated", namespaces=NAMES) == "2018-09-11T00:00:00+08:00"


def test_R46_a_removed_notice_is_deleted_once_and_not_shown() -> None:
    removed = Removed(NOTICE.notice_id, NOW)
    for now in (NOW, PERIOD.expires_at):
        feed = make_feed(NOTICE, removed=(removed,), now=now)
        assert feed.find("a:entry", NAMES) is None
        assert len(feed.findall("at:deleted-entry", NAMES)) == 1


def test_R46_what_is_not_posted_yet_is_not_in_the_feed() -> None:
    feed = make_feed(NOTICE, now=POSTED - timedelta(seconds=1))
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
    deleted = make_feed(removed=removed).findall("at:deleted-entry", NAMES)
    assert [one.attrib["ref"] for one in deleted] == [UUID(int=2).urn, UUID(int=1).urn]


def test_R46_nothing_stands_between_the_parts_of_the_feed() -> None:
    feed = make_feed(NOTICE, removed=(Removed(UUID(int=1), POSTED),))
    around = [feed.text, *(part.tail for part in feed.iter()), feed.tail]
    assert [text for text in around if text and text.strip()] == []
