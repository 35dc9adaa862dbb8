"""The demo as somebody runs it: real processes, the matcher killed on the way, the report as promised."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFICIALS, ITEMS = 60, 150
_RUN_S = 240  # on a machine that is busy with other tests; 20 s on one that is not


def _command(out: Path, *more: str) -> list[str]:
    sizes = ["--officials", str(OFFICIALS), "--items", str(ITEMS)]
    return [sys.executable, "-m", "demo", *sizes, "--out", str(out), *more]


def _alive(out: Path) -> list[str]:
    """Command lines of services that still run in ``out``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "--config" in command and any(str(out) in part for part in command):
            found.append(" ".join(command))
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """Where a whole run wrote, what it printed, its exit code."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        _command(out, "--kill-matcher"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )
    assert not done.stderr
    return out, done.stdout, done.returncode


@pytest.fixture(scope="module")
def report(finished: tuple[Path, str, int]) -> dict[str, Any]:
    out, _, _ = finished
    content: dict[str, Any] = json.loads((out / "report.json").read_text("utf-8"))
    return content


@pytest.mark.slow
class TestRun:
    def test_it_ends_well_and_leaves_no_process(
        self, finished: tuple[Path, str, int], report: dict[str, Any]
    ) -> None:
        out, printed, code = finished
        assert printed.splitlines()[-1].strip() == "OK"
        assert code == 0
        assert report["ok"]
        assert all(report["checks"].values())
        assert set(report["exit_codes"].values()) == {0}
        assert len(report["exit_codes"]) == 12
        assert not _alive(out)

    def test_just_the_known_hits_are_found_though_the_matcher_was_killed(
        self, report: dict[str, Any]
    ) -> None:
        killed = report["matcher_killed"]
        assert killed["during_upload"]
        assert killed["while_writing"]
        assert 0 < killed["accepted_before"] < report["sizes"]["batches"]
        assert report["hits_found"] == report["hits_expected"] > 20
        assert (report["missed"], report["false_hits"], report["duplicates"]) == (0, 0, 0)
        assert report["pairs_found"] == report["pairs_expected"]

    def test_each_file_has_just_its_wrong_rows_refused(self, report: dict[str, Any]) -> None:
        rows = report["rows_refused"]
        assert [row["found"] for row in rows] == [row["expected"] for row in rows]
        assert report["rows_refused_found"] > 20

    def test_every_unit_is_told_what_concerns_it_and_the_gate_knows(
        self, report: dict[str, Any]
    ) -> None:
        notices = report["notices"]
        assert notices["found"] == notices["expected"] == notices["acknowledged"]
        assert (notices["missing"], notices["extra"], notices["disputed"]) == (0, 0, 0)
        assert report["gate_wrong"] == 0
        assert set(report["gate"]) == {"CLEAR", "HOLD", "NOT_SUBMITTED"}

    def test_nobody_holds_what_is_not_his(self, report: dict[str, Any]) -> None:
        assert report["plaintext_in_matcher"] == 0
        assert report["plaintext_search"]["running"]["bytes"] > 500_000
        assert not any(report["plaintext_elsewhere"].values())

    def test_the_private_key_and_the_whole_database_open_flagged_records_alone(
        self, report: dict[str, Any]
    ) -> None:
        tried = report["attempt"]
        assert report["unflagged_opened"] == 0
        assert report["flagged_opened_control"] == tried["flagged"] == tried["marked"] > 40
        assert tried["capsules_opened"] == tried["capsules"]
        assert tried["trials"] > 10 * (tried["records"] - tried["flagged"])

    def test_later_changes_have_their_own_effect_alone(self, report: dict[str, Any]) -> None:
        later = report["later"]
        assert all(outcome["ok"] for outcome in later.values())
        assert later["late"]["declaration_hits"] > 0
        assert later["late"]["item_hits"] > 0
        assert report["reimport_changes"] == 0

    def test_the_process_comes_to_what_the_rules_say(self, report: dict[str, Any]) -> None:
        process = report["process"]
        assert process["differences"] == {}
        for name in ("states", "overdue", "published", "cleared", "held", "leads"):
            assert process[name] == process[f"{name}_expected"], name
        assert process["sampled"] > 20
        assert {"PUBLISHED", "MEASURED", "OBJECTED", "WITHDRAWN"} <= process["states"].keys()
        first, _, last = process["days"].values()
        assert first["published"] < last["published"]
        assert first["overdue"] == 0 < last["overdue"]
        assert min(process["cleared"], process["held"], process["leads"]) > 0

    def test_results_lie_where_they_are_said_to(
        self, finished: tuple[Path, str, int], report: dict[str, Any]
    ) -> None:
        out, printed, _ = finished
        results = out / "results"
        assert (results / "jiwei" / "cases.xlsx").is_file()
        refused = [row for row in report["rows_refused"] if row["found"]]
        for row in refused:
            stem = Path(row["file"]).stem
            assert (results / row["unit"] / f"{stem}.问题.xlsx").is_file()
        assert str(out / "report.json") in printed


@pytest.mark.slow
def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        _command(out), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        ready = out / "logs" / "matcher.stdout"
        ends_at = time.monotonic() + _RUN_S
        while not (ready.exists() and ready.stat().st_size):
            assert run.poll() is None
            assert time.monotonic() < ends_at
            time.sleep(0.05)
        assert _alive(out)
        os.killpg(run.pid, signal.SIGINT)
        printed, _ = run.communicate(timeout=_RUN_S)
    assert run.returncode == 130
    assert "已中断" in printed
    assert not _alive(out)
