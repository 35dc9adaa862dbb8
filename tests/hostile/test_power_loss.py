"""The power fails: only what was synced survives, and any part of the rest (the disk is ``tests.disks``).

While a matcher works, images of what would survive are taken at every sync, in the middle of writes and after
each answer, and each is judged row by row against what had been answered by then. The same harness with
``synchronous=NORMAL`` must show losses: else it would prove nothing.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from libmatch.batch_files import pack_file
from libmatch.records import Batch
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History
from tests.crash_story import Seen, Story, receipt_fact, story_district
from tests.crash_work import Work
from tests.disks import Survival
from tests.judge_store import Kind, judge_file
from tests.matcher_bench import MATCHER
from tests.power import NAME, Camera, Scene
from tests.sqlite_vfs import watched

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


@pytest.mark.parametrize("settings", [(), (OFTEN,)], ids=["default", "frequent-checkpoints"])
def test_the_same_with_synchronous_normal_loses(tmp_path: Path, settings: tuple[str, ...]) -> None:
    scene = Scene(tmp_path, SEED, prepare=pragma("synchronous=NORMAL", *settings))
    scene.play(lives=1, steps=9)
    kinds = {fault.kind for fault in scene.faults}
    assert kinds == {Kind.LOST}, f"{scene.judged} images show {kinds}"
    print(f"{scene.judged} images, {len(scene.faults)} faults")


def test_the_same_without_syncing_corrupts(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SEED, prepare=pragma("synchronous=OFF", OFTEN))
    scene.play(lives=1, steps=15)
    kinds = {fault.kind for fault in scene.faults}
    assert kinds >= {Kind.LOST, Kind.CORRUPT}, f"{scene.judged} images show {kinds}"
    print(f"{scene.judged} images, {len(scene.faults)} faults")


@pytest.mark.parametrize("revisions", [0, 1], ids=["first-start", "upgrade"])
def test_migrations_are_made_whole_or_not_at_all(tmp_path: Path, revisions: int) -> None:
    data, older = tmp_path / "data", tmp_path / "older"
    data.mkdir()
    older.mkdir()
    for path in sorted(VERSIONS.glob("0*.py"))[:revisions]:
        shutil.copy(path, older)
    camera = Camera(tmp_path / "images", random.Random(SEED), Seen(), share=0.3)
    with watched(data, camera), Database(f"sqlite:///{data / NAME}") as database:
        if revisions:
            migrate(database, older)
            camera.develop()
        before = read_schema(data / NAME)
        migrate(database, VERSIONS)
        camera.take()
    after = read_schema(data / NAME)
    images = camera.develop()
    found = [read_schema(image.folder / NAME) for image in images]
    assert before != after
    assert all(schema in (before, after) for schema in found)
    assert found[-1] == after
    assert (
        judge_file(images[0].folder / NAME, Story(story_district(), random.Random(SEED)), Seen())
        == []
    )
    print(f"{len(images)} images")


def read_schema(path: Path) -> list[object]:
    """All that was created, and the revision it is at."""
    with closing(sqlite3.connect(path)) as connection:
        created = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
        versioned = any(name == "alembic_version" for name, _ in created)
        revision = connection.execute("SELECT * FROM alembic_version") if versioned else []
        return [*created, *revision]


@pytest.mark.campaign
def test_erasing_traces_loses_nothing(tmp_path: Path, long: bool) -> None:
    scene = Scene(tmp_path, SEED, share=0.2 if long else 0.02)
    scene.play(lives=1, steps=8, last=lambda work: work.database.erase_traces())
    assert not scene.faults, scene.faults[:5]
    print(f"{scene.judged} images, {scene.continued} continued")


@pytest.mark.campaign
def test_a_load_of_a_history_is_kept_whole_or_not_at_all(tmp_path: Path, long: bool) -> None:
    scene, carried = Scene(tmp_path, SEED, share=0.2 if long else 0.02), tmp_path / "carried"
    carried.mkdir()

    def load(work: Work) -> None:
        batches = write_files(scene, carried)
        history = History(work.database, work.district.log_signer)
        LoadHistory(history, work.use.epochs, 10_000, MATCHER, work.now).run(carried, tmp_path)
        for batch in batches:
            head = batch.header
            receipt = work.use.intake.get_receipt(head.unit, head.side, head.seq)
            scene.seen.note(*receipt_fact(receipt))

    scene.play(lives=1, steps=6, last=load)
    assert not scene.faults, scene.faults[:5]
    print(f"{scene.judged} images, {scene.continued} continued")


def write_files(scene: Scene, folder: Path) -> list[Batch]:
    """A file of each stream's next batches, up to its next withdrawal."""
    reached, written = scene.seen.reached(), list[Batch]()
    scene.story.extend(4, reached)
    for stream, sent in scene.story.streams.items():
        due = takewhile(lambda one: isinstance(one.what, Batch), sent[reached[stream] :])
        batches = [one.what for one in due if isinstance(one.what, Batch)]
        if batches:
            head, data = pack_file([batch.encode() for batch in batches])
            (folder / head.file_name).write_bytes(data)
            written += batches
    return written
