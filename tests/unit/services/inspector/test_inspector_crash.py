"""A kill between any two steps of a round loses nothing and doubles nothing."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from libmatch.records import Side
from services.inspector.states import ReleasePolicy
from tests.district import District, person
from tests.inspector_bench import InspectorBench, Killed, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
IMMEDIATE = ReleasePolicy.IMMEDIATE


def prepare(folder: Path, district: District) -> None:
    """A round ahead with new batches, hits, a withdrawal, a correction and a joining unit."""
    with InspectorBench(folder, district, IMMEDIATE) as bench:
        bench.submit("reg-a", REG, [relative(person(1)), relative(person(2))])
        gone = bench.submit("ben-a", BEN, [item(person(1)), item(person(2))])
        bench.pull()
        bench.submit("reg-a", REG, [relative(person(1), "子女")])
        bench.submit("reg-b", REG, [relative(person(1)), relative(person(3))])
        bench.submit("ben-b", BEN, [item(person(3))])
        bench.matcher.withdraw("ben-a", BEN, gone[1:])


def outcome(bench: InspectorBench) -> object:
    """All that must be the same however often the round was cut off."""
    cases = {
        (case.key.person, case.key.approving_unit, case.status, case.declaring_units)
        for case in bench.cases()
    }
    mail = Counter(
        (unit, side, notice.encode())
        for unit, side in (("reg-a", REG), ("reg-b", REG), ("ben-a", BEN), ("ben-b", BEN))
        for notice in bench.mailbox(unit, side)
    )
    return cases, mail, [dispute.key for dispute in bench.disputes()]


@pytest.mark.slow
def test_a_round_killed_at_any_step_is_finished_by_the_next(
    tmp_path: Path, district: District
) -> None:
    prepare(tmp_path / "ready", district)
    shutil.copytree(tmp_path / "ready", tmp_path / "whole")
    with InspectorBench(tmp_path / "whole", district, IMMEDIATE) as bench:
        bench.fuse.steps = 0
        bench.pull()
        steps, expected = bench.fuse.steps, outcome(bench)
    assert steps > 20
    for step in range(steps):
        folder = tmp_path / f"cut-{step}"
        shutil.copytree(tmp_path / "ready", folder)
        with InspectorBench(folder, district, IMMEDIATE) as bench:
            bench.fuse.burn_after(step)
            with pytest.raises(Killed):
                bench.pull()
            bench.reopen()
            bench.pull()
            assert outcome(bench) == expected, f"killed at step {step} of {steps}"
        shutil.rmtree(folder)
