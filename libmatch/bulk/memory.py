"""The join of two columns of tokens in memory: rows in, pairs of rows out.

Compiled where numba is there and the columns are long; NumPy's sort otherwise, with the same result.
For tables that do not fit in memory there is ``libmatch.bulk.join``.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import has_numba
from libmatch.bulk.columns import TOKEN_WORDS, check_tokens
from libmatch.errors import KernelError

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
MAX_ROWS = (1 << 32) - 1
"""Of one column: a pair of rows is packed in 64 bits."""
WORTH_COMPILING = 1_000_000
"""Rows of both columns from which on the seconds that a first compilation takes are spent."""


def join_tokens(tokens_a: Bytes, tokens_b: Bytes) -> tuple[Rows, Rows]:
    """The rows of A and of B, int64[k] each, of all k pairs of equal tokens: by row of A, then of B.

    Both columns are uint8[n, 32]. A token that stands i times in A and j times in B gives i · j pairs.
    Cost for uniform tokens: linear, and the sort of the pairs. For tokens chosen to harm: no more than
    16 comparisons a row and then a sort, O(n log n) for n rows of both. Raises ValueError for other
    shapes or more than MAX_ROWS rows; KernelError where the compiled code is wrong on this machine.
    """
    a, b = _as_words(tokens_a), _as_words(tokens_b)
    pairs = None
    if len(a) + len(b) >= WORTH_COMPILING and has_numba():
        pairs = _join_compiled(a, b)
    if pairs is None:
        pairs = _join_sorted(a, b)
    pairs.sort()
    low = pairs & np.uint64(MAX_ROWS)
    return (pairs >> np.uint64(32)).astype(np.int64), low.astype(np.int64)


def _as_words(tokens: Bytes) -> Words:
    """uint64[n, 4] in the machine's byte order: for equality alone, they do not sort as tokens do."""
    check_tokens(tokens)
    if len(tokens) > MAX_ROWS:
        raise ValueError(f"at most {MAX_ROWS} rows in memory: write token tables and join those")
    return np.ascontiguousarray(tokens).view(np.uint64)


def _join_compiled(a: Words, b: Words) -> Words | None:
    """Pairs as ``row of A << 32 | row of B``, unsorted; None where the tokens are not uniform."""
    _check_compiled()
    return _join_smaller_first(a, b)


def _join_smaller_first(a: Words, b: Words) -> Words | None:
    """The hash tables hold the shorter column."""
    from libmatch.accel.hash_join import join_words

    if len(a) <= len(b):
        return join_words(a, b)
    swapped = join_words(b, a)
    if swapped is None:
        return None
    turned: Words = swapped << np.uint64(32) | swapped >> np.uint64(32)
    return turned


@cache
def _check_compiled() -> None:
    """Return if the compiled join gives what sorting gives, both ways round. Raises KernelError."""
    pool = np.frombuffer(os.urandom(60 * 32), np.uint64).reshape(60, TOKEN_WORDS)
    picks = np.frombuffer(os.urandom(300), np.uint8) % 60
    for a, b in ((pool[picks[:100]], pool[picks[100:]]), (pool[picks[100:]], pool[picks[:100]])):
        pairs = _join_smaller_first(a, b)
        if pairs is None or not np.array_equal(np.sort(pairs), np.sort(_join_sorted(a, b))):
            raise KernelError("the compiled join finds other pairs here than sorting does")


def _join_sorted(a: Words, b: Words) -> Words:
    """Pairs as ``row of A << 32 | row of B``, unsorted, with NumPy alone: O(n log n) for any tokens."""
    words = np.concatenate((a, b))
    words = words[(kept := _shared_rows(words[:, 0]))]
    of_b = kept >= len(a)
    order = np.lexsort((of_b, words[:, 3], words[:, 2], words[:, 1], words[:, 0]))
    words, of_b, rows = words[order], of_b[order], kept[order]
    first = np.ones(len(rows), bool)
    first[1:] = (words[1:] != words[:-1]).any(axis=1)
    starts = np.flatnonzero(first)
    sizes = np.diff(starts, append=len(rows))
    in_b = np.add.reduceat(of_b, starts, dtype=np.int64) if len(rows) else sizes
    in_a = sizes - in_b
    # Rows of A stand first in their group; each is repeated for the rows of B behind them.
    repeats = np.repeat(in_b, in_a)
    begins = np.repeat(starts + in_a, in_a)
    rows_a = np.repeat(rows[~of_b], repeats)
    steps = np.arange(len(rows_a)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    rows_b = rows[np.repeat(begins, repeats) + steps] - len(a)
    pairs: Words = rows_a.astype(np.uint64) << np.uint64(32) | rows_b.astype(np.uint64)
    return pairs


def _shared_rows(keys: Words) -> Rows:
    """The rows, ascending, whose key another row has too: nearly all that can be in a pair."""
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(keys), bool)
    shared[1:] = same
    shared[:-1] |= same
    return np.sort(order[shared])
