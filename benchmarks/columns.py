"""Synthetic columns: valid resident numbers of nobody, as Arrow lays texts out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from libmatch.check_digits import MOD_11_2_WEIGHTS
from libmatch.texts import TextColumn

_CHECK = np.frombuffer(b"10X98765432", np.uint8)
_DISTINCT = 10_000_000


def resident_numbers(count: int, seed: int) -> TextColumn:
    """So many numbers, each with its check character, in no order; the same for the same seed.

    Up to ten million are distinct: a county of 10,000 and an order of 1,000 are a number's own. Columns
    of two seeds share next to nothing (the birth dates of equal ones would have to agree, too).
    """
    random = np.random.default_rng(seed)
    digits = np.empty((count, 17), np.int64)
    digits[:, :2] = (5, 0)
    own = random.permutation(max(count, _DISTINCT))[:count] % _DISTINCT
    year, month = random.integers(1940, 2015, count), random.integers(1, 13, count)
    fields = (
        (2, own // 1000, 4),
        (6, year, 4),
        (10, month, 2),
        (12, random.integers(1, 29, count), 2),
        (14, own % 1000, 3),
    )
    for at, value, width in fields:
        for i in range(width):
            digits[:, at + i] = value // 10 ** (width - 1 - i) % 10
    return _to_texts(digits)


def two_sides(size: int) -> tuple[TextColumn, TextColumn]:
    """Two columns of which the second begins with a hundredth of the first."""
    one, other = resident_numbers(size, 1), resident_numbers(size, 2)
    texts = other.data.copy()
    common = 18 * (size // 100)
    texts[:common] = one.data[:common]
    return one, TextColumn(other.offsets, texts)


def _to_texts(digits: npt.NDArray[np.int64]) -> TextColumn:
    count = len(digits)
    texts = np.empty((count, 18), np.uint8)
    texts[:, :17] = digits + ord("0")
    texts[:, 17] = _CHECK[digits @ np.array(MOD_11_2_WEIGHTS) % 11]
    return TextColumn(np.arange(count + 1, dtype=np.int64) * 18, texts.ravel())
