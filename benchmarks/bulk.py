"""Joins of token tables on disk: two large ones, a large and a larger, a day's few and a standing one.

Beside each, in the same run: DuckDB's bare join of 16-byte keys over the same files, record ids out, in no
order; for standing tables, the smallest of them. 1 in 100 in common; one thread. With 10 million rows also
100 million are made: some 20 GiB on disk for a while.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from benchmarks.measuring import Measure, NotMeasured, Timing, compare, time_fastest
from libmatch.bulk.duckdb_engine import Resources
from libmatch.bulk.join import Engine, join_tables
from libmatch.bulk.standing import sort_table
from libmatch.bulk.tables import write_table
from libmatch.errors import InputError

Bytes = npt.NDArray[np.uint8]
_LARGE, _LARGER = 10_000_000, 100_000_000
_DAY = 1_000
_PART = 1_000_000
_RESOURCES = Resources(memory_bytes=8 << 30, threads=1)
_ROOM = 40 << 30  # bytes on disk for 100 million rows: a table, its sort, the sorted table
_BARE = "DuckDB, bare join of 16-byte keys, same files"
_AIM, _LEAST = "<= 1.3x the bare join", 1 / 1.3
_FLAT, _LEAST_FLAT = "flat: <= 1.5x the smallest", 1 / 1.5


def measure(sizes: tuple[int, ...]) -> Iterator[Measure | NotMeasured]:
    """``size``: rows of one side; of 10 M × 100 M, of the new ones; of a standing table, its own."""
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bulk-", dir="build") as name:
        bench = _Bench(Path(name))
        standing: list[Path] = []
        for size in sizes:
            a, b = bench.write("a", size, 1), bench.write("b", size, 2)
            least = _LEAST if size == _LARGE else None
            yield bench.compare_join("token tables, n x n", size, a, b, least)
            if size == 1_000_000:
                yield bench.measure_spark(size, a, b)
            if size >= 1_000_000:
                standing.append(bench.sort(a))
        if _LARGE in sizes:
            yield from bench.measure_larger(b, standing)
        yield from bench.measure_day(standing or [bench.sort(a)])


@dataclass(frozen=True)
class _Bench:
    folder: Path

    def write(self, name: str, rows: int, seed: int) -> Path:
        path = self.folder / f"{name}-{rows}.parquet"
        write_table(path, bytes(32), _batches(rows, seed), resources=_RESOURCES)
        return path

    def sort(self, table: Path) -> Path:
        out = table.with_suffix(".standing")
        sort_table(table, out, resources=_RESOURCES)
        return out

    def join(self, a: Path, b: Path, engine: Engine = Engine.DUCKDB) -> None:
        out = self.folder / "hits"
        join_tables(a, b, out, engine=engine, resources=_RESOURCES, overwrite=True)

    def compare_join(
        self, name: str, size: int, a: Path, b: Path, least: float | None, runs: int = 3
    ) -> Measure:
        ours = time_fastest(partial(self.join, a, b), runs)
        bare = time_fastest(partial(self.join_bare, a, b), runs)
        per_row = bare.cpu_seconds / size
        return compare(name, size, ours, _BARE, per_row, _AIM, least_ratio=least)

    def join_bare(self, a: Path, b: Path) -> None:
        with duckdb.connect() as engine:
            engine.execute("SET threads = 1; SET preserve_insertion_order = false")
            engine.execute(f"SET temp_directory = '{self.folder}'")
            tables = (f"read_parquet('{path}') {name}" for name, path in (("a", a), ("b", b)))
            # The files are this module's own.
            sql = f"SELECT a.r0, a.r1, b.r0, b.r1 FROM {' JOIN '.join(tables)} USING (t0, t1)"  # noqa: S608
            engine.execute(sql).fetchnumpy()

    def measure_larger(self, new: Path, standing: list[Path]) -> Iterator[Measure | NotMeasured]:
        """10 million against 100 million; the larger table becomes the last of ``standing``."""
        name = "token tables, 10 M new x 100 M stored"
        if shutil.disk_usage(self.folder).free < _ROOM:
            yield NotMeasured(name, _LARGE, f"needs {_ROOM >> 30} GiB of free disk")
            return
        stored = self.write("a", _LARGER, 3)
        yield self.compare_join(name, _LARGE, new, stored, _LEAST, runs=2)
        standing.append(self.sort(stored))
        stored.unlink()

    def measure_day(self, standing: list[Path]) -> Iterator[Measure]:
        new = self.write("new", _DAY, 1)
        first: Timing | None = None
        for path in standing:
            ours = time_fastest(partial(self.join, new, path), 5)
            size = int(path.stem.rpartition("-")[2])
            per_row = (first or ours).cpu_seconds / size
            least = None if first is None else _LEAST_FLAT
            first = first or ours
            name = "a day's 1,000 new x a standing table"
            yield compare(name, size, ours, "the smallest", per_row, _FLAT, least_ratio=least)

    def measure_spark(self, size: int, a: Path, b: Path) -> Measure | NotMeasured:
        """For information, on the wall: Spark's processor time is another process's."""
        name = "token tables, n x n, on Spark, from its start to its end"
        try:
            seconds = [_time_wall(partial(self.join, a, b, engine)) for engine in Engine]
        except (InputError, ModuleNotFoundError) as error:
            return NotMeasured(name, size, str(error))
        plain, spark = seconds
        return compare(name, size, Timing(spark, spark), "the same on DuckDB", plain / size, "")


def _time_wall(work: partial[None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _batches(rows: int, seed: int) -> Iterator[tuple[Bytes, Bytes]]:
    """Random tokens and record ids; a hundredth of every million is the same for every seed."""
    for first in range(0, rows, _PART):
        count = min(_PART, rows - first)
        own = np.random.default_rng([seed, first])
        tokens = own.integers(0, 256, (count, 32), np.uint8)
        common = count // 100
        shared = np.random.default_rng([0, first]).integers(0, 256, (common, 32), np.uint8)
        tokens[:common] = shared
        yield tokens, own.integers(0, 256, (count, 16), np.uint8)
