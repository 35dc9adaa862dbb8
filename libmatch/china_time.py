"""China's civil time: the days and midnights in which the notice counts (R20, R39, R45, R57).

One fixed offset: there has been no summer time since 1991, and no deadline of the notice is older.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "UTC+8")


def china_day(at: datetime) -> date:
    """The day in China at that moment. ValueError for a time without a zone."""
    return require_aware(at).astimezone(CHINA).date()


def china_midnight(day: date) -> datetime:
    """The moment at which ``day`` begins in China."""
    return datetime.combine(day, time(), CHINA)


def require_aware(at: datetime) -> datetime:
    """``at`` itself. ValueError where it has no zone: nobody could say which day it is."""
    if at.utcoffset() is None:
        raise ValueError("a moment has a time zone")
    return at
