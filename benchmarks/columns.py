"""Synthetic columns: valid resident numbers of nobody, as Arrow lays texts out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from libmatch.check_digits import MOD_11_2_WEIGHTS
from libmatch.texts import TextColumn

_CHECK = np.frombuffer(b"10X98765432", np.uint8)


def resident_numbers(count: int, seed: int) -> TextColumn:
    """So many numbers, each with its check character, in no order; the same for the same seed."""
    random = np.random.default_rng(seed)
    digits = np.empty((count, 17), np.int64)
    digits[:, :6] = (5, 0, 0, 1, 0, 2)
    year, month = random.integers(1940, 2015, count), random.integers(1, 13, count)
    day, order = random.integers(1, 29, count), random.integers(0, 1000, count)
    for at, (value, width) in zip(
        (6, 10, 12, 14), ((year, 4), (month, 2), (day, 2), (order, 3)), strict=True
    ):
        for i in range(width):
            digits[:, at + i] = value // 10 ** (width - 1 - i) % 10
    return _to_texts(digits)


def _to_texts(digits: npt.NDArray[np.int64]) -> TextColumn:
    count = len(digits)
    texts = np.empty((count, 18), np.uint8)
    texts[:, :17] = digits + ord("0")
    texts[:, 17] = _CHECK[digits @ np.array(MOD_11_2_WEIGHTS) % 11]
    return TextColumn(np.arange(count + 1, dtype=np.int64) * 18, texts.ravel())
