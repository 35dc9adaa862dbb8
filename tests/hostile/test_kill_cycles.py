"""kill -9 at random moments under load, many times over: nothing that was answered is lost or changed."""

from __future__ import annotations

import pytest

from tests.kill_cycles import run_apart


@pytest.mark.campaign
def test_kill_cycles_lose_and_double_nothing(long: bool) -> None:
    cycles = 5000 if long else 140  # ten more kill the whole service: test_matcher_crash
    report = run_apart(cycles)
    print(report)
    assert not report["faults"], report
    assert report["cycles"] == cycles
    assert set(report["answers"]) == {"receipt", "head", "leaf", "release", "acknowledgement"}
