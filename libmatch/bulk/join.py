"""The join of two token tables of any size: one SQL text, and an engine that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from libmatch.bulk.duckdb_engine import DuckDB, Resources, open_engine
from libmatch.bulk.hits import HITS_FORMAT
from libmatch.bulk.spark_engine import SparkSettings, Written, join_on_spark
from libmatch.bulk.staging import stage
from libmatch.bulk.standing import Standing, is_standing
from libmatch.bulk.tables import COLUMNS, TableHead, describe, open_checked
from libmatch.errors import InputError

# Plain SQL, nothing of one engine. All 32 bytes are the key of the hash join, so that tokens that share
# their first bytes cost no more than others; 16 bytes with the rest compared behind were no faster.
JOIN_SQL = """
SELECT a.r0 AS a_r0, a.r1 AS a_r1, b.r0 AS b_r0, b.r1 AS b_r1
FROM a JOIN b ON a.t0 = b.t0 AND a.t1 = b.t1 AND a.t2 = b.t2 AND a.t3 = b.t3
ORDER BY a_r0, a_r1, b_r0, b_r1
"""


class Engine(StrEnum):
    """What runs the join."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True)
class JoinCounts:
    """Rows of both tables, and pairs of rows with equal tokens."""

    rows_a: int
    rows_b: int
    pairs: int


def join_tables(
    a: Path,
    b: Path,
    out: Path,
    *,
    engine: Engine = Engine.DUCKDB,
    resources: Resources | None = None,
    spark: SparkSettings | None = None,
    overwrite: bool = False,
) -> JoinCounts:
    """What was joined; the pairs of record ids are at ``out``, all or nothing (docs/spec/bulk.md).

    One of the two may be a standing table: the cost is that of the other, and memory 24 bytes a row of it.
    Pairs ascend by the columns a_r0, a_r1, b_r0, b_r1. A token that stands i times in A and j times in B
    gives i · j pairs. Cost: linear, and a sort of the pairs; what exceeds the memory goes through the disk
    beside ``out``. Raises InputError for a table that cannot be used, tables of two epochs, too little
    memory, or where Spark fails; FileExistsError; OSError for a full disk; ModuleNotFoundError without the
    engine, or without DuckDB, which checks the tables and writes the file whatever the engine.
    """
    _refuse_same(a, b, out)
    resources = resources or Resources()
    with (
        stage(out, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources, keep_order=engine is Engine.SPARK) as running,
    ):
        heads = _open_both(running, a, b)
        settings = describe(HITS_FORMAT, _require_one_epoch(heads))
        if engine is Engine.DUCKDB:
            pairs = running.copy_rows(JOIN_SQL, result, settings)
        else:
            tables = [_as_parquet(running, *table, folder) for table in (("a", a), ("b", b))]
            where = spark or SparkSettings()
            found = join_on_spark(JOIN_SQL, COLUMNS, tables, folder, resources, where)
            pairs = _gather(running, found, result, settings)
    return JoinCounts(heads[0].rows, heads[1].rows, pairs)


def _open_both(engine: DuckDB, a: Path, b: Path) -> tuple[TableHead, TableHead]:
    """Heads of both tables, which are ``a`` and ``b`` from now on; of a standing one, what can be a hit."""
    standing = [path for path in (a, b) if path.is_file() and is_standing(path)]
    if not standing:
        return open_checked(engine, "a", a), open_checked(engine, "b", b)
    if len(standing) == 2:
        raise InputError(
            "two standing tables: one has to be a token table",
            "两个都是常备表，无法比对；其中一个请用令牌表",
        )
    if a in standing:
        other = open_checked(engine, "b", b)
        return _open_standing(engine, "a", a, "b"), other
    other = open_checked(engine, "a", a)
    return other, _open_standing(engine, "b", b, "a")


def _open_standing(engine: DuckDB, name: str, path: Path, other: str) -> TableHead:
    standing = Standing.open(path)
    engine.create_table(name, COLUMNS)
    for columns in standing.find_rows(engine.fetch_column(other, "t0")):
        engine.insert_columns(name, columns)
    return standing.head


def _as_parquet(engine: DuckDB, name: str, path: Path, folder: Path) -> Path:
    """The table as a file that Spark reads: its own, or what was taken of a standing one."""
    if not is_standing(path):
        return path
    taken = folder / f"{name}.parquet"
    engine.copy_rows(f"SELECT * FROM {name}", taken, {})  # noqa: S608
    return taken


def _gather(engine: DuckDB, found: Written, out: Path, settings: Mapping[str, str]) -> int:
    """How many rows there are in all parts, which are one file now. Raises InputError where some lack."""
    rows = 0
    if found.parts:
        engine.open_parts("found", found.parts)
        rows = engine.copy_rows("SELECT * FROM found", out, settings)
    found.check(rows)
    return rows


def _require_one_epoch(heads: tuple[TableHead, TableHead]) -> bytes:
    if heads[0].epoch_id != heads[1].epoch_id:
        raise InputError(
            "the tables are of two epochs: no token can match",
            "两个令牌表不是同一周期的，无法比对；请用同一周期的令牌表",
        )
    return heads[0].epoch_id


def _refuse_same(a: Path, b: Path, out: Path) -> None:
    for path in (a, b):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError("the output is an input", "结果文件不能与令牌表是同一个文件")
