"""The join of two columns of tokens in compiled code: partitions by the first word, a hash table in each.

Rows are scattered by bits of their first 8 bytes into parts that fit a core's cache; in each part
the rows of one column are chained by further bits, those of the other look their first 8 bytes up, and
whatever agrees is compared in full. Tokens are uniform, so chains are short. Tokens that somebody chose
may share their first 8 bytes; that costs at most ``LOOKS`` comparisons a row before the join gives up, and
the caller sorts. The GIL is released. Memory: 16 bytes a row, 12 a row of the longest part, 8 a pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

Words = npt.NDArray[np.uint64]
MAX_ROWS = (1 << 32) - 1
"""Of one column: a row's number takes 32 bits."""
LOOKS = 16
"""Comparisons in vain a row that are borne. Of uniform tokens a row makes one at most on average."""

_PART_ROWS = 1 << 13  # 128 KiB of rows and 100 of table: within a second-level cache
_EASY_BITS = 8  # parts that a core scatters to without loss: as many as shorten them
_MIXER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd (Knuth 6.4: multiplicative hash)
_MAX_BITS = 12  # more parts than pages that a core keeps track of scatter slowly

# Compiled once, when this module is imported: arrays that may be written are taken as well.
_READ = types.Array(types.uint64, 2, "C", readonly=True)
_WRITTEN = types.Array(types.uint64, 2, "C")
_FLAT = types.Array(types.uint64, 1, "C")
_STARTS = types.Array(types.int64, 1, "C")
_tuple_of: Any = types.Tuple  # has no types of its own
_SCATTER = _tuple_of((_STARTS, _WRITTEN))(_READ, types.int64)
_JOIN = _tuple_of((types.boolean, _FLAT))(_READ, _READ, types.int64, types.int64)


def join_words(built: Words, probed: Words) -> Words | None:
    """Pairs of equal rows as uint64 ``row of built << 32 | row of probed``, in no order.

    Both uint64[n, 4], at most MAX_ROWS rows, contiguous. None where LOOKS a row did not suffice.
    """
    wanted = max(len(built) // _PART_ROWS, 1).bit_length() - 1
    bits = min(max(wanted, min(wanted + 2, _EASY_BITS)), _MAX_BITS)
    looks = LOOKS * (len(built) + len(probed))
    done, pairs = _join(built, probed, bits, looks)
    return pairs if done else None


@njit(inline="always")
def _top(key: Any, bits: Any) -> Any:
    """The first ``bits`` bits, 0 to 12, of the mixed key: its part."""
    return np.int64(key * _MIXER >> np.uint64(1) >> np.uint64(63 - bits))


@njit(inline="always")
def _slot(key: Any, bits: Any, width: Any) -> Any:
    """The ``width`` bits behind them: its slot in the table of the part."""
    return np.int64(key * _MIXER << np.uint64(bits) >> np.uint64(64 - width))


@njit(inline="always")
def _equal_behind(one: Any, two: Any) -> Any:
    """Whether two tokens agree behind their first word."""
    return one[1] == two[1] and one[2] == two[2] and one[3] == two[3]


@njit(_SCATTER, nogil=True)
def _scatter(words: Any, bits: Any) -> Any:
    """Where each part starts; and (first word, row) of all rows, part by part, in their order."""
    starts = np.zeros((1 << bits) + 1, np.int64)
    for row in range(len(words)):
        starts[_top(words[row, 0], bits) + 1] += 1
    for part in range(1 << bits):
        starts[part + 1] += starts[part]
    ends = starts[:-1].copy()
    scattered = np.empty((len(words), 2), np.uint64)
    for row in range(len(words)):
        part = _top(words[row, 0], bits)
        at = ends[part]
        scattered[at, 0] = words[row, 0]
        scattered[at, 1] = np.uint64(row)
        ends[part] = at + 1
    return starts, scattered


@njit(_JOIN, nogil=True)
def _join(built: Any, probed: Any, bits: Any, looks: Any) -> Any:
    b_starts, b_rows = _scatter(built, bits)
    p_starts, p_rows = _scatter(probed, bits)
    longest = np.max(b_starts[1:] - b_starts[:-1])
    heads = np.empty(2 * longest + 2, np.uint32)
    chain = np.empty(longest + 1, np.uint32)
    pairs = np.empty(1024, np.uint64)
    found, vain = 0, 0
    for part in range(1 << bits):
        before = b_starts[part] - 1  # rows of a part count from 1: 0 ends a chain
        count = b_starts[part + 1] - b_starts[part]
        width = 1
        while 1 << width < count:
            width += 1
        heads[: 1 << width] = (
            0  # no more: chosen tokens may all be in one part, as long as a column
        )
        for entry in range(1, count + 1):
            slot = _slot(b_rows[before + entry, 0], bits, width)
            chain[entry] = heads[slot]
            heads[slot] = entry
        for at in range(p_starts[part], p_starts[part + 1]):
            key, row = p_rows[at, 0], p_rows[at, 1]
            link = np.int64(heads[_slot(key, bits, width)])
            while link:
                other = b_rows[before + link, 1]
                same = b_rows[before + link, 0] == key
                link = np.int64(chain[link])
                if not (same and _equal_behind(built[other], probed[row])):
                    vain += 1
                    continue
                if found == len(pairs):
                    longer = np.empty(2 * found, np.uint64)
                    longer[:found] = pairs
                    pairs = longer
                pairs[found] = other << np.uint64(32) | row
                found += 1
            if vain > looks:
                return False, pairs[:0]
    return True, pairs[:found]
