"""Hits: pairs of record ids as a Parquet file (docs/spec/bulk.md); written, read and compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.bulk.columns import join_rids, split_rids
from libmatch.bulk.duckdb_engine import Resources, open_engine
from libmatch.bulk.staging import stage
from libmatch.bulk.tables import describe, open_format
from libmatch.errors import InputError

Bytes = npt.NDArray[np.uint8]
HITS_FORMAT = "libmatch/1/token-hits"
HITS_COLUMNS = ("a_r0", "a_r1", "b_r0", "b_r1")

_ORDER = "ORDER BY a_r0, a_r1, b_r0, b_r1"
_DIFFERENCE_SQL = f"SELECT * FROM a EXCEPT SELECT * FROM b {_ORDER}"  # noqa: S608


def write_hits(
    path: Path,
    epoch_id: bytes,
    batches: Iterable[tuple[Bytes, Bytes]],
    *,
    resources: Resources | None = None,
    overwrite: bool = False,
) -> int:
    """How many pairs were written to ``path``, in the order of the format, all or nothing.

    A batch is the record ids of A and of B, uint8[n, 16] each. Memory: one batch and what ``resources``
    allow. Raises ValueError for other shapes, FileExistsError, OSError, ModuleNotFoundError without DuckDB.
    """
    with (
        stage(path, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources or Resources(), keep_order=False) as engine,
    ):
        engine.create_table("pairs", HITS_COLUMNS)
        for rids_a, rids_b in batches:
            if len(rids_a) != len(rids_b):
                raise ValueError("as many record ids of A as of B")
            words = (*split_rids(rids_a).values(), *split_rids(rids_b).values())
            engine.insert_columns("pairs", dict(zip(HITS_COLUMNS, words, strict=True)))
        sql = f"SELECT * FROM pairs {_ORDER}"  # noqa: S608
        return engine.copy_rows(sql, result, describe(HITS_FORMAT, epoch_id))


def read_hits(path: Path) -> tuple[Bytes, Bytes]:
    """The record ids of A and of B, uint8[k, 16] each, of the k pairs in a file of hits.

    In the order of the file. Memory: about 100 bytes a pair. Raises InputError for another file.
    """
    with open_engine(None, Resources(), keep_order=True) as running:
        open_format(running, "hits", path, HITS_FORMAT, HITS_COLUMNS)
        found = running.fetch_columns("hits")
    a_r0, a_r1, b_r0, b_r1 = (found[name] for name in HITS_COLUMNS)
    return join_rids(a_r0, a_r1), join_rids(b_r0, b_r1)


def subtract_hits(
    a: Path,
    b: Path,
    out: Path,
    *,
    resources: Resources | None = None,
    overwrite: bool = False,
) -> int:
    """How many pairs of the hits ``a`` are none of ``b``; they are at ``out``, each once.

    Raises InputError for a file that cannot be used, hits of two epochs, or too little memory;
    FileExistsError; OSError; ModuleNotFoundError without DuckDB.
    """
    with (
        stage(out, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources or Resources(), keep_order=False) as engine,
    ):
        epoch_id, other = (
            open_format(engine, name, path, HITS_FORMAT, HITS_COLUMNS)
            for name, path in (("a", a), ("b", b))
        )
        if epoch_id != other:
            raise InputError("the hits are of two epochs", "两个结果文件不是同一周期的，无法比较")
        return engine.copy_rows(_DIFFERENCE_SQL, result, describe(HITS_FORMAT, epoch_id))
