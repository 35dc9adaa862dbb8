"""The power fails: only what was synced survives, and any part of the rest (the disk is ``tests.disks``).

While a matcher works, images of what would survive are taken at every sync, in the middle of writes and after
each answer, and each is judged row by row against what had been answered by then. The same harness with
``synchronous=NORMAL`` must show losses: else it would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.db import Database
from tests.disks import Survival
from tests.judge_store import Kind
from tests.power import Scene

SEED = 20260601


def pragma(*settings: str) -> Callable[[Database], None]:
    """Sets them on the one connection that writes."""

    def prepare(database: Database) -> None:
        with database.writer_connection() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            for setting in settings:
                driver.execute(f"PRAGMA {setting}")

    return prepare


OFTEN = "wal_autocheckpoint=60"  # so that the journal begins anew many times


@pytest.mark.campaign
@pytest.mark.parametrize("settings", [(), (OFTEN,)], ids=["default", "frequent-checkpoints"])
def test_what_was_acknowledged_survives_at_every_moment(
    tmp_path: Path, long: bool, settings: tuple[str, ...]
) -> None:
    for seed in range(SEED, SEED + (40 if long else 1)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        scene = Scene(folder, seed, prepare=pragma(*settings))
        scene.play(lives=2, steps=40 if long else 10)
        assert not scene.faults, f"seed {seed}: {scene.faults[:5]}"
        assert set(scene.camera.taken) == set(Survival)
        print(f"seed {seed}: {scene.judged} images, {scene.continued} continued")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("synchronous=NORMAL",), {Kind.LOST}),
        (("synchronous=NORMAL", OFTEN), {Kind.LOST}),
        (("synchronous=OFF", OFTEN), {Kind.LOST, Kind.CORRUPT}),
    ],
    ids=["normal", "normal-frequent-checkpoints", "off"],
)
def test_with_less_syncing_the_same_harness_shows_losses(
    tmp_path: Path, settings: tuple[str, ...], expected: set[Kind]
) -> None:
    scene = Scene(tmp_path, SEED, prepare=pragma(*settings))
    scene.play(lives=1, steps=9)
    kinds = {fault.kind for fault in scene.faults}
    assert kinds == expected, f"{scene.judged} images show {kinds}"
    print(f"{scene.judged} images, {len(scene.faults)} faults")


def test_a_first_start_makes_all_tables_or_none(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SEED, share=0.1)
    scene.play(lives=1, steps=0)
    assert not scene.faults
    assert scene.judged > 10, "the migrations wrote and synced less than they did"
    print(f"{scene.judged} images, {scene.continued} continued")


@pytest.mark.campaign
def test_erasing_traces_loses_nothing(tmp_path: Path, long: bool) -> None:
    scene = Scene(tmp_path, SEED, share=0.2 if long else 0.02)
    scene.play(lives=1, steps=8, last=lambda database: database.erase_traces())
    assert not scene.faults, scene.faults[:5]
    print(f"{scene.judged} images, {scene.continued} continued")
