"""What can compute a column on this machine."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import cache

WORTH_COMPILING = 200_000
"""Rows from which on a column repays the seconds that a first compilation takes."""

HMAC_SHA256 = 1
"""The suite that the SHA instructions are for."""


class Kernel(StrEnum):
    """What computes a column.

    ``INSTRUCTIONS``: SHA-256 with the x86 SHA instructions. ``VECTORS``: SHA-256 or BLAKE3 with one
    message a lane of whatever vectors the CPU has. ``LIBRARY``: hashlib and blake3 in a loop.
    """

    INSTRUCTIONS = "sha-instructions"
    VECTORS = "vectors"
    LIBRARY = "library"


@cache
def has_numba() -> bool:
    """Whether columns can be compiled here."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def available_kernels(suite: int) -> tuple[Kernel, ...]:
    """The kernels that this machine has for a suite, the fastest first; LIBRARY is always there."""
    kernels = [Kernel.LIBRARY]
    if sys.byteorder == "little" and has_numba():
        kernels.insert(0, Kernel.VECTORS)
        if suite == HMAC_SHA256 and _has_sha_instructions():
            kernels.insert(0, Kernel.INSTRUCTIONS)
    return tuple(kernels)


def _has_sha_instructions() -> bool:
    """Whether the CPU has them, and numba compiles for this CPU rather than for a named one."""
    from llvmlite.binding import get_host_cpu_features
    from numba.core import config

    named = getattr(config, "CPU_NAME", None) or getattr(config, "CPU_FEATURES", None)
    return not named and bool(get_host_cpu_features().get("sha"))
