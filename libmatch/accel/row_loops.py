"""The compiled loops of ``libmatch.accel.rows``: whole messages through a compression, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from libmatch.accel.compress import (
    INITIAL_STATE,
    blake3_in_lanes,
    copy_digest,
    sha256_in_lanes,
    sha256_with_instructions,
    swap_digest,
)

Bytes = npt.NDArray[np.uint8]
_BLOCK, _DIGEST, _KEYED = 64, 32, 16
_START, _END_ROOT = 1, 10  # BLAKE3's flags of a chunk's first block, and of a root's last
LONGEST = 1024
"""Bytes of a row. BLAKE3 makes a tree of more, which these loops do not."""
_INITIAL = np.array(INITIAL_STATE, np.uint32)


def compile_rows(
    hmac: bool, instructions: bool
) -> tuple[Callable[[Bytes], Bytes], Callable[[Bytes, Bytes], Bytes]]:
    """``hash(messages)`` and ``prf(keys, messages)``: HMAC-SHA256, or keyed BLAKE3, to LONGEST bytes."""
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
    n = len(messages)
    if more := max(0, lanes - n):  # rows that are dropped again
        keys, messages = (np.pad(part, ((0, more), (0, 0))) for part in (keys, messages))
    out = np.empty((n + more, _DIGEST // 4), np.uint32)
    if n:
        loop(np.ascontiguousarray(keys), np.ascontiguousarray(messages), out)
    return out.view(np.uint8)[:n]


def _make_absorb(step: Any, lanes: int, *, hmac: bool) -> Any:
    """``absorb(states, messages, first, before, flags)``: the messages from row ``first`` on.

    ``before``: bytes that were hashed already, which SHA-256's length counts.
    """

    @njit(nogil=True)
    def absorb(states: Any, messages: Any, first: int, before: int, flags: int) -> None:
        length = messages.shape[1]
        blocks = np.zeros((lanes, _BLOCK), np.uint8)
        lengths = np.empty(lanes, np.uint32)
        block, source = blocks.ctypes.data, messages.ctypes.data + first * length
        count = ((length + 9 if hmac else max(length, 1)) + _BLOCK - 1) // _BLOCK
        for number in range(count):
            at, last = number * _BLOCK, number == count - 1
            size = min(max(length - at, 0), _BLOCK)
            for lane in range(lanes):
                lengths[lane] = size
                if size == _BLOCK:
                    for part in range(0, _BLOCK, _DIGEST):
                        copy_digest(
                            block + lane * _BLOCK + part, source + lane * length + at + part
                        )
                    continue
                for i in range(size):
                    blocks[lane, i] = messages[first + lane, at + i]
                for i in range(size, _BLOCK):
                    blocks[lane, i] = 0
                if hmac and at <= length:
                    blocks[lane, size] = 0x80
                if hmac and last:
                    bits = 8 * (before + length)
                    for i in range(8):
                        blocks[lane, _BLOCK - 1 - i] = (bits >> (8 * i)) & 0xFF
            marks = flags | (_START if number == 0 else 0) | (_END_ROOT if last else 0)
            step(states.ctypes.data, block, lengths.ctypes.data, marks)

    return absorb


def _make_hash(absorb: Any, lanes: int, *, hmac: bool) -> Any:
    read = swap_digest if hmac else copy_digest

    @njit(nogil=True)
    def run(_keys: Any, messages: Any, out: Any) -> None:
        states = np.empty((lanes, 8), np.uint32)
        n = len(messages)
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            for lane in range(lanes):
                for i in range(8):
                    states[lane, i] = _INITIAL[i]
            absorb(states, messages, first, 0, 0)
            for lane in range(lanes):
                read(
                    out.ctypes.data + (first + lane) * _DIGEST, states.ctypes.data + lane * _DIGEST
                )

    return run


def _make_keyed(absorb: Any, lanes: int) -> Any:
    """Keyed BLAKE3: the key begins the state."""

    @njit(nogil=True)
    def run(keys: Any, messages: Any, out: Any) -> None:
        states = np.empty((lanes, 8), np.uint32)
        n = len(messages)
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            for lane in range(lanes):
                key = keys.ctypes.data + (first + lane) * _DIGEST
                copy_digest(states.ctypes.data + lane * _DIGEST, key)
            absorb(states, messages, first, 0, _KEYED)
            for lane in range(lanes):
                place = out.ctypes.data + (first + lane) * _DIGEST
                copy_digest(place, states.ctypes.data + lane * _DIGEST)

    return run


def _make_hmac(step: Any, absorb: Any, lanes: int) -> Any:
    """HMAC (RFC 2104) with a key of 32 bytes a row."""

    @njit(nogil=True)
    def begin_with(states: Any, keys: Any, first: int, mask: int) -> None:
        blocks = np.empty((lanes, _BLOCK), np.uint8)
        for lane in range(lanes):
            for i in range(8):
                states[lane, i] = _INITIAL[i]
            for i in range(_DIGEST):
                blocks[lane, i] = keys[first + lane, i] ^ mask
            for i in range(_DIGEST, _BLOCK):
                blocks[lane, i] = mask
        step(states.ctypes.data, blocks.ctypes.data, 0, 0)

    @njit(nogil=True)
    def run(keys: Any, messages: Any, out: Any) -> None:
        states = np.empty((lanes, 8), np.uint32)
        inner = np.empty((lanes, _DIGEST), np.uint8)
        n = len(messages)
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            begin_with(states, keys, first, 0x36)
            absorb(states, messages, first, _BLOCK, 0)
            for lane in range(lanes):
                place = inner.ctypes.data + lane * _DIGEST
                swap_digest(place, states.ctypes.data + lane * _DIGEST)
            begin_with(states, keys, first, 0x5C)
            absorb(states, inner, 0, _BLOCK, 0)
            for lane in range(lanes):
                place = out.ctypes.data + (first + lane) * _DIGEST
                swap_digest(place, states.ctypes.data + lane * _DIGEST)

    return run
