"""Moves of digests and blocks between rows and lanes, as LLVM vector code for numba.

Each is a function of addresses for ``@njit`` code. Rows are messages one behind the other; *by word* is the
layout of ``vectors.ByWord``: the first word of each lane, then the second of each.
"""

# ruff: noqa: ARG001  # numba asks for the arguments by name

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from libmatch.accel.vectors import WORD, Lanes

_BLOCK = 64
Move = Callable[[int, int], None]
Splice = Callable[[int, int, int], None]


def _intrinsic_of(
    arity: int, generate: Callable[..., None], lanes: int = 4, layout: type[Lanes] = Lanes
) -> Callable[..., None]:
    """A function of ``arity`` addresses for ``@njit`` code."""
    signature = types.void(*[types.uintp] * arity)

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        generate(layout(builder, lanes), *arguments)
        return context.get_dummy_value()

    if arity == 2:

        @intrinsic
        def move(_context: Any, to: Any, source: Any) -> Any:
            return signature, code

        return move

    @intrinsic
    def splice(_context: Any, to: Any, template: Any, source: Any) -> Any:
        return signature, code

    return splice


def _generate_copy(code: Lanes, to: Any, source: Any) -> None:
    for offset in (0, 16):
        code.store(code.load(source, offset), to, offset)


def _generate_swapped(code: Lanes, to: Any, source: Any) -> None:
    for offset in (0, 16):
        code.store(code.swap_bytes(code.load(source, offset)), to, offset)


def _generate_bytes(code: Lanes, to: Any, source: Any, size: Any) -> None:
    build, byte, flag = code.builder, ir.IntType(8).as_pointer(), ir.IntType(1)
    copy = build.module.declare_intrinsic("llvm.memcpy", [byte, byte, size.type])
    places = (build.inttoptr(address, byte) for address in (to, source))
    build.call(copy, [*places, size, ir.Constant(flag, 0)])


def copy_masked(mask: int) -> Move:
    """Copies 8 words, each byte xor ``mask``."""

    def generate(code: Lanes, to: Any, source: Any) -> None:
        masks = code.constant(mask * 0x01010101)
        for offset in (0, 16):
            code.store(code.builder.xor(code.load(source, offset), masks), to, offset)

    return _intrinsic_of(2, generate)


copy_bytes: Splice = _intrinsic_of(3, _generate_bytes)
"""Copies as many bytes as the third argument says."""
copy_digest: Move = _intrinsic_of(2, _generate_copy)
"""Copies 8 words."""
swap_digest: Move = _intrinsic_of(2, _generate_swapped)
"""Copies 8 words, the bytes of each in the other order."""


def splice_at(at: int, length: int, skip: int = 0) -> Splice:
    """``splice(to, template, source)``: a block is the template with bytes of the source at ``at``.

    They are ``length`` bytes of it (of 18 or 32), from number ``skip`` on; the template is 0 there.
    """

    def generate(code: Lanes, to: Any, template: Any, source: Any) -> None:
        build, piece = code.builder, ir.VectorType(ir.IntType(8), 16)
        low = build.load(code.pointer(source, 0, piece))
        rest = piece if length + skip == 32 else ir.IntType(16)
        high = build.load(code.pointer(source, 16, rest))
        low.align = high.align = 1
        if rest is not piece:
            high = build.bitcast(build.zext(high, ir.IntType(128)), piece)
        zeros = ir.Constant(piece, None)
        for start in range(0, _BLOCK, 16):
            chunk = build.load(code.pointer(template, start, piece))
            chunk.align = 4
            for part, offset in ((low, 0), (high, 16)):
                wanted = [start + i - at + skip - offset for i in range(16)]
                taken = [
                    w if 0 <= w < 16 and skip <= w + offset < skip + length else 16 for w in wanted
                ]
                if min(taken) < 16:
                    mask = ir.Constant(
                        ir.VectorType(WORD, 16), [ir.Constant(WORD, t) for t in taken]
                    )
                    chunk = build.or_(chunk, build.shuffle_vector(part, zeros, mask))
            build.store(chunk, code.pointer(to, start, piece)).align = 4

    return _intrinsic_of(3, generate)


# --- by word ------------------------------------------------------------------------------------


def turn(lanes: int, *, big: bool) -> Move:
    """Rows of 64 bytes to a block by word; ``big``: their words are big-endian, as SHA-256 has them."""

    def generate(code: Lanes, to: Any, rows: Any) -> None:
        for word in range(16):
            vector = code.gather(rows, word, _BLOCK)
            code.store(code.swap_bytes(vector) if big else vector, to, 4 * lanes * word)

    return _intrinsic_of(2, generate, lanes)


def turn_back(lanes: int, *, big: bool) -> Move:
    """Digests by word to rows of 32 bytes."""

    def generate(code: Lanes, rows: Any, digests: Any) -> None:
        for word in range(8):
            vector = code.load(digests, 4 * lanes * word)
            code.scatter(code.swap_bytes(vector) if big else vector, rows, word, 32)

    return _intrinsic_of(2, generate, lanes)


def fill(lanes: int, words: int) -> Move:
    """So many words of the machine, each in all lanes."""

    def generate(code: Lanes, to: Any, source: Any) -> None:
        for word in range(words):
            given = code.builder.load(code.pointer(source, 4 * word, WORD))
            code.store(code.spread(given), to, 4 * lanes * word)

    return _intrinsic_of(2, generate, lanes)


def change(lanes: int) -> Move:
    """A block xor 16 words of the machine, the same in all lanes."""

    def generate(code: Lanes, block: Any, source: Any) -> None:
        for word in range(16):
            given = code.spread(code.builder.load(code.pointer(source, 4 * word, WORD)))
            at = 4 * lanes * word
            code.store(code.builder.xor(code.load(block, at), given), block, at)

    return _intrinsic_of(2, generate, lanes)


def put(lanes: int, at: int, *, big: bool) -> Move:
    """A digest into a block that is 0 there, from byte ``at`` on; what does not fit is left out."""

    def generate(code: Lanes, block: Any, digest: Any) -> None:
        build, zero = code.builder, code.constant(0)
        words = [code.load(digest, 4 * lanes * word) for word in range(8)]
        for word in range(16):
            first, bytes_off = divmod(4 * word - at, 4)
            if not -1 <= first < 8:
                continue
            one, two = (words[i] if 0 <= i < 8 else zero for i in (first, first + 1))
            joined = one
            if bytes_off:
                left, right = (build.shl, build.lshr) if big else (build.lshr, build.shl)
                shifts = code.constant(8 * bytes_off), code.constant(32 - 8 * bytes_off)
                joined = build.or_(left(one, shifts[0]), right(two, shifts[1]))
            elif first < 0:
                continue
            place = 4 * lanes * word
            code.store(build.or_(code.load(block, place), joined), block, place)

    return _intrinsic_of(2, generate, lanes)
