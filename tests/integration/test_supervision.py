"""Random checks and leads over mutual TLS: a unit's registry, 纪委, and between them (R51 to R54).

Every service is a process of its own; people work through the command line, each with the own certificate.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libmatch.china_time import china_day
from libmatch.manifest import Role
from libmatch.records import Side
from services.authority.plan import Plan, PlannedUnit
from services.authority.quickstart import build_district
from services.cli.draw_files import read_published
from services.cli.exits import Exit
from services.cli.main import main
from tests.chassis_pki import Pki
from tests.district import person
from tests.inspector_bench import item, relative
from tests.inspector_site import OFFICERS, ROOT, Site
from tests.integration.test_accounts_and_rights import OfficeSite
from tests.integration.test_accounts_and_rights import Unit as OfficeUnit
from tests.unit.services.registry.sheets_of_declarations import row as declared
from tests.unit.services.registry.sheets_of_declarations import sheet as declarations

REF = re.compile(r"\b[0-9a-f]{32}\b")
WHY = ("--reason", "年度抽查核对")


@dataclass
class Desk:
    """Where one person works: a settings file and the address of the service."""

    config: Path
    address: str
    folder: Path

    def tell(self, *words: str | Path) -> tuple[int, str]:
        """(exit code, everything that was printed)."""
        shown = io.StringIO()
        before = os.environ.get("LIBMATCH_CLERK__SERVER__ADDRESS")
        os.environ["LIBMATCH_CLERK__SERVER__ADDRESS"] = self.address
        try:
            with redirect_stdout(shown), redirect_stderr(shown):
                code = main([*map(str, words), "--config", str(self.config)])
        finally:
            os.environ.pop("LIBMATCH_CLERK__SERVER__ADDRESS")
            if before is not None:
                os.environ["LIBMATCH_CLERK__SERVER__ADDRESS"] = before
        return code, shown.getvalue()

    def does(self, *words: str | Path) -> str:
        code, text = self.tell(*words)
        assert code == Exit.OK, text
        return text

    def refused(self, rule: str, *words: str | Path) -> None:
        code, text = self.tell(*words)
        assert code in (Exit.SERVICE, Exit.REFUSED), text
        assert f"（规则{rule}）" in text

    def secret(self, draw: str) -> Path:
        return self.folder / f"{self.config.parent.name}-{draw}.json"

    def commit(self, draw: str, value: str = "") -> None:
        self.does("draws", "commit", draw, "--secret", self.secret(draw), "--value", value)

    def reveal(self, draw: str) -> str:
        return self.does("draws", "reveal", draw, "--secret", self.secret(draw))


def ref_in(text: str) -> str:
    """The first id that was shown."""
    found = REF.search(text)
    assert found is not None, text
    return found[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site") / "district"
    registry, both = Role.REGISTRY, Role.REGISTRY | Role.BENEFICIARY
    units = (
        PlannedUnit("reg-a", "区甲局", registry, clerks=("ji", "shu")),
        PlannedUnit("dual", "某镇", both, clerks=()),
    )
    plan = Plan(district="fuling", units=units, officers=OFFICERS, base_port=0)
    build_district(plan, folder, now=datetime.now(UTC))
    return Site(folder)


@contextmanager
def registry_of(site: Site, unit: str, matcher: str) -> Iterator[str]:
    """The address of the unit's registry, its own process for the time of the block."""
    home = site.folder / "units" / unit / "registry"
    with (home / "log.jsonl").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.registry.app", "--config", str(home / "config.toml")],
            cwd=ROOT,
            env={**os.environ, "LIBMATCH_REGISTRY__MATCHER__ADDRESS": matcher},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["address"]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@dataclass
class Scene:
    """ji and shu at their unit's registry, zhang and li at 纪委."""

    ji: Desk
    shu: Desk
    zhang: Desk
    li: Desk
    folder: Path


@pytest.fixture(scope="module")
def scene(site: Site) -> Iterator[Scene]:
    with ExitStack() as stack:
        matcher = stack.enter_context(site.matcher())
        inspector = stack.enter_context(site.inspector(matcher.address)).address
        registry = stack.enter_context(registry_of(site, "reg-a", matcher.address))
        clerks, folder = site.folder / "units" / "reg-a" / "clerks", site.folder
        with site.unit("dual", matcher.address) as unit:
            numbers = range(1, 12)
            unit.submit(Side.REGISTRY, [relative(person(n), official=900_100 + n) for n in numbers])
            unit.submit(Side.BENEFICIARY, [item(person(n), f"X-{n}") for n in numbers], seq=1)
        with site.desk("zhang", inspector) as desk:
            desk.pull()
        ji, shu = (
            Desk(clerks / name / "registry.toml", registry, folder) for name in ("ji", "shu")
        )
        zhang, li = (
            Desk(site.officer(name) / "client.toml", inspector, folder) for name in OFFICERS
        )
        yield Scene(ji, shu, zhang, li, folder)


def import_declarations(scene: Scene, count: int) -> None:
    rows = (
        declared(
            person(n), official=person(900_500 + n), official_name=f"报告人{'甲乙丙丁'[n % 4]}"
        )
        for n in range(1, count + 1)
    )
    path = scene.folder / "申报.csv"
    path.write_bytes(declarations(*rows))
    scene.ji.does("registry", "import", path)


def drawn_in(text: str) -> list[str]:
    return re.findall(r"抽中：([0-9a-f]{32})", text)


def test_R51_a_unit_draws_from_its_declarations_and_a_finding_reaches_the_commission(
    scene: Scene,
) -> None:
    ji, shu, zhang = scene.ji, scene.shu, scene.zhang
    import_declarations(scene, 4)
    draw = ref_in(ji.does("draws", "plan", "报告", "ji", "shu"))
    ji.commit(draw, "6-3-1")
    code, text = ji.tell("draws", "reveal", draw, "--secret", ji.secret(draw))
    assert (code, "等待shu" in text, "规则R51" in text) == (Exit.SERVICE, True, True)
    shu.commit(draw)
    ji.reveal(draw)
    assert "抽查中" in shu.reveal(draw)
    drawn = drawn_in(shu.does("draws", "show", draw))
    assert len(drawn) == 2  # 30 % of 4, rounded up
    shown = ji.does("draws", "show", draw, *WHY)
    assert "报告人" in shown
    assert person(900_501).idn not in shown
    ji.does("draws", "result", draw, drawn[0], "--grounds", "与户籍信息一致")
    ji.refused("R51", "draws", "finish", draw)
    ji.refused("R51", "draws", "result", draw, "ab" * 16, "--grounds", "与户籍信息一致")
    lead = ref_in(record_lead(ji, drawn[1], "区管干部"))
    ji.does("draws", "result", draw, drawn[1], "--grounds", "与户籍不符", "--lead", lead)
    assert "已办结" in ji.does("draws", "finish", draw)
    assert "已办结" in ji.does("draws", "list")
    hand_over(scene, lead)
    back = scene.folder / "feedback.bin"
    zhang.does("leads", "export", lead, "--out", back, "--to", "reg-a")
    ji.does("leads", "import", back)
    assert "第一种形态" in ji.does("leads", "show", lead, *WHY)


def record_lead(desk: Desk, reference: str, authority: str) -> str:
    return desk.does(
        *("leads", "record", "--ground", "不如实报告亲属信息", "--source", "单位抽查"),
        *("--reference", reference, "--authority", authority, "--unit", "reg-a"),
        *("--about", "某科某某", "--summary", "漏报配偶的兄弟"),
    )


def hand_over(scene: Scene, lead: str) -> None:
    """The unit's lead goes to 纪委 in a sealed file, is pressed and disposed of there."""
    ji, zhang, li = scene.ji, scene.zhang, scene.li
    file = scene.folder / "lead.bin"
    assert "jiwei" in ji.does("leads", "export", lead, "--out", file)
    assert "某科某某".encode() not in file.read_bytes()
    code, text = ji.tell("leads", "import", file)  # not for the unit itself
    assert (code, "打不开" in text) == (Exit.SERVICE, True)
    assert "来自reg-a，新增2步" in zhang.does("leads", "import", file)
    assert "新增0步" in li.does("leads", "import", file)
    assert "某科某某" in li.does("leads", "list", *WHY)
    ji.refused(
        "R53", "leads", "dispose", lead, "第一种形态", "--grounds", "谈话提醒", "--nature", "漏报"
    )
    dispose = ("leads", "dispose", lead, "第一种形态", "--grounds", "谈话提醒，责令补报")
    zhang.refused("R54", *dispose)
    assert "第一种形态" in zhang.does(*dispose, "--nature", "漏报")


def test_R53_a_lead_of_the_commission_reaches_the_units_organ_and_its_end_comes_back(
    scene: Scene,
) -> None:
    ji, zhang = scene.ji, scene.zhang
    lead = ref_in(record_lead(zhang, "信访〔2018〕7号", "单位管理的干部"))
    zhang.does("leads", "press", lead, "--due", due_in(30))
    there, back = scene.folder / "to-unit.bin", scene.folder / "to-jiwei.bin"
    assert "reg-a" in zhang.does("leads", "export", lead, "--out", there)
    assert "督办中" in ji.does("leads", "import", there)
    ji.does("leads", "correction", lead, "--at", "2018-09-03T09:30")
    ended = ("leads", "dispose", lead, "第一种形态", "--grounds", "谈话提醒，责令补报")
    ji.refused("R54", *ended, "--nature", "瞒报")
    ji.does(*ended, "--nature", "漏报")
    ji.does("leads", "export", lead, "--out", back, "--to", "jiwei")
    zhang.does("leads", "import", back)
    assert "已处置" in zhang.does("leads", "list", *WHY)


def due_in(days: int) -> str:
    return (china_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


def test_R52_two_officers_draw_from_the_flagged_cases_and_anybody_draws_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    zhang, li = scene.zhang, scene.li
    zhang.refused("R52", "draws", "plan", "全区", "zhang")
    draw = ref_in(zhang.does("draws", "plan", "全区", "zhang", "li"))
    for officer in (zhang, li):
        officer.commit(draw)
    altered = json.loads(li.secret(draw).read_text("utf-8"))
    other = li.secret(draw).with_name("other.json")
    other.touch(mode=0o600)
    other.write_text(json.dumps({**altered, "value": "00"}), encoding="utf-8")
    li.refused("R52", "draws", "reveal", draw, "--secret", other)
    for officer in (zhang, li):
        officer.reveal(draw)
    out = scene.folder / "draw.json"
    zhang.does("draws", "export", draw, "--out", out)
    published = read_published(out.read_bytes())
    assert (len(published.items), len(published.drawn)) == (11, 2)
    shown = li.does("draws", "show", draw, *WHY)
    assert "受益人" in shown
    for drawn in published.drawn:
        li.does("draws", "result", draw, drawn.hex(), "--grounds", "核查材料齐全")
    assert "已办结" in zhang.does("draws", "finish", draw)
    assert main(["draws", "verify", str(out)]) == Exit.OK
    assert "没有记录" in zhang.does("leads", "measures", *WHY)


def test_R51_a_silent_party_is_named_and_gives_way(scene: Scene) -> None:
    ji, shu = scene.ji, scene.shu
    import_declarations(scene, 9)
    draw = ref_in(ji.does("draws", "plan", "报告", "ji", "shu"))
    ji.commit(draw)
    ji.refused("R51", "draws", "void", draw, "--reason", "重新抽取一次")
    assert "未办理：shu" in shu.does("draws", "void", draw, "--reason", "外出学习一周")
    ji.refused("R51", "draws", "repeat", draw)
    again = ref_in(ji.does("draws", "repeat", draw, "--with", "li"))
    assert again != draw


def test_R63_logs_and_trails_hold_no_name(scene: Scene, site: Site) -> None:
    logs = [
        site.folder / "inspector" / "log.jsonl",
        *site.folder.glob("units/*/registry/log.jsonl"),
    ]
    assert logs
    for path in logs:
        text = path.read_text("utf-8")
        assert "某科某某" not in text
        assert person(900_501).idn not in text
    del scene


def test_R51_officers_have_no_desk_in_a_unit_and_clerks_none_at_the_commission(
    scene: Scene,
) -> None:
    for stranger in (
        Desk(scene.zhang.config, scene.ji.address, scene.folder),
        Desk(scene.ji.config, scene.zhang.address, scene.folder),
    ):
        code, _ = stranger.tell("draws", "list")
        assert code == Exit.SERVICE


# --- with accounts ------------------------------------------------------------------------------


def test_R51_R53_worker_administrators_and_systems_neither_draw_nor_see_leads(
    tmp_path: Path, pki: Pki
) -> None:
    site = OfficeSite(tmp_path, pki)
    with site.running("beneficiary") as running:
        unit = OfficeUnit(site, "beneficiary", running.address)
        on = china_day(datetime.now(UTC)).isoformat()
        for login, of, answers, role in (
            ("liu", 2, {"leader": "是"}, "责任领导"),
            ("li", 1, {"worker": "是"}, "工作人员"),
            ("gao", 3, {}, "同级纪检组织负责人"),
        ):
            form = unit.form(login, of, **answers)
            extra = ("--discipline",) if login == "gao" else ()
            unit.does("zhang", "accounts", "propose", login, "--form", form, *extra)
            for who, words in unit.steps(login, on, role):
                unit.does(who, *words)
        plan = ("draws", "plan", "事项", "gao", "liu")
        leads = ("leads", "list", *WHY)
        for login, rules in {"li": ("R51", "R53"), "zhang": ("R64", "R64")}.items():
            unit.refused(rules[0], login, *plan)
            unit.refused(rules[1], login, *leads)
        unit.refused("R53", "liu", *leads)
        unit.refused("R51", "gao", "draws", "plan", "事项", "gao", "li")  # no worker as a witness
        _, text = unit.tell("gao", *plan)
        assert "没有这一类可抽查的对象" in text  # allowed, but nothing was flagged yet
        unit.does("gao", *leads)
        unit.does("liu", "draws", "list")
