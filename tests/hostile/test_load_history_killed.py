"""kill -9 in the middle of a load: nothing of it is there, and the same command again loads it once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.batch_files import pack_file
from libmatch.records import Batch, Receipt, Side
from services.chassis.db import Database
from services.matcher.load import main
from services.matcher.store.joins import Rejoin, rejoin
from services.matcher.store.ledger import Ledger
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_process import ROOT, MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
ROWS, BATCHES = 1000, 4


def prepare(district: District, folder: Path) -> list[Batch]:
    """Batches of both sides, one person of each in four in common: the first of each apart, and the rest."""
    batches = []
    for unit, side, begin in (("reg-a", REG, 0), ("ben-a", BEN, 3 * ROWS * BATCHES // 4)):
        own = [
            district.seal(unit, side, [person(begin + i) for i in range(at, at + ROWS)], seq=seq)
            for seq, at in enumerate(range(0, ROWS * BATCHES, ROWS), 1)
        ]
        batches += [sealed.batch for sealed in own]
        write(folder / "first", batches[-BATCHES : -BATCHES + 1])
        write(folder / "rest", batches[-BATCHES + 1 :])
    return batches


def write(folder: Path, batches: Sequence[Batch]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head, data = pack_file([batch.encode() for batch in batches])
    (folder / head.file_name).write_bytes(data)


def load(matcher: MatcherProcess, folder: Path) -> int:
    """The exit code of a load in this process."""
    return main(["--config", str(matcher.config), str(folder)])


def look(matcher: MatcherProcess) -> tuple[tuple[int, bytes], Rejoin]:
    with Database(f"sqlite:///{matcher.database}", read_only=True) as database:
        return Ledger(database).head(), rejoin(database)


def send_all(matcher: MatcherProcess, batches: Sequence[Batch]) -> list[Receipt]:
    return [matcher.unit(batch.header.unit).submit(batch) for batch in batches]


@pytest.mark.slow
@pytest.mark.campaign
def test_a_load_that_is_killed_leaves_nothing_and_is_repeated_to_the_same_end(
    tmp_path: Path, pki: Pki, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    batches, rest = prepare(matcher.district, tmp_path / "files"), tmp_path / "files" / "rest"
    assert load(matcher, tmp_path / "files" / "first") == 0
    untouched, kept, begun = look(matcher), matcher.database.read_bytes(), time.monotonic()
    assert load(matcher, rest) == 0
    span_s, finished, rng = time.monotonic() - begun, look(matcher)[1], random.Random(4)
    assert finished == Rejoin(ROWS * BATCHES // 4, 0, 0)
    restore(matcher, kept)
    for _ in range(60 if long else 2):
        kill_a_load(matcher, rest, span_s * rng.random())
        if look(matcher) != untouched:  # it was killed behind its commit
            assert look(matcher)[1] == finished
            restore(matcher, kept)
    capsys.readouterr()
    assert load(matcher, rest) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["batches"], said["known"]) == (2 * (BATCHES - 1), 0)
    assert look(matcher)[1] == finished
    with matcher:
        assert load(matcher, rest) == 4
        assert "in use by another process" in capsys.readouterr().err
        receipts = send_all(matcher, batches)
        assert send_all(matcher, batches) == receipts


def kill_a_load(matcher: MatcherProcess, folder: Path, delay_s: float) -> None:
    """kill -9 of a load, that long after it has opened the database: nearly all before is its start."""
    command = (sys.executable, "-m", "services.matcher.load", "--config", str(matcher.config))
    process = subprocess.Popen([*command, str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL)
    journal = matcher.database.with_name("matcher.db-wal")
    while process.poll() is None and not journal.exists():
        time.sleep(0.002)
    time.sleep(delay_s)
    process.kill()
    process.wait(60)


def restore(matcher: MatcherProcess, database: bytes) -> None:
    for end in ("-wal", "-shm"):
        matcher.database.with_name(f"matcher.db{end}").unlink(missing_ok=True)
    matcher.database.write_bytes(database)


def test_refused_files_are_named_on_standard_error(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    folder = tmp_path / "files"
    write(folder, [matcher.district.seal("reg-a", REG, [person(1)], seq=1).batch])
    (folder / "stray.batches").write_bytes(b"something else" * 10)
    assert load(matcher, folder) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "load: stray.batches: not a file of batches",
        "load: nothing was loaded",
    ]
