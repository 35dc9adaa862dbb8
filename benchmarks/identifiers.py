"""Texts to tokens: read, validate and derive a column, beside hashlib in a loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from benchmarks.columns import resident_numbers
from benchmarks.measuring import Measure, compare, time_fastest
from libmatch.accel.kernels import Kernel, available_kernels
from libmatch.accel.tokens import derive_tokens
from libmatch.identifiers import IdentifierColumn, parse_column, parse_identifier
from libmatch.keys import EpochKey
from libmatch.suites import Suite, get_suite
from libmatch.texts import TextColumn
from libmatch.tokens import derive_token

_TODAY = date(2026, 11, 24)
_SAMPLE = 20_000  # rows of the slow way
_AIM = ">= 15x, >= 4,000,000 a second and core with the SHA instructions"


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """One measure for each suite, kernel and size."""
    for number in (1, 2):
        suite, key = get_suite(number), EpochKey.generate()
        sample = resident_numbers(_SAMPLE, 1)
        texts = [sample.text(i) for i in range(_SAMPLE)]
        slow = time_fastest(partial(_one_by_one, suite, key, texts), 2)
        for kernel in available_kernels(number):
            if kernel is Kernel.LIBRARY:
                continue
            _by_column(suite, key, resident_numbers(300_000, 2), kernel)  # compiles
            for size in sizes:
                column = resident_numbers(size, 3)
                ours = time_fastest(partial(_by_column, suite, key, column, kernel))
                yield compare(
                    f"validate and derive tokens, {suite.name}, {kernel}",
                    size,
                    ours,
                    f"one by one with hashlib or blake3, {_SAMPLE} rows",
                    slow.cpu_seconds / _SAMPLE,
                    _AIM,
                )


def _one_by_one(suite: Suite, key: EpochKey, texts: list[str]) -> None:
    for text in texts:
        who = parse_identifier(text, today=_TODAY)
        derive_token(suite, key, who.kind, who.idn)


def _by_column(suite: Suite, key: EpochKey, texts: TextColumn, kernel: Kernel) -> IdentifierColumn:
    column = parse_column(texts, today=_TODAY)
    derive_tokens(suite, key, column.kinds, column.idns, kernel=kernel)
    return column
