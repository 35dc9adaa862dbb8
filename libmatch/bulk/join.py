"""The join of two token tables of any size: one SQL text, and an engine that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.bulk.columns import join_rids
from libmatch.bulk.duckdb_engine import Resources, open_engine
from libmatch.bulk.staging import stage
from libmatch.bulk.tables import EPOCH_KEY, FORMAT_KEY, open_checked, open_format
from libmatch.errors import InputError

Bytes = npt.NDArray[np.uint8]
HITS_FORMAT = "libmatch/1/token-hits"
HITS_COLUMNS = ("a_r0", "a_r1", "b_r0", "b_r1")

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
    overwrite: bool = False,
) -> JoinCounts:
    """What was joined; the pairs of record ids are at ``out``, all or nothing (docs/spec/bulk.md).

    Pairs ascend by the columns a_r0, a_r1, b_r0, b_r1. A token that stands i times in A and j times in B
    gives i · j pairs. Cost: linear, and a sort of the pairs; what exceeds the memory goes through the disk
    beside ``out``. Raises InputError for a table that cannot be used, tables of two epochs, or too little
    memory; FileExistsError; OSError for a full disk; ModuleNotFoundError without DuckDB.
    """
    if engine is not Engine.DUCKDB:
        raise ValueError("no such engine")
    _refuse_same(a, b, out)
    with (
        stage(out, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources or Resources(), keep_order=False) as running,
    ):
        head_a = open_checked(running, "a", a)
        head_b = open_checked(running, "b", b)
        if head_a.epoch_id != head_b.epoch_id:
            raise InputError(
                "the tables are of two epochs: no token can match",
                "两个令牌表不是同一周期的，无法比对；请用同一周期的令牌表",
            )
        settings = {FORMAT_KEY: HITS_FORMAT, EPOCH_KEY: head_a.epoch_id.hex()}
        pairs = running.copy_rows(JOIN_SQL, result, settings)
    return JoinCounts(head_a.rows, head_b.rows, pairs)


def read_hits(path: Path) -> tuple[Bytes, Bytes]:
    """The record ids of A and of B, uint8[k, 16] each, of the k pairs in a file of ``join_tables``.

    In the order of the file. Memory: about 100 bytes a pair. Raises InputError for another file.
    """
    with open_engine(None, Resources(), keep_order=True) as running:
        open_format(running, "hits", path, HITS_FORMAT, HITS_COLUMNS)
        found = running.fetch_columns("hits")
    a_r0, a_r1, b_r0, b_r1 = (found[name] for name in HITS_COLUMNS)
    return join_rids(a_r0, a_r1), join_rids(b_r0, b_r1)


def _refuse_same(a: Path, b: Path, out: Path) -> None:
    for path in (a, b):
        if out.exists() and path.exists() and out.samefile(path):
            raise InputError("the output is an input", "结果文件不能与令牌表是同一个文件")
