"""Moments as microseconds since 1970 UTC, as canonical bytes carry them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_us(at_us: int) -> datetime:
    """The moment of ``at_us`` microseconds since 1970 UTC. OverflowError outside of the calendar."""
    return _EPOCH + timedelta(microseconds=at_us)
