"""What the people of the demo do about a matter, day by day, and what must come of it by the rules.

The expected answer is worked out from the rules' text with whole days alone (R39, R41, R43, R45, R48): it
shares nothing with ``services.rules``, which it judges. Day 0 is the day on which the work begins; everything
happens at noon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SEVEN_DAYS = 7  # R45; the day of posting does not count
VERIFY_WITHIN, MEASURE_WITHIN, POST_WITHIN, ANSWER_WITHIN = 15, 15, 15, 15  # days; R39 R41 R43 R48
VILLAGE, OFFICIAL_UNIT = "village", "official_unit"
PLACES = (VILLAGE, OFFICIAL_UNIT)  # R43


class State(StrEnum):
    """How far a matter has come; values as the units' service names them."""

    NOTIFIED = "NOTIFIED"
    VERIFYING = "VERIFYING"
    COMPLIANT = "COMPLIANT"
    NOT_COMPLIANT = "NOT_COMPLIANT"
    MEASURED = "MEASURED"
    PUBLISHING = "PUBLISHING"
    OBJECTED = "OBJECTED"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True)
class Posted:
    """One posting: the day, and the day on which it was taken down before its end."""

    on: int
    down: int | None = None


@dataclass(frozen=True)
class Objection:
    """An objection (R48): the day, the day of the answer, whether it was right, and who is told."""

    on: int
    answered: int | None = None
    upheld: bool = False
    told_at: str = VILLAGE


@dataclass(frozen=True)
class Course:
    """What is done about one matter. ``compliant``: what was found on day 0, None for nothing yet."""

    taken: bool = False
    compliant: bool | None = None
    measured: int | None = None
    postings: Mapping[str, tuple[Posted, ...]] = field(default_factory=dict)
    objection: Objection | None = None

    def state_on(self, today: int) -> State:
        """The state once everything of ``today`` was done."""
        if self.compliant is None:
            return State.VERIFYING if self.taken else State.NOTIFIED
        if self._is_found_wrong(today):
            return State.MEASURED if _is_by(self.measured, today) else State.NOT_COMPLIANT
        if self._is_objected(today):
            return State.OBJECTED
        if not any(self._stands(place, today) for place in PLACES):
            return State.COMPLIANT
        return State.PUBLISHED if self.is_published(today) else State.PUBLISHING

    def is_published(self, today: int) -> bool:
        """Whether it is compliant and the seven days are over in both places (R43, R45, R48)."""
        held_up = self._is_found_wrong(today) or self._is_objected(today)
        return not held_up and all(self._is_over(place, today) for place in PLACES)

    def due_on(self, today: int, notified: int) -> int | None:
        """The day by which somebody must act; None where nobody must. ``notified``: day of the notice."""
        match self.state_on(today):
            case State.NOTIFIED | State.VERIFYING:
                return notified + VERIFY_WITHIN
            case State.NOT_COMPLIANT:
                return self._found_wrong_on + MEASURE_WITHIN
            case State.OBJECTED if self.objection:
                return self.objection.on + ANSWER_WITHIN
            case State.COMPLIANT | State.PUBLISHING:
                waits = [self._waits_since(place, today) for place in PLACES]
                since = [one for one in waits if one is not None]
                return min(since) + POST_WITHIN if since else None
        return None

    @property
    def _found_wrong_on(self) -> int:
        objection = self.objection
        return objection.answered or 0 if objection and objection.upheld else 0

    def _is_found_wrong(self, today: int) -> bool:
        objection = self.objection
        upheld = objection and objection.upheld and _is_by(objection.answered, today)
        return self.compliant is False or bool(upheld)

    def _is_objected(self, today: int) -> bool:
        """Whether an objection is open."""
        objection = self.objection
        if objection is None or objection.on > today:
            return False
        return not _is_by(objection.answered, today)

    def _last(self, place: str, today: int) -> Posted | None:
        found = [one for one in self.postings.get(place, ()) if one.on <= today]
        return found[-1] if found else None

    def _stands(self, place: str, today: int) -> bool:
        last = self._last(place, today)
        return last is not None and not _is_by(last.down, today)

    def _waits_since(self, place: str, today: int) -> int | None:
        """Since when the place has no notice; None while it has one."""
        last = self._last(place, today)
        if last is None:
            return 0
        return last.down if _is_by(last.down, today) else None

    def _is_over(self, place: str, today: int) -> bool:
        """Whether seven full days have passed, without the day of posting; ``today`` is not over."""
        last = self._last(place, today)
        if last is None or not self._stands(place, today):
            return False
        days = range(last.on + 1, today)
        return sum(not self._is_stopped(day) for day in days) >= SEVEN_DAYS

    def _is_stopped(self, day: int) -> bool:
        """Whether the objection was looked into on any part of that day (R48)."""
        objection = self.objection
        if objection is None or objection.answered is None:
            return False
        return objection.on <= day <= objection.answered


def _is_by(day: int | None, today: int) -> bool:
    return day is not None and day <= today


_BOTH = {place: (Posted(0),) for place in PLACES}
_PUBLISHED = Course(taken=True, compliant=True, postings=_BOTH)
_FAILED = Course(taken=True, compliant=False, measured=0)
UNTOUCHED = Course()

COURSES: Mapping[str, Course] = {
    "published": _PUBLISHED,
    "not_compliant": _FAILED,
    "never_verified": UNTOUCHED,
    "published_2": _PUBLISHED,
    "objection_dismissed": Course(
        taken=True, compliant=True, postings=_BOTH, objection=Objection(3, 5, told_at=OFFICIAL_UNIT)
    ),
    "published_3": _PUBLISHED,
    "taken_down_and_posted_again": Course(
        taken=True,
        compliant=True,
        postings={VILLAGE: (Posted(0, down=3), Posted(3)), OFFICIAL_UNIT: (Posted(0),)},
    ),
    "never_concluded": Course(taken=True),
    "published_4": _PUBLISHED,
    "objection_upheld": Course(
        taken=True,
        compliant=True,
        postings=_BOTH,
        objection=Objection(3, 5, upheld=True),
        measured=5,
    ),
    "not_compliant_and_nothing_done": Course(taken=True, compliant=False),
    "posted_in_one_place": Course(taken=True, compliant=True, postings={VILLAGE: (Posted(0),)}),
    "objection_open": Course(taken=True, compliant=True, postings=_BOTH, objection=Objection(3)),
    "taken_down_early": Course(
        taken=True,
        compliant=True,
        postings={VILLAGE: (Posted(0),), OFFICIAL_UNIT: (Posted(0, down=3),)},
    ),
    "published_5": _PUBLISHED,
}
"""What happens to the matters of the sample, one after the other, again and again."""

ACTED_ON = (0, 3, 5)
CHECKED_ON = (8, 11, 17)
"""When it is compared: behind the seven days, behind those that began again, and when much is overdue."""
