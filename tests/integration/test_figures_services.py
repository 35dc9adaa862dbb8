"""Figures and yearly statements: real services of a district over mutual TLS, people by command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from libmatch.china_time import china_day
from libmatch.errors import ServiceError
from libmatch.identifiers import Identifier
from services.chassis.client import open_channel
from services.chassis.config import PeerSettings
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers import RegistryClient
from services.cli.peers.figures import FiguresClient, FilingsClient
from services.cli.peers.statements import OversightClient
from services.inspector import app as inspector_app
from services.inspector.config import Settings
from services.inspector.peers.desk import DeskClient
from services.inspector.states import ReleasePolicy
from tests.chassis_pki import Pki
from tests.district import INSPECTOR, person
from tests.figures_district import write_district_data
from tests.matters_site import MATCHER, MattersSite
from tests.unit.services.registry.sheets_of_declarations import row, sheet

OWN = "spiffe://fuling/inspector"
WHO = person(21)


class FiguresSite(MattersSite):
    """The units and the matcher, and a real 纪委 with an officer zhang; li is of 区委组织部."""

    def _service(self, name: str, identity: str) -> dict[str, Any]:
        common = super()._service(name, identity)
        if name == "matcher":
            return common
        units, campaigns = write_district_data(self.folder)
        return {**common, "units": units, "campaigns": campaigns}

    def start_inspector(self) -> None:
        kit = self.folder / "inspector" / "kit"
        self.district.write_kit(kit, INSPECTOR)
        settings = Settings(
            unit=INSPECTOR,
            kit=kit,
            passphrase=self._passphrase,
            matcher=PeerSettings(
                address=self._running["matcher"].address, identity=MATCHER, timeout_s=5
            ),
            release_policy=ReleasePolicy.IMMEDIATE,
            pull_interval_s=3600,
            **self._service("inspector", OWN),
        )
        self._start("inspector", inspector_app.build, settings, self.clock)

    def officer(self, name: str, role: str = "officer") -> Any:
        """A channel of an officer to 纪委's service."""
        address = self._running["inspector"].address
        peer = PeerSettings(address=address, identity=OWN, timeout_s=20)
        channel = open_channel(peer, self.tls(f"spiffe://fuling/{role}/{name}"))
        self._stack.callback(channel.close)
        return channel

    def libmatch(self, server: str, caller: str, *words: str | Path) -> int:
        """The exit code of a command of ``caller`` at ``server``: a unit, or "inspector"."""
        identity = OWN if server == "inspector" else f"spiffe://fuling/unit/{server}"
        path = self.folder / f"{server}-{caller.replace('/', '-')}.toml"
        tls = self.tls(f"spiffe://fuling/{caller}")
        files = (f'{key} = "{getattr(tls, key)}"' for key in ("certificate", "private_key", "ca"))
        address = f'[server]\naddress = "{self._running[server].address}"'
        lines = [address, f'identity = "{identity}"', "[tls]", *files]
        path.write_text("\n".join(lines), encoding="utf-8")
        return main([*map(str, words), "--config", str(path)])

    def declare_member(self, unit: str, relative: Identifier) -> None:
        """An official of ``unit`` who is a party member declares his spouse."""
        client = RegistryClient(self.channel(unit, f"clerk/{unit}/wang"))
        data = sheet(row(relative, "李甲", 报告人政治面貌="中共党员"))
        assert client.import_sheet("申报.csv", data, lambda _: None).accepted == 1

    def round(self) -> None:
        """Everybody looks: units, 纪委, and the units again."""
        self.sync()
        DeskClient(self.officer("zhang")).pull()
        self.sync()
        DeskClient(self.officer("zhang")).pull()


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Iterator[FiguresSite]:
    with FiguresSite(tmp_path, pki) as site:
        site.start_inspector()
        site.declare_member("reg-a", WHO)
        site.list_item("ben-a", WHO, "A-1")
        site.round()
        yield site


def test_R49_R50_from_the_meeting_to_the_counts_of_the_organisation_department(
    site: FiguresSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.libmatch("reg-a", "clerk/reg-a/wang", "statements", "due", "--json") == Exit.OK
    (due,) = json.loads(capsys.readouterr().out)
    assert (len(due["matters"]), due["matters"][0]["meeting"]) == (1, "")
    day, year = china_day(site.clock()), str(due["year"])
    record = ("statements", "record", due["official_ref"], "--year", year, "--on", str(day))
    meeting = ("--meeting", due["meetings"][0])
    assert (
        site.libmatch("inspector", "organisation/li", "statements", "figures", "--json") == Exit.OK
    )
    assert {u["unit"]: u["owed"] - u["complete"] for u in told_units(capsys)}["reg-a"] == 1

    wrong = ("--meeting", "干部职工会")
    assert site.libmatch("reg-a", "clerk/reg-a/wang", *record, *wrong) == Exit.SERVICE
    assert "规则R49" in capsys.readouterr().err
    assert site.libmatch("reg-a", "clerk/reg-a/wang", *record, *meeting) == Exit.OK
    assert "还有0项未说明" in capsys.readouterr().out
    site.round()
    assert (
        site.libmatch("inspector", "organisation/li", "statements", "figures", "--json") == Exit.OK
    )
    counts = {u["unit"]: (u["owed"], u["complete"]) for u in told_units(capsys)}
    assert counts["reg-a"] == (1, 1)
    assert site.libmatch("reg-a", "clerk/reg-a/wang", "statements", "figures") == Exit.OK
    assert site.libmatch("reg-a", "clerk/reg-a/wang", "statements", "due") == Exit.OK
    assert "王某" in capsys.readouterr().out
    assert OversightClient(site.channel("reg-a", "clerk/reg-a/wang")).count()[1][0].complete == 1
    assert list(DeskClient(site.officer("zhang")).list_disputes()) == []


def told_units(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    units: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["units"]
    return units


def test_R50_the_organisation_department_reaches_nothing_else_of_the_commission(
    site: FiguresSite,
) -> None:
    channel = site.officer("li", "organisation")
    calls = (
        lambda: list(DeskClient(channel).list_cases("核对")),
        lambda: DeskClient(channel).pull(),
        lambda: FiguresClient(channel).list_figures(),
        lambda: FilingsClient(channel).list_all(),
    )
    for call in calls:
        with pytest.raises(ServiceError) as refused:
            call()
        assert refused.value.status == "PERMISSION_DENIED"
    assert OversightClient(channel).count()[1]


def test_R55_R57_the_district_and_the_unit_see_figures_of_the_same_matter(
    site: FiguresSite, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ("inspector", "officer/zhang")
    day = str(china_day(site.clock()))
    for post in ("责任领导", "工作人员"):
        words = ("figures", "file", "reg-a", "--post", post, "--number", "备1", "--on", day)
        assert site.libmatch(*who, *words) == Exit.OK
    capsys.readouterr()
    # ghost has no place in the roster: that is told with an exit code of its own.
    assert site.libmatch(*who, "figures", "show", "--json") == Exit.PARTIAL
    told = json.loads(capsys.readouterr().out)
    counts = {unit["unit"]: unit["counts"] for unit in told["units"]}
    assert (counts["ben-a"]["notified"], counts["reg-a"]["concerning"]) == (1, 1)
    assert ["ghost", "区丁局", "未列入名册，不能申报"] in told["missing"]
    assert WHO.idn not in json.dumps(told, ensure_ascii=False)

    assert site.libmatch(*who, "figures", "show") == Exit.PARTIAL
    shown = capsys.readouterr().out
    assert "全区" in shown, shown
    assert "未列入名册" in shown
    assert site.libmatch(*who, "figures", "filings") == Exit.OK
    assert capsys.readouterr().out.count("备1") == 2
    book = site.folder / "统计.xlsx"
    assert site.libmatch(*who, "figures", "show", "--out", book) == Exit.PARTIAL
    sheets = load_workbook(book)
    assert sheets.sheetnames == [f"统计{told['as_of']}", "未申报单位"]
    first = sheets.worksheets[0]
    assert [cell.value for cell in first[1]][:3] == ["单位代码", "单位", "应申报"]
    assert first.cell(first.max_row, 2).value == "全区"

    assert site.libmatch(*who, "figures", "deadlines") == Exit.PARTIAL  # others filed no forms
    assert "基本情况表报区纪委备案" in capsys.readouterr().out
    assert site.libmatch(*who, "figures", "receivers", "--unit", "reg-b") == Exit.OK
    assert "甲局派出所" in capsys.readouterr().out
    for unit in ("reg-a", "ben-a"):
        own = FiguresClient(site.channel(unit, f"clerk/{unit}/wang")).list_figures()
        (line,) = own.units
        assert (line.unit, line.counts["notified"], own.district) == (unit, 1, None)


def test_figures_of_the_district_are_for_officers_and_of_a_unit_for_its_own_clerks(
    site: FiguresSite,
) -> None:
    with pytest.raises(ServiceError) as refused:
        FiguresClient(site.channel("reg-a", "clerk/ben-a/wang")).list_figures()
    assert refused.value.status == "PERMISSION_DENIED"
    with pytest.raises(ServiceError) as refused:
        FiguresClient(site.channel("reg-a", "officer/zhang")).list_figures()
    assert refused.value.status == "PERMISSION_DENIED"
