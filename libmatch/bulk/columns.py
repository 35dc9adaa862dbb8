"""How tokens and record ids lie in columns of 64-bit integers (docs/spec/bulk.md).

Signed, because both engines and Parquet have that type without surprises; big-endian, so that the bytes
can be read off a column's hexadecimal form.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Column = npt.NDArray[np.int64]

TOKEN_SIZE = 32
RID_SIZE = 16
TOKEN_WORDS = TOKEN_SIZE // 8
TOKEN_COLUMNS = ("t0", "t1", "t2", "t3")
RID_COLUMNS = ("r0", "r1")


def check_tokens(tokens: Bytes) -> None:
    """Return if ``tokens`` is uint8[n, 32]. Raises ValueError."""
    if tokens.dtype != np.uint8 or tokens.ndim != 2 or tokens.shape[1] != TOKEN_SIZE:
        raise ValueError("a column of tokens is uint8[n, 32]")


def split_tokens(tokens: Bytes) -> dict[str, Column]:
    """The columns t0 … t3, int64[n], of uint8[n, 32]. Raises ValueError for another shape."""
    check_tokens(tokens)
    return _split(tokens, TOKEN_COLUMNS)


def split_rids(rids: Bytes) -> dict[str, Column]:
    """The columns r0 and r1, int64[n], of uint8[n, 16]. Raises ValueError for another shape."""
    if rids.dtype != np.uint8 or rids.ndim != 2 or rids.shape[1] != RID_SIZE:
        raise ValueError("a column of record ids is uint8[n, 16]")
    return _split(rids, RID_COLUMNS)


def number_rows(first: int, count: int) -> dict[str, Column]:
    """The columns r0 and r1 of rows that are numbered from ``first`` on: the number as 16 bytes."""
    numbers = np.arange(first, first + count, dtype=np.int64)
    return dict(zip(RID_COLUMNS, (np.zeros(count, np.int64), numbers), strict=True))


def join_rids(r0: Column, r1: Column) -> Bytes:
    """The record ids uint8[n, 16] of their columns."""
    return np.stack((r0, r1), axis=1).astype(">i8").view(np.uint8)


def _split(rows: Bytes, names: tuple[str, ...]) -> dict[str, Column]:
    words = np.ascontiguousarray(rows).view(">i8")
    return {name: words[:, at].astype(np.int64) for at, name in enumerate(names)}
