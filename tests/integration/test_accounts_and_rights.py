"""Accounts, refusals, rights of persons and the trail over mutual TLS (R30 to R33, R56, R63 to R65).

Registry and beneficiary are processes of their own, with their three administrators in the settings; no
matcher is there, for nothing of this needs one. People work through the command line, each with the own
certificate.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.china_time import china_day
from libmatch.errors import ServiceError
from services.chassis.audit import AuditEntry, entries
from services.chassis.client import Channel, open_channel
from services.chassis.config import PeerSettings, TlsSettings
from services.chassis.db import Database
from services.cli.exits import Exit
from services.cli.peers.rights import RetentionClient, TrailClient
from tests.chassis_pki import Pki
from tests.district import person
from tests.integration.test_unit_services import UNITS, Site, run, tls_section
from tests.rules_samples import number
from tests.unit.services.beneficiary.conftest import row as item
from tests.unit.services.beneficiary.conftest import sheet as items
from tests.unit.services.registry.sheets_of_declarations import row as relative
from tests.unit.services.registry.sheets_of_declarations import sheet as declarations

WHY = ("--reason", "年度核对情况")
FORM = """
"姓名" = "{name}"
"性别" = "{sex}"
"出生年月" = "{born}"
"民族" = "汉族"
"籍贯" = "重庆涪陵"
"出生地" = "重庆涪陵"
"入党时间" = "1975.07"
"参加工作时间" = "1970.03"
"健康状况" = "健康"
"身份证号码" = "{idn}"
"联系电话" = "无"
"现任职务" = "科员"
"分管工作" = "台账"
"主要简历" = "{resume}"
"照片" = "photo.jpg"
"是否责任领导" = "{leader}"
"是否工作人员" = "{worker}"
["全日制教育"]
"学历学位" = "无"
"毕业院校及专业" = "无"
["在职教育"]
"学历学位" = "无"
"毕业院校及专业" = "无"
[["家庭主要成员及社会关系"]]
"称谓" = "妻子"
"姓名" = "丁某"
"年龄" = 60
"政治面貌" = "群众"
"工作单位及职务" = "无"
"""


class OfficeSite(Site):
    """A site whose services name their administrators and their file of audit heads."""

    def configure(self, service: str, matcher: str = "", address: str = "127.0.0.1:0") -> Path:
        config = super().configure(service, matcher or "127.0.0.1:1", address)
        text = config.read_text("utf-8").replace("sync_interval_s = 0.5", "sync_interval_s = 60.0")
        text = text.replace("timeout_s = 5", "timeout_s = 0.2")  # nobody is there
        (self.folder / "heads").mkdir(exist_ok=True)
        heads = f'audit_heads = "{self.folder}/heads/{service}"\n'
        administrators = '[administrators]\nsystem = "zhang"\nsecurity = "wang"\naudit = "chen"\n'
        config.write_text(f"{heads}{text}\n{administrators}", encoding="utf-8")
        return config


@dataclass
class Unit:
    """One service that runs, as its people reach it: each command with the certificate of ``login``."""

    site: OfficeSite
    service: str
    address: str

    def config(self, login: str) -> Path:
        path = self.site.folder / f"{self.service}--{login}.toml"
        return path if path.exists() else self.site.clerk(self.service, self.address, login)

    def tell(self, login: str, *words: str | Path) -> tuple[int, str]:
        """(exit code, everything that was printed)."""
        return captured(*words, "--config", self.config(login))

    def does(self, login: str, *words: str | Path) -> str:
        code, text = self.tell(login, *words)
        assert code == Exit.OK, text
        return text

    def refused(self, rule: str, login: str, *words: str | Path) -> str:
        """The text of a refusal by ``rule``, whose number it names."""
        code, text = self.tell(login, *words)
        assert code in (Exit.SERVICE, Exit.REFUSED), text
        assert f"（规则{rule}）" in text
        return text

    def form(self, login: str, of: int, **answers: str) -> Path:
        who = number(of)
        values = {"resume": "1970.03至今", "leader": "否", "worker": "否"} | answers
        values |= {"name": name_of(login), "idn": who.idn, "sex": who.sex.value if who.sex else ""}
        born = who.birth_date
        assert born is not None
        (self.site.folder / "photo.jpg").write_bytes(b"picture")
        text = FORM.format(born=f"{born:%Y-%m}", **values)
        return self.site.file(f"{login}.toml", text.encode("utf-8"))

    def steps(self, login: str, on: str, role: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Who does what from the proposal to the grant."""
        yield login, ("accounts", "pledge", "--name", name_of(login))
        yield "wang", ("accounts", "opinion", login, "--on", on)
        yield "wang", ("accounts", "file", login, "--number", "涪纪备1号", "--on", on)
        yield "wang", ("accounts", "roles", login, role)

    def channel(self, login: str, stack: ExitStack) -> Channel:
        settings = tomllib.loads(self.config(login).read_text("utf-8"))
        server = PeerSettings(**settings["server"])
        return stack.enter_context(open_channel(server, TlsSettings(**settings["tls"])))

    def database(self) -> Path:
        return self.site.folder / self.service / f"{self.service}.db"


def captured(*words: str | Path) -> tuple[int, str]:
    """(exit code, everything that was printed) of a command."""
    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown):
        return run(*words), shown.getvalue()


def name_of(login: str) -> str:
    return "某" + {"li": "力", "liu": "柳", "sun": "孙", "gao": "高"}[login]


def today_in_china() -> str:
    return china_day(datetime.now(UTC)).isoformat()


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[dict[str, Unit]]:
    """Both services, running, with the worker li and the leader liu."""
    site = OfficeSite(tmp_path_factory.mktemp("district"), pki)
    with ExitStack() as stack:
        found = {
            name: Unit(site, name, stack.enter_context(site.running(name)).address)
            for name in UNITS
        }
        for unit in found.values():
            open_accounts(unit)
        yield found


def open_accounts(unit: Unit) -> None:
    """The worker li and the leader liu, step by step; what comes before its turn is refused (R33)."""
    on = today_in_china()
    declared = unit.site.file("申报.csv", declarations(relative(person(11))))
    listed = unit.site.file("名单.csv", items(item(person(12), "A-1")))
    first = (unit.service, "import", declared if unit.service == "registry" else listed)
    unit.refused("R33", "li", *first)  # no account
    for login, of, answers, role in (
        ("liu", 2, {"leader": "是"}, "责任领导"),
        ("li", 1, {"worker": "是"}, "工作人员"),
    ):
        form = unit.form(login, of, **answers)
        unit.refused("R64", "wang", "accounts", "propose", login, "--form", form)
        unit.does("zhang", "accounts", "propose", login, "--form", form)
        for who, words in unit.steps(login, on, role):
            if login == "li":
                assert "还缺" in unit.refused("R33", "li", *first)
            if words[1] != "pledge":
                unit.refused("R64", "zhang", *words)
            unit.does(who, *words)
    assert "采纳" in unit.does("li", *first)


def test_accounts_from_proposal_to_first_import_with_every_refusal(
    units: dict[str, Unit],
) -> None:
    for unit in units.values():
        refuse_what_must_be(unit)
    for name, unit in units.items():
        trail = read_trail(unit)
        refused = {entry.outcome for entry in trail if entry.outcome.startswith("refused")}
        assert {f"refused {r}" for r in ("R30", "R31", "R33", "R56", "R63", "R64")} <= refused, name
        texts = repr([(e.actor, e.subject, e.reason, e.outcome) for e in trail])
        for secret in (number(1).idn, person(11).idn, name_of("li")):
            assert secret not in texts


def refuse_what_must_be(unit: Unit) -> None:
    on, noun = today_in_china(), unit.service
    # R30: the leader is not the worker under another login.
    form = unit.form("sun", 2, worker="是")
    unit.does("zhang", "accounts", "propose", "sun", "--form", form)
    *steps, grant = unit.steps("sun", on, "工作人员")
    for who, words in steps:
        unit.does(who, *words)
    unit.refused("R30", grant[0], *grant[1])
    # R32: a blank on the form keeps the account shut.
    unit.does("zhang", "accounts", "propose", "gao", "--form", unit.form("gao", 3, resume=""))
    unit.does("gao", "accounts", "pledge", "--name", name_of("gao"))
    assert "主要简历" in unit.refused("R33", "gao", noun, "list", *WHY)
    # R56: discipline staff enter nothing, not even with a role that reads.
    form = unit.form("gao", 3)
    unit.does("zhang", "accounts", "propose", "gao", "--form", form, "--discipline")
    for who, words in unit.steps("gao", on, "单位纪检组织工作人员"):
        unit.does(who, *words)
    sheet = unit.site.file("空.csv", b"x")
    unit.refused("R56", "gao", noun, "import", sheet)
    unit.does("gao", noun, "list", *WHY)
    # R63: a look has a reason. R64: administrators see no business data and export none.
    unit.refused("R63", "li", noun, "list")
    for administrator in ("zhang", "wang", "chen"):
        unit.refused("R64", administrator, noun, "list", *WHY)
        unit.refused("R64", administrator, noun, "notices", *WHY)
        unit.refused("R64", administrator, "rights", "due")
    # R31: a system's certificate enters nothing and looks at nothing.
    machine = unit.site.folder / f"{noun}-machine.toml"
    server = f'[server]\naddress = "{unit.address}"\n'
    server += f'identity = "spiffe://fuling/unit/{UNITS[noun]}"\n'
    own = tls_section(unit.site.pki, f"spiffe://fuling/unit/{UNITS[noun]}")
    machine.write_text(server + own, encoding="utf-8")
    tries: tuple[tuple[str | Path, ...], ...] = ((noun, "import", sheet), (noun, "list", *WHY))
    for tried in tries:
        code, text = captured(*tried, "--config", machine)
        assert code in (Exit.SERVICE, Exit.REFUSED)
        assert "（规则R31）" in text


def read_trail(unit: Unit) -> list[AuditEntry]:
    """The trail of a running service, read beside it."""
    with Database(f"sqlite:///{unit.database()}", read_only=True) as database:
        return list(database.read(lambda session: entries(session, limit=1000)))


def test_rights_and_trail_over_the_wire(
    units: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_what_is_held(units["beneficiary"], person(12).idn, monkeypatch)
    ask_what_is_held(units["registry"], person(11).idn, monkeypatch)
    unit = units["registry"]
    with ExitStack() as stack:
        trail = TrailClient(unit.channel("chen", stack))
        head = trail.head()
        lines = list(trail.read())
        assert [line.seq for line in lines] == list(range(1, head[0] + 1))
        refusals = list(trail.read(refused=True, login="li"))
        assert refusals
        assert all(line.outcome.startswith("refused") for line in refusals)
        assert {line.actor.rpartition("/")[2] for line in refusals} == {"li"}
        for login in ("zhang", "wang", "li", "liu"):
            other = TrailClient(unit.channel(login, stack))
            with pytest.raises(ServiceError) as caught:
                other.head()
            assert "（规则R64）" in caught.value.message_zh
        worker = RetentionClient(unit.channel("li", stack))
        with pytest.raises(ServiceError) as caught:
            worker.purge(0, "到期清除，领导已批准")
        assert "（规则R65）" in caught.value.message_zh
        leader = RetentionClient(unit.channel("liu", stack))
        assert leader.count_due() == ([], 0)
        assert leader.purge(0, "到期清除，领导已批准").purged == 0
    assert f"{head[0]}:" not in unit.does("chen", "audit", "head")  # reading was an entry itself
    assert "R33" in unit.does("chen", "audit", "trail", "--refused", "--actor", "li")


def ask_what_is_held(unit: Unit, idn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the worker: on the terminal, as files, and who looked."""
    why = ("--reason", "答复本人申请")
    folder = unit.site.folder
    for words in ((), ("--out", folder / f"{unit.service}.json"), ("--out", folder / "x.xlsx")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{idn}\n"))
        text = unit.does("li", "rights", "held", *why, *words)
        assert idn not in text
    (folder / "x.xlsx").unlink()
    answer = json.loads((folder / f"{unit.service}.json").read_text("utf-8"))
    assert answer["信息"][0]["内容"]["姓名"] == "李某"
    assert idn not in json.dumps(answer)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{idn}\n"))
    assert "答复本人查询" in unit.does("li", "rights", "looks", *why)
    for login in ("zhang", "wang", "chen"):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{idn}\n"))
        unit.refused("R64", login, "rights", "held", *why)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{idn}\n"))
    unit.refused("R63", "li", "rights", "held", "--reason", "查")


def test_R63_stopped_service_leaves_a_trail_that_holds_against_its_heads(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    site = OfficeSite(tmp_path, pki)
    with site.running("registry") as process:
        unit = Unit(site, "registry", process.address)
        unit.refused("R33", "li", "registry", "list", *WHY)
        unit.refused("R64", "zhang", "registry", "list", *WHY)
    heads, database = tmp_path / "heads" / "registry", unit.database()
    verify = ("audit", "verify", "--database", database, "--heads", heads)
    assert run(*verify) == Exit.OK
    shown = capsys.readouterr().out
    assert "审计记录完整，共2条" in shown
    assert "与文件中的2个末端一致" in shown
    assert run("audit", "show", "--database", database) == Exit.OK
    assert "refused R64" in capsys.readouterr().out
    cut_off_the_end(database)
    assert run("audit", "verify", "--database", database) == Exit.OK  # it still holds by itself
    assert run(*verify) == Exit.TRUST
    assert "审计日志核验不通过" in capsys.readouterr().err


def cut_off_the_end(path: Path) -> None:
    with Database(f"sqlite:///{path}") as database:
        for statement in ("DROP TRIGGER audit_no_delete", "DELETE FROM audit WHERE seq = 2"):
            database.run_tx("cut", lambda s, sql=statement: s.execute(sa.text(sql)))  # type: ignore[misc]
