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
    copy_bytes,
    copy_digest,
    copy_masked,
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
    n = len(messages)
    if more := max(0, lanes - n):  # rows that are dropped again
        messages = np.pad(messages, ((0, more), (0, 0)))
        keys = np.pad(keys, ((0, more), (0, 0))) if len(keys) == n else keys
    out = np.empty((n + more, _DIGEST // 4), np.uint32)
    if n:
        loop(np.ascontiguousarray(keys), np.ascontiguousarray(messages), out)
    return out.view(np.uint8)[:n]


def _make_absorb(step: Any, lanes: int, *, hmac: bool) -> Any:
    """``absorb(states, messages, first, before, flags)``: the messages from row ``first`` on.

    ``before``: bytes that were hashed already, which SHA-256's length counts.
    """

    @njit(nogil=True)
    def make_ends(length: int, before: int) -> Any:
        """The blocks behind the last whole one, without the message's bytes."""
        rest = length % _BLOCK
        ends = np.zeros((2, _BLOCK), np.uint8)
        if hmac:
            ends[0, rest] = 0x80
            bits = 8 * (before + length)
            for i in range(8):
                ends[int(rest + 9 > _BLOCK), _BLOCK - 1 - i] = (bits >> (8 * i)) & 0xFF
        return ends

    @njit(nogil=True)
    def absorb(states: Any, messages: Any, first: int, before: int, flags: int) -> None:
        length = messages.shape[1]
        blocks = np.empty((lanes, _BLOCK), np.uint8)
        lengths = np.empty(lanes, np.uint32)
        ends = make_ends(length, before)
        block, source = blocks.ctypes.data, messages.ctypes.data + first * length
        count = ((length + 9 if hmac else max(length, 1)) + _BLOCK - 1) // _BLOCK
        for number in range(count):
            at = number * _BLOCK
            size = min(max(length - at, 0), _BLOCK)
            for lane in range(lanes):
                lengths[lane] = size
                to = block + lane * _BLOCK
                if size == _BLOCK:
                    given = source + lane * length + at
                    copy_digest(to, given)
                    copy_digest(to + _DIGEST, given + _DIGEST)
                else:
                    end = ends.ctypes.data + (number - length // _BLOCK) * _BLOCK
                    copy_digest(to, end)
                    copy_digest(to + _DIGEST, end + _DIGEST)
                    copy_bytes(to, source + lane * length + at, size)
            marks = flags | (_START if number == 0 else 0)
            marks |= _END_ROOT if number == count - 1 else 0
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
        n, each = len(messages), len(keys) > 1
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            for lane in range(lanes):
                key = keys.ctypes.data + (first + lane) * each * _DIGEST
                copy_digest(states.ctypes.data + lane * _DIGEST, key)
            absorb(states, messages, first, 0, _KEYED)
            for lane in range(lanes):
                place = out.ctypes.data + (first + lane) * _DIGEST
                copy_digest(place, states.ctypes.data + lane * _DIGEST)

    return run


def _make_hmac(step: Any, absorb: Any, lanes: int) -> Any:
    """HMAC (RFC 2104) with a key of 32 bytes a row, or one for all rows."""
    mask_inner, mask_outer = copy_masked(0x36), copy_masked(0x5C)

    @njit(nogil=True)
    def begin_with(states: Any, blocks: Any) -> None:
        for lane in range(lanes):
            copy_digest(states.ctypes.data + lane * _DIGEST, _INITIAL.ctypes.data)
        step(states.ctypes.data, blocks.ctypes.data, 0, 0)

    @njit(nogil=True)
    def run(keys: Any, messages: Any, out: Any) -> None:
        states = np.empty((3, lanes, 8), np.uint32)  # at work, and begun with either mask
        inner = np.empty((lanes, _DIGEST), np.uint8)
        blocks = np.empty((2, lanes, _BLOCK), np.uint8)
        blocks[0], blocks[1] = 0x36, 0x5C
        n, each = len(messages), len(keys) > 1
        for begin in range(0, n, lanes):
            first = min(begin, n - lanes)
            if each or begin == 0:
                for lane in range(lanes):
                    key = keys.ctypes.data + (first + lane) * each * _DIGEST
                    mask_inner(blocks[0].ctypes.data + lane * _BLOCK, key)
                    mask_outer(blocks[1].ctypes.data + lane * _BLOCK, key)
                begin_with(states[1], blocks[0])
                begin_with(states[2], blocks[1])
            states[0] = states[1]
            absorb(states[0], messages, first, _BLOCK, 0)
            for lane in range(lanes):
                place = inner.ctypes.data + lane * _DIGEST
                swap_digest(place, states.ctypes.data + lane * _DIGEST)
            states[0] = states[2]
            absorb(states[0], inner, 0, _BLOCK, 0)
            for lane in range(lanes):
                place = out.ctypes.data + (first + lane) * _DIGEST
                swap_digest(place, states.ctypes.data + lane * _DIGEST)

    return run
