"""Halves, commitments and tokens of a whole column in compiled code (spec section 4).

The same bytes as ``libmatch.tokens.derive_column``, checked against the suite's own functions before a
kernel's first use. Compiled in the first call, in one or two seconds. Cost: linear, no state, 160 bytes of
result a row, or 32 for tokens alone. The GIL is released: threads over parts of a column run side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import HMAC_SHA256, Kernel, available_kernels
from libmatch.encoding import enc, u8
from libmatch.errors import KernelError
from libmatch.identifier_forms import IDN_LENGTH, Kind
from libmatch.keys import EpochKey
from libmatch.suites import HASH_SIZE, Suite, get_suite

Bytes = npt.NDArray[np.uint8]
COLUMNS = 5
"""g_reg, g_ben, c_reg, c_ben, token: the order of every result."""

_CHECKED = 37  # rows of the check: no multiple of any number of lanes
_PART = 1 << 16  # rows a thread takes at a time
_LANES = {Kernel.INSTRUCTIONS: 3, Kernel.VECTORS: 16}  # the fastest that were measured


def derive_halves(
    suite: Suite,
    key: EpochKey,
    kinds: Bytes,
    idns: npt.NDArray[np.bytes_],
    *,
    kernel: Kernel | None = None,
    threads: int = 1,
) -> Bytes:
    """uint8[5, n, 32] of kinds uint8[n] and normalised identifiers S18[n], as ``parse_column`` gives them.

    ``kernel`` None: the fastest. Raises KernelError where it computes other bytes than the libraries
    do, or is not available here; ValueError for other shapes or an unknown kind.
    """
    return _derive(suite, key, kinds, idns, COLUMNS, kernel, threads)


def derive_tokens(
    suite: Suite,
    key: EpochKey,
    kinds: Bytes,
    idns: npt.NDArray[np.bytes_],
    *,
    kernel: Kernel | None = None,
    threads: int = 1,
) -> Bytes:
    """The tokens alone, uint8[n, 32]; otherwise as ``derive_halves``."""
    tokens: Bytes = _derive(suite, key, kinds, idns, 1, kernel, threads)[0]
    return tokens


def _derive(
    suite: Suite,
    key: EpochKey,
    kinds: Bytes,
    idns: npt.NDArray[np.bytes_],
    columns: int,
    kernel: Kernel | None,
    threads: int,
) -> Bytes:
    if kinds.shape != idns.shape or kinds.ndim != 1 or idns.dtype != np.dtype(f"S{IDN_LENGTH}"):
        raise ValueError("a column of identifiers is uint8[n] and S18[n]")
    n = len(kinds)
    if n and not (kinds.min() >= min(Kind) and kinds.max() <= max(Kind)):
        raise ValueError("a kind that there is not")
    run = _get_kernel(suite.number, kernel or available_kernels(suite.number)[0])(key.reveal())
    kinds = np.ascontiguousarray(kinds, np.uint8)
    names = np.ascontiguousarray(idns).view(np.uint8).reshape(n, IDN_LENGTH)
    values = np.empty((columns, n, HASH_SIZE), np.uint8)

    def part(first: int) -> None:
        rows = slice(first, first + _PART)
        run(kinds[rows], names[rows], values, first)

    starts = range(0, n, _PART)
    if threads == 1 or len(starts) < 2:
        for start in starts:
            part(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, starts))
    return values


_Run = Callable[[Bytes, Bytes, Bytes, int], None]
"""Fills the rows from the last argument on of uint8[5 or 1, n, 32], from kinds and names."""


@cache
def _get_kernel(suite: int, kernel: Kernel) -> Callable[[bytes], _Run]:
    """The kernel, which takes a key, once it was checked on random rows. Raises KernelError."""
    if kernel not in available_kernels(suite):
        raise KernelError(f"kernel {kernel} for suite {suite} is not available on this machine")
    under = _from_library(suite) if kernel is Kernel.LIBRARY else _compile(suite, kernel)
    key = os.urandom(HASH_SIZE)
    kinds = np.frombuffer(os.urandom(_CHECKED), np.uint8) % len(Kind) + 1
    names = np.zeros((_CHECKED, IDN_LENGTH), np.uint8)
    for row in range(_CHECKED):
        length = IDN_LENGTH - row % (IDN_LENGTH - 4)
        names[row, :length] = np.frombuffer(os.urandom(length), np.uint8) % 10 + ord("0")
    right = _derive_plainly(suite, key, kinds, names)
    for columns in (COLUMNS, 1):
        values = np.empty((columns, _CHECKED, HASH_SIZE), np.uint8)
        under(key)(kinds, names, values, 0)
        if not np.array_equal(values, right[-columns:]):
            raise KernelError(f"kernel {kernel} of suite {suite} computes wrong bytes here")
    return under


def _compile(suite: int, kernel: Kernel) -> Callable[[bytes], _Run]:
    from libmatch.accel import compress, halves
    from libmatch.accel.vectors import ByWord

    lanes, hmac = _LANES[kernel], suite == HMAC_SHA256
    by_word = kernel is Kernel.VECTORS
    if by_word:
        make = compress.sha256_in_lanes if hmac else compress.blake3_in_lanes
        loop = halves.make_lane_loop(make(lanes, ByWord), lanes, hmac=hmac)
    else:
        loop = halves.make_row_loop(compress.sha256_with_instructions(lanes), lanes)

    def under(key: bytes) -> _Run:
        whole = halves.make_recipe(key, hmac=hmac)
        recipe = whole.by_word(hmac=hmac) if by_word else whole.arrays()
        return partial(_run_loop, loop, lanes, recipe)

    return under


def _run_loop(
    loop: Callable[..., None],
    lanes: int,
    recipe: list[npt.NDArray[np.generic]],
    kinds: Bytes,
    names: Bytes,
    values: Bytes,
    first: int,
) -> None:
    n = len(kinds)
    if n >= lanes:
        loop(kinds, names, *recipe, values.view(np.uint32), first)
    elif n:  # rows that are dropped again
        more = lanes - n
        few = np.empty((len(values), lanes, HASH_SIZE), np.uint8)
        padded = np.pad(kinds, (0, more)), np.pad(names, ((0, more), (0, 0)))
        loop(*padded, *recipe, few.view(np.uint32), 0)
        values[:, first : first + n] = few[:, :n]


def _from_library(suite: int) -> Callable[[bytes], _Run]:
    def under(key: bytes) -> _Run:
        prf = get_suite(suite).prf_under(key)

        def run(kinds: Bytes, names: Bytes, values: Bytes, first: int) -> None:
            rows = _derive_rows(suite, prf, kinds, names)
            values[:, first : first + len(kinds)] = rows[-len(values) :]

        return run

    return under


def _derive_plainly(suite: int, key: bytes, kinds: Bytes, names: Bytes) -> Bytes:
    """By the suite's own functions, one call a hash: what every kernel is held against."""
    prf = get_suite(suite).prf
    return _derive_rows(suite, lambda message: prf(key, message), kinds, names)


def _derive_rows(suite: int, prf: Callable[[bytes], bytes], kinds: Bytes, names: Bytes) -> Bytes:
    h = get_suite(suite).h
    values = np.empty((COLUMNS, len(kinds), HASH_SIZE), np.uint8)
    for row, (kind, name) in enumerate(zip(kinds.tolist(), names, strict=True)):
        z = name.tobytes().rstrip(b"\0")
        g_reg, g_ben = prf(enc("reg", u8(kind), z)), prf(enc("ben", u8(kind), z))
        c_reg, c_ben = h(enc("half", g_reg)), h(enc("half", g_ben))
        token = h(enc("token", c_reg, c_ben))
        joined = b"".join((g_reg, g_ben, c_reg, c_ben, token))
        values[:, row] = np.frombuffer(joined, np.uint8).reshape(COLUMNS, HASH_SIZE)
    return values
