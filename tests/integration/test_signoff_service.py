"""Declarations from a sheet to the matcher's intake by people with accounts, over mutual TLS.

The registry is real, with its own database and keys; people work through the command line and the typed
client; the matcher is in memory behind a real channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.errors import ServiceError
from services.chassis.client import open_channel
from services.chassis.config import DatabaseSettings, ListenSettings, PeerSettings
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.chassis.server import Runtime, start
from services.chassis.tls import check_own_certificate
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers.signoff import SignOffClient
from services.holder.administrators import Administrators
from services.holder.config import UnitSettings
from services.registry.app import VERSIONS, build
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district, person
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.services.registry.sheets_of_declarations import sheet
from tests.unit.services.registry.signoff_bench import UNIT, Office, form

OWN = f"spiffe://fuling/unit/{UNIT}"
LOOK = "办理申报签署"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Site:
    """One unit with its people, and the matcher that it sends to."""

    folder: Path
    pki: Pki
    address: str
    matcher: MemoryMatcher
    stack: ExitStack

    def config(self, login: str) -> Path:
        """The configuration file of a person of the unit."""
        path = self.folder / f"{login}.toml"
        tls = self.pki.issue(f"spiffe://fuling/clerk/{UNIT}/{login}")
        lines = ["[server]", f'address = "{self.address}"', f'identity = "{OWN}"', "[tls]"]
        lines += [f'{key} = "{getattr(tls, key)}"' for key in ("certificate", "private_key", "ca")]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def run(self, login: str, *words: object) -> int:
        return main(["registry", *map(str, words), "--config", str(self.config(login))])

    def client(self, identity: str) -> SignOffClient:
        peer = PeerSettings(address=self.address, identity=OWN, timeout_s=20)
        channel = open_channel(peer, self.pki.issue(identity))
        self.stack.callback(channel.close)
        return SignOffClient(channel)

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


def make_settings(folder: Path, district: District, matcher: str, pki: Pki) -> UnitSettings:
    district.write_kit(folder / "kit", UNIT)
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    database = DatabaseSettings(path=folder / "registry.db")
    with Database(database) as accounts:
        migrate(accounts, VERSIONS)
        Office(accounts).staff()
    return UnitSettings(
        unit=UNIT,
        kit=folder / "kit",
        passphrase=passphrase,
        matcher=PeerSettings(address=matcher, identity="spiffe://fuling/matcher", timeout_s=10),
        listen=ListenSettings(address="127.0.0.1:0"),
        tls=pki.issue(OWN),
        database=database,
        sync_interval_s=3600,
        administrators=Administrators(system="zhang", security="wang", audit="chen"),
    )


@pytest.fixture
def site(settings_folder: Path, pki: Pki) -> Iterator[Site]:
    district = make_district(registry=(UNIT,), now=now())
    with ExitStack() as stack:
        tls = pki.issue("spiffe://fuling/matcher")
        matcher, address = stack.enter_context(serving(MemoryMatcher(district), tls))
        settings = make_settings(settings_folder, district, address, pki)
        runtime = Runtime(now, check_own_certificate(settings.tls, now).identity)
        server = start(build(settings, runtime), settings, runtime)
        stack.callback(server.stop, 5)
        yield Site(settings_folder, pki, server.address, matcher, stack)


def test_R21_declarations_reach_the_matcher_after_signature_and_entry(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    first = form(person(1))
    second = form(person(2), 报告人姓名="钱某", 报告人身份证号码=person(900_002).idn)
    declared = site.file("申报.csv", sheet(first, second))
    options = ("--signed-on", now().date(), "--post", "科所站室党员干部")
    assert site.run("li", "import", declared, *options) == Exit.OK
    assert "待签署意见" in capsys.readouterr().out

    worker = site.client(f"spiffe://fuling/clerk/{UNIT}/li")
    seen = [line.seen for line in worker.list_versions(LOOK)]
    with pytest.raises(ServiceError) as refused:
        worker.enter(seen)
    assert "规则R21" in refused.value.message_zh
    assert site.run("li", "sync") == Exit.OK
    assert site.matcher.live == {}

    assert site.run("zhou", "pending", "--mine") == Exit.OK
    shown = capsys.readouterr().out
    number = next(line for line in shown.splitlines() if line.startswith(seen[0].ref.hex()))
    assert site.run("zhou", "show", number) == Exit.OK
    assert person(1).idn in capsys.readouterr().out
    assert site.run("zhao", "sign", number) != Exit.OK  # the head signs for others
    assert site.run("zhou", "sign", number) == Exit.OK
    assert site.run("zhou", "sign", number) != Exit.OK  # it is not as he saw it
    assert site.run("zhou", "sign", "--all") == Exit.OK
    assert site.run("li", "enter", "--all") == Exit.OK
    assert site.run("li", "sync") == Exit.OK
    assert len(site.matcher.live) == 4
    assert site.run("liu", "review", "--all") == Exit.OK
    states = {line.state for line in worker.list_versions(LOOK)}
    assert states == {"VERSION_STATE_REVIEWED"}


def test_R20_change_hand_back_and_confirmation_from_the_command_line(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = site.file("申报.csv", sheet(form(person(1))))
    today = now().date()
    assert site.run("li", "import", declared) == Exit.OK
    worker = site.client(f"spiffe://fuling/clerk/{UNIT}/li")

    def number() -> str:
        capsys.readouterr()
        assert site.run("li", "pending", "--all") == Exit.OK
        lines = capsys.readouterr().out.splitlines()
        return next(line for line in reversed(lines) if line.count(".") == 2)

    assert site.run("li", "pledge", number(), "--on", today) == Exit.OK
    assert site.run("li", "place", number(), "--post", "科所站室党员干部") == Exit.OK
    assert site.run("zhou", "hand-back", number(), "--reason", "请核对职务") == Exit.OK
    assert worker.list_versions(LOOK)[0].handed_back == "请核对职务"
    moved = site.file("变化.csv", sheet(form(person(1), 报告人职务="副主任")))
    assert site.run("li", "import", moved, "--signed-on", today) == Exit.OK
    for login, step in (("zhou", "sign"), ("li", "enter"), ("liu", "review")):
        assert site.run(login, step, "--all") == Exit.OK
    assert site.run("li", "confirm", number(), "--on", today) == Exit.OK
    assert site.run("li", "import", declared, "--signed-on", today) != Exit.OK  # which change?
    capsys.readouterr()
    change = ("--change", "工作岗位调整", "--event-on", today, "--signed-on", today)
    assert site.run("li", "import", declared, *change) == Exit.OK
    assert site.run("li", "due", "--until", "2099-01-01") == Exit.OK
    out = capsys.readouterr().out
    assert "报告表签署录入：王某" in out
    assert "年度确认：王某" in out
    _, campaign = worker.list_due(LOOK)
    assert campaign == "2018-08-20"


@pytest.mark.parametrize(
    "identity",
    [OWN, "spiffe://fuling/clerk/nongji/li", "spiffe://fuling/officer/li"],
)
def test_sign_off_is_for_people_of_the_own_unit_alone(site: Site, identity: str) -> None:
    with pytest.raises(ServiceError) as refused:
        site.client(identity).list_versions(LOOK)
    assert refused.value.status == "PERMISSION_DENIED"


def test_R64_administrators_see_no_declaration(site: Site) -> None:
    for login in ("zhang", "wang", "chen"):
        with pytest.raises(ServiceError) as refused:
            site.client(f"spiffe://fuling/clerk/{UNIT}/{login}").list_versions(LOOK)
        assert "规则R64" in refused.value.message_zh
