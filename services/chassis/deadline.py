"""How much time the call being handled has left: gRPC in Python does not hand deadlines on.

The guard of a server sets it, the channel of a client reads it. A context variable, so that it
belongs to one call and is unset in workers and tools.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("libmatch_deadline", default=None)


def set_remaining(seconds: float) -> None:
    """From now on this call has ``seconds`` left; for the guard alone."""
    _ends_at.set(time.monotonic() + seconds)


def remaining_s() -> float | None:
    """Seconds left for the call being handled, at least 0; None outside any call."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())
