"""The disk fills up, or a call to it fails, at the n-th call, for every n: no receipt, nothing partial.

The fault is made below SQLite (``tests.sqlite_vfs``), so that all above it is the real thing: stores and use
cases. What a caller then gets says that storage failed, in Chinese too, and never a word of SQL. Once the
fault is gone the same process takes the same submission, and a restart finds all that was acknowledged.
"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.records import RID_SIZE, Side
from services.chassis.db import Database, DatabaseError
from services.chassis.refusals import ChassisError, StorageFailed
from services.chassis.schema import migrate
from services.chassis.server import ExitCode
from services.matcher.app import VERSIONS
from tests.chassis_pki import Pki
from tests.crash_story import Fact, Seen, Sent, Story, Stream, story_district
from tests.crash_work import Work
from tests.faults import FAULTS, Fault, Saboteur, must_be_explained
from tests.judge_store import judge, judge_copy, judge_file
from tests.matcher_process import ROOT, MatcherProcess
from tests.sqlite_vfs import watched

NAME = "matcher.db"
REG_A, BEN_A = Stream("reg-a", Side.REGISTRY), Stream("ben-a", Side.BENEFICIARY)


class Scene:
    """A matcher whose disk may fail."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.kit = folder, folder / "data", folder / "kit"
        self.data.mkdir()
        self.story, self.seen = Story(story_district(), random.Random(5)), Seen()
        self.story.district.write_epoch(self.kit)
        self.saboteur = Saboteur()

    def open(self) -> Work:
        def tell(fact: Fact) -> None:
            self.seen.note(*fact)

        district = self.story.district
        return Work(f"sqlite:///{self.data / NAME}", self.kit, district, district.now, tell)

    def submit_next(self, work: Work, stream: Stream) -> None:
        reached = self.seen.reached()
        self.story.extend(1, reached)
        work.submit(self.story.streams[stream][reached[stream]])

    def fill(self, work: Work, rounds: int = 1) -> None:
        for _ in range(rounds):
            for stream in self.story.streams:
                self.submit_next(work, stream)

    def judge(self, work: Work) -> None:
        faults = judge(work.database, self.story, self.seen)
        assert not faults, faults[:5]

    def judge_copy(self) -> None:
        """What the next start would find if the process were killed now."""
        assert judge_copy(self.data / NAME, self.story, self.seen) == []


def set_pragmas(database: Database, settings: Iterable[str]) -> None:
    """On the one connection that writes."""
    with database.writer_connection() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        for setting in settings:
            driver.execute(f"PRAGMA {setting}")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    with watched(scene.data, scene.saboteur):
        yield scene


# Little memory and many checkpoints, so that a submission reads, writes early and writes the file itself.
TIGHT = ("cache_size=10", "wal_autocheckpoint=20")

ACTIONS: dict[str, Callable[[Scene, Work], None]] = {
    "submission": lambda scene, work: scene.submit_next(work, REG_A),
    "gate": lambda _, work: work.ask_gate(BEN_A.unit, [bytes(RID_SIZE)]),
    "notice": lambda _, work: work.notify(random.Random(1)),
}


@pytest.mark.campaign
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", ["full", "write", "sync", "sync-lasting", "read"])
def test_a_call_that_fails_gives_no_answer_and_leaves_nothing(
    scene: Scene, fault: str, action: str, long: bool
) -> None:
    failed, stride = 0, 1 if long or action == "submission" else 5
    with scene.open() as work:
        set_pragmas(work.database, TIGHT)
        scene.fill(work, rounds=2)
        # Every other submission begins the journal anew, which is a sync more before that of COMMIT.
        for _ in range(4 if fault.startswith("sync") else 1):
            failed += sweep(scene, work, FAULTS[fault], ACTIONS[action], stride)
            ACTIONS[action](scene, work)
        scene.judge(work)
    assert failed, "no call failed: nothing was tried"
    assert judge_file(scene.data / NAME, scene.story, scene.seen) == []


def sweep(
    scene: Scene, work: Work, fault: Fault, act: Callable[[Scene, Work], None], stride: int
) -> int:
    """How often ``act`` was refused while its n-th call failed, for every n; it is made again each time."""
    failed = 0
    for nth in itertools.count(1, stride):
        error = attempt(scene, work, fault, nth, act)
        if error is not None:
            failed += 1
            must_be_explained(error)
        if nth % 10 == 1:
            scene.judge(work)
            scene.judge_copy()
        act(scene, work)  # the fault is gone
        if not scene.saboteur.struck:
            return failed
    raise AssertionError("unreachable")


def attempt(
    scene: Scene, work: Work, fault: Fault, nth: int, act: Callable[[Scene, Work], None]
) -> ChassisError | None:
    """What ``act`` was refused with; then nothing was answered."""
    before = len(scene.seen.facts)
    with scene.saboteur.armed(fault, nth):
        try:
            act(scene, work)
        except ChassisError as error:
            answered = len(scene.seen.facts) - before
            assert answered == 0 or (answered == 1 and act is ACTIONS["notice"])  # its first half
            return error
    return None


@pytest.mark.campaign
@pytest.mark.parametrize("fault", ["write", "sync"])
def test_a_call_that_fails_harms_none_of_those_who_share_a_transaction(
    scene: Scene, fault: str, long: bool
) -> None:
    refused = 0
    with scene.open() as work, ThreadPoolExecutor(len(scene.story.streams)) as pool:
        set_pragmas(work.database, TIGHT)
        for nth in range(1, 60, 1 if long else 8):
            reached = scene.seen.reached()
            scene.story.extend(1, reached)
            sent = [one[reached[stream]] for stream, one in scene.story.streams.items()]
            with scene.saboteur.armed(FAULTS[fault], nth):
                errors = list(pool.map(lambda one: storage_error(work, one), sent))
            scene.judge(work)
            scene.judge_copy()
            for error in filter(None, errors):
                refused += 1
                must_be_explained(error)
            assert list(pool.map(lambda one: storage_error(work, one), sent)) == [None] * len(sent)
        scene.judge(work)
    assert refused, "no call failed: nothing was tried"


def storage_error(work: Work, sent: Sent) -> ChassisError | None:
    """What the submission was refused with."""
    try:
        work.submit(sent)
    except ChassisError as error:
        return error
    return None


def test_a_failed_sync_is_called_neither_kept_nor_lost(scene: Scene) -> None:
    with scene.open() as work:
        error = attempt(scene, work, FAULTS["sync"], 1, ACTIONS["submission"])
        assert isinstance(error, StorageFailed)
        # The bytes were written all the same, and a restart would find them whole.
        assert "not known" in error.message
        scene.judge(work)
        scene.judge_copy()
        ACTIONS["submission"](scene, work)
        scene.judge(work)


@pytest.mark.campaign
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("first", [True, False], ids=["first-start", "after-a-crash"])
def test_a_start_that_fails_says_so_and_the_next_one_finds_everything(
    scene: Scene, fault: str, first: bool, long: bool
) -> None:
    found = scene.folder / "found"
    found.mkdir()
    if not first:
        with scene.open() as work:
            scene.fill(work)
            for path in scene.data.glob(f"{NAME}*"):
                shutil.copy(path, found)
    for nth in itertools.count(1, 1 if long else 12):
        shutil.rmtree(scene.data)
        shutil.copytree(found, scene.data)
        with scene.saboteur.armed(FAULTS[fault], nth):
            try:
                scene.open().database.close()
            except (DatabaseError, ChassisError) as error:
                must_be_explained(error)
            if not scene.saboteur.struck:
                return
        assert judge_file(scene.data / NAME, scene.story, scene.seen) == []


_START = """
import sys
from pathlib import Path
from services.matcher.app import main
from tests.faults import FAULTS, Saboteur
from tests.sqlite_vfs import watched
saboteur = Saboteur()
with watched(Path(sys.argv[1]), saboteur), saboteur.armed(FAULTS["sync-lasting"], 1):
    sys.exit(main(["--config", sys.argv[2]]))
"""


@pytest.mark.parametrize("migrated", [False, True], ids=["first-start", "later-start"])
def test_a_service_whose_disk_fails_as_it_starts_ends_with_one_line(
    tmp_path: Path, pki: Pki, migrated: bool
) -> None:
    matcher = MatcherProcess(tmp_path, story_district(datetime.now(UTC)), pki)
    if migrated:
        with Database(f"sqlite:///{matcher.database}") as database:
            migrate(database, VERSIONS)
    command = [sys.executable, "-c", _START, str(matcher.database.parent), str(matcher.config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.DATABASE, done.stderr
    assert done.stderr.startswith("matcher: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.campaign
@pytest.mark.parametrize("fault", ["full", "write", "sync", "truncate", "read"])
def test_erasing_traces_that_fails_loses_nothing(scene: Scene, fault: str, long: bool) -> None:
    with scene.open() as work:
        scene.fill(work, rounds=2)
        for nth in itertools.count(1, 1 if long else 40):
            with scene.saboteur.armed(FAULTS[fault], nth):
                try:
                    work.database.erase_traces()
                except (DatabaseError, ChassisError) as error:
                    must_be_explained(error)
            scene.judge(work)
            scene.judge_copy()
            scene.submit_next(work, REG_A)
            if not scene.saboteur.struck:
                return
