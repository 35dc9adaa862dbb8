"""A unit's upload of sealed records over mutual TLS into the matcher: durable, hits found, SQLite.

The batches are sealed beforehand; 1 record in 100 has a counterpart that was submitted before. A real
matcher process, the unit's own client, up to six batches under way. Beside it, in the same run: a bare
``executemany`` of the same bytes into the same tables and indexes, with the connection's settings and as
few commits as the service makes of six batches under way (three batches each).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measuring import Measure, NotMeasured, Timing
from benchmarks.service import bench_folder, by_the_wall, peak_mib, running_matcher, time_both
from libmatch.accel.rows import Bytes, Rows, get_rows
from libmatch.batch import compute_tokens
from libmatch.client import MatcherClient
from libmatch.records import MAX_ROWS, RID_SIZE, WORD, Batch, Side, cut
from libmatch.seal import seal_batch
from libmatch.tokens import HalvesColumn
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.tables import KEY_SIZE, record_id
from tests.district import District

_LARGEST = 1_000_000
_PAYLOAD = 180  # bytes: an item with names of common length
_SHARED = MAX_ROWS // 100  # of each batch, rows with a counterpart
_TOGETHER = 3  # batches of a commit where six are under way: three are committed, three arrive
_ITEMS, _RELATIVES = ("ben-a", Side.BENEFICIARY), ("reg-a", Side.REGISTRY)
_SETTINGS = (
    "synchronous",
    "secure_delete",
    "cache_size",
    "wal_autocheckpoint",
    "foreign_keys",
    "cell_size_check",
    "temp_store",
)
_AIM = ">= 1/3 of the bare insert, >= 40,000 records/s on two cores"


def measure(sizes: tuple[int, ...]) -> Iterator[Measure | NotMeasured]:
    """One measure for each size up to 1,000,000, rounded down to whole batches, of new stores each."""
    rows = get_rows(1)
    for size in sizes:
        if size > _LARGEST:
            reason = f"an upload is measured up to {_LARGEST:,}; more is loaded from files (growth)"
            yield NotMeasured("upload over mutual TLS", size, reason)
            continue
        count = max(1, size // MAX_ROWS)
        with running_matcher("uploading") as (matcher, district):
            batches, counterparts = _seal(district, count, rows)
            for _ in matcher.unit(_RELATIVES[0]).submit_many(counterparts):
                pass
            unit = matcher.unit(_ITEMS[0])
            ours = time_both(matcher, partial(_upload, unit, batches))
            peak = peak_mib(matcher)
            _check_hits(matcher.database, count)
        bare = _insert_bare(batches, rows)
        binds = size >= 100_000
        yield by_the_wall(
            "upload over mutual TLS, durable, hits found, wall",
            count * MAX_ROWS,
            ours,
            f"bare executemany of the same bytes, {_TOGETHER} batches a commit",
            bare.seconds,
            _AIM,
            peak,
            least_ratio=1 / 3 if binds else None,
            least_rate=40_000 if binds else None,
        )


def _upload(unit: MatcherClient, batches: list[Batch]) -> None:
    receipts = unit.submit_many(batches)
    assert sum(1 for _ in receipts) == len(batches)


def _seal(district: District, count: int, rows: Rows) -> tuple[list[Batch], list[Batch]]:
    """``count`` full batches of items, and batches of relatives that share some persons with each."""
    items, shared = [], []
    for seq in range(1, count + 1):
        halves = _random_halves(MAX_ROWS)
        shared.append(halves.take(slice(0, _SHARED)))
        items.append(_seal_batch(district, *_ITEMS, seq, halves, rows))
    pool = HalvesColumn(
        *(np.concatenate(columns) for columns in zip(*map(_columns, shared), strict=True))
    )
    relatives = [
        _seal_batch(district, *_RELATIVES, seq, pool.take(slice(at, at + MAX_ROWS)), rows)
        for seq, at in enumerate(range(0, count * _SHARED, MAX_ROWS), 1)
    ]
    return items, relatives


def seal_random(district: District, unit: str, side: Side, seq: int, rows: Rows) -> Batch:
    """A full batch about persons whom nobody knows, sealed and signed."""
    return _seal_batch(district, unit, side, seq, _random_halves(MAX_ROWS), rows)


def _random_halves(count: int) -> HalvesColumn:
    """Persons whom nobody knows: of an identifier, the matcher sees two commitments, random to it."""
    made = (os.urandom(WORD * count) for _ in range(5))
    return HalvesColumn(*(np.frombuffer(one, np.uint8).reshape(count, WORD) for one in made))


def _columns(halves: HalvesColumn) -> tuple[Bytes, ...]:
    return halves.g_reg, halves.g_ben, halves.c_reg, halves.c_ben, halves.token


def _seal_batch(
    district: District, unit: str, side: Side, seq: int, halves: HalvesColumn, rows: Rows
) -> Batch:
    payloads = [os.urandom(_PAYLOAD)] * len(halves.token)
    key = district.keys(unit).signing
    return seal_batch(district.manifest, side, unit, seq, halves, payloads, key, rows).batch


def _check_hits(database: Path, count: int) -> None:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        (hits,) = reader.execute("SELECT count(*) FROM hit").fetchone()
    assert hits == count * _SHARED


def _insert_bare(batches: list[Batch], rows: Rows) -> Timing:
    """Inserting alone; the tuples of rows are made beforehand, outside the time."""
    seconds = cpu = 0.0
    with bench_folder("bare") as folder:
        path = folder / "bare.db"
        settings = _create_store(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for name, value in settings.items():
                connection.execute(f"PRAGMA {name}={value}")
            connection.execute("INSERT INTO owner VALUES (1, x'', 'ben-a', 1)")
            for first in range(0, len(batches), _TOGETHER):
                group = batches[first : first + _TOGETHER]
                made = [_rows_of(number, one, rows) for number, one in enumerate(group, first + 1)]
                wall, process = time.perf_counter(), time.process_time()
                connection.execute("BEGIN IMMEDIATE")
                for records, sealed in made:
                    connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", records)
                    connection.executemany("INSERT INTO sealed VALUES (?, ?, ?)", sealed)
                connection.execute("COMMIT")
                seconds += time.perf_counter() - wall
                cpu += time.process_time() - process
    return Timing(seconds, cpu)


def _create_store(path: Path) -> dict[str, object]:
    """The settings of the service's own connection to the store that is made here."""
    with Database(f"sqlite:///{path}") as database:
        migrate(database, VERSIONS)
        with database.writer_connection() as connection:
            read = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _SETTINGS
            }
    assert read["synchronous"] == 2  # FULL: synced at each commit
    return read


def _rows_of(
    number: int, batch: Batch, rows: Rows
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    columns, side = batch.columns, int(batch.header.side)
    tokens = cut(compute_tokens(columns, rows).tobytes(), WORD)
    bodies = columns.bodies()
    parts = zip(
        cut(columns.rid, RID_SIZE), tokens, cut(bodies, len(bodies) // len(tokens)), strict=True
    )
    records: list[tuple[object, ...]] = []
    sealed: list[tuple[object, ...]] = []
    for position, (rid, token, body) in enumerate(parts):
        record = record_id(number, position)
        records.append((record, 1, side, rid, token[:KEY_SIZE]))
        sealed.append((record, token[KEY_SIZE:], body))
    return records, sealed
