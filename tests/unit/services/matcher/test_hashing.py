"""Which code hashes: the libraries' until so many rows have come, and ever if the other is wrong."""

from __future__ import annotations

import threading

from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import Rows, get_rows
from libmatch.errors import KernelError
from services.matcher.hashing import Hashing

LIBRARY = get_rows(1, Kernel.LIBRARY)
FAST = Rows(LIBRARY.hash, LIBRARY.prf)


def test_few_rows_are_hashed_by_the_libraries() -> None:
    hashing = Hashing(1, worth=100, compile_rows=lambda _: FAST)
    assert hashing.rows_for(99) is LIBRARY
    hashing.wait()
    assert hashing.rows_for(0) is LIBRARY


def test_many_rows_are_hashed_by_compiled_code_once_it_is_there_and_no_call_waits() -> None:
    compiled, asked = threading.Event(), []

    def compile_rows(suite: int) -> Rows:
        asked.append(suite)
        assert compiled.wait(timeout=30)
        return FAST

    hashing = Hashing(1, worth=100, compile_rows=compile_rows)
    assert hashing.rows_for(100) is LIBRARY  # at once, while the thread still waits
    assert hashing.rows_for(100) is LIBRARY
    compiled.set()
    hashing.wait()
    assert hashing.rows_for(1) is FAST
    assert asked == [1]


def test_compiled_code_that_computes_wrong_bytes_is_never_used() -> None:
    def compile_rows(suite: int) -> Rows:
        raise KernelError("wrong bytes")

    hashing = Hashing(1, worth=1, compile_rows=compile_rows)
    hashing.rows_for(1)
    hashing.wait()
    assert hashing.rows_for(1) is LIBRARY
