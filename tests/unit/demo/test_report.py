"""The report is good only where everything is: each thing that can go wrong turns its check."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.attempt import Attempt
from demo.judge import Hits, Notices
from demo.report import (
    Findings,
    Learned,
    RefusedRows,
    show_parties,
    show_result,
    summary,
    write_report,
)
from demo.uploads import Kill
from demo.workplace import Workplace

PROCESS = {
    "states": {"PUBLISHED": 3},
    "overdue": 1,
    "published": 3,
    "cleared": 2,
    "held": 1,
    "leads": 0,
    "ok": True,
}
GOOD = Findings(
    sizes={"officials": 60},
    hits=Hits(10, 10, 0, 0, 0, 0),
    pairs_expected=11,
    pairs_found=11,
    refused=(RefusedRows("a", "表.xlsx", 2, 2), RefusedRows("b", "表.xlsx", 0, 0)),
    notices=Notices(21, 21, 0, 0, 0),
    notices_sent=21,
    notices_acknowledged=21,
    disputes=0,
    gate={"CLEAR": 3, "HOLD": 1},
    gate_wrong=0,
    later={"late": {"ok": True}, "reimport": {"ok": True, "changes": 0}},
    process=PROCESS,
    attempt=Attempt(
        records=100,
        flagged=20,
        marked=20,
        flagged_opened=20,
        unflagged_opened=0,
        capsules_opened=5,
        capsules=5,
        trials=1200,
        guesses=10,
    ),
    plaintext={"total": 0},
    plaintext_elsewhere={"a": 0},
    kill=Kill(wanted=True, done=True, during_upload=True, while_writing=True, accepted_before=2),
    exit_codes={"matcher": 0},
    seconds={"upload": 1.5},
    parties=(Learned("某局（申报）", 5, 0, notices=1, learned_zh="x"), Learned("公众", 0, None)),
)
BAD: list[tuple[str, dict[str, Any]]] = [
    ("hits", {"hits": replace(GOOD.hits, missed=1)}),
    ("hits", {"hits": replace(GOOD.hits, false=1)}),
    ("hits", {"hits": replace(GOOD.hits, duplicates=1)}),
    ("hits", {"hits": replace(GOOD.hits, wrong=1)}),
    ("hits", {"pairs_found": 12}),
    ("refused_rows", {"refused": (RefusedRows("a", "x", 2, 1), RefusedRows("a", "y", 1, 2))}),
    ("notices", {"notices": replace(GOOD.notices, missing=1)}),
    ("notices", {"notices": replace(GOOD.notices, extra=1)}),
    ("notices", {"notices": replace(GOOD.notices, disputed=1)}),
    ("notices", {"notices_acknowledged": 20}),
    ("disputes", {"disputes": 1}),
    ("gate", {"gate_wrong": 1}),
    ("later", {"later": {"reimport": {"ok": False, "changes": 1}}}),
    ("process", {"process": {**PROCESS, "ok": False}}),
    ("plaintext_in_matcher", {"plaintext": {"total": 1}}),
    ("plaintext_elsewhere", {"plaintext_elsewhere": {"a": 0, "inspector": 1}}),
    ("unflagged_opened", {"attempt": replace(GOOD.attempt, unflagged_opened=1)}),
    ("unflagged_opened", {"attempt": replace(GOOD.attempt, trials=0)}),
    ("flagged_opened_control", {"attempt": replace(GOOD.attempt, flagged_opened=19)}),
    ("flagged_opened_control", {"attempt": replace(GOOD.attempt, marked=19)}),
    ("flagged_opened_control", {"attempt": replace(GOOD.attempt, capsules_opened=4)}),
    (
        "flagged_opened_control",
        {"attempt": replace(GOOD.attempt, flagged=0, marked=0, flagged_opened=0)},
    ),
    ("kill", {"kill": Kill(wanted=True)}),
    ("exit_codes", {"exit_codes": {"matcher": -9}}),
]


def test_a_run_in_which_all_holds_is_good() -> None:
    assert GOOD.ok
    assert summary(GOOD)[-1] == "OK"


@pytest.mark.parametrize(("check", "change"), BAD)
def test_one_thing_that_does_not_hold_makes_the_run_bad(check: str, change: dict[str, Any]) -> None:
    found = replace(GOOD, **change)
    assert [name for name, holds in found.checks().items() if not holds] == [check]
    assert not found.ok
    assert summary(found)[-1] == "NOT OK"


def test_every_check_has_a_bad_example() -> None:
    assert {check for check, _ in BAD} == GOOD.checks().keys()


def test_the_file_has_what_was_promised(tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", GOOD)
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    promised = {
        *("hits_expected", "hits_found", "missed", "false_hits", "duplicates", "rows_refused"),
        *("seconds", "plaintext_in_matcher", "unflagged_opened", "flagged_opened_control"),
        *("gate", "notices", "reimport_changes", "process"),
    }
    assert promised <= content.keys()
    assert content["rows_refused"][0] == {
        "unit": "a",
        "file": "表.xlsx",
        "expected": 2,
        "found": 2,
    }


def test_a_person_reads_each_check_and_where_things_are(tmp_path: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=110)
    found = replace(GOOD, gate_wrong=3)
    show_parties(console, found.parties)
    show_result(console, found, Workplace(tmp_path))
    printed = stream.getvalue()
    assert str(tmp_path / "report.json") in printed.replace("\n", "")
    assert "✗ 不符  放行查询" in printed
    assert "某局（申报）" in printed
