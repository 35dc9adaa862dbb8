"""The loop from a column of identifiers to halves, commitments and tokens (spec section 4).

One loop serves every suite: a suite is a compression and a ``Recipe`` of blocks with everything in them
but identifiers and digests. Eight compressions an identifier with HMAC-SHA256, six with BLAKE3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from libmatch.accel.compress import (
    INITIAL_STATE,
    Compress,
    copy_digest,
    splice_at,
    swap_digest,
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


def make_loop(compress: Compress, lanes: int, *, hmac: bool) -> Loop:
    """``loop(kinds, idns, *recipe, out, first)``, ``lanes`` rows at a time, without the GIL.

    ``kinds`` uint8[n] and ``idns`` uint8[n, 18], n ≥ ``lanes``. The result goes to the rows from
    ``first`` on of ``out``: uint32[5, m, 8] for all columns, uint32[1, m, 8] for the tokens alone. The
    last rows are computed twice where n is no multiple of ``lanes``.
    """
    read = swap_digest if hmac else copy_digest  # SHA-256 is big-endian
    put_idn, put_mac = splice_at(_IDN_AT, IDN_LENGTH), splice_at(0, DIGEST)
    put_half, put_reg = splice_at(_HALF_AT, DIGEST), splice_at(_TOKEN_AT, DIGEST)
    put_ben = splice_at(0, DIGEST - _SPLIT, _SPLIT)

    @njit(nogil=True)
    def loop(
        kinds: Any,
        idns: Any,
        messages: Any,
        message_lengths: Any,
        keys: Any,
        outer: Any,
        half: Any,
        token: Any,
        start: Any,
        initial: Any,
        out: Any,
        first: int,
    ) -> None:
        n = len(kinds)
        digests = np.empty((COLUMNS, lanes, 8), np.uint32)
        states = np.empty((lanes, 8), np.uint32)
        blocks = np.empty((lanes, 16), np.uint32)
        lengths = np.empty(lanes, np.uint32)
        state, block, length = states.ctypes.data, blocks.ctypes.data, lengths.ctypes.data
        column = lanes * DIGEST
        begins = np.empty((2, 8), np.uint32)  # of the PRF and of HMAC's second half
        begins[0] = start
        if hmac:
            for number in range(2):
                for lane in range(lanes):
                    states[lane] = initial
                    copy_digest(block + lane * _BLOCK, keys.ctypes.data + number * _BLOCK)
                    copy_digest(
                        block + lane * _BLOCK + DIGEST, keys.ctypes.data + number * _BLOCK + DIGEST
                    )
                compress(state, block, length, 0)
                begins[number] = states[0]
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
                    lengths[lane] = message_lengths[size]
                    place = (side * _KINDS + kinds[i]) * _LENGTHS + size
                    message = messages.ctypes.data + place * _BLOCK
                    put_idn(block + lane * _BLOCK, message, idns.ctypes.data + i * IDN_LENGTH)
                    copy_digest(state + lane * DIGEST, inner_begin)
                compress(state, block, length, _MAC)
                if hmac:
                    for lane in range(lanes):
                        read(g + lane * DIGEST, state + lane * DIGEST)
                        put_mac(block + lane * _BLOCK, outer.ctypes.data, g + lane * DIGEST)
                        copy_digest(state + lane * DIGEST, outer_begin)
                    compress(state, block, length, _MAC)
                for lane in range(lanes):
                    read(g + lane * DIGEST, state + lane * DIGEST)
                    put_half(block + lane * _BLOCK, half.ctypes.data, g + lane * DIGEST)
                    copy_digest(state + lane * DIGEST, initial.ctypes.data)
                    lengths[lane] = _HALF_LENGTH
                compress(state, block, length, _HASH)
                for lane in range(lanes):
                    read(g + 2 * column + lane * DIGEST, state + lane * DIGEST)
                g += column
            # Now g is at c_reg; c_ben is one column on, the token two.
            for lane in range(lanes):
                put_reg(block + lane * _BLOCK, token.ctypes.data, g + lane * DIGEST)
                blocks[lane, 15] = digests[3, lane, 0]  # _SPLIT bytes of c_ben
                copy_digest(state + lane * DIGEST, initial.ctypes.data)
                lengths[lane] = _BLOCK
            compress(state, block, length, _FIRST)
            for lane in range(lanes):
                c_ben = g + column + lane * DIGEST
                put_ben(block + lane * _BLOCK, token.ctypes.data + _BLOCK, c_ben)
                lengths[lane] = _TOKEN_LENGTH - _BLOCK
            compress(state, block, length, _LAST)
            for lane in range(lanes):
                read(g + 2 * column + lane * DIGEST, state + lane * DIGEST)
            for number in range(COLUMNS - len(out), COLUMNS):
                place = (number + len(out) - COLUMNS) * out.shape[1] + first + row
                for lane in range(lanes):
                    copy_digest(
                        out.ctypes.data + (place + lane) * DIGEST,
                        digests.ctypes.data + number * column + lane * DIGEST,
                    )

    return loop
