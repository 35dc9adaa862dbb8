"""Texts to tokens: read, validate and derive a column, beside hashlib in a loop; and on two cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from functools import partial

from benchmarks.columns import resident_numbers
from benchmarks.measuring import Measure, Timing, compare, time_fastest
from libmatch.accel.kernels import Kernel, available_kernels
from libmatch.accel.tokens import derive_tokens
from libmatch.identifiers import IdentifierColumn, parse_column, parse_identifier
from libmatch.keys import EpochKey
from libmatch.suites import Suite, get_suite
from libmatch.texts import TextColumn
from libmatch.tokens import derive_token

_TODAY = date(2026, 11, 24)
_SAMPLE = 20_000  # rows of the slow way
_AIM = ">= 15 x, and >= 4,000,000 a second with the SHA instructions"
_BINDING = 1_000_000  # rows from which on the aim binds


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """One measure for each suite, kernel and size; and threads for each suite."""
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
                binds = size >= _BINDING
                instructions = kernel is Kernel.INSTRUCTIONS
                yield compare(
                    f"validate and derive tokens, {suite.name}, {kernel}",
                    size,
                    ours,
                    f"one by one with hashlib or blake3, {_SAMPLE} rows",
                    slow.cpu_seconds / _SAMPLE,
                    _AIM,
                    least_ratio=15 if binds else None,
                    least_rate=4_000_000 if binds and instructions else None,
                )
        if (os.cpu_count() or 1) > 1:
            yield _measure_threads(suite, key)


def _measure_threads(suite: Suite, key: EpochKey) -> Measure:
    """Two threads beside one, by the wall: compiled code runs without the GIL."""
    column = parse_column(resident_numbers(_BINDING, 3), today=_TODAY)
    work = partial(derive_tokens, suite, key, column.kinds, column.idns)
    one, two = (
        min((time_fastest(partial(work, threads=threads), 1) for _ in range(7)), key=_on_the_wall)
        for threads in (1, 2)
    )
    return compare(
        f"derive tokens, {suite.name}, two threads, on the wall",
        _BINDING,
        Timing(two.seconds, two.seconds),
        "one thread, on the wall",
        one.seconds / _BINDING,
        ">= 1.5 x: two threads use two cores",
        least_ratio=1.5,
    )


def _on_the_wall(timing: Timing) -> float:
    return timing.seconds


def _one_by_one(suite: Suite, key: EpochKey, texts: list[str]) -> None:
    for text in texts:
        who = parse_identifier(text, today=_TODAY)
        derive_token(suite, key, who.kind, who.idn)


def _by_column(suite: Suite, key: EpochKey, texts: TextColumn, kernel: Kernel) -> IdentifierColumn:
    column = parse_column(texts, today=_TODAY)
    derive_tokens(suite, key, column.kinds, column.idns, kernel=kernel)
    return column
