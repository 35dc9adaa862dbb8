"""The private match in memory: texts of both sides in, pairs of rows out, 1 in 100 in common.

Beside it, in the same run: DuckDB's join of the plain texts (what a department without privacy would do), and
``hmac.digest`` with a Python dictionary (what a script would do). The peers of the field: ``peers``.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import date
from functools import partial

import duckdb
import numpy as np

from benchmarks.columns import two_sides
from benchmarks.measuring import Measure, compare, time_fastest
from libmatch.accel.tokens import derive_tokens
from libmatch.bulk.memory import join_tokens
from libmatch.identifiers import parse_column
from libmatch.keys import EpochKey
from libmatch.suites import Suite, get_suite
from libmatch.texts import TextColumn

_TODAY = date(2026, 11, 24)
_SAMPLE = 50_000
COMPILES = 600_000
"""Rows of a side that make every part of a match run compiled."""


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """Two measures for each suite and size; ``size`` counts the rows of one side."""
    few = two_sides(_SAMPLE)
    script = time_fastest(partial(_match_by_script, *few), 2)
    for suite in (get_suite(1), get_suite(2)):
        key, name = EpochKey.generate(), f"private match, both sides, {suite.name}"
        match_texts(suite, key, *two_sides(COMPILES))
        for size in sizes:
            sides = two_sides(size)
            ours = time_fastest(partial(match_texts, suite, key, *sides))
            slow = f"hmac.digest and a dictionary, {_SAMPLE} rows"
            yield compare(name, size, ours, slow, script.cpu_seconds / _SAMPLE, "for information")
            with duckdb.connect() as engine:
                engine.execute("SET threads = 1")
                _load(engine, *sides)
                plain = time_fastest(partial(_join_plain, engine))
            per_row = plain.cpu_seconds / size
            reference = "DuckDB, join of the plain texts"
            yield compare(name, size, ours, reference, per_row, "for information")


def match_texts(suite: Suite, key: EpochKey, a: TextColumn, b: TextColumn) -> int:
    """The pairs of two columns of texts, from both sides' derivation to the join."""
    tokens = []
    for texts in (a, b):
        column = parse_column(texts, today=_TODAY)
        tokens.append(derive_tokens(suite, key, column.kinds, column.idns))
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
