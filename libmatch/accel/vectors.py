"""Vector code of LLVM on 32-bit words, one message a lane: what ``compress`` and ``moves`` are written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

WORD = ir.IntType(32)


class Lanes:
    """Vector code on ``count`` lanes of 32-bit words."""

    def __init__(self, builder: ir.IRBuilder, count: int) -> None:
        self.builder = builder
        self.count = count
        self.vector = ir.VectorType(WORD, count)

    def intrinsic(self, name: str, arity: int) -> ir.Function:
        """The LLVM intrinsic on vectors of this width, declared once a module."""
        module = self.builder.module
        if name in module.globals:
            return module.globals[name]
        return ir.Function(module, ir.FunctionType(self.vector, [self.vector] * arity), name)

    def constant(self, values: int | Sequence[int]) -> ir.Constant:
        """A constant vector; a single value stands in every lane."""
        words = [values] * self.count if isinstance(values, int) else values
        return ir.Constant(self.vector, [ir.Constant(WORD, word) for word in words])

    def shuffle(self, low: Any, high: Any, picks: Sequence[int]) -> Any:
        """The words ``picks`` of the concatenation of two vectors."""
        mask = ir.Constant(
            ir.VectorType(WORD, len(picks)), [ir.Constant(WORD, pick) for pick in picks]
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

    def spread(self, word: Any) -> Any:
        """One word in every lane."""
        vector: Any = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.count):
            vector = self.builder.insert_element(vector, word, ir.Constant(WORD, lane))
        return vector

    def load(self, base: Any, offset: int) -> Any:
        """A vector of neighbouring words, ``offset`` bytes behind ``base``."""
        loaded = self.builder.load(self.pointer(base, offset, self.vector))
        loaded.align = 4
        return loaded

    def store(self, value: Any, base: Any, offset: int) -> None:
        """Writes a vector to neighbouring words."""
        self.builder.store(value, self.pointer(base, offset, self.vector)).align = 4

    def message(self, base: Any, word: int) -> Any:
        """Word number ``word`` of each lane's block of SHA-256, which is big-endian."""
        return self.swap_bytes(self.gather(base, word, 64))

    def gather(self, base: Any, word: int, row_bytes: int) -> Any:
        """Word number ``word`` of each lane's row."""
        vector: Any = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.count):
            pointer = self.pointer(base, lane * row_bytes + 4 * word, WORD)
            vector = self.builder.insert_element(
                vector, self.builder.load(pointer), ir.Constant(WORD, lane)
            )
        return vector

    def scatter(self, vector: Any, base: Any, word: int, row_bytes: int) -> None:
        """Writes word number ``word`` of each lane's row."""
        for lane in range(self.count):
            element = self.builder.extract_element(vector, ir.Constant(WORD, lane))
            pointer = self.pointer(base, lane * row_bytes + 4 * word, WORD)
            self.builder.store(element, pointer)


class ByWord(Lanes):
    """Lanes of which memory has the first word of each, then the second of each, and so on.

    Digests and blocks of SHA-256 are words of the machine there: nothing is swapped on the way.
    """

    def message(self, base: Any, word: int) -> Any:
        return self.gather(base, word, 64)

    def gather(self, base: Any, word: int, row_bytes: int) -> Any:  # noqa: ARG002
        return self.load(base, 4 * self.count * word)

    def scatter(self, vector: Any, base: Any, word: int, row_bytes: int) -> None:  # noqa: ARG002
        self.store(vector, base, 4 * self.count * word)
