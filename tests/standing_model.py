"""How far a case has come, said as its rules say it: no state, every question asked of the whole course.

What ``services.matcher.standing`` is compared with; it imports nothing of the services. Written for the
readings that are in force by default: seven full days in China behind the day of posting, and the days that
an objection touches do not count (R45, R48).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from libmatch.clearances import HoldReason
from libmatch.records import Side
from libmatch.reports import Stage

CHINA = timezone(timedelta(hours=8))
DAY = timedelta(days=1)
Party = tuple[str, Side]


@dataclass(frozen=True)
class Said:
    """One report that was accepted, and when by the matcher's clock."""

    by: Party
    stage: Stage
    at: datetime


def find_hold(
    said: Sequence[Said], approver: Party, declaring: Sequence[Party], now: datetime
) -> HoldReason | None:
    """The reason why the case holds its hits up, or None. ``said`` in order of acceptance."""
    course = _Course(_forwards(said), approver)
    verdict = course.last_verdict()
    if verdict is None:
        return HoldReason.UNVERIFIED
    if course.said[verdict].stage is Stage.NOT_COMPLIANT:
        return HoldReason.NOT_COMPLIANT
    if any(closed is None for _, closed in course.objections()):
        return HoldReason.OBJECTION
    here = course.is_published(approver, now)
    there = any(course.is_published(party, now) for party in declaring)
    return None if here and there else HoldReason.UNPUBLISHED


def _forwards(said: Sequence[Said]) -> list[Said]:
    """Time does not run backwards in a case, even where the clock did."""
    return [Said(s.by, s.stage, max(e.at for e in said[: i + 1])) for i, s in enumerate(said)]


@dataclass(frozen=True)
class _Course:
    said: Sequence[Said]
    approver: Party

    def verdicts(self) -> list[int]:
        both = (Stage.COMPLIANT, Stage.NOT_COMPLIANT)
        return [i for i, s in enumerate(self.said) if s.by == self.approver and s.stage in both]

    def last_verdict(self) -> int | None:
        return max(self.verdicts(), default=None)

    def objections(self) -> list[tuple[datetime, datetime | None]]:
        """(opened, closed) of each objection that was raised while something was posted."""
        found = []
        for i, s in enumerate(self.said):
            since = max((v for v in self.verdicts() if v < i), default=-1)
            posted = any(one.stage is Stage.POSTED for one in self.said[since + 1 : i])
            if s.stage is Stage.OBJECTED and posted:
                found.append((s.at, self._closed_after(i)))
        return found

    def _closed_after(self, i: int) -> datetime | None:
        closes = (Stage.COMPLIANT, Stage.NOT_COMPLIANT, Stage.OBJECTION_CLOSED)
        later = [s for s in self.said[i + 1 :] if s.by == self.approver and s.stage in closes]
        return later[0].at if later else None

    def is_published(self, poster: Party, now: datetime) -> bool:
        """Whether the last posting of ``poster`` under the verdict in force hung to its end."""
        own = [
            (i, s)
            for i, s in enumerate(self.said)
            if s.by == poster and i > (self.last_verdict() or 0)
        ]
        posted = max((i for i, s in own if s.stage is Stage.POSTED), default=None)
        if posted is None:
            return False
        since = [s for i, s in own if i > posted]
        ends = self._end_of(self.said[posted].at)
        down = next((s.at for s in since if s.stage is Stage.TAKEN_DOWN), None)
        completed = any(s.stage is Stage.COMPLETED for s in since)
        return completed and ends <= now and (down is None or ends <= down)

    def _end_of(self, posted_at: datetime) -> datetime:
        day, counted = _day(posted_at), 0
        while counted < 7:
            day += DAY
            counted += not any(
                _day(opened) <= day <= _day(closed)
                for opened, closed in self.objections()
                if closed is not None
            )
        return datetime.combine(day + DAY, time(), CHINA)


def _day(at: datetime) -> date:
    return at.astimezone(CHINA).date()
