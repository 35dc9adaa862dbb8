"""A year of a campaign in a small district: real services, a moving clock, and a plain model of the rules.

One life for all tests of this file; ``campaign`` tells it in order.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.campaign import Lived, live

SEED = 2018
_IN_MEMORY = Path("/dev/shm")  # a dozen databases that are synced at every step

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("year")]


@pytest.fixture(scope="module")
def lived() -> Iterator[Lived]:
    """The year, once."""
    folder = Path(tempfile.mkdtemp(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None))
    try:
        yield live(folder, SEED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_planted_relation_and_no_other_is_found(lived: Lived) -> None:
    assert lived.found == lived.expected_hits
    assert len(lived.found) > 30


def test_matters_come_to_what_the_rules_say(lived: Lived) -> None:
    first, *_, last = lived.states.values()
    assert first["PUBLISHED"] < last["PUBLISHED"]
    for state in ("MEASURED", "NOTIFIED", "VERIFYING", "NOT_COMPLIANT", "OBJECTED", "PUBLISHING"):
        assert last[state] > 0, state


def test_wrong_steps_are_refused_by_their_rules(lived: Lived) -> None:
    expected = {"R21", "R22", "R24", "R25", "R31", "R33", "R56", "R64"}
    assert expected <= lived.refusals.keys()
