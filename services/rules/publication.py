"""Where a matter is posted, and how long: two places, each with its own clock (R43, R45, R48)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from libmatch.china_time import china_day, china_midnight, require_aware
from libmatch.encoding import exactly
from services.rules.readings import ObjectionReading
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

NOTICE_DIGEST_SIZE = 32
_ONE_DAY = timedelta(days=1)


class Place(StrEnum):
    """The two places of 「双向公示」 (R43). Values are the words that people see."""

    OFFICIAL_UNIT = "党员干部所在单位"
    VILLAGE = "享受地村（社区）"


@dataclass(frozen=True)
class Suspension:
    """A time in which an objection was looked into (R48); ``closed_at`` None: still open."""

    opened_at: datetime
    closed_at: datetime | None = None

    def __post_init__(self) -> None:
        require_aware(self.opened_at)
        if self.closed_at is not None and require_aware(self.closed_at) < self.opened_at:
            raise ValueError("an objection is closed after it was opened")

    def touches(self, day: date) -> bool:
        """Whether any part of that day in China lies in it."""
        begun = china_day(self.opened_at) <= day
        return begun and (self.closed_at is None or day <= china_day(self.closed_at))


@dataclass(frozen=True)
class Posting:
    """One matter posted in one place: what with (``digest`` of the notice, 32 bytes), by whom, when.

    ``taken_down_at`` None: still there. A corrected notice is another posting (R45).
    """

    place: Place
    posted_at: datetime
    posted_by: str
    digest: bytes
    taken_down_at: datetime | None = None

    def __post_init__(self) -> None:
        require_aware(self.posted_at)
        exactly(self.digest, NOTICE_DIGEST_SIZE, "the digest of a notice")
        if self.taken_down_at is not None and require_aware(self.taken_down_at) < self.posted_at:
            raise ValueError("a posting is taken down after it was posted")


@dataclass(frozen=True)
class PublicationClock:
    """How far the seven days of one posting have come (R45).

    Full calendar days in China are counted from the day after the posting; days that an objection
    touches are not (R48), or the count begins anew behind it, as ``rules.objection_not_upheld``
    says. ``rules.posting_day_counts`` lets the day of posting count.
    """

    posting: Posting
    suspensions: tuple[Suspension, ...]
    rules: RuleSet

    @property
    def first_day(self) -> date:
        """The first day that counts, unless an objection touches it."""
        begins_at = self.posting.posted_at
        if self.rules.objection_not_upheld is ObjectionReading.RESTART:
            closed = [one.closed_at for one in self.suspensions if one.closed_at is not None]
            begins_at = max((begins_at, *closed))
        day = china_day(begins_at)
        return day if self.rules.posting_day_counts else day + _ONE_DAY

    @property
    def last_day(self) -> date | None:
        """The last of the seven days; None while an objection is open: nobody knows it yet."""
        if any(one.closed_at is None for one in self.suspensions):
            return None
        return self._nth_day(self.suspensions)

    def earliest_last_day(self, now: datetime) -> date:
        """The last day, or the earliest one that it can still be: if the objection ended now."""
        return self._nth_day(
            tuple(
                one if one.closed_at else Suspension(one.opened_at, max(now, one.opened_at))
                for one in self.suspensions
            )
        )

    def _nth_day(self, suspensions: Iterable[Suspension]) -> date:
        stopped = tuple(suspensions)
        day, counted = self.first_day - _ONE_DAY, 0
        while counted < self.rules.publication_days:
            day += _ONE_DAY
            counted += not any(one.touches(day) for one in stopped)
        return day

    @property
    def ends_at(self) -> datetime | None:
        """The midnight in China behind the last day; None while an objection is open."""
        return None if self.last_day is None else china_midnight(self.last_day + _ONE_DAY)

    def is_complete(self, now: datetime) -> bool:
        """Whether the seven days are over and the notice was not taken down before."""
        ends_at, down_at = self.ends_at, self.posting.taken_down_at
        return ends_at is not None and ends_at <= now and (down_at is None or ends_at <= down_at)

    def require_complete(self, now: datetime) -> None:
        """Nothing, if ``is_complete``; RuleViolation R45 with the day on which it will be."""
        if self.is_complete(now):
            return
        if self.ends_at is None:
            raise RuleViolation(
                "R48",
                "an objection is being looked into; the publication ends after it",
                f"“{self.posting.place}”的公示有异议正在核查，核查结束后公示期才能届满",
            )
        if self.posting.taken_down_at is not None:
            raise RuleViolation(
                "R45",
                "the notice was taken down before its seven days were over; post it again",
                f"“{self.posting.place}”的公示未满期限即已撤下，须重新公示并重新计算公示期",
            )
        raise RuleViolation(
            "R45",
            f"the publication is complete on {self.last_day}, when that day is over",
            f"“{self.posting.place}”的公示期到{self.last_day}当日结束才届满"
            f"（{self.rules.publication_days}个整天，张贴当日"
            f"{'计入' if self.rules.posting_day_counts else '不计入'}），请届满后再办理",
        )
