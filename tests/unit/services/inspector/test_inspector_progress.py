"""What the latest steps of a case are."""

from __future__ import annotations

import pytest

from libmatch.records import Side
from libmatch.reports import Stage
from services.inspector.progress import Step, latest_steps

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
PARTIES = {("reg-a", REG), ("reg-b", REG), ("ben-a", BEN)}


def shown(*steps: tuple[str, Side, Stage]) -> dict[str, Stage]:
    """Unit → its latest stage after these steps."""
    made = [Step(bytes(16), unit, side, n, stage, n) for n, (unit, side, stage) in enumerate(steps)]
    return {step.unit: step.stage for step in latest_steps(made, PARTIES)}


def test_R40_each_party_is_where_its_last_step_left_it() -> None:
    steps = [("ben-a", BEN, Stage.COMPLIANT), ("reg-a", REG, Stage.POSTED)]
    assert shown(*steps) == {"ben-a": Stage.COMPLIANT, "reg-a": Stage.POSTED}
    steps += [("ben-a", BEN, Stage.POSTED), ("reg-a", REG, Stage.COMPLETED)]
    assert shown(*steps) == {"ben-a": Stage.POSTED, "reg-a": Stage.COMPLETED}


def test_a_note_says_nothing_of_the_stage() -> None:
    steps = [("ben-a", BEN, Stage.COMPLIANT), ("ben-a", BEN, Stage.NOTE)]
    assert shown(*steps) == {"ben-a": Stage.COMPLIANT}
    assert shown(("reg-a", REG, Stage.NOTE)) == {}


def test_R47_a_new_verdict_voids_what_was_posted_before_it() -> None:
    before = [("ben-a", BEN, Stage.COMPLIANT), ("reg-a", REG, Stage.COMPLETED)]
    assert shown(*before, ("ben-a", BEN, Stage.NOT_COMPLIANT)) == {"ben-a": Stage.NOT_COMPLIANT}


def test_taking_down_after_the_end_stays_completed_and_before_it_does_not() -> None:
    down = ("reg-a", REG, Stage.TAKEN_DOWN)
    assert shown(("reg-a", REG, Stage.COMPLETED), down) == {"reg-a": Stage.COMPLETED}
    assert shown(("reg-a", REG, Stage.POSTED), down) == {"reg-a": Stage.TAKEN_DOWN}


@pytest.mark.parametrize(("unit", "side"), [("ben-b", BEN), ("ben-a", REG), ("reg-a", BEN)])
def test_who_is_no_party_of_the_case_says_nothing(unit: str, side: Side) -> None:
    assert shown(("ben-a", BEN, Stage.COMPLIANT), (unit, side, Stage.NOT_COMPLIANT)) == {
        "ben-a": Stage.COMPLIANT
    }
