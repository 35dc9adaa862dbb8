"""A year of a campaign in a small district: real services, a moving clock, and a plain model of the rules.

One life for all tests of this file; ``campaign`` tells it in order.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.campaign.campaign import Lived

SEED = 2018
_IN_MEMORY = Path("/dev/shm")  # a dozen databases that are synced at every step

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lived() -> Iterator[Lived]:
    """The year, once. Its services are imported here: a choice of other tests does not wait for them."""
    from tests.campaign.campaign import live

    folder = Path(tempfile.mkdtemp(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None))
    try:
        yield live(folder, SEED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_planted_relation_and_no_other_is_found(lived: Lived) -> None:
    assert lived.found == lived.expected_hits
    assert len(lived.found) > 20
    assert lived.twice_declared >= 2  # one person who reports to two units (R10)


def test_matters_come_to_what_the_rules_say(lived: Lived) -> None:
    first, *_, last = lived.states.values()
    assert first["PUBLISHED"] < last["PUBLISHED"]
    for state in ("MEASURED", "NOTIFIED", "VERIFYING", "NOT_COMPLIANT", "OBJECTED", "PUBLISHING"):
        assert last[state] > 0, state


def test_figures_of_the_district_are_the_model_s(lived: Lived) -> None:
    first, last = lived.figures.values()
    assert first["notified"] == len(lived.expected_hits)
    assert last["notified"] > first["notified"]
    assert last["withdrawn"] == 2
    for name in ("overdue", "overdue_steps", "verified_late", "published", "objected", "leads"):
        assert last[name] > 0, name


def test_changes_are_flagged_late_and_unknown_numbers_fall_due(lived: Lived) -> None:
    assert sorted(lived.late_flags.values()) == [False, False, True]
    assert lived.unknown_until.days == 30


def test_the_omitted_sibling_is_found_and_nobody_else(lived: Lived) -> None:
    other, declarant = lived.planted
    found = {unit: told for unit, told in lived.undeclared.items() if told}
    assert found == {"caizheng": {(other, declarant, "本人的兄弟姐妹")}}


def test_checks_draw_their_share_and_leads_end(lived: Lived) -> None:
    assert all(size >= count > 0 for by in lived.drawn.values() for size, count in by.values())
    size, count = lived.drawn_district
    assert count == -(-size // 10) > 1
    assert lived.measures == list(lived.figures.values())[-1]["leads"]
    assert lived.lead_state == "LEAD_STATE_DISPOSED"


def test_statements_that_nobody_gave_are_overdue(lived: Lived) -> None:
    assert lived.statements_overdue > 5


def test_only_who_never_matched_is_erased_and_every_trail_holds(lived: Lived) -> None:
    assert lived.erased == dict.fromkeys(lived.erased, 0) | {"minzheng": 1}
    records, looks = lived.held
    assert looks > 0
    assert (records, lived.held_after) == (2, 0)  # also gone from the version that was replaced
    assert len(lived.trails) == 12
    assert all("审计记录完整" in told for told in lived.trails.values())


def test_wrong_steps_are_refused_by_their_rules(lived: Lived) -> None:
    expected = {"R21", "R22", "R24", "R25", "R31", "R33", "R51", "R52", "R53", "R56", "R63"}
    assert expected <= lived.refusals.keys()
    assert {"R21", "R22", "R24", "R33", "R63", "R64"} <= lived.refusals_in_trail
