"""One compression of SHA-256 or BLAKE3 on several messages at once, as LLVM vector code for numba.

Each maker gives ``compress(states, blocks, lengths, flags)`` for ``@njit`` code. ``states`` and
``blocks`` are addresses of one row a lane: 8 native uint32 words, which become the new state, and a
block of 64 bytes. ``lengths``, the address of a uint32 a lane, and ``flags`` are BLAKE3's alone.
SHA-256: FIPS 180-4 section 6.2.2; BLAKE3: its paper, section 2.2. Nothing is looked up by secret data
and nothing branches on it.
"""

# ruff: noqa: ARG001  # numba asks for the arguments by name

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import isqrt
from typing import Any, cast

from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic

_WORD = ir.IntType(32)
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


class _Lanes:
    """Vector code on ``count`` lanes of 32-bit words."""

    def __init__(self, builder: ir.IRBuilder, count: int) -> None:
        self.builder = builder
        self.count = count
        self.vector = ir.VectorType(_WORD, count)

    def intrinsic(self, name: str, arity: int) -> ir.Function:
        """The LLVM intrinsic on vectors of this width, declared once a module."""
        module = self.builder.module
        if name in module.globals:
            return module.globals[name]
        return ir.Function(module, ir.FunctionType(self.vector, [self.vector] * arity), name)

    def constant(self, values: int | Sequence[int]) -> ir.Constant:
        """A constant vector; a single value stands in every lane."""
        words = [values] * self.count if isinstance(values, int) else values
        return ir.Constant(self.vector, [ir.Constant(_WORD, word) for word in words])

    def shuffle(self, low: Any, high: Any, picks: Sequence[int]) -> Any:
        """The words ``picks`` of the concatenation of two vectors."""
        mask = ir.Constant(
            ir.VectorType(_WORD, len(picks)), [ir.Constant(_WORD, pick) for pick in picks]
        )
        return self.builder.shuffle_vector(low, high, mask)

    def rotate_right(self, value: Any, bits: int) -> Any:
        """Each word rotated."""
        funnel = self.intrinsic(f"llvm.fshr.v{self.count}i32", 3)
        return self.builder.call(funnel, [value, value, self.constant(bits)])

    def swap_bytes(self, value: Any) -> Any:
        """Each word with its four bytes in the other order."""
        return self.builder.call(self.intrinsic(f"llvm.bswap.v{self.count}i32", 1), [value])

    def pointer(self, base: Any, offset: int, pointee: Any) -> Any:
        """The address ``offset`` bytes behind ``base``."""
        address = self.builder.add(base, ir.Constant(base.type, offset))
        return self.builder.inttoptr(address, pointee.as_pointer())

    def load(self, base: Any, offset: int) -> Any:
        """A vector of neighbouring words, ``offset`` bytes behind ``base``."""
        loaded = self.builder.load(self.pointer(base, offset, self.vector))
        loaded.align = 4
        return loaded

    def store(self, value: Any, base: Any, offset: int) -> None:
        """Writes a vector to neighbouring words."""
        self.builder.store(value, self.pointer(base, offset, self.vector)).align = 4

    def gather(self, base: Any, word: int, row_bytes: int) -> Any:
        """Word number ``word`` of each lane's row."""
        vector: Any = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.count):
            pointer = self.pointer(base, lane * row_bytes + 4 * word, _WORD)
            vector = self.builder.insert_element(
                vector, self.builder.load(pointer), ir.Constant(_WORD, lane)
            )
        return vector

    def scatter(self, vector: Any, base: Any, word: int, row_bytes: int) -> None:
        """Writes word number ``word`` of each lane's row."""
        for lane in range(self.count):
            element = self.builder.extract_element(vector, ir.Constant(_WORD, lane))
            pointer = self.pointer(base, lane * row_bytes + 4 * word, _WORD)
            self.builder.store(element, pointer)


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
        lambda build, s, b, _l, _f: _generate_instructions(_Lanes(build, 4), lanes, s, b)
    )


class _Stream:
    """One message on its way through the instructions: state as ABEF and CDGH, and the schedule."""

    def __init__(self, code: _Lanes, state: Any, block: Any, number: int) -> None:
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


def _generate_instructions(code: _Lanes, lanes: int, state: Any, block: Any) -> None:
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
def sha256_in_lanes(lanes: int) -> Compress:
    """SHA-256 on any CPU: word by word, one message a lane of the vectors."""
    return _compile(lambda build, s, b, _l, _f: _generate_sha256(_Lanes(build, lanes), s, b))


def _generate_sha256(code: _Lanes, state: Any, block: Any) -> None:
    build = code.builder
    before = [code.gather(state, word, 32) for word in range(8)]
    words = [code.swap_bytes(code.gather(block, word, 64)) for word in range(16)]
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


def _rotations(code: _Lanes, value: Any, bits: tuple[int, int, int]) -> Any:
    one, two, three = (code.rotate_right(value, n) for n in bits)
    return code.builder.xor(code.builder.xor(one, two), three)


def _schedule(code: _Lanes, words: list[Any]) -> Any:
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
def blake3_in_lanes(lanes: int) -> Compress:
    """BLAKE3 of blocks of chunk 0, on little-endian machines: lengths of 0 to 64 bytes."""
    return _compile(lambda build, *given: _generate_blake3(_Lanes(build, lanes), *given))


def _generate_blake3(code: _Lanes, state: Any, block: Any, lengths: Any, flags: Any) -> None:
    build = code.builder
    words = [code.gather(block, word, 64) for word in range(16)]
    v = [code.gather(state, word, 32) for word in range(8)]
    v += [code.constant(word) for word in INITIAL_STATE[:4]]
    v += [code.constant(0), code.constant(0), code.load(lengths, 0), _spread(code, flags)]
    for _ in range(7):
        for mix, (a, b, c, d) in enumerate(_MIXES):
            _mix(code, v, (a, b, c, d), words[2 * mix], words[2 * mix + 1])
        words = [words[pick] for pick in _PERMUTATION]
    for word in range(8):
        code.scatter(build.xor(v[word], v[word + 8]), state, word, 32)


def _spread(code: _Lanes, value: Any) -> Any:
    word = code.builder.trunc(value, _WORD)
    vector: Any = ir.Constant(code.vector, ir.Undefined)
    for lane in range(code.count):
        vector = code.builder.insert_element(vector, word, ir.Constant(_WORD, lane))
    return vector


def _mix(code: _Lanes, v: list[Any], at: tuple[int, int, int, int], one: Any, two: Any) -> None:
    build, (a, b, c, d) = code.builder, at
    for word, first, second in ((one, 16, 12), (two, 8, 7)):
        v[a] = build.add(build.add(v[a], v[b]), word)
        v[d] = code.rotate_right(build.xor(v[d], v[a]), first)
        v[c] = build.add(v[c], v[d])
        v[b] = code.rotate_right(build.xor(v[b], v[c]), second)


# --- moving bytes -------------------------------------------------------------------------------

_BLOCK = 64
Move = Callable[[int, int], None]
Splice = Callable[[int, int, int], None]


def _intrinsic_of(arity: int, generate: Callable[..., None]) -> Callable[..., None]:
    """A function of ``arity`` addresses for ``@njit`` code."""
    signature = types.void(*[types.uintp] * arity)

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        generate(_Lanes(builder, 4), *arguments)
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


def _generate_copy(code: _Lanes, to: Any, source: Any) -> None:
    for offset in (0, 16):
        code.store(code.load(source, offset), to, offset)


def _generate_swapped(code: _Lanes, to: Any, source: Any) -> None:
    for offset in (0, 16):
        code.store(code.swap_bytes(code.load(source, offset)), to, offset)


def _generate_bytes(code: _Lanes, to: Any, source: Any, size: Any) -> None:
    build, byte, flag = code.builder, ir.IntType(8).as_pointer(), ir.IntType(1)
    copy = build.module.declare_intrinsic("llvm.memcpy", [byte, byte, size.type])
    places = (build.inttoptr(address, byte) for address in (to, source))
    build.call(copy, [*places, size, ir.Constant(flag, 0)])


def copy_masked(mask: int) -> Move:
    """Copies 8 words, each byte xor ``mask``."""

    def generate(code: _Lanes, to: Any, source: Any) -> None:
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

    def generate(code: _Lanes, to: Any, template: Any, source: Any) -> None:
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
                        ir.VectorType(_WORD, 16), [ir.Constant(_WORD, t) for t in taken]
                    )
                    chunk = build.or_(chunk, build.shuffle_vector(part, zeros, mask))
            build.store(chunk, code.pointer(to, start, piece)).align = 4

    return _intrinsic_of(3, generate)
