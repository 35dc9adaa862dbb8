"""A matter from its hit to the gate: real services over mutual TLS, clerks by command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.china_time import china_day
from libmatch.errors import ServiceError
from services.cli.exits import Exit
from services.cli.peers.matters import At, MatterLine
from tests.chassis_pki import Pki
from tests.district import person
from tests.matters_site import CASE, MattersSite

HOTLINES = ("--hotline", "某镇纪委=023-72800000", "--hotline", "某局=12388")
WHO = person(21)


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Iterator[MattersSite]:
    with MattersSite(tmp_path, pki) as site:
        site.declare("reg-a", WHO)
        site.list_item("ben-a", WHO, "A-1")
        site.sync()
        site.release()
        site.sync()
        yield site


def shown(site: MattersSite, unit: str) -> MatterLine:
    return site.client(unit, "li").show(CASE)


def states(site: MattersSite) -> set[str]:
    return {shown(site, unit).state.removeprefix("MATTER_STATE_") for unit in site.sides}


def verify(site: MattersSite, verdict: str = "合规") -> None:
    assert site.run("ben-a", "wang", "take", CASE.hex()) == Exit.OK
    done = site.run("ben-a", "li", "outcome", CASE.hex(), verdict, "--grounds", "对照政策核对")
    assert done == Exit.OK
    site.sync()


def post(site: MattersSite, *units: str) -> None:
    for unit in units:
        assert site.run(unit, "li", "post", CASE.hex(), *HOTLINES) == Exit.OK
        site.sync()


def pass_days(site: MattersSite, days: int) -> None:
    site.clock.moment += timedelta(days=days)
    site.sync()


def test_R38_R43_R45_R47_from_the_hit_to_clear(site: MattersSite, tmp_path: Path) -> None:
    assert states(site) == {"NOTIFIED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    verify(site)
    post(site, "ben-a", "reg-a")
    assert states(site) == {"PUBLISHING"}
    portal = tmp_path / "portal"
    assert site.run("reg-a", "li", "export", "--folder", portal) == Exit.OK
    names = {path.suffix for path in portal.iterdir()}
    assert names == {".html", ".json", ".atom"}
    assert WHO.idn not in "".join(path.read_text("utf-8") for path in portal.iterdir())
    pass_days(site, 7)
    assert states(site) == {"PUBLISHING"}  # the day of posting is not counted
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    pass_days(site, 1)
    assert states(site) == {"PUBLISHED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_CLEAR"
    assert site.run("reg-a", "li", "export", "--folder", portal) == Exit.OK
    assert {path.name for path in portal.iterdir()} == {"feed.atom"}  # expired: R46
    assert "deleted-entry" in (portal / "feed.atom").read_text("utf-8")


def test_R48_an_objection_begins_the_seven_days_again_once_it_is_looked_into(
    site: MattersSite,
) -> None:
    verify(site)
    post(site, "ben-a", "reg-a")
    pass_days(site, 3)
    assert site.run("reg-a", "wang", "object", CASE.hex(), "--reference", "来访3号") == Exit.OK
    site.sync()
    assert states(site) == {"OBJECTED"}
    pass_days(site, 10)
    assert states(site) == {"OBJECTED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    verdict = ("outcome", CASE.hex(), "合规", "--grounds", "异议不成立", "--verified-by", "wang")
    assert site.run("ben-a", "li", *verdict) == Exit.OK
    site.sync()
    pass_days(site, 2)
    assert states(site) == {"PUBLISHING"}
    pass_days(site, 6)
    assert states(site) == {"PUBLISHED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_CLEAR"


def test_R45_a_notice_that_was_taken_down_early_starts_again(site: MattersSite) -> None:
    verify(site)
    post(site, "ben-a", "reg-a")
    pass_days(site, 4)
    assert site.run("reg-a", "li", "take-down", CASE.hex()) == Exit.OK
    site.sync()
    refused = site.run("reg-a", "li", "export", CASE.hex(), "--out", site.folder / "公示.html")
    assert refused == Exit.SERVICE
    pass_days(site, 6)
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    post(site, "reg-a")
    pass_days(site, 7)
    assert states(site) == {"PUBLISHING"}
    pass_days(site, 1)
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_CLEAR"


def test_R41_a_measure_comes_with_its_lead_and_holds_the_gate(
    site: MattersSite, capsys: pytest.CaptureFixture[str]
) -> None:
    verify(site, "不合规")
    day = china_day(site.clock.moment).isoformat()
    words = ("measure", CASE.hex(), "停发", "--on", day, "--told", "不符合条件", "--told-on", day)
    lead = ("--lead-to", "某镇纪委", "--lead-reference", "移送2026-01", "--lead-on", day)
    assert site.run("ben-a", "li", *words, *lead) == Exit.OK
    site.sync()
    assert states(site) == {"MEASURED"}
    assert site.check("ben-a", "A-1") == "ITEM_STATUS_HOLD"
    capsys.readouterr()
    assert site.run("reg-a", "li", "show", CASE.hex(), "--json") == Exit.OK
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert any("移送：某镇纪委 移送2026-01" in step["text"] for step in steps)


def test_R36_R38_a_doubt_is_answered_by_an_officer_alone(
    site: MattersSite, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("dispute", CASE.hex(), "--reason", "姓名与档案不符")
    assert site.run("reg-a", "wang", *words) == Exit.OK
    site.sync()
    assert states(site) == {"DISPUTED"}
    confirm = ("confirm", CASE.hex(), "--reason", "经核对档案无误")
    assert site.run("reg-a", "li", *confirm) == Exit.SERVICE
    assert site.run("reg-a", "officer/zhang", "take", CASE.hex()) == Exit.SERVICE
    assert site.run("reg-a", "officer/zhang", *confirm) == Exit.OK
    assert "待核查" in capsys.readouterr().out
    site.sync()
    assert states(site) == {"NOTIFIED"}
    steps = shown(site, "ben-a").steps
    assert [s.role for s in steps if s.event == "确认比对无误"] == ["区纪委工作人员"]


def test_R39_lists_tell_what_is_overdue_and_of_two_people_at_once_one_wins(
    site: MattersSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.run("ben-a", "li", "list", "--state", "待核查", "--json") == Exit.OK
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["case_id"], line["overdue"]) == (CASE.hex(), False)
    assert site.run("ben-a", "li", "list", "--overdue", "--json") == Exit.OK
    assert json.loads(capsys.readouterr().out) == []
    seen = str(line["version"])
    assert site.run("ben-a", "wang", "take", CASE.hex(), "--version", seen) == Exit.OK
    assert site.run("ben-a", "zhao", "take", CASE.hex(), "--version", seen) == Exit.SERVICE
    told = capsys.readouterr().err
    assert "测试单位ben-a wang（工作人员）受理核查" in told
    assert shown(site, "ben-a").taken_by == "wang"
    pass_days(site, 16)
    assert site.run("ben-a", "li", "list", "--overdue") == Exit.OK
    assert "逾期" in capsys.readouterr().out
    book = site.folder / "事项.xlsx"
    assert site.run("ben-a", "li", "list", "--out", book) == Exit.OK
    assert book.stat().st_mode & 0o077 == 0
    assert site.run("ben-a", "li", "list", "--state", "没有") == Exit.REFUSED
    assert site.run("ben-a", "li", "show", "没有") == Exit.REFUSED
    with pytest.raises(ServiceError) as refused:
        site.client("ben-a", "wang").take(At(bytes(16), 0))
    assert refused.value.status == "NOT_FOUND"
