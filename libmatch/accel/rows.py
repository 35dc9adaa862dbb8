"""Hashes and PRFs of the rows of a matrix, as sealing and admission need them (spec sections 2 and 5).

``get_rows(suite)`` gives the compiled functions where numba is there, and the libraries' in a loop where
it is not: the same bytes, which is checked before the first use. Messages are uint8[n, m] with one length
m for all rows; ``enc_rows`` lays them out. Cost: linear in n times the blocks of m.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import HMAC_SHA256, Kernel, available_kernels
from libmatch.encoding import enc, u32
from libmatch.errors import KernelError
from libmatch.suites import HASH_SIZE, get_suite

Bytes = npt.NDArray[np.uint8]
_CHECKED_LENGTHS = (0, 1, 54, 55, 56, 63, 64, 65, 119, 128, 700)


@dataclass(frozen=True)
class Rows:
    """The functions of one suite. Each gives uint8[n, 32].

    ``hash(messages)``; ``prf(keys, messages)`` with keys uint8[n, 32], or uint8[1, 32] for all rows.
    """

    hash: Callable[[Bytes], Bytes]
    prf: Callable[[Bytes, Bytes], Bytes]

    def prf_under(self, key: bytes, messages: Bytes) -> Bytes:
        """``prf`` with one key of 32 bytes for all rows."""
        return self.prf(np.frombuffer(key, np.uint8).reshape(1, HASH_SIZE), messages)


def enc_rows(label: str, *fields: bytes | Bytes, before: bytes = b"") -> Bytes:
    """uint8[n, m]: ``before ‖ enc(label, …)`` a row; a field is the same for all, or uint8[n, k].

    ValueError where no field is a matrix, or their numbers of rows differ.
    """
    rows = {len(field) for field in fields if isinstance(field, np.ndarray)}
    if len(rows) != 1:
        raise ValueError("one number of rows")
    (n,) = rows
    parts: list[bytes | Bytes] = [before + enc(label)]
    for field in fields:
        size = field.shape[1] if isinstance(field, np.ndarray) else len(field)
        parts += [u32(size), field]
    sizes = [p.shape[1] if isinstance(p, np.ndarray) else len(p) for p in parts]
    laid = np.empty((n, sum(sizes)), np.uint8)
    at = 0
    for part, size in zip(parts, sizes, strict=True):
        whole = part if isinstance(part, np.ndarray) else np.frombuffer(part, np.uint8)
        laid[:, at : at + size] = whole
        at += size
    return laid


def compute_root(rows: Rows, leaf_hashes: Bytes) -> bytes:
    """The root over leaf hashes uint8[n, 32], n ≥ 1: ``libmatch.merkle.compute_root`` by column."""
    level = leaf_hashes
    while len(level) > 1:
        even = len(level) // 2 * 2
        nodes = np.empty((even // 2, 1 + 2 * HASH_SIZE), np.uint8)
        nodes[:, 0] = 1  # RFC 6962: a node, not a leaf
        nodes[:, 1:] = level[:even].reshape(-1, 2 * HASH_SIZE)
        level = np.concatenate((rows.hash(nodes), level[even:]))  # an odd last one rises
    return bytes(level[0])


@cache
def get_rows(suite: int, kernel: Kernel | None = None) -> Rows:
    """The functions of a suite, by the fastest kernel here. Raises KernelError for wrong bytes."""
    chosen = kernel or available_kernels(suite)[0]
    library = _from_library(suite)
    if chosen is Kernel.LIBRARY:
        return library
    if chosen not in available_kernels(suite):
        raise KernelError(f"kernel {chosen} for suite {suite} is not available on this machine")
    rows = _compile(suite, chosen)
    for length in _CHECKED_LENGTHS:
        messages = np.frombuffer(os.urandom(19 * length), np.uint8).reshape(19, length)
        keys = np.frombuffer(os.urandom(19 * HASH_SIZE), np.uint8).reshape(19, HASH_SIZE)
        same = np.array_equal(rows.hash(messages), library.hash(messages))
        for given in (keys, keys[:1]):
            same = same and np.array_equal(rows.prf(given, messages), library.prf(given, messages))
        if not same:
            raise KernelError(f"kernel {chosen} of suite {suite} computes wrong bytes here")
    return rows


def _from_library(suite: int) -> Rows:
    h, prf, prf_under = get_suite(suite).h, get_suite(suite).prf, get_suite(suite).prf_under

    def hash_all(messages: Bytes) -> Bytes:
        return _join([h(row.tobytes()) for row in messages])

    def prf_all(keys: Bytes, messages: Bytes) -> Bytes:
        if len(keys) == 1:
            under = prf_under(keys[0].tobytes())
            return _join([under(row.tobytes()) for row in messages])
        pairs = zip(keys, messages, strict=True)
        return _join([prf(key.tobytes(), row.tobytes()) for key, row in pairs])

    return Rows(hash_all, prf_all)


def _join(digests: list[bytes]) -> Bytes:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, HASH_SIZE)


def _compile(suite: int, kernel: Kernel) -> Rows:
    """The compiled functions for rows of up to ``LONGEST`` bytes, the libraries' for longer ones."""
    from libmatch.accel.row_loops import LONGEST, compile_rows

    fast = compile_rows(suite == HMAC_SHA256, kernel is Kernel.INSTRUCTIONS)
    library = _from_library(suite)

    def hash_all(messages: Bytes) -> Bytes:
        return (fast[0] if messages.shape[1] <= LONGEST else library.hash)(messages)

    def prf_all(keys: Bytes, messages: Bytes) -> Bytes:
        if len(keys) not in (1, len(messages)):
            raise ValueError("a key a row, or one for all")
        return (fast[1] if messages.shape[1] <= LONGEST else library.prf)(keys, messages)

    return Rows(hash_all, prf_all)
