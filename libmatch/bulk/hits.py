"""Hits: pairs of record ids as a Parquet file (docs/spec/bulk.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.bulk.columns import join_rids
from libmatch.bulk.duckdb_engine import Resources, open_engine
from libmatch.bulk.tables import open_format

Bytes = npt.NDArray[np.uint8]
HITS_FORMAT = "libmatch/1/token-hits"
HITS_COLUMNS = ("a_r0", "a_r1", "b_r0", "b_r1")


def read_hits(path: Path) -> tuple[Bytes, Bytes]:
    """The record ids of A and of B, uint8[k, 16] each, of the k pairs in a file of hits.

    In the order of the file. Memory: about 100 bytes a pair. Raises InputError for another file.
    """
    with open_engine(None, Resources(), keep_order=True) as running:
        open_format(running, "hits", path, HITS_FORMAT, HITS_COLUMNS)
        found = running.fetch_columns("hits")
    a_r0, a_r1, b_r0, b_r1 = (found[name] for name in HITS_COLUMNS)
    return join_rids(a_r0, a_r1), join_rids(b_r0, b_r1)
