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
    """Batches of both sides, one person of each in four in common, as files; and what is sent before."""
    folder.mkdir()
    batches = []
    for unit, side, begin in (("reg-a", REG, 0), ("ben-a", BEN, 3 * ROWS * BATCHES // 4)):
        own = [
            district.seal(unit, side, [person(begin + i) for i in range(at, at + ROWS)], seq=seq)
            for seq, at in enumerate(range(0, ROWS * BATCHES, ROWS), 1)
        ]
        head, data = pack_file([sealed.batch.encode() for sealed in own[1:]])
        (folder / head.file_name).write_bytes(data)
        batches += [sealed.batch for sealed in own]
    return batches


def start(matcher: MatcherProcess, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "services.matcher.load"),
            *("--config", str(matcher.config), str(folder)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def load(matcher: MatcherProcess, folder: Path) -> dict[str, int]:
    process = start(matcher, folder)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    result: dict[str, int] = json.loads(out)
    return result


def look(matcher: MatcherProcess) -> tuple[tuple[int, bytes], Rejoin]:
    with Database(f"sqlite:///{matcher.database}", read_only=True) as database:
        return Ledger(database).head(), rejoin(database)


def send_all(matcher: MatcherProcess, batches: Sequence[Batch]) -> list[Receipt]:
    return [matcher.unit(batch.header.unit).submit(batch) for batch in batches]


@pytest.mark.slow
@pytest.mark.campaign
def test_a_load_that_is_killed_leaves_nothing_and_is_repeated_to_the_same_end(
    tmp_path: Path, pki: Pki, long: bool
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    batches = prepare(matcher.district, tmp_path / "files")
    with matcher:
        before = send_all(matcher, [batches[0], batches[BATCHES]])
    untouched, kept = look(matcher), matcher.database.read_bytes()
    span_s, rng = time_of_writing(matcher, tmp_path / "files"), random.Random(4)
    finished = look(matcher)
    restore(matcher, kept)
    for _ in range(60 if long else 2):
        process = start(matcher, tmp_path / "files")
        wait_for_writing(matcher, process)
        time.sleep(span_s * rng.random())
        process.kill()
        process.communicate(timeout=60)
        if look(matcher) != untouched:  # it was killed behind its commit
            assert look(matcher)[1] == finished[1]
            restore(matcher, kept)
    result = load(matcher, tmp_path / "files")
    assert (result["batches"], result["known"]) == (2 * (BATCHES - 1), 0)
    assert look(matcher)[1] == finished[1] == Rejoin(ROWS * BATCHES // 4, 0, 0)
    assert load(matcher, tmp_path / "files")["known"] == 2 * (BATCHES - 1)
    with matcher:
        receipts = send_all(matcher, batches)
        assert [receipts[0], receipts[BATCHES]] == before
        assert send_all(matcher, batches) == receipts


def wait_for_writing(matcher: MatcherProcess, process: subprocess.Popen[str]) -> None:
    """Return when the process has opened the database: nearly all before is its start."""
    while process.poll() is None and not matcher.database.with_name("matcher.db-wal").exists():
        time.sleep(0.002)


def time_of_writing(matcher: MatcherProcess, folder: Path) -> float:
    """Seconds from there to the end of a load that is not killed."""
    process = start(matcher, folder)
    wait_for_writing(matcher, process)
    begun = time.monotonic()
    process.communicate(timeout=120)
    assert process.returncode == 0
    return time.monotonic() - begun


def restore(matcher: MatcherProcess, database: bytes) -> None:
    for end in ("-wal", "-shm"):
        matcher.database.with_name(f"matcher.db{end}").unlink(missing_ok=True)
    matcher.database.write_bytes(database)


def test_a_load_beside_the_running_service_is_refused(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    with matcher:
        assert main(["--config", str(matcher.config), str(tmp_path)]) == 4
    assert "in use by another process" in capsys.readouterr().err


def test_refused_files_are_named_on_standard_error(
    tmp_path: Path, pki: Pki, capsys: pytest.CaptureFixture[str]
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    folder = tmp_path / "files"
    prepare_small(matcher.district, folder)
    (folder / "stray.batches").write_bytes(b"something else" * 10)
    assert main(["--config", str(matcher.config), str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "load: stray.batches: not a file of batches",
        "load: nothing was loaded",
    ]


def prepare_small(district: District, folder: Path) -> None:
    folder.mkdir()
    head, data = pack_file([district.seal("reg-a", REG, [person(1)], seq=1).batch.encode()])
    (folder / head.file_name).write_bytes(data)
