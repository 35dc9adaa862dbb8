"""Hashes and PRFs of rows are those of hashlib, hmac and blake3, for messages of every length."""

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

from libmatch import merkle
from libmatch.accel import rows as accel
from libmatch.accel.kernels import Kernel, available_kernels
from libmatch.accel.rows import compute_root, enc_rows, get_rows
from libmatch.encoding import enc
from libmatch.errors import KernelError

EACH = [(suite, kernel) for suite in (1, 2) for kernel in available_kernels(suite)]
each_kernel = pytest.mark.parametrize(("suite", "kernel"), EACH, ids=str)

_Hash = Callable[[bytes], bytes]
_Prf = Callable[[bytes, bytes], bytes]
REFERENCE: dict[int, tuple[_Hash, _Prf]] = {
    1: (
        lambda message: hashlib.sha256(message).digest(),
        lambda key, message: hmac.digest(key, message, "sha256"),
    ),
    2: (
        lambda message: blake3(message).digest(),
        lambda key, message: blake3(message, key=key).digest(),
    ),
}


def matrix(n: int, width: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (n, width), np.uint8)


@each_kernel
@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 40), length=st.integers(0, 1024), seed=st.integers(0, 2**32))
def test_rows_are_hashed_as_single_messages_are(
    suite: int, kernel: Kernel, n: int, length: int, seed: int
) -> None:
    h, prf = REFERENCE[suite]
    messages, keys = matrix(n, length, seed), matrix(n, 32, seed + 1)
    found = get_rows(suite, kernel)
    assert [d.tobytes() for d in found.hash(messages)] == [h(m.tobytes()) for m in messages]
    pairs = list(zip(keys, messages, strict=True))
    expected = [prf(key.tobytes(), message.tobytes()) for key, message in pairs]
    assert [d.tobytes() for d in found.prf(keys, messages)] == expected
    if n:
        under = found.prf_under(keys[0].tobytes(), messages)
        expected = [prf(keys[0].tobytes(), message.tobytes()) for message in messages]
        assert [d.tobytes() for d in under] == expected


@each_kernel
def test_keys_that_are_neither_one_nor_one_a_row_are_refused(suite: int, kernel: Kernel) -> None:
    with pytest.raises(ValueError, match=r"key|argument"):
        get_rows(suite, kernel).prf(matrix(2, 32, 0), matrix(3, 5, 0))


@each_kernel
def test_rows_longer_than_a_chunk_are_hashed_too(suite: int, kernel: Kernel) -> None:
    (h, prf), rows, messages = REFERENCE[suite], get_rows(suite, kernel), matrix(2, 3000, 0)
    assert [d.tobytes() for d in rows.hash(messages)] == [h(m.tobytes()) for m in messages]
    assert rows.prf_under(bytes(32), messages)[1].tobytes() == prf(bytes(32), messages[1].tobytes())


@pytest.mark.parametrize("leaves", [1, 2, 3, 7, 8, 9, 100])
def test_root_is_that_of_the_tree(leaves: int) -> None:
    hashes = matrix(leaves, 32, leaves)
    expected = merkle.compute_root(REFERENCE[1][0], [leaf.tobytes() for leaf in hashes])
    assert compute_root(get_rows(1), hashes) == expected


def test_rows_are_encoded_as_single_ones_are() -> None:
    one, two = matrix(3, 5, 1), matrix(3, 0, 2)
    found = enc_rows("some", b"same", one, two, before=b"\0")
    expected = [b"\0" + enc("some", b"same", one[i].tobytes(), b"") for i in range(3)]
    assert [row.tobytes() for row in found] == expected
    with pytest.raises(ValueError, match="number of rows"):
        enc_rows("some", one, matrix(2, 5, 1))
    with pytest.raises(ValueError, match="number of rows"):
        enc_rows("some", b"same")


def test_kernel_that_hashes_otherwise_is_refused(monkeypatch: Any) -> None:
    right = accel._from_library(1)
    monkeypatch.setattr(accel, "available_kernels", lambda _: (Kernel.VECTORS, Kernel.LIBRARY))
    broken = accel.Rows(right.hash, lambda _, messages: right.hash(messages))
    monkeypatch.setattr(accel, "_compile", lambda _suite, _kernel: broken)
    with pytest.raises(KernelError, match="wrong bytes"):
        get_rows.__wrapped__(1, Kernel.VECTORS)
