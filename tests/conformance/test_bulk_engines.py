"""Every engine of the join gives the pairs of the reference matcher, in the order of docs/spec/bulk.md.

One Spark session for all of them, in the one worker that runs this group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libmatch.bulk.columns import join_rids
from libmatch.bulk.hits import read_hits
from libmatch.bulk.join import Engine, join_tables
from libmatch.bulk.memory import join_tokens
from libmatch.bulk.spark_engine import Written
from libmatch.bulk.standing import sort_table
from libmatch.bulk.tables import write_table
from libmatch.errors import InputError
from libmatch.matching import match
from libmatch.records import RecordRef, Side

Bytes = npt.NDArray[np.uint8]
Pairs = list[tuple[bytes, bytes]]
Run = Callable[["Table", "Table", Path], Pairs]
EPOCH = bytes(range(32))


@dataclass(frozen=True, eq=False)
class Table:
    """A token table in memory: uint8[n, 32] and uint8[n, 16]."""

    tokens: Bytes
    rids: Bytes


def join_with_engine(engine: Engine, standing: str = "") -> Run:
    """``standing``: which of the tables, a or b, is one."""

    def run(a: Table, b: Table, folder: Path) -> Pairs:
        for name, table in (("a", a), ("b", b)):
            write_table(folder / name, EPOCH, [(table.tokens, table.rids)], overwrite=True)
        if standing:
            sort_table(folder / standing, folder / "sorted")
            (folder / "sorted").replace(folder / standing)
        counts = join_tables(
            folder / "a", folder / "b", folder / "hits", engine=engine, overwrite=True
        )
        rids_a, rids_b = read_hits(folder / "hits")
        assert (counts.rows_a, counts.rows_b) == (len(a.tokens), len(b.tokens))
        assert counts.pairs == len(rids_a)
        return _as_pairs(rids_a, rids_b)

    return run


def join_in_memory(a: Table, b: Table, folder: Path) -> Pairs:
    rows_a, rows_b = join_tokens(a.tokens, b.tokens)
    return sorted(_as_pairs(a.rids[rows_a], b.rids[rows_b]), key=_signed)


ENGINES: dict[str, Run] = {
    "duckdb": join_with_engine(Engine.DUCKDB),
    "duckdb, A standing": join_with_engine(Engine.DUCKDB, "a"),
    "spark": join_with_engine(Engine.SPARK),
    "memory": join_in_memory,
}


@cache
def join_by_reference(a: Table, b: Table) -> Pairs:
    records = [
        (RecordRef(side, "u", rid.tobytes()), token.tobytes())
        for side, table in ((Side.REGISTRY, a), (Side.BENEFICIARY, b))
        for token, rid in zip(table.tokens, table.rids, strict=True)
    ]
    hits = match(records)
    return sorted(((hit.registry.rid, hit.beneficiary.rid) for hit in hits), key=_signed)


def _as_pairs(a: Bytes, b: Bytes) -> Pairs:
    return [(one.tobytes(), two.tobytes()) for one, two in zip(a, b, strict=True)]


def _signed(pair: tuple[bytes, bytes]) -> tuple[int, ...]:
    both = b"".join(pair)
    return tuple(int.from_bytes(both[at : at + 8], "big", signed=True) for at in range(0, 32, 8))


@pytest.fixture(scope="module")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A session of the test's own, as a program has that uses Spark itself. Needs Java."""
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    conf: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(folder / "spill"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.memory": "1g",
        # Short jobs: the better compiler and parallel collection would cost more than they save.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.files.ignoreCorruptFiles": "true",  # as some sites have it
    }
    session = SparkSession.builder.master("local[1]").config(map=conf).getOrCreate()
    yield
    session.stop()


@pytest.fixture(params=ENGINES)
def join(request: pytest.FixtureRequest) -> Run:
    if request.param.startswith("spark"):
        request.getfixturevalue("spark_session")
    return ENGINES[request.param]


def words_of(values: npt.NDArray[np.int64]) -> Bytes:
    """The bytes of int64[n, k], big-endian: uint8[n, 8 · k]."""
    return values.astype(">i8").view(np.uint8)


def distinct_rids(random: np.random.Generator, n: int) -> Bytes:
    """Record ids in no order, half of them negative."""
    return join_rids(
        random.integers(-(1 << 63), 1 << 63, n, np.int64), random.permutation(n) - n // 2
    )


def table_of(random: np.random.Generator, words: npt.NDArray[np.int64]) -> Table:
    return Table(words_of(words), distinct_rids(random, len(words)))


def colliding(random: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
    """Words of few values: many tokens are equal, many in the first 8, 16 or 24 bytes alone."""
    words = random.integers(0, 2, (n, 4), np.int64)
    words[:, 0] = random.integers(-50, 50, n)
    return words


def extremes(random: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
    """Words from the ends of the range and around zero, where signs and carries go wrong."""
    edges = np.array([-(1 << 63), -(1 << 63) + 1, -1, 0, 1, (1 << 63) - 2, (1 << 63) - 1])
    return edges[random.integers(0, len(edges), (n, 4))]


def uniform(random: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
    return random.integers(-(1 << 63), 1 << 63, (n, 4), np.int64)


@cache
def sides(name: str) -> tuple[Table, Table]:
    random = np.random.default_rng(7)
    if name == "disjoint":
        return table_of(random, uniform(random, 500)), table_of(random, uniform(random, 700))
    if name == "many row groups":  # of 122,880 rows in what write_table writes
        a, b = uniform(random, 130_000), uniform(random, 125_000)
        b[::100] = a[::100][: len(b[::100])]
        b[1::100, :3] = a[1::100, :3][: len(b[1::100])]  # differ in the last word alone
        return table_of(random, a), table_of(random, b)
    make, n, m = {
        "duplicates and common beginnings": (colliding, 900, 1_200),
        "extremes": (extremes, 800, 600),
        "one token": (lambda _, k: np.full((k, 4), -1), 40, 30),
        "empty A": (uniform, 0, 10),
        "empty B": (uniform, 10, 0),
        "both empty": (uniform, 0, 0),
    }[name]
    return table_of(random, make(random, n)), table_of(random, make(random, m))


CASES = (
    "duplicates and common beginnings",
    "extremes",
    "one token",
    "disjoint",
    "many row groups",
    "empty A",
    "empty B",
    "both empty",
)


@pytest.mark.parametrize("case", CASES)
def test_pairs_are_those_of_the_reference_matcher_in_order(
    join: Run, case: str, tmp_path: Path
) -> None:
    a, b = sides(case)
    expected = join_by_reference(a, b)
    assert join(a, b, tmp_path) == expected
    assert bool(expected) == (case not in {"disjoint", "empty A", "empty B", "both empty"})


words = st.sampled_from([-(1 << 63), -1, 0, 1, (1 << 63) - 1])
columns_of_words = st.lists(st.tuples(words, words, words, words), max_size=12)


@pytest.mark.parametrize("engine", ["duckdb", "memory"])
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows_a=columns_of_words, rows_b=columns_of_words)
def test_small_tables_of_any_content_are_joined_as_by_the_reference(
    engine: str, tmp_path: Path, rows_a: list[Any], rows_b: list[Any]
) -> None:
    random = np.random.default_rng(8)
    a, b = (table_of(random, np.array(rows, np.int64).reshape(-1, 4)) for rows in (rows_a, rows_b))
    assert ENGINES[engine](a, b, tmp_path) == join_by_reference(a, b)


def test_damage_behind_the_footer_is_no_lost_match_on_spark(
    spark_session: None, tmp_path: Path
) -> None:
    """The session says to skip damaged files; then the join would find nothing and say nothing."""
    a, b = sides("many row groups")
    for name, table in (("a", a), ("b", b)):
        write_table(tmp_path / name, EPOCH, [(table.tokens, table.rids)])
    with (tmp_path / "a").open("r+b") as file:  # the first page's header
        file.seek(4)
        file.write(b"\xff" * 40)
    with pytest.raises(Exception, match=r"(?i)spark|parquet"):
        join_tables(tmp_path / "a", tmp_path / "b", tmp_path / "hits", engine=Engine.SPARK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_spark_joins_what_was_taken_of_a_standing_table(
    spark_session: None, tmp_path: Path
) -> None:
    a, b = sides("duplicates and common beginnings")
    assert join_with_engine(Engine.SPARK, "b")(a, b, tmp_path) == join_by_reference(a, b)


@pytest.mark.parametrize(("parts", "rows", "here"), [(1, 5, 4), (1, 0, 1), (0, 0, 0), (0, 3, 0)])
def test_parts_that_lie_on_another_node_are_no_lost_match(
    tmp_path: Path, parts: int, rows: int, here: int
) -> None:
    with pytest.raises(InputError, match="share"):
        Written([tmp_path] * parts, rows).check(here)
    Written([tmp_path], 5).check(5)


def test_engines_write_the_same_format(spark_session: None, tmp_path: Path) -> None:
    a, b = sides("extremes")
    heads = []
    for engine in Engine:
        join_with_engine(engine)(a, b, tmp_path)
        heads.append(head_of(tmp_path / "hits"))
    assert heads[0] == heads[1]


def head_of(path: Path) -> tuple[list[Any], list[Any]]:
    """A Parquet file's key-value metadata, and its columns with their types."""
    with duckdb.connect() as reader:
        settings = reader.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)])
        pairs = settings.fetchall()
        columns = reader.execute(
            "SELECT name, type, converted_type FROM parquet_schema(?) OFFSET 1", [str(path)]
        )
        return pairs, columns.fetchall()
