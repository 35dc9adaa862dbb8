"""Which code hashes the rows of batches: the libraries' at first, compiled code where it is worth it.

Compiling takes some 2 s of one core and 140 MiB for good, and saves 2 µs a row, so a matcher that sees few
rows never does it. It happens beside the calls, in a thread of its own, never within one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from libmatch.accel.kernels import WORTH_COMPILING, Kernel
from libmatch.accel.rows import Rows, get_rows
from libmatch.errors import KernelError


class Hashing:
    """The functions of one suite. Safe from any thread."""

    def __init__(
        self,
        suite: int,
        worth: int = WORTH_COMPILING,
        compile_rows: Callable[[int], Rows] = get_rows,
    ) -> None:
        self._suite = suite
        self._left = worth
        self._compile_rows = compile_rows
        self._rows = get_rows(suite, Kernel.LIBRARY)
        self._lock = threading.Lock()
        self._compiling: threading.Thread | None = None

    def rows_for(self, count: int) -> Rows:
        """The functions for ``count`` more rows."""
        with self._lock:
            self._left -= count
            if self._left <= 0 and self._compiling is None:
                # Not waited for: a process that ends meanwhile loses nothing.
                self._compiling = threading.Thread(
                    target=self._compile, name="compile", daemon=True
                )
                self._compiling.start()
        return self._rows

    def wait(self) -> None:
        """Return when compiling, if it has begun, has ended."""
        if self._compiling is not None:
            self._compiling.join()

    def _compile(self) -> None:
        try:
            rows = self._compile_rows(self._suite)
        except KernelError as error:
            structlog.get_logger().error("hashing.refused", why=str(error))
            return
        self._rows = rows
        structlog.get_logger().info("hashing.compiled", suite=self._suite)
