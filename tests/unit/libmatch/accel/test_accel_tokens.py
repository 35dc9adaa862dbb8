"""Every kernel gives the bytes of the library, one by one; a kernel that does not is refused."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch import tokens as library
from libmatch.accel import kernels
from libmatch.accel import tokens as accel
from libmatch.accel.kernels import Kernel, available_kernels
from libmatch.accel.tokens import derive_halves, derive_tokens
from libmatch.encoding import enc, u8
from libmatch.errors import KernelError
from libmatch.keys import EpochKey
from libmatch.suites import get_suite
from libmatch.tokens import derive_column

EACH = [(suite, kernel) for suite in (1, 2) for kernel in available_kernels(suite)]
each_kernel = pytest.mark.parametrize(("suite", "kernel"), EACH, ids=lambda value: str(value))
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def columns(rows: list[tuple[int, str]]) -> tuple[Any, Any]:
    kinds = np.array([kind for kind, _ in rows], np.uint8)
    return kinds, np.array([idn.encode() for _, idn in rows], "S18").reshape(len(rows))


rows = st.lists(
    st.tuples(st.integers(1, 4), st.text(_ALPHABET, min_size=5, max_size=18)), max_size=70
)


@each_kernel
@settings(max_examples=30, deadline=None)
@given(rows=rows, key=st.binary(min_size=32, max_size=32))
def test_column_is_what_single_derivations_give(
    suite: int, kernel: Kernel, rows: list[tuple[int, str]], key: bytes
) -> None:
    found = derive_halves(get_suite(suite), EpochKey(key), *columns(rows), kernel=kernel)
    kinds, idns = [kind for kind, _ in rows], [idn for _, idn in rows]
    single = derive_column(get_suite(suite), EpochKey(key), kinds, idns)
    for column, name in zip(found, ("g_reg", "g_ben", "c_reg", "c_ben", "token"), strict=True):
        assert np.array_equal(column, getattr(single, name))
    tokens = derive_tokens(get_suite(suite), EpochKey(key), *columns(rows), kernel=kernel)
    assert np.array_equal(tokens, found[4])


def _sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


@pytest.mark.parametrize(
    ("suite", "prf", "h"),
    [
        (1, lambda key, message: hmac.digest(key, message, "sha256"), _sha256),
        (2, lambda key, message: blake3(message, key=key).digest(), lambda m: blake3(m).digest()),
    ],
)
def test_fastest_kernel_agrees_with_the_primitives_themselves(
    suite: int, prf: Callable[[bytes, bytes], bytes], h: Callable[[bytes], bytes]
) -> None:
    key, idn = bytes(range(32)), "11010119900307775X"
    found = derive_halves(get_suite(suite), EpochKey(key), *columns([(1, idn)] * 5))
    reg, ben = (prf(key, enc(side, u8(1), idn.encode())) for side in ("reg", "ben"))
    c_reg, c_ben = h(enc("half", reg)), h(enc("half", ben))
    expected = [reg, ben, c_reg, c_ben, h(enc("token", c_reg, c_ben))]
    assert [column[4].tobytes() for column in found] == expected


@each_kernel
def test_threads_change_nothing(suite: int, kernel: Kernel, monkeypatch: Any) -> None:
    monkeypatch.setattr(accel, "_PART", 8)
    kinds, idns = columns([(i % 4 + 1, f"{i:018d}"[i % 13 :]) for i in range(45)])
    one, two = (
        derive_halves(get_suite(suite), EpochKey(bytes(32)), kinds, idns, kernel=kernel, threads=n)
        for n in (1, 2)
    )
    assert np.array_equal(one, two)


def test_long_column_of_the_library_is_compiled(monkeypatch: Any) -> None:
    kinds, idns = [1, 3, 4] * 5, ["0" * 18, "E1234567", "X" * 18] * 5
    single = derive_column(get_suite(1), EpochKey(bytes(32)), kinds, idns)
    monkeypatch.setattr(library, "WORTH_COMPILING", 15)
    long = derive_column(get_suite(1), EpochKey(bytes(32)), kinds, idns)
    assert list(long) == list(single)


def test_kernel_that_computes_other_bytes_is_refused(monkeypatch: Any) -> None:
    right = accel._derive_plainly

    def wrong(suite: int, key: bytes, kinds: Any, names: Any) -> Any:
        values = right(suite, key, kinds, names)
        values[4, -1, 31] ^= 1
        return values

    monkeypatch.setattr(accel, "_derive_plainly", wrong)
    with pytest.raises(KernelError, match="wrong bytes"):
        accel._get_kernel.__wrapped__(1, Kernel.LIBRARY)


def test_without_numba_the_libraries_do_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(kernels, "has_numba", lambda: False)
    assert available_kernels.__wrapped__(1) == (Kernel.LIBRARY,)
    monkeypatch.setattr(accel, "available_kernels", lambda _: (Kernel.LIBRARY,))
    with pytest.raises(KernelError, match="not available"):
        accel._get_kernel.__wrapped__(1, Kernel.VECTORS)


def test_instructions_are_not_used_when_compiling_for_a_named_cpu(monkeypatch: Any) -> None:
    from numba.core import config

    monkeypatch.setattr(config, "CPU_NAME", "generic")
    assert Kernel.INSTRUCTIONS not in available_kernels.__wrapped__(1)


@pytest.mark.parametrize(
    ("kinds", "idns"),
    [
        (np.ones(2, np.uint8), np.zeros(1, "S18")),
        (np.ones(1, np.uint8), np.zeros(1, "S17")),
        (np.ones((1, 1), np.uint8), np.zeros((1, 1), "S18")),
        (np.array([5], np.uint8), np.zeros(1, "S18")),
        (np.array([0], np.uint8), np.zeros(1, "S18")),
    ],
)
def test_other_shapes_and_kinds_are_refused(kinds: Any, idns: Any) -> None:
    with pytest.raises(ValueError, match=r"column of identifiers|kind"):
        derive_tokens(get_suite(1), EpochKey(bytes(32)), kinds, idns)
