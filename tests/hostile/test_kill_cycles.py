"""kill -9 at random moments under load, many times over: nothing that was answered is lost or changed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_cycles(cycles: int, *arguments: str) -> dict[str, object]:
    """The report of ``tests.kill_cycles`` under a new seed, which is in it."""
    seed = str(random.randrange(1 << 32))
    command = [sys.executable, "-m", "tests.kill_cycles", "--cycles", str(cycles), "--seed", seed]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout, f"seed {seed}: {done.stderr[-2000:]}"
    print(done.stdout)
    report: dict[str, object] = json.loads(done.stdout)
    return report


@pytest.mark.campaign
def test_kill_cycles_lose_and_double_nothing(long: bool) -> None:
    cycles = 5000 if long else 140  # ten more kill the whole service: test_matcher_crash
    report = run_cycles(cycles)
    assert not report["faults"], report
    assert report["cycles"] == cycles
    assert set(report["answers"]) == {"receipt", "head", "leaf", "release", "acknowledgement"}  # type: ignore[call-overload]
