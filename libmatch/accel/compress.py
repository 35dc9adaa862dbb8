"""One compression of SHA-256 or BLAKE3 on several messages at once, as LLVM vector code for numba.

Each maker gives ``compress(states, blocks, lengths, flags)`` for ``@njit`` code. ``states`` and
``blocks`` are addresses of one row a lane: 8 native uint32 words, which become the new state, and a
block of 64 bytes; with the layout ``ByWord`` the words of all lanes, each of the machine. ``lengths``,
the address of a uint32 a lane, and ``flags`` are BLAKE3's alone. SHA-256: FIPS 180-4 section 6.2.2;
BLAKE3: its paper, section 2.2. Nothing is looked up by secret data and nothing branches on it.
"""

# ruff: noqa: ARG001  # numba asks for the arguments by name

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isqrt
from typing import Any, cast

from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic

from libmatch.accel.vectors import WORD, Lanes

_SIGNATURE = types.void(types.uintp, types.uintp, types.uintp, types.uintp)
Compress = Callable[[int, int, int, int], None]


def _first_primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(value: int) -> int:
    low, high = 0, 1 << 64
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= value else (low, middle - 1)
    return low


# FIPS 180-4 sections 4.2.2 and 5.3.3: the first 32 bits of the fractional parts of roots of primes.
SHA256_CONSTANTS = tuple(_cube_root(p << 96) & 0xFFFFFFFF for p in _first_primes(64))
INITIAL_STATE = tuple(isqrt(p << 64) & 0xFFFFFFFF for p in _first_primes(8))
"""Of SHA-256, and BLAKE3's IV, which is the same."""


_COMPILED: list[Any] = []  # keeps the machine code of every compression


def _compile(generate: Callable[..., None]) -> Compress:
    """The compression as one function of machine code, which loops call by its address.

    Inlined into every loop that uses it, it would take most of a minute to compile.
    """

    @intrinsic
    def body(_context: Any, states: Any, blocks: Any, lengths: Any, flags: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            generate(builder, *arguments)
            return context.get_dummy_value()

        return _SIGNATURE, code

    inlined = cast(Compress, body)

    @cfunc(_SIGNATURE)
    def function(states: Any, blocks: Any, lengths: Any, flags: Any) -> None:
        inlined(states, blocks, lengths, flags)

    _COMPILED.append(function)

    @intrinsic
    def call(_context: Any, states: Any, blocks: Any, lengths: Any, flags: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            taken = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
            address = ir.Constant(arguments[0].type, function.address)
            builder.call(builder.inttoptr(address, taken.as_pointer()), arguments)
            return context.get_dummy_value()

        return _SIGNATURE, code

    return cast(Compress, call)


# --- SHA-256 ------------------------------------------------------------------------------------


@cache
def sha256_with_instructions(lanes: int) -> Compress:
    """SHA-256 with the x86 SHA instructions, ``lanes`` messages interleaved."""
    return _compile(
        lambda build, s, b, _l, _f: _generate_instructions(Lanes(build, 4), lanes, s, b)
    )


class _Stream:
    """One message on its way through the instructions: state as ABEF and CDGH, and the schedule."""

    def __init__(self, code: Lanes, state: Any, block: Any, number: int) -> None:
        self.code = code
        low, high = code.load(state, 32 * number), code.load(state, 32 * number + 16)
        self.abef = code.shuffle(low, high, (5, 4, 1, 0))
        self.cdgh = code.shuffle(low, high, (7, 6, 3, 2))
        self.before = self.abef, self.cdgh
        words = [code.load(block, 64 * number + 16 * i) for i in range(4)]
        self.words = [code.swap_bytes(word) for word in words]
        self.key: Any = None

    def extend(self) -> None:
        """Four more words of the schedule, from the third group of four on."""
        code, words = self.code, self.words
        sigma = code.builder.call(code.intrinsic("llvm.x86.sha256msg1", 2), words[-4:-2])
        seven = code.shuffle(words[-2], words[-1], (1, 2, 3, 4))
        last = code.builder.add(sigma, seven)
        msg2 = code.intrinsic("llvm.x86.sha256msg2", 2)
        words.append(code.builder.call(msg2, [last, words[-1]]))

    def first_two(self, group: int) -> None:
        """Rounds 4·group and the next."""
        code = self.code
        constants = code.constant(SHA256_CONSTANTS[4 * group : 4 * group + 4])
        self.key = code.builder.add(self.words[group], constants)
        rounds = code.intrinsic("llvm.x86.sha256rnds2", 3)
        self.cdgh = code.builder.call(rounds, [self.cdgh, self.abef, self.key])

    def last_two(self) -> None:
        """The two rounds behind them."""
        code = self.code
        key = code.shuffle(self.key, self.key, (2, 3, 0, 0))
        rounds = code.intrinsic("llvm.x86.sha256rnds2", 3)
        self.abef = code.builder.call(rounds, [self.abef, self.cdgh, key])

    def finish(self, state: Any, number: int) -> None:
        """Adds the state before, and writes it back."""
        code = self.code
        abef = code.builder.add(self.abef, self.before[0])
        cdgh = code.builder.add(self.cdgh, self.before[1])
        code.store(code.shuffle(abef, cdgh, (3, 2, 7, 6)), state, 32 * number)
        code.store(code.shuffle(abef, cdgh, (1, 0, 5, 4)), state, 32 * number + 16)


def _generate_instructions(code: Lanes, lanes: int, state: Any, block: Any) -> None:
    streams = [_Stream(code, state, block, number) for number in range(lanes)]
    for group in range(16):
        for stream in streams:
            if group >= 4:
                stream.extend()
        for stream in streams:
            stream.first_two(group)
        for stream in streams:
            stream.last_two()
    for number, stream in enumerate(streams):
        stream.finish(state, number)


@cache
def sha256_in_lanes(lanes: int, layout: type[Lanes] = Lanes) -> Compress:
    """SHA-256 on any CPU: word by word, one message a lane of the vectors."""
    return _compile(lambda build, s, b, _l, _f: _generate_sha256(layout(build, lanes), s, b))


def _generate_sha256(code: Lanes, state: Any, block: Any) -> None:
    build = code.builder
    before = [code.gather(state, word, 32) for word in range(8)]
    words = [code.message(block, word) for word in range(16)]
    a, b, c, d, e, f, g, h = before
    for number in range(64):
        if number >= 16:
            words.append(_schedule(code, words))
        chosen = build.xor(build.and_(e, build.xor(f, g)), g)
        majority = build.or_(build.and_(a, b), build.and_(c, build.or_(a, b)))
        key = build.add(words[number], code.constant(SHA256_CONSTANTS[number]))
        first = build.add(build.add(h, _rotations(code, e, (6, 11, 25))), build.add(chosen, key))
        second = build.add(_rotations(code, a, (2, 13, 22)), majority)
        a, b, c, d, e, f, g, h = build.add(first, second), a, b, c, build.add(d, first), e, f, g
    for word, (old, new) in enumerate(zip(before, (a, b, c, d, e, f, g, h), strict=True)):
        code.scatter(build.add(old, new), state, word, 32)


def _rotations(code: Lanes, value: Any, bits: tuple[int, int, int]) -> Any:
    one, two, three = (code.rotate_right(value, n) for n in bits)
    return code.builder.xor(code.builder.xor(one, two), three)


def _schedule(code: Lanes, words: list[Any]) -> Any:
    build = code.builder

    def sigma(value: Any, one: int, two: int, shift: int) -> Any:
        rotated = build.xor(code.rotate_right(value, one), code.rotate_right(value, two))
        return build.xor(rotated, build.lshr(value, code.constant(shift)))

    low, high = sigma(words[-15], 7, 18, 3), sigma(words[-2], 17, 19, 10)
    return build.add(build.add(words[-16], low), build.add(words[-7], high))


# --- BLAKE3 -------------------------------------------------------------------------------------

_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_MIXES = (
    *((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)),
    *((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)),
)


@cache
def blake3_in_lanes(lanes: int, layout: type[Lanes] = Lanes) -> Compress:
    """BLAKE3 of blocks of chunk 0, on little-endian machines: lengths of 0 to 64 bytes."""
    return _compile(lambda build, *given: _generate_blake3(layout(build, lanes), *given))


def _generate_blake3(code: Lanes, state: Any, block: Any, lengths: Any, flags: Any) -> None:
    build = code.builder
    words = [code.gather(block, word, 64) for word in range(16)]
    v = [code.gather(state, word, 32) for word in range(8)]
    v += [code.constant(word) for word in INITIAL_STATE[:4]]
    v += [
        code.constant(0),
        code.constant(0),
        code.load(lengths, 0),
        code.spread(build.trunc(flags, WORD)),
    ]
    for _ in range(7):
        for mix, (a, b, c, d) in enumerate(_MIXES):
            _mix(code, v, (a, b, c, d), words[2 * mix], words[2 * mix + 1])
        words = [words[pick] for pick in _PERMUTATION]
    for word in range(8):
        code.scatter(build.xor(v[word], v[word + 8]), state, word, 32)


def _mix(code: Lanes, v: list[Any], at: tuple[int, int, int, int], one: Any, two: Any) -> None:
    build, (a, b, c, d) = code.builder, at
    for word, first, second in ((one, 16, 12), (two, 8, 7)):
        v[a] = build.add(build.add(v[a], v[b]), word)
        v[d] = code.rotate_right(build.xor(v[d], v[a]), first)
        v[c] = build.add(v[c], v[d])
        v[b] = code.rotate_right(build.xor(v[b], v[c]), second)
