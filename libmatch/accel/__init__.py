"""Columns in compiled code: the same results as the plain code of the library, without an object a row.

``tokens`` is what callers use, ``residents`` is called by ``libmatch.identifiers``. Compiled by numba in the
process that uses it (no compiler is needed); without numba everything works, slower.
"""

from __future__ import annotations

from functools import cache

WORTH_COMPILING = 200_000
"""Rows from which on a column repays the second or more that a first compilation takes."""


@cache
def has_numba() -> bool:
    """Whether columns can be compiled here."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True
