"""The loop that finds the plain resident numbers of a column (docs/spec/identifiers.md, section 5.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from libmatch.check_digits import MOD_11_2_WEIGHTS
from libmatch.identifier_forms import IDN_LENGTH, MONTH_DAYS, OLDEST, RESIDENT_PROVINCES, Kind

_WEIGHTS = np.array(MOD_11_2_WEIGHTS, np.int64)
_PROVINCES = np.array([f"{code:02d}" in RESIDENT_PROVINCES for code in range(100)])
_MONTH_DAYS = np.array(MONTH_DAYS, np.int64)
_RESIDENT = int(Kind.RESIDENT_ID)
_ZERO, _NINE, _X, _SMALL_X = ord("0"), ord("9"), ord("X"), ord("x")


@njit(nogil=True)
def _is_date(year: Any, month: Any, day: Any) -> Any:
    if year < 1 or month < 1 or month > 12:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = _MONTH_DAYS[month] + (1 if month == 2 and leap else 0)
    return 1 <= day <= last


@njit(nogil=True)
def find_residents(
    offsets: npt.NDArray[np.int64],
    data: npt.NDArray[np.uint8],
    today: int,
    kinds: npt.NDArray[np.uint8],
    names: npt.NDArray[np.uint8],
) -> Any:
    """Fills kinds uint8[n] and names uint8[n, 18] of the texts that are valid as they stand.

    Text i is ``data[offsets[i]:offsets[i + 1]]``; ``today`` is YYYYMMDD. Other rows are left alone.
    """
    for i in range(len(kinds)):
        at = offsets[i]
        if offsets[i + 1] - at != IDN_LENGTH:
            continue
        total: Any = 0
        numeric: Any = True
        for j in range(IDN_LENGTH - 1):
            digit = np.int64(data[at + j]) - _ZERO
            numeric = numeric and 0 <= digit <= 9
            total += digit * _WEIGHTS[j]
        last = data[at + IDN_LENGTH - 1]
        if last == _SMALL_X:
            last = _X
        if not numeric or not (_ZERO <= last <= _NINE or last == _X):
            continue
        check = 10 if last == _X else np.int64(last) - _ZERO
        year = (
            (data[at + 6] - _ZERO) * 1000
            + (data[at + 7] - _ZERO) * 100
            + (data[at + 8] - _ZERO) * 10
            + (data[at + 9] - _ZERO)
        )
        month = (data[at + 10] - _ZERO) * 10 + (data[at + 11] - _ZERO)
        day = (data[at + 12] - _ZERO) * 10 + (data[at + 13] - _ZERO)
        born = year * 10000 + month * 100 + day
        province = (data[at] - _ZERO) * 10 + (data[at + 1] - _ZERO)
        if (total + check) % 11 != 1 or not _PROVINCES[province]:
            continue
        if born > today or born < today - OLDEST or not _is_date(year, month, day):
            continue
        kinds[i] = _RESIDENT
        for j in range(IDN_LENGTH - 1):
            names[i, j] = data[at + j]
        names[i, IDN_LENGTH - 1] = last
