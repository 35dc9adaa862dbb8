"""A notice of annex 3 with its rows and hotlines, for the tests of R44 and R46."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from uuid import UUID

from libmatch.china_time import CHINA
from libmatch.relations import Relation
from services.rules.notice_export import (
    Period,
    Removed,
    render_atom,
)
from services.rules.public_notice import (
    AnnexRow,
    Hotline,
    PublicNotice,
)
from services.rules.publication import Place

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
TEXTS = ["beneficiary", "programme", "place", "official", "official_post", "remark"]
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


evil_notice = replace(
    NOTICE,
    unit=EVIL,
    rows=(replace(ROW, **dict.fromkeys(TEXTS, EVIL)),),  # type: ignore[arg-type]
    hotlines=(Hotline(EVIL, "12388"), Hotline(EVIL, "12388")),
)
NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "d": "http://purl.org/dc/terms/",
}
FEED = UUID(int=99)


def make_feed(
    *notices: PublicNotice, removed: tuple[Removed, ...] = (), now: datetime = NOW
) -> ElementTree.Element:
    text = render_atom(FEED, "区水务局", [(n, PERIOD) for n in notices], removed, now)
    return ElementTree.fromstring(text)
