"""One day's 1,000 new items against what is stored already: flat, whatever stands there.

The standing store is filled directly, in the order of its keys, with random tokens and record ids of 100
units, and bodies of 16 bytes instead of 656: neither the join nor the gate reads them. What is measured
runs over the real stores on SQLite, each batch committed and synced, 1 item in 100 with a hit. *Cold*: the
operating system has dropped the file before each batch; *warm*: it has read it before, as far as it fits.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.measuring import Measure, NotMeasured, Timing, compare
from libmatch.auditlog import encode_batch_leaf
from libmatch.batch import AdmittedBatch
from libmatch.records import (
    CAPSULE_SIZE,
    MAX_ROWS,
    RID_SIZE,
    SIGNATURE_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    Side,
    cut,
)
from libmatch.suites import AEAD_TAG_SIZE
from services.matcher.store.ledger import append_entries
from services.matcher.store.rejoins import Rejoins
from services.matcher.store.submissions import Quota
from services.matcher.tables import KEY_SIZE, Capsule, Kind, record_id
from tests.district import NOW, District, make_district
from tests.matcher_bench import Bench

_FOLDER = Path("build/bench/growth")
_UNITS = 50  # of each side
_CHUNK = 10 * MAX_ROWS  # rows that are filled in at once, all of one unit
_ITEMS, _HITS, _DAYS = 1_000, 10, 9
_LARGEST = 100_000_000
_BYTES_A_ROW = 200  # of the filled store, with room for journals
_REJOINED = 10_000_000  # up to here a full join is measured as well
_QUOTA = Quota(records_per_day=1 << 40, hits_per_batch=200_000)
_AIM = "flat"
_LEAST = 0.5  # of the rate at the smallest size: noise is less, a cost that grows is more


def measure(sizes: tuple[int, ...]) -> Iterator[Measure | NotMeasured]:
    """For each size from 1,000,000 on, and 100,000,000 where 10,000,000 is asked for; SQLite alone."""
    wanted = [size for size in sizes if size >= 1_000_000]
    if 10_000_000 in wanted:
        wanted.append(_LARGEST)
    district = make_district(registry=_names(Side.REGISTRY), beneficiary=_names(Side.BENEFICIARY))
    first: dict[str, float] = {}
    for size in wanted:
        if shutil.disk_usage(_FOLDER.parent.parent).free < size * _BYTES_A_ROW:
            yield NotMeasured("one day's 1,000 new items", size, "too little room on the disk")
            continue
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True, mode=0o700)
        try:
            for name, timing, rows in _measure_store(district, size):
                first.setdefault(name, timing.cpu_seconds / rows)
                reference = f"the same against {wanted[0]:,} stored"
                least = None if name.startswith(("open", "full")) else _LEAST
                found = compare(name, rows, timing, reference, first[name], _AIM, least_ratio=least)
                yield replace(found, size=size)
        finally:
            shutil.rmtree(_FOLDER, ignore_errors=True)


def _names(side: Side) -> tuple[str, ...]:
    return tuple(f"{side.name.lower()}-{i:02}" for i in range(_UNITS))


def _measure_store(district: District, size: int) -> Iterator[tuple[str, Timing, int]]:
    """(name, timing, rows) of everything that is measured against ``size`` stored records."""
    Bench(_FOLDER, district).database.close()  # makes the tables
    batches = _fill(_FOLDER / "matcher.db", district, size)
    begun = time.perf_counter(), time.process_time()
    with Bench(_FOLDER, district) as bench:
        yield "open the store", _since(begun), 1
        leaves = [encode_batch_leaf(*batch, 0) for batch in batches]
        bench.database.run_tx("fill", lambda session: append_entries(session, leaves))
        day = _Day(bench)

        def prepare_cold() -> None:
            day.prepare()
            _drop_from_memory(bench.path)

        cold = _median(day.admit, prepare_cold)
        yield "one day's 1,000 new items, cold", cold, _ITEMS
        _read_into_memory(bench.path)
        yield "one day's 1,000 new items, warm", _median(day.admit, day.prepare), _ITEMS
        ask = _median(lambda: bench.use.gate.check(day.unit, day.rids), lambda: None)
        yield "the gate on 1,000 of them", ask, _ITEMS
        if size <= _REJOINED:
            begun = time.perf_counter(), time.process_time()
            assert not Rejoins(bench.database, _FOLDER).compare().missed
            yield "full join of all that is stored", _since(begun), size


def _since(begun: tuple[float, float]) -> Timing:
    return Timing(time.perf_counter() - begun[0], time.process_time() - begun[1])


def _median(work: Callable[[], object], before: Callable[[], object]) -> Timing:
    """Of several runs, each after ``before``: the median on the wall and on the CPU."""
    runs = []
    for _ in range(_DAYS):
        before()
        begun = time.perf_counter(), time.process_time()
        work()
        runs.append(_since(begun))
    walls, cpus = ([getattr(run, name) for run in runs] for name in ("seconds", "cpu_seconds"))
    return Timing(statistics.median(walls), statistics.median(cpus))


def _drop_from_memory(path: Path) -> None:
    """The operating system forgets what it holds of the file and its journal."""
    for file in (path, path.with_name(path.name + "-wal")):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)  # what is not written yet would stay
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _read_into_memory(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


class _Day:
    """The batches of one approving unit, one after another; 1 item in 100 is about a declared person."""

    def __init__(self, bench: Bench) -> None:
        self.unit, self._bench = _names(Side.BENEFICIARY)[0], bench
        self._random = np.random.default_rng()

    def prepare(self) -> None:
        """Return when the next batch is there, as admission would give it."""
        rng, known, manifest = self._random, self._known_tokens(), self._bench.district.manifest
        self._tokens = known + rng.bytes(WORD * _ITEMS - len(known))
        c_reg, c_ben, half, com = (rng.bytes(WORD * _ITEMS) for _ in range(4))
        ct = rng.bytes((manifest.bucket + AEAD_TAG_SIZE) * _ITEMS)
        self._columns = Columns(rng.bytes(RID_SIZE * _ITEMS), c_reg, c_ben, half, com, ct)
        seq = self._bench.next_seq(self.unit, Side.BENEFICIARY)
        self._header = BatchHeader(manifest.epoch_id, Side.BENEFICIARY, self.unit, seq, _ITEMS)

    @property
    def rids(self) -> list[bytes]:
        """The record ids of the last batch."""
        return cut(self._columns.rid, RID_SIZE)

    def admit(self) -> None:
        """Return when the batch is committed and synced, and its hits are found."""
        rng = self._random
        capsule, signature = rng.bytes(CAPSULE_SIZE), rng.bytes(SIGNATURE_SIZE)
        batch = Batch(self._header, capsule, signature, self._columns)
        leaves, root, digest = rng.bytes(WORD * _ITEMS), rng.bytes(WORD), rng.bytes(WORD)
        admitted = AdmittedBatch(batch, self._tokens, leaves, root, digest)
        suite, at = self._bench.district.suite, self._bench.clock()
        self._bench.submissions.admit(suite, admitted, _QUOTA, at)

    def _known_tokens(self) -> bytes:
        """Tokens of declared persons, taken at random from the store."""
        sql = (
            "SELECT key, rest FROM record JOIN sealed ON record = id"
            " WHERE side = 1 AND id >= ? LIMIT 1"
        )
        with closing(sqlite3.connect(f"file:{self._bench.path}?mode=ro", uri=True)) as connection:
            (last,) = connection.execute("SELECT max(id) FROM record").fetchone()
            starts = self._random.integers(record_id(1, 0), last // 2, _HITS).tolist()
            found = [connection.execute(sql, (start,)).fetchone() for start in starts]
        return b"".join(key + rest for key, rest in found)


# --- the standing store ---------------------------------------------------------------------------

_FILL_RECORDS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO record (id, owner, side, rid, key)
SELECT :first + i, :owner, :side, substr(:rids, 16 * i + 1, 16), substr(:keys, 16 * i + 1, 16) FROM n
"""
_FILL_SEALED = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO sealed (record, rest, body)
SELECT :first + i, substr(:rests, 16 * i + 1, 16), substr(:rids, 16 * i + 1, 16) FROM n
"""


_SUBMISSION = "INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BATCH = "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)"
# Unsafe, and made anew where it fails: the connection that is measured is another one.
_PRAGMAS = (
    *("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"),
    "cache_size=-1000000",
)


def _fill(path: Path, district: District, size: int) -> list[tuple[bytes, Side, str, int]]:
    """(digest, side, unit, number) of the batches that now stand there: about ``size`` records."""
    units = [(side, unit) for side in Side for unit in _names(side)]
    owners = [(i, district.manifest.epoch_id, unit, 1) for i, (_, unit) in enumerate(units, 1)]
    rng, chunks = np.random.default_rng(1), size // _CHUNK
    batches: list[tuple[bytes, Side, str, int]] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO owner VALUES (?, ?, ?, ?)", owners)
        for chunk in range(chunks):
            # A side after the other, unit after unit.
            place, turn = chunk % 2 * _UNITS + chunk // 2 % _UNITS, chunk // (2 * _UNITS)
            keys = _ascending(rng, chunk, chunks), _ascending(rng, chunk, chunks)
            batches += _fill_chunk(connection, rng, keys, len(batches), units[place], place, turn)
        connection.execute("COMMIT")
    return batches


def _fill_chunk(
    connection: sqlite3.Connection,
    rng: np.random.Generator,
    keys: tuple[bytes, bytes],
    before: int,
    unit: tuple[Side, str],
    place: int,
    turn: int,
) -> list[tuple[bytes, Side, str, int]]:
    """The batches of one chunk: number ``turn`` of that unit and side."""
    side, count, owner, first = int(unit[0]), _CHUNK // MAX_ROWS, place + 1, before + 1
    new = [(rng.bytes(WORD), *unit, turn * count + i) for i in range(1, count + 1)]
    at = int(NOW.timestamp()) * 1_000_000
    for number, (digest, _, _, seq) in enumerate(new, first):
        head = (number, owner, side, seq, int(Kind.BATCH), MAX_ROWS, digest)
        connection.execute(_SUBMISSION, (*head, at, number - 1, rng.bytes(300)))
        common = (rng.bytes(CAPSULE_SIZE), rng.bytes(SIGNATURE_SIZE), rng.bytes(WORD), b"")
        connection.execute(_BATCH, (number, *common, int(Capsule.OPENS), MAX_ROWS))
    values = {
        "count": _CHUNK,
        "first": record_id(first, 0),
        "owner": owner,
        "side": side,
        "rids": keys[0],
        "keys": keys[1],
        "rests": rng.bytes(KEY_SIZE * _CHUNK),
    }
    connection.execute(_FILL_RECORDS, values)
    connection.execute(_FILL_SEALED, values)
    return new


def _ascending(rng: np.random.Generator, chunk: int, chunks: int) -> bytes:
    """16 random bytes a row, ascending, all above those of the chunk before: no index is filled at random."""
    share = (1 << 64) // chunks
    words = np.empty((_CHUNK, 2), ">u8")
    words[:, 0] = np.sort(rng.integers(chunk * share, (chunk + 1) * share - 1, _CHUNK, np.uint64))
    words[:, 1] = rng.integers(0, 1 << 63, _CHUNK, np.uint64)
    return words.tobytes()
