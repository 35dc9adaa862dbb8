"""The loops from a column of identifiers to halves, commitments and tokens (spec section 4).

A suite is a compression and a ``Recipe`` of blocks with everything in them but identifiers and digests.
Eight compressions an identifier with HMAC-SHA256, six with BLAKE3. ``make_row_loop`` is for the SHA
instructions, which take a message at a time; ``make_lane_loop`` for vectors, in whose lanes digests stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

from libmatch.accel.compress import INITIAL_STATE, Compress
from libmatch.accel.moves import (
    change,
    copy_bytes,
    copy_digest,
    fill,
    put,
    splice_at,
    swap_digest,
    turn,
    turn_back,
)
from libmatch.accel.tokens import COLUMNS
from libmatch.encoding import enc, u8
from libmatch.identifier_forms import IDN_LENGTH, Kind

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Loop = Callable[..., None]
DIGEST = 32
_BLOCK = 64
_KINDS = max(Kind) + 1
_LENGTHS = IDN_LENGTH + 1
_MAC, _HASH, _FIRST, _LAST = 27, 11, 1, 10  # BLAKE3's flags; SHA-256 has none

# Where the encodings have what changes from row to row.
_IDN_AT = len(enc("reg", u8(0), b""))
_HALF_AT = len(enc("half", b""))
_TOKEN_AT = len(enc("token", b"", b"")) - 4
_HALF_LENGTH = len(enc("half", bytes(DIGEST)))
_TOKEN_LENGTH = len(enc("token", bytes(DIGEST), bytes(DIGEST)))
_SPLIT = _BLOCK - _TOKEN_AT - DIGEST - 4  # so much of c_ben still is in the first block


@dataclass(frozen=True, repr=False)
class Recipe:
    """A suite's blocks under one key, which is in ``keys`` and ``start``.

    ``messages`` uint8[2, kinds, 19, 64]: by side, kind and length of the identifier, and ``lengths``
    uint32[19] of all. ``keys`` uint8[2, 64]: HMAC's inner and outer key block, unused by others, and
    ``outer`` uint8[64] the block of an inner digest. ``half`` uint8[64], ``token`` uint8[2, 64].
    ``start`` uint32[8] begins a PRF that is no HMAC, ``initial`` uint32[8] a hash.
    """

    messages: Bytes
    lengths: Words
    keys: Bytes
    outer: Bytes
    half: Bytes
    token: Bytes
    start: Words
    initial: Words

    def arrays(self) -> list[npt.NDArray[Any]]:
        """All of them in order, as the loop takes them."""
        return [getattr(self, field.name) for field in fields(self)]

    def by_word(self, *, hmac: bool) -> list[npt.NDArray[Any]]:
        """As the lane loop takes it: messages of one side, lengths, blocks uint32[7, 16], start, initial.

        The blocks, as words of the machine, are HMAC's two keys, outer, half, the token's two, and what
        makes a message of one side one of the other.
        """
        difference = self.messages[0, 0, 0] ^ self.messages[1, 0, 0]
        blocks = (*self.keys, self.outer, self.half, *self.token, difference)
        words = np.stack(blocks).view(">u4" if hmac else "<u4").astype(np.uint32)
        return [self.messages[0], self.lengths, words, self.start, self.initial]


def make_recipe(key: bytes, *, hmac: bool) -> Recipe:
    """The recipe of HMAC-SHA256, or of keyed BLAKE3, under a key of 32 bytes."""
    pad = _pad_sha256 if hmac else _pad_blake3
    messages = np.zeros((2, _KINDS, _LENGTHS, _BLOCK), np.uint8)
    lengths = np.zeros(_LENGTHS, np.uint32)
    for length in range(_LENGTHS):
        for side, name in enumerate(("reg", "ben")):
            for kind in range(_KINDS):
                message = enc(name, u8(kind), bytes(length))
                messages[side, kind, length] = _to_array(pad(message, _BLOCK))
                lengths[length] = len(message)
    keys = b"".join(bytes(b ^ mask for b in key.ljust(_BLOCK, b"\0")) for mask in (0x36, 0x5C))
    return Recipe(
        messages,
        lengths,
        keys=_to_array(keys).reshape(2, _BLOCK),
        outer=_to_array(pad(bytes(DIGEST), _BLOCK)),
        half=_to_array(pad(enc("half", bytes(DIGEST)), 0)),
        token=_to_array(pad(enc("token", bytes(DIGEST), bytes(DIGEST)), 0)).reshape(2, _BLOCK),
        start=np.frombuffer(key, np.uint32).copy(),
        initial=np.array(INITIAL_STATE, np.uint32),
    )


def _pad_sha256(message: bytes, before: int) -> bytes:
    """Whole blocks, ``before`` bytes having been hashed already (FIPS 180-4 section 5.1.1)."""
    size = -(-(len(message) + 9) // _BLOCK) * _BLOCK
    length = 8 * (before + len(message))
    return (message + b"\x80").ljust(size - 8, b"\0") + length.to_bytes(8, "big")


def _pad_blake3(message: bytes, _before: int) -> bytes:
    return message.ljust(-(-len(message) // _BLOCK) * _BLOCK, b"\0")


def _to_array(data: bytes) -> Bytes:
    return np.frombuffer(data, np.uint8).copy()


def _given(item: Any, dimensions: int) -> Any:
    """Arrays that are read alone: those that may be written are taken as well."""
    return types.Array(item, dimensions, "C", readonly=True)


# Kinds, identifiers, the recipe; where the result goes.
_COLUMNS_IN = _given(types.uint8, 1), _given(types.uint8, 2)
_OUT = types.Array(types.uint32, 3, "C"), types.int64
_BYTES, _WORDS = (
    [_given(types.uint8, n) for n in range(5)],
    [_given(types.uint32, n) for n in range(3)],
)
_ROW_LOOP = types.void(
    *_COLUMNS_IN,
    *(_BYTES[4], _WORDS[1], _BYTES[2], _BYTES[1], _BYTES[1], _BYTES[2], _WORDS[1], _WORDS[1]),
    *_OUT,
)
_LANE_LOOP = types.void(*_COLUMNS_IN, _BYTES[3], _WORDS[1], _WORDS[2], _WORDS[1], _WORDS[1], *_OUT)


def make_row_loop(compress: Compress, lanes: int) -> Loop:
    """``loop(kinds, idns, *recipe, out, first)`` of HMAC-SHA256, ``lanes`` rows at a time, without the GIL.

    ``kinds`` uint8[n] and ``idns`` uint8[n, 18], n ≥ ``lanes``. The result goes to the rows from
    ``first`` on of ``out``: uint32[5, m, 8] for all columns, uint32[1, m, 8] for the tokens alone. The
    last rows are computed twice where n is no multiple of ``lanes``.
    """
    put_idn, put_mac = splice_at(_IDN_AT, IDN_LENGTH), splice_at(0, DIGEST)
    put_half, put_reg = splice_at(_HALF_AT, DIGEST), splice_at(_TOKEN_AT, DIGEST)
    put_ben = splice_at(0, DIGEST - _SPLIT, _SPLIT)

    @njit(_ROW_LOOP, nogil=True)
    def loop(
        kinds: Any,
        idns: Any,
        messages: Any,
        _lengths: Any,
        keys: Any,
        outer: Any,
        half: Any,
        token: Any,
        _start: Any,
        initial: Any,
        out: Any,
        first: Any,
    ) -> None:
        n = len(kinds)
        digests = np.empty((COLUMNS, lanes, 8), np.uint32)
        states = np.empty((lanes, 8), np.uint32)
        blocks = np.empty((lanes, 16), np.uint32)
        begins = np.empty((2, 8), np.uint32)  # behind HMAC's two key blocks
        state, block = states.ctypes.data, blocks.ctypes.data
        column = lanes * DIGEST
        for number in range(2):
            for lane in range(lanes):
                key = keys.ctypes.data + number * _BLOCK
                copy_digest(state + lane * DIGEST, initial.ctypes.data)
                copy_digest(block + lane * _BLOCK, key)
                copy_digest(block + lane * _BLOCK + DIGEST, key + DIGEST)
            compress(state, block, 0, 0)
            copy_digest(begins.ctypes.data + number * DIGEST, state)
        inner_begin, outer_begin = begins.ctypes.data, begins.ctypes.data + DIGEST
        for begin in range(0, n, lanes):
            row = min(begin, n - lanes)
            g = digests.ctypes.data
            for side in range(2):
                for lane in range(lanes):
                    i = row + lane
                    size = IDN_LENGTH
                    while size > 0 and idns[i, size - 1] == 0:
                        size -= 1
                    place = (side * _KINDS + kinds[i]) * _LENGTHS + size
                    message = messages.ctypes.data + place * _BLOCK
                    put_idn(block + lane * _BLOCK, message, idns.ctypes.data + i * IDN_LENGTH)
                    copy_digest(state + lane * DIGEST, inner_begin)
                compress(state, block, 0, 0)
                for lane in range(lanes):
                    swap_digest(g + lane * DIGEST, state + lane * DIGEST)
                    put_mac(block + lane * _BLOCK, outer.ctypes.data, g + lane * DIGEST)
                    copy_digest(state + lane * DIGEST, outer_begin)
                compress(state, block, 0, 0)
                for lane in range(lanes):
                    swap_digest(g + lane * DIGEST, state + lane * DIGEST)
                    put_half(block + lane * _BLOCK, half.ctypes.data, g + lane * DIGEST)
                    copy_digest(state + lane * DIGEST, initial.ctypes.data)
                compress(state, block, 0, 0)
                for lane in range(lanes):
                    swap_digest(g + 2 * column + lane * DIGEST, state + lane * DIGEST)
                g += column
            # Now g is at c_reg; c_ben is one column on, the token two.
            for lane in range(lanes):
                put_reg(block + lane * _BLOCK, token.ctypes.data, g + lane * DIGEST)
                blocks[lane, 15] = digests[3, lane, 0]  # _SPLIT bytes of c_ben
                copy_digest(state + lane * DIGEST, initial.ctypes.data)
            compress(state, block, 0, 0)
            for lane in range(lanes):
                c_ben = g + column + lane * DIGEST
                put_ben(block + lane * _BLOCK, token.ctypes.data + _BLOCK, c_ben)
            compress(state, block, 0, 0)
            for lane in range(lanes):
                swap_digest(g + 2 * column + lane * DIGEST, state + lane * DIGEST)
            for number in range(COLUMNS - len(out), COLUMNS):
                place = (number + len(out) - COLUMNS) * out.shape[1] + first + row
                for lane in range(lanes):
                    copy_digest(
                        out.ctypes.data + (place + lane) * DIGEST,
                        digests.ctypes.data + number * column + lane * DIGEST,
                    )

    return loop


def make_lane_loop(compress: Compress, lanes: int, *, hmac: bool) -> Loop:
    """``loop(kinds, idns, *recipe by word, out, first)``, else as ``make_row_loop``, for any suite.

    The compression takes its states and blocks by word.
    """
    rows_to_block, digests_to_rows = turn(lanes, big=hmac), turn_back(lanes, big=hmac)
    put_idn = splice_at(_IDN_AT, IDN_LENGTH)
    fill_state, fill_block, change_block = fill(lanes, 8), fill(lanes, 16), change(lanes)
    put_mac, put_half = put(lanes, 0, big=hmac), put(lanes, _HALF_AT, big=hmac)
    put_reg, put_ben = put(lanes, _TOKEN_AT, big=hmac), put(lanes, _BLOCK - _SPLIT, big=hmac)
    put_rest = put(lanes, -_SPLIT, big=hmac)
    column, row_of_lengths = lanes * DIGEST, lanes * 4

    @njit(_LANE_LOOP, nogil=True)
    def loop(
        kinds: Any,
        idns: Any,
        messages: Any,
        message_lengths: Any,
        blocks: Any,
        start: Any,
        initial: Any,
        out: Any,
        first: Any,
    ) -> None:
        n = len(kinds)
        digests = np.empty((COLUMNS + 3, 8, lanes), np.uint32)  # results; states, two begins
        laid = np.empty((2, 16, lanes), np.uint32)  # a message and a block by word
        rows = np.empty((lanes, _BLOCK), np.uint8)
        lengths = np.empty((4, lanes), np.uint32)
        lengths[1], lengths[2], lengths[3] = _HALF_LENGTH, _BLOCK, _TOKEN_LENGTH - _BLOCK
        g, length, template = digests.ctypes.data, lengths.ctypes.data, blocks.ctypes.data
        state, begun = g + COLUMNS * column, g + (COLUMNS + 1) * column
        message, block = laid.ctypes.data, laid.ctypes.data + lanes * _BLOCK
        fill_state(begun, start.ctypes.data)
        if hmac:
            for number in range(2):
                fill_state(begun + number * column, initial.ctypes.data)
                fill_block(block, template + number * _BLOCK)
                compress(begun + number * column, block, 0, 0)
        for begin in range(0, n, lanes):
            row = min(begin, n - lanes)
            for lane in range(lanes):
                i = row + lane
                size = IDN_LENGTH
                while size > 0 and idns[i, size - 1] == 0:
                    size -= 1
                lengths[0, lane] = message_lengths[size]
                given = messages.ctypes.data + (kinds[i] * _LENGTHS + size) * _BLOCK
                place = rows.ctypes.data + lane * _BLOCK
                put_idn(place, given, idns.ctypes.data + i * IDN_LENGTH)
            rows_to_block(message, rows.ctypes.data)
            for side in range(2):
                if side:
                    change_block(message, template + 6 * _BLOCK)
                copy_bytes(state, begun, column)
                compress(state, message, length, _MAC)
                if hmac:
                    fill_block(block, template + 2 * _BLOCK)
                    put_mac(block, state)
                    copy_bytes(state, begun + column, column)
                    compress(state, block, 0, 0)
                copy_bytes(g + side * column, state, column)
                fill_block(block, template + 3 * _BLOCK)
                put_half(block, state)
                fill_state(state, initial.ctypes.data)
                compress(state, block, length + row_of_lengths, _HASH)
                copy_bytes(g + (2 + side) * column, state, column)
            fill_block(block, template + 4 * _BLOCK)
            put_reg(block, g + 2 * column)
            put_ben(block, g + 3 * column)
            fill_state(state, initial.ctypes.data)
            compress(state, block, length + 2 * row_of_lengths, _FIRST)
            fill_block(block, template + 5 * _BLOCK)
            put_rest(block, g + 3 * column)
            compress(state, block, length + 3 * row_of_lengths, _LAST)
            copy_bytes(g + 4 * column, state, column)
            for number in range(COLUMNS - len(out), COLUMNS):
                place = (number + len(out) - COLUMNS) * out.shape[1] + first + row
                digests_to_rows(out.ctypes.data + place * DIGEST, g + number * column)

    return loop
