"""A report says what was measured, what was not and why, and loses nothing to a module that fails."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as program
from benchmarks.columns import two_sides
from benchmarks.machine import describe_machine
from benchmarks.measuring import Measure, NotMeasured, Timing, compare

MEASURE = compare("m", 1000, Timing(0.2, 0.1), "r", 0.0002, "aim", least_ratio=2, least_rate=10_000)


@pytest.mark.parametrize(
    ("ratio", "rate", "met"),
    [(2.0, None, True), (2.1, None, False), (None, 10_000, True), (2.0, 10_001, False)],
)
def test_aim_is_met_where_every_figure_is(ratio: Any, rate: Any, met: bool) -> None:
    found = compare(
        "m", 1000, Timing(0.2, 0.1), "r", 0.0002, "", least_ratio=ratio, least_rate=rate
    )
    assert (found.ratio, found.rate, found.met) == (2.0, 10_000, met)


def test_aim_without_figures_has_no_verdict() -> None:
    assert compare("m", 1000, Timing(0.2, 0.1), "r", 0.0002, "information").met is None


def run_as(script: str, tmp_path: Path, monkeypatch: Any) -> int:
    """The exit code of the program whose modules run ``script``; its report is at ``tmp_path``."""
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    child.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(child))
        out = str(tmp_path / "report.json")
        patch.setattr(
            sys, "argv", ["benchmarks", "--only", "sealing", "--only", "joining", "--out", out]
        )
        return program.main()


def print_line(measure: Measure | NotMeasured) -> str:
    return f"echo '{json.dumps({'module': 'x', **measure.to_json()})}'"


def test_module_that_fails_loses_nothing_and_is_told(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    script = f'{print_line(MEASURE)}\necho noise\n[ "$4" = joining ] || exit 3'
    assert run_as(script, tmp_path, monkeypatch) == 1
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["failed"] == ["sealing"]
    assert [measure["name"] for measure in report["measures"]] == ["m", "m"]
    assert "failed: sealing" in capsys.readouterr().err


def test_what_cannot_be_measured_here_is_said(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    script = print_line(NotMeasured("peer", 5, "it cannot be installed here"))
    assert run_as(script, tmp_path, monkeypatch) == 0
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["measures"][0]["not_measured"] == "it cannot be installed here"
    assert "not measured: it cannot be installed here" in capsys.readouterr().out


def test_machine_is_described_without_its_name() -> None:
    machine = describe_machine()
    assert {"cpu", "flags", "cores", "memory_mib", "python", "packages"} <= set(machine)
    assert platform.node() not in machine.values()


def test_two_sides_share_a_hundredth_and_next_to_nothing_else() -> None:
    a, b = (side.data.reshape(-1, 18).view("S18").ravel() for side in two_sides(10_000))
    assert len(np.unique(a)) == 10_000
    assert np.isin(a, b).sum() == 100
