"""The compiled loops of ``libmatch.accel.rows``: whole messages through a compression, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

from libmatch.accel.compress import (
    INITIAL_STATE,
    blake3_in_lanes,
    sha256_in_lanes,
    sha256_with_instructions,
)
from libmatch.accel.moves import copy_bytes, copy_digest, copy_masked, swap_digest

Bytes = npt.NDArray[np.uint8]
_BLOCK, _DIGEST, _KEYED = 64, 32, 16
_START, _END_ROOT = 1, 10  # BLAKE3's flags of a chunk's first block, and of a root's last
LONGEST = 1024
"""Bytes of a row. BLAKE3 makes a tree of more, which these loops do not."""
_LOOP = types.void(*[types.int64] * 6)
"""Addresses of keys and the bytes from one to the next, of messages and their length; rows; where to."""
_INITIAL = np.array(INITIAL_STATE, np.uint32)


def compile_rows(
    hmac: bool, instructions: bool
) -> tuple[Callable[[Bytes], Bytes], Callable[[Bytes, Bytes], Bytes]]:
    """``hash(messages)`` and ``prf(keys, messages)``: HMAC-SHA256, or keyed BLAKE3, to LONGEST bytes.

    One row of ``keys`` is for all messages.
    """
    if instructions:
        lanes, step = 3, sha256_with_instructions(3)
    else:
        lanes, step = 16, sha256_in_lanes(16) if hmac else blake3_in_lanes(16)
    absorb = _make_absorb(step, lanes, hmac=hmac)
    run = _make_hmac(step, absorb, lanes) if hmac else _make_keyed(absorb, lanes)
    plain = _make_hash(absorb, lanes, hmac=hmac)

    def hash_all(messages: Bytes) -> Bytes:
        return _over(plain, lanes, messages, messages)

    def prf_all(keys: Bytes, messages: Bytes) -> Bytes:
        return _over(run, lanes, keys, messages)

    return hash_all, prf_all


def _over(loop: Callable[..., None], lanes: int, keys: Bytes, messages: Bytes) -> Bytes:
    n, length = messages.shape
    if more := max(0, lanes - n):  # rows that are dropped again
        messages = np.pad(messages, ((0, more), (0, 0)))
        keys = np.pad(keys, ((0, more), (0, 0))) if len(keys) == n else keys
    messages, keys = np.ascontiguousarray(messages), np.ascontiguousarray(keys)
    out = np.empty((n + more, _DIGEST), np.uint8)
    if n:
        step = _DIGEST if len(keys) > 1 else 0
        places = (keys.ctypes.data, step, messages.ctypes.data, length, n + more, out.ctypes.data)
        loop(*places)
    return out[:n]


def _make_absorb(step: Any, lanes: int, *, hmac: bool) -> Any:
    """``absorb(states, messages, length, before, flags)``: ``lanes`` messages of ``length`` bytes.

    ``before``: bytes that were hashed already, which SHA-256's length counts.
    """

    @njit(types.void(*[types.int64] * 5), nogil=True)
    def absorb(states: Any, messages: Any, length: Any, before: Any, flags: Any) -> None:
        scratch = np.zeros((lanes + 2) * _BLOCK, np.uint8)  # two ends, and a block a lane
        lengths = np.empty(lanes, np.uint32)
        end = scratch.ctypes.data
        block = end + 2 * _BLOCK
        rest = length % _BLOCK
        count = ((length + 9 if hmac else max(length, 1)) + _BLOCK - 1) // _BLOCK
        if hmac:
            scratch[rest] = 0x80
            bits, last = 8 * (before + length), (2 if rest + 9 > _BLOCK else 1) * _BLOCK - 1
            for i in range(8):
                scratch[last - i] = (bits >> (8 * i)) & 0xFF
        for number in range(count):
            at = number * _BLOCK
            size = min(max(length - at, 0), _BLOCK)
            for lane in range(lanes):
                lengths[lane] = size
                to, given = block + lane * _BLOCK, messages + lane * length + at
                if size == _BLOCK:
                    copy_digest(to, given)
                    copy_digest(to + _DIGEST, given + _DIGEST)
                else:
                    tail = end + (number - length // _BLOCK) * _BLOCK
                    copy_digest(to, tail)
                    copy_digest(to + _DIGEST, tail + _DIGEST)
                    copy_bytes(to, given, size)
            marks = flags | (_START if number == 0 else 0)
            marks |= _END_ROOT if number == count - 1 else 0
            step(states, block, lengths.ctypes.data, marks)

    return absorb


def _make_hash(absorb: Any, lanes: int, *, hmac: bool) -> Any:
    read = swap_digest if hmac else copy_digest  # SHA-256 is big-endian

    @njit(_LOOP, nogil=True)
    def run(_keys: Any, _step: Any, messages: Any, length: Any, n: Any, out: Any) -> None:
        scratch = np.empty(lanes * _DIGEST, np.uint8)
        states = scratch.ctypes.data
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            for lane in range(lanes):
                copy_digest(states + lane * _DIGEST, _INITIAL.ctypes.data)
            absorb(states, messages + first * length, length, 0, 0)
            for lane in range(lanes):
                read(out + (first + lane) * _DIGEST, states + lane * _DIGEST)

    return run


def _make_keyed(absorb: Any, lanes: int) -> Any:
    """Keyed BLAKE3: the key begins the state."""

    @njit(_LOOP, nogil=True)
    def run(keys: Any, step: Any, messages: Any, length: Any, n: Any, out: Any) -> None:
        scratch = np.empty(lanes * _DIGEST, np.uint8)
        states = scratch.ctypes.data
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            for lane in range(lanes):
                copy_digest(states + lane * _DIGEST, keys + (first + lane) * step)
            absorb(states, messages + first * length, length, 0, _KEYED)
            for lane in range(lanes):
                copy_digest(out + (first + lane) * _DIGEST, states + lane * _DIGEST)

    return run


def _make_hmac(compress: Any, absorb: Any, lanes: int) -> Any:
    """HMAC (RFC 2104) with keys of 32 bytes."""
    masked_inner, masked_outer = copy_masked(0x36), copy_masked(0x5C)
    size = lanes * _DIGEST

    @njit(types.void(*[types.int64] * 4), nogil=True)
    def begin_with(states: Any, blocks: Any, keys: Any, step: Any) -> None:
        """Both halves' states behind their key blocks, whose ends are filled in already."""
        for lane in range(lanes):
            for half in range(2):
                copy_digest(states + half * size + lane * _DIGEST, _INITIAL.ctypes.data)
            masked_inner(blocks + lane * _BLOCK, keys + lane * step)
            masked_outer(blocks + (lanes + lane) * _BLOCK, keys + lane * step)
        for half in range(2):
            compress(states + half * size, blocks + half * lanes * _BLOCK, 0, 0)

    @njit(_LOOP, nogil=True)
    def run(keys: Any, step: Any, messages: Any, length: Any, n: Any, out: Any) -> None:
        scratch = np.empty(4 * size + 2 * lanes * _BLOCK, np.uint8)
        begun = scratch.ctypes.data  # the states of both halves, the one at work, inner digests
        states, inner, blocks = begun + 2 * size, begun + 3 * size, begun + 4 * size
        for i in range(lanes * _BLOCK):
            scratch[4 * size + i] = 0x36
            scratch[4 * size + lanes * _BLOCK + i] = 0x5C
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            if step or begin == 0:
                begin_with(begun, blocks, keys + first * step, step)
            copy_bytes(states, begun, size)
            absorb(states, messages + first * length, length, _BLOCK, 0)
            for lane in range(lanes):
                swap_digest(inner + lane * _DIGEST, states + lane * _DIGEST)
            copy_bytes(states, begun + size, size)
            absorb(states, inner, _DIGEST, _BLOCK, 0)
            for lane in range(lanes):
                swap_digest(out + (first + lane) * _DIGEST, states + lane * _DIGEST)

    return run
