"""The loop that finds the plain resident numbers of a column (docs/spec/identifiers.md, section 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from libmatch.check_digits import MOD_11_2_WEIGHTS
from libmatch.identifier_forms import IDN_LENGTH, MONTH_DAYS, OLDEST, RESIDENT_PROVINCES, Kind

_PROVINCES = np.array([f"{code:02d}" in RESIDENT_PROVINCES for code in range(100)])
_MONTH_DAYS = np.array(MONTH_DAYS, np.int64)
_RESIDENT = int(Kind.RESIDENT_ID)
_ZERO, _NINE, _X, _SMALL_X = ord("0"), ord("9"), ord("X"), ord("x")
_VECTOR = 16  # characters that are looked at together; the last two are looked at alone
_ORDER_WEIGHT = MOD_11_2_WEIGHTS[_VECTOR]
_SHORTEST_MONTH = 28
_SHORT, _BYTES = ir.VectorType(ir.IntType(16), _VECTOR), ir.VectorType(ir.IntType(8), _VECTOR)


def _load(build: Any, place: Any) -> Any:
    loaded = build.load(build.inttoptr(place, _BYTES.as_pointer()))
    loaded.align = 1
    return loaded


@intrinsic
def _weigh_of(_context: Any, place: Any) -> Any:  # noqa: ARG001  # numba asks for the name
    """The weighted sum of the first 16 characters; -1 unless all are digits."""

    def code(_context: Any, build: Any, _signature: Any, arguments: Any) -> Any:
        zeros, ten = ir.Constant(_BYTES, [_ZERO] * _VECTOR), ir.Constant(_BYTES, [10] * _VECTOR)
        digits = build.sub(_load(build, arguments[0]), zeros)
        flags = build.icmp_unsigned("<", digits, ten)
        bits = build.bitcast(flags, ir.IntType(_VECTOR))
        weights = ir.Constant(_SHORT, list(MOD_11_2_WEIGHTS[:_VECTOR]))
        products = build.mul(build.zext(digits, _SHORT), weights)
        total = ir.FunctionType(ir.IntType(16), [_SHORT])
        name = f"llvm.vector.reduce.add.v{_VECTOR}i16"
        reduce = build.module.globals.get(name) or ir.Function(build.module, total, name)
        found = build.zext(build.call(reduce, [products]), ir.IntType(64))
        all_digits = build.icmp_unsigned("==", bits, ir.Constant(bits.type, -1))
        return build.select(all_digits, found, ir.Constant(found.type, -1))

    return types.int64(types.int64), code


@intrinsic
def _copy_of(_context: Any, to: Any, place: Any) -> Any:  # noqa: ARG001  # numba asks for the names
    """Copies 16 characters."""

    def code(context: Any, build: Any, _signature: Any, arguments: Any) -> Any:
        pointer = build.inttoptr(arguments[0], _BYTES.as_pointer())
        build.store(_load(build, arguments[1]), pointer).align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


_weigh = cast(Callable[[int], int], _weigh_of)
_copy = cast(Callable[[int, int], None], _copy_of)


@njit(nogil=True)
def _is_date(year: Any, month: Any, day: Any) -> Any:
    if year < 1 or month < 1 or month > 12:
        return False
    if day <= _SHORTEST_MONTH:
        return day >= 1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= _MONTH_DAYS[month] + (1 if month == 2 and leap else 0)


_TEXTS = types.Array(types.uint8, 1, "C", readonly=True)
_OFFSETS = types.Array(types.int64, 1, "C", readonly=True)
_KINDS, _NAMES = types.Array(types.uint8, 1, "C"), types.Array(types.uint8, 2, "C")


@njit(types.void(_OFFSETS, _TEXTS, types.int64, _KINDS, _NAMES), nogil=True)
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
    texts, out = data.ctypes.data, names.ctypes.data
    for i in range(len(kinds)):
        at = offsets[i]
        if offsets[i + 1] - at != IDN_LENGTH:
            continue
        total = _weigh(texts + at)
        order, last = np.int64(data[at + 16]) - _ZERO, data[at + IDN_LENGTH - 1]
        if last == _SMALL_X:
            last = _X
        if total < 0 or not 0 <= order <= 9 or not (_ZERO <= last <= _NINE or last == _X):
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
        if (total + order * _ORDER_WEIGHT + check) % 11 != 1 or not _PROVINCES[province]:
            continue
        if born > today or born < today - OLDEST or not _is_date(year, month, day):
            continue
        kinds[i] = _RESIDENT
        _copy(out + i * IDN_LENGTH, texts + at)
        names[i, 16] = data[at + 16]
        names[i, 17] = last
