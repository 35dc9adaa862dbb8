"""The private match in memory: texts of both sides in, pairs of rows out, 1 in 100 in common.

Beside it, in the same run: DuckDB's join of the plain texts (what a department without privacy would do), and
``hmac.digest`` with a Python dictionary (what a script would do).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import date
from functools import partial

import duckdb
import numpy as np

from benchmarks.columns import resident_numbers
from benchmarks.measuring import Measure, compare, time_fastest
from libmatch.accel.tokens import derive_tokens
from libmatch.bulk.memory import join_tokens
from libmatch.identifiers import parse_column
from libmatch.keys import EpochKey
from libmatch.suites import get_suite
from libmatch.texts import TextColumn

_TODAY = date(2026, 11, 24)
_SAMPLE = 50_000


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """Two measures for each size and suite 1; ``size`` counts the rows of one side."""
    key = EpochKey.generate()
    _match(key, *_two_sides(300_000))  # compiles
    few = _two_sides(_SAMPLE)
    script = time_fastest(partial(_match_by_script, *few), 2)
    for size in sizes:
        sides = _two_sides(size)
        ours = time_fastest(partial(_match, key, *sides))
        name = "private match, both sides, HMAC-SHA256"
        per_row = script.cpu_seconds / _SAMPLE
        aim = ">= 8x a PSI of the field"
        yield compare(
            name, size, ours, f"hmac.digest and a dictionary, {_SAMPLE} rows", per_row, aim
        )
        with duckdb.connect() as engine:
            engine.execute("SET threads = 1")
            _load(engine, *sides)
            plain = time_fastest(partial(_join_plain, engine))
        per_row = plain.cpu_seconds / size
        yield compare(name, size, ours, "DuckDB, join of the plain texts", per_row, ">= 1/3 of it")


def _two_sides(size: int) -> tuple[TextColumn, TextColumn]:
    """Two columns of which the second begins with a hundredth of the first."""
    one, other = resident_numbers(size, 1), resident_numbers(size, 2)
    texts = other.data.copy()
    common = 18 * (size // 100)
    texts[:common] = one.data[:common]
    return one, TextColumn(other.offsets, texts)


def _match(key: EpochKey, a: TextColumn, b: TextColumn) -> int:
    tokens = []
    for texts in (a, b):
        column = parse_column(texts, today=_TODAY)
        tokens.append(derive_tokens(get_suite(1), key, column.kinds, column.idns))
    rows, _ = join_tokens(*tokens)
    return len(rows)


def _match_by_script(a: TextColumn, b: TextColumn) -> int:
    key = bytes(32)
    known: dict[bytes, int] = {}
    for i in range(len(a)):
        known[hmac.digest(key, a.text(i).encode(), "sha256")] = i
    return sum(hmac.digest(key, b.text(i).encode(), "sha256") in known for i in range(len(b)))


def _load(engine: duckdb.DuckDBPyConnection, a: TextColumn, b: TextColumn) -> None:
    for name, texts in (("a", a), ("b", b)):
        digits = texts.data.reshape(-1, 18)[:, :17].astype(np.int64) - ord("0")
        engine.register("numbers", {"id": digits @ 10 ** np.arange(16, -1, -1)})
        select = "SELECT id::VARCHAR || '0' AS id, row_number() OVER () AS row FROM numbers"
        engine.execute(f"CREATE TABLE {name} AS {select}")


def _join_plain(engine: duckdb.DuckDBPyConnection) -> int:
    rows = engine.execute("SELECT a.row, b.row FROM a JOIN b USING (id)").fetchnumpy()
    return len(rows["row"])
