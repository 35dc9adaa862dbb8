"""纪委's workstation against the real matcher, each its own process, and officers at the command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from openpyxl import load_workbook

from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.records import Side
from libmatch.reports import Stage
from services.cli.main import main
from tests.district import person
from tests.inspector_bench import item, relative
from tests.inspector_site import Running, Site, build_site

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
AT_ONCE = {"RELEASE_POLICY": "immediate"}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return build_site(tmp_path_factory.mktemp("site") / "district")


@pytest.fixture
def site(pristine: Site, tmp_path: Path) -> Site:
    """A district in which nothing happened yet."""
    shutil.copytree(pristine.folder, tmp_path / "district")
    return Site(tmp_path / "district")


@pytest.fixture
def matcher(site: Site) -> Iterator[Running]:
    with site.matcher() as running:
        yield running


def submit(site: Site, matcher: Running, numbers: range = range(1, 4)) -> None:
    """``reg-a`` declares and ``ben-a`` lists the same people."""
    with site.unit("reg-a", matcher.address) as unit:
        unit.submit(REG, [relative(person(n), official=900_000 + n) for n in numbers])
    with site.unit("ben-a", matcher.address) as unit:
        unit.submit(BEN, [item(person(n), f"X-{n}") for n in numbers])


def test_from_submission_to_notices_with_two_officers(site: Site, matcher: Running) -> None:
    submit(site, matcher)
    with ExitStack() as stack:
        desk_of = site.inspector(matcher.address)
        address = stack.enter_context(desk_of).address
        zhang, li = (stack.enter_context(site.desk(name, address)) for name in ("zhang", "li"))
        zhang.pull()
        cases = list(zhang.list_cases("核对"))
        assert [case.status for case in cases] == ["CASE_STATUS_OPENED"] * 3
        assert {(case.official_idn, case.person_idn, case.item_ref) for case in cases} == {
            (person(900_000 + n).idn, person(n).idn, f"X-{n}") for n in (1, 2, 3)
        }
        ids = [case.case_id for case in cases]
        assert zhang.release(ids, "核对无误").awaiting_second == 3
        assert zhang.release(ids, "核对无误").awaiting_second == 3
        assert li.release(ids, "同意").released == 3
        li.pull()
        (case, *_) = li.list_cases("核对", "ben-a")
        assert (case.status, set(case.released_by)) == ("CASE_STATUS_RELEASED", {"zhang", "li"})
        unit = stack.enter_context(site.unit("ben-a", matcher.address))
        notices = unit.notices(BEN)
        assert len(notices) == 3
        assert all(isinstance(one, ItemNotice) for one in notices)
        assert {one.declaring_unit for one in notices if isinstance(one, ItemNotice)} == {"reg-a"}
        declaring = stack.enter_context(site.unit("reg-a", matcher.address))
        items = [one for one in declaring.notices(REG) if isinstance(one, OfficialNotice)]
        assert {one.item_ref for one in items} == {"X-1", "X-2", "X-3"}


def test_R47_a_unit_reports_on_its_case_and_officers_and_gate_follow(
    site: Site,
    matcher: Running,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    submit(site, matcher, range(1, 2))
    with (
        site.unit("reg-b", matcher.address) as other,
        site.unit("ben-a", matcher.address) as unit,
        site.inspector(matcher.address, **AT_ONCE) as inspector,
        site.desk("zhang", inspector.address) as desk,
    ):
        other.submit(REG, [relative(person(40))])
        desk.pull()
        (notice,) = unit.notices(BEN)
        assert call(site, "li", inspector.address, "cases") == 0
        assert "待核查" in capsys.readouterr().out
        unit.report(BEN, notice.case_id, Stage.COMPLIANT)
        assert desk.pull().disputes == 0
        assert call(site, "li", inspector.address, "cases") == 0
        assert "区丙局（ben-a）核查合规" in capsys.readouterr().out
        (case,) = desk.list_cases("核对")
        assert [(one.unit, one.stage) for one in case.stages] == [("ben-a", "CASE_STAGE_COMPLIANT")]
        (answer,) = unit.client.check_clearance([notice.rid]).clearances
        assert answer.reason is HoldReason.UNPUBLISHED


def test_the_gate_opens_after_the_workstation_looked(site: Site, matcher: Running) -> None:
    submit(site, matcher)
    with site.unit("reg-b", matcher.address) as unit:
        unit.submit(REG, [relative(person(40))])
    with site.unit("ben-a", matcher.address) as unit:
        (rid,) = unit.submit(BEN, [item(person(50), "X-50")], seq=2)
        (before,) = unit.client.check_clearance([rid]).clearances
        assert before.status is ClearanceStatus.PENDING
        with (
            site.inspector(matcher.address) as inspector,
            site.desk("li", inspector.address) as desk,
        ):
            desk.pull()
        (after,) = unit.client.check_clearance([rid]).clearances
        assert after.status is ClearanceStatus.CLEAR


def test_a_killed_workstation_goes_on_where_it_was(site: Site, matcher: Running) -> None:
    submit(site, matcher, range(1, 120))
    for _ in range(3):  # at whatever point its first round is
        with site.inspector(matcher.address, **AT_ONCE) as inspector:
            inspector.kill()
    with (
        site.inspector(matcher.address, **AT_ONCE) as inspector,
        site.desk("zhang", inspector.address) as desk,
    ):
        desk.pull()
        assert len(list(desk.list_cases("核对"))) == 119
        assert list(desk.list_disputes()) == []
    with site.unit("ben-a", matcher.address) as unit:
        told = [one.rid for one in unit.notices(BEN)]
        assert len(told) == len(set(told)) == 119


def test_a_round_survives_a_matcher_that_is_killed_and_comes_back(site: Site) -> None:
    with site.matcher() as first:
        submit(site, first, range(1, 60))
        with site.inspector(first.address, **AT_ONCE, MATCHER__TIMEOUT_S="2"):
            first.kill()
    with (
        site.matcher() as second,
        site.inspector(second.address, **AT_ONCE) as inspector,
        site.desk("zhang", inspector.address) as desk,
    ):
        desk.pull()
        assert len(list(desk.list_cases("核对"))) == 59
        with site.unit("reg-a", second.address) as unit:
            assert len(unit.notices(REG)) == 59


def test_logs_hold_no_personal_data_and_files_are_the_owners(site: Site, matcher: Running) -> None:
    submit(site, matcher)
    with (
        site.inspector(matcher.address, **AT_ONCE) as inspector,
        site.desk("zhang", inspector.address) as desk,
    ):
        desk.pull()
        list(desk.list_cases("核对"))
    log = (site.folder / "inspector" / "log.jsonl").read_bytes()
    for text in ("甲某", "乙某", "改厕", person(1).idn, person(900_001).idn):
        assert text.encode() not in log
    for path in site.files_of_inspector():
        if path.name.startswith("inspector.db"):
            assert path.stat().st_mode & 0o077 == 0


# --- refusing to start ------------------------------------------------------------------------------


def refusal(site: Site) -> tuple[int, str]:
    """Exit code and last words of a workstation that does not start."""
    process = site.start("inspector", {"LIBMATCH_INSPECTOR__MATCHER__ADDRESS": "127.0.0.1:1"})
    out, _ = process.communicate(timeout=60)
    assert out == ""
    lines = (site.folder / "inspector" / "log.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 1
    return process.returncode, lines[0]


def test_a_wrong_passphrase_is_one_line(site: Site) -> None:
    (site.folder / "inspector" / "passphrase").write_text("not the passphrase", encoding="utf-8")
    code, line = refusal(site)
    assert code == 2
    assert line.startswith("inspector: ")
    assert "passphrase" in line


def test_an_untrusted_manifest_is_one_line(site: Site) -> None:
    authorities = site.folder / "inspector" / "kit" / "epoch" / "authorities"
    authorities.write_text("00" * 32 + "\n", encoding="ascii")
    code, line = refusal(site)
    assert code == 2
    assert "signatures" in line


def test_another_partys_key_is_one_line(site: Site) -> None:
    unit, own = site.folder / "units" / "reg-a", site.folder / "inspector"
    for name in ("kit/keys/party.key", "passphrase"):
        os.replace(unit / name, own / name)
    code, line = refusal(site)
    assert code == 2
    assert "not the inspector key of the manifest" in line


def test_an_unknown_setting_is_one_line(site: Site) -> None:
    config = site.folder / "inspector" / "config.toml"
    config.write_text('release_polcy = "immediate"\n' + config.read_text("utf-8"), encoding="utf-8")
    code, line = refusal(site)
    assert code == 2
    assert 'did you mean "release_policy"' in line


# --- the command line -------------------------------------------------------------------------------


def call(site: Site, officer: str, address: str, *args: str) -> int:
    """The exit code of ``libmatch inspector …`` as ``officer``."""
    path = site.officer(officer) / "client.toml"
    if "127.0.0.1:0" in (text := path.read_text("utf-8")):
        path.write_text(text.replace("127.0.0.1:0", address), encoding="utf-8")
    command, *rest = args
    return main(["inspector", command, "--config", str(path), *rest])


def test_officers_work_from_the_command_line(
    site: Site, matcher: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(site, matcher)
    out = tmp_path / "cases.xlsx"
    with site.inspector(matcher.address) as inspector:
        address = inspector.address
        assert call(site, "zhang", address, "pull") == 0
        assert call(site, "zhang", address, "cases", "--out", str(out)) == 0
        assert call(site, "zhang", address, "release", "1", "2", "--reason", "核对无误") == 0
        assert "等待另一名干部同意2件" in capsys.readouterr().out
        assert call(site, "li", address, "release", "--all", "--reason", "同意") == 0
        assert "已同意发出2件，等待另一名干部同意1件" in capsys.readouterr().out
        assert call(site, "li", address, "pull") == 0
        assert call(site, "li", address, "cases", "--unit", "ben-a") == 0
        listed = capsys.readouterr().out
        assert "共3条" in listed
        assert "区丙局" in listed
        assert person(1).idn not in listed
        assert call(site, "li", address, "disputes") == 0
        assert "争议：没有记录" in capsys.readouterr().out
    sheet = load_workbook(out).active
    assert sheet is not None
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert [row[2] for row in rows] == ["乙某"] * 3
    assert {row[14] for row in rows} == {"X-1", "X-2", "X-3"}
    assert "*" in str(rows[0][10])
    assert out.stat().st_mode & 0o077 == 0


def test_R36_two_names_of_a_person_are_shown_and_left_out_of_all(
    site: Site,
    matcher: Running,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with site.unit("reg-a", matcher.address) as unit:
        unit.submit(REG, [relative(person(1), name="丙某"), relative(person(2))])
    with site.unit("ben-a", matcher.address) as unit:
        unit.submit(BEN, [item(person(1), "X-1"), item(person(2), "X-2")])
    with site.inspector(matcher.address, **AT_ONCE) as inspector:
        address, out = inspector.address, tmp_path / "cases.xlsx"
        assert call(site, "zhang", address, "pull") == 0
        assert call(site, "zhang", address, "cases") == 0
        assert "丙某（名单为甲某）" in capsys.readouterr().out
        assert call(site, "zhang", address, "cases", "--out", str(out)) == 0
        assert call(site, "zhang", address, "release", "--all", "--reason", "同意") == 0
        said = capsys.readouterr().out
        assert "申报与名单姓名不一致的1件未发出" in said
        assert "已同意发出0件" in said
        with site.desk("zhang", address) as desk:
            (odd,) = [case for case in desk.list_cases("核对") if case.names_differ]
        assert call(site, "zhang", address, "release", str(odd.number), "--reason", "核对无误") == 0
        assert "已同意发出1件" in capsys.readouterr().out
    sheet = load_workbook(out).active
    assert sheet is not None
    rows = {row[14]: row[7:10] for row in sheet.iter_rows(min_row=3, values_only=True)}
    assert rows == {"X-1": ("丙某", "甲某", "不一致"), "X-2": ("甲某", "甲某", None)}


def test_a_matcher_restored_from_an_older_backup_is_found(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = site.folder / "matcher" / "data"
    with site.matcher() as matcher:
        submit(site, matcher)
    shutil.copytree(data, tmp_path / "backup")
    with (
        site.matcher() as matcher,
        site.inspector(matcher.address, **AT_ONCE) as inspector,
        site.desk("zhang", inspector.address) as desk,
    ):
        desk.pull()
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "backup", data)
    with site.matcher() as matcher, site.inspector(matcher.address) as inspector:
        assert call(site, "zhang", inspector.address, "pull") == 5
        assert "审计日志" in capsys.readouterr().err
        assert call(site, "zhang", inspector.address, "disputes") == 0
        assert "比对平台" in capsys.readouterr().out


def test_the_command_line_refuses_in_chinese(
    site: Site, matcher: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(site, matcher)
    with site.inspector(matcher.address) as inspector:
        address = inspector.address
        call(site, "zhang", address, "pull")
        for args, code, words in (
            (("release", "9", "--reason", "同意"), 3, "序号不存在"),
            (("release", "--reason", "同意"), 2, "--all"),
            (("release", "1", "--reason", " "), 6, "请写明事由"),
            (("cases", "--reason", "查11010119900307775X"), 6, "不要写证件号码"),
            (("cases", "--unit", "区丙局"), 6, "单位代码不正确"),
        ):
            capsys.readouterr()
            assert call(site, "zhang", address, *args) == code, args
            assert words in capsys.readouterr().err
        out = tmp_path / "there.xlsx"
        out.write_bytes(b"mine")
        assert call(site, "zhang", address, "cases", "--out", str(out)) == 3
        assert out.read_bytes() == b"mine"
    assert call(site, "zhang", address, "pull") == 6
