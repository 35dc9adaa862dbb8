"""Two registries find an undeclared relative through a real matcher, over mutual TLS.

reg-a has no accounts (a trial); the other unit has its people. Everybody works through the command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from libmatch.errors import ConflictError, ServiceError
from libmatch.letters import MAX_BUCKETS, ack_bytes
from services.chassis.config import DatabaseSettings, ListenSettings, PeerSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import Runtime, start
from services.chassis.tls import check_own_certificate
from services.cli.exits import Exit
from services.cli.main import main
from services.holder.administrators import Administrators
from services.holder.config import UnitSettings
from services.registry.app import VERSIONS, build
from services.registry.import_sheet import ImportSheet
from services.registry.store import Store
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district, person
from tests.letters import make_letter
from tests.matcher_process import MatcherProcess
from tests.unit.services.registry.sheets_of_declarations import row, sheet
from tests.unit.services.registry.signoff_bench import UNIT, Office

A = "reg-a"
WANG, LI = person(1001), person(1002)
WANGS = sheet(
    *(
        row(*who, official=WANG, official_name="王某某", 报告人职务="办公室主任", 亲属单位=where)
        for who, where in (
            ((LI, "李某某", "弟弟"), f"测试单位{UNIT}"),
            ((person(5), "周某某", "妻子"), "某某公司"),
        )
    )
)
LIS = sheet(row(person(6), "赵某某", "妻子", official=LI, official_name="李某某"))


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Unit:
    """One registry that runs, and its people."""

    unit: str
    folder: Path
    address: str
    pki: Pki
    output: Any

    def tell(self, login: str, *words: object) -> tuple[int, str]:
        """(exit code, what was printed) of ``libmatch`` as ``login``."""
        path = self.folder / f"{login}.toml"
        if not path.exists():
            tls = self.pki.issue(f"spiffe://fuling/clerk/{self.unit}/{login}")
            own = f"spiffe://fuling/unit/{self.unit}"
            lines = ["[server]", f'address = "{self.address}"', f'identity = "{own}"', "[tls]"]
            names = ("certificate", "private_key", "ca")
            lines += [f'{name} = "{getattr(tls, name)}"' for name in names]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.output.readouterr()
        code = main([*map(str, words), "--config", str(path)])
        printed = self.output.readouterr()
        return code, printed.out + printed.err

    def does(self, login: str, *words: object) -> str:
        code, text = self.tell(login, *words)
        assert code == Exit.OK, text
        return text

    def findings(self, login: str, *words: str) -> list[dict[str, Any]]:
        why = ("--reason", "核对亲属申报", "--json")
        found: list[dict[str, Any]] = last_json(
            self.does(login, "consistency", "findings", *why, *words)
        )
        return found

    def refused(self, rule: str, login: str, *words: object) -> None:
        code, text = self.tell(login, "consistency", *words)
        assert code != Exit.OK
        assert f"（规则{rule}）" in text


def last_json(printed: str) -> Any:
    """What was printed, behind the log of the services in this process."""
    return json.loads(printed.splitlines()[-1])


def seed(database: DatabaseSettings, unit: str) -> None:
    """The people of the other unit, and the declaration of one of its officials."""
    with Database(database) as opened:
        migrate(opened, VERSIONS)
        Office(opened).staff()
        clerk = Identity("fuling", "clerk", unit, "li")
        ImportSheet(Store(opened), (1, 2, 3, 4), now, lambda: None).run(clerk, "申报.csv", LIS)


def settings_of(folder: Path, unit: str, district: District, pki: Pki, at: str) -> UnitSettings:
    folder.mkdir(mode=0o700)
    district.write_kit(folder / "kit", unit)
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    database = DatabaseSettings(path=folder / "registry.db")
    people = None
    if unit == UNIT:
        seed(database, unit)
        people = Administrators(system="zhang", security="wang", audit="chen")
    return UnitSettings(
        unit=unit,
        kit=folder / "kit",
        passphrase=folder / "passphrase",
        matcher=PeerSettings(address=at, identity="spiffe://fuling/matcher", timeout_s=20),
        listen=ListenSettings(address="127.0.0.1:0"),
        tls=pki.issue(f"spiffe://fuling/unit/{unit}"),
        database=database,
        sync_interval_s=3600,
        administrators=people,
    )


@pytest.fixture
def matcher(tmp_path: Path, pki: Pki) -> Iterator[MatcherProcess]:
    district = make_district(registry=(A, UNIT), now=now())
    with MatcherProcess(tmp_path / "matcher", district, pki) as running:
        yield running


@pytest.fixture
def units(
    tmp_path: Path, pki: Pki, matcher: MatcherProcess, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[Unit, Unit]]:
    with ExitStack() as stack:
        running = []
        for unit in (A, UNIT):
            folder = tmp_path / unit
            settings = settings_of(folder, unit, matcher.district, pki, matcher.address)
            runtime = Runtime(now, check_own_certificate(settings.tls, now).identity)
            server = start(build(settings, runtime), settings, runtime)
            stack.callback(server.stop, 5)
            running.append(Unit(unit, folder, server.address, pki, capsys))
        yield running[0], running[1]


def test_R53_an_undeclared_relative_is_found_by_letters_over_mutual_tls(
    units: tuple[Unit, Unit], matcher: MatcherProcess, tmp_path: Path
) -> None:
    a, b = units
    (tmp_path / "申报.csv").write_bytes(WANGS)
    a.does("li", "registry", "import", tmp_path / "申报.csv")
    told = a.does("li", "consistency", "run")
    assert "发往1个单位，待发送0封" in told
    assert "可向其他单位核对的亲属1人" in told
    assert "某某公司：1人" in told
    assert "王某某" not in told
    b.does("li", "consistency", "run")
    a.does("li", "consistency", "run")
    assert last_json(b.does("li", "consistency", "state", "--json"))["silent"] == []

    (finding,) = b.findings("sun")
    shown = (finding["official"], finding["declarant"], finding["relation"], finding["told_by"])
    assert shown == ("李某某", "王某某", "本人的兄弟姐妹", f"测试单位{A}")
    assert finding["declarant_post"] == "办公室主任"
    assert b.findings("liu") == [finding]
    assert a.findings("li", "--all") == []

    why = ("--reason", "核对亲属申报")
    b.refused("R53", "li", "findings", *why)  # the worker enters declarations and sees no lead
    b.refused("R64", "zhang", "findings", *why)
    b.refused("R63", "sun", "findings")
    decision = ("dismiss", finding["ref"], "--grounds", "经核实系同名误报")
    b.refused("R53", "liu", *decision)
    b.does("sun", "consistency", *decision)
    assert b.findings("sun") == []
    assert "核实不属实" in b.does("sun", "consistency", "findings", "--all", *why)
    code, text = b.tell("sun", "consistency", *decision)
    assert code != Exit.OK
    assert "已办结" in text

    matcher.kill()  # the journal stays, and is searched too
    stored = b"".join(path.read_bytes() for path in matcher.folder.rglob("*") if path.is_file())
    assert b"log-letter" in stored
    for word in ("王某某", "李某某", "办公室主任", WANG.idn, LI.idn):
        assert word.encode() not in stored


def test_letters_over_mutual_tls_from_client_to_client(matcher: MatcherProcess) -> None:
    district, own, other = matcher.district, matcher.unit(A), matcher.unit(UNIT)
    letter = make_letter(district, A, UNIT, buckets=MAX_BUCKETS)
    leaf = own.send_letter(letter)
    assert own.send_letter(letter) == leaf
    with pytest.raises(ConflictError):
        own.send_letter(make_letter(district, A, UNIT))
    assert list(other.fetch_letters()) == [(1, letter)]
    assert list(own.fetch_letters()) == list(other.fetch_letters(1)) == []
    signature = district.keys(UNIT).signing.sign(ack_bytes(letter.epoch, UNIT, 1))
    other.acknowledge_letters(1, signature)
    assert list(other.fetch_letters()) == []
    with pytest.raises(ServiceError) as refused:
        list(matcher.unit("ben-a").fetch_letters())
    assert (refused.value.status, refused.value.reason) == ("PERMISSION_DENIED", "SIDE")
