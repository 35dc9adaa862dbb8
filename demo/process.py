"""The process behind the hits, in short: verified, published in two places, objected to, held or let through.

A sample of each approving unit's matters goes the ways of ``demo.courses`` under a clock that is moved; the
others stay as they are and become overdue. Everybody works through the services of his own unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle

from demo.clock import MovedClock
from demo.courses import COURSES, VILLAGE, Course
from demo.families import Person
from demo.judge import HitKey, case_key, key_of
from demo.parties import Beneficiary, Office, Registry, blaming
from demo.site import Site
from demo.truth import ExpectedHit
from demo.uploads import send_all
from libmatch.china_time import CHINA, china_day
from libmatch.identifiers import Identifier, Kind
from libmatch.stubs.inspector.v1 import inspector_pb2

PER_UNIT = 10
"""Matters of each approving unit that people work on."""


@dataclass(frozen=True)
class Job:
    """One matter of the sample: who approves, who declared, and its course.

    ``born_on``: what the beneficiary's document says, where the number does not show it; else "".
    """

    case_id: bytes
    key: HitKey
    approver: Beneficiary
    declarer: Registry
    course: Course
    born_on: str = ""

    def poster(self, place: str) -> Office:
        """Whose notice it is in that place (R43)."""
        return self.approver if place == VILLAGE else self.declarer


def draw_jobs(
    site: Site, cases: Sequence[inspector_pb2.Case], hits: Iterable[ExpectedHit]
) -> Iterator[Job]:
    """The first matters of each approving unit, of those that are simple. ``hits``: those that stand."""
    courses, people = cycle(COURSES.values()), {key_of(hit): hit.person for hit in hits}
    simple = [case for case in cases if _is_simple(case)]
    for office in site.beneficiaries:
        own = [case for case in simple if case.approving_unit == office.unit.id]
        for case in sorted(own, key=case_key)[:PER_UNIT]:
            declarer = next(o for o in site.registries if o.unit.id == case.declaring_units[0])
            key = case_key(case)
            born_on = _stated_birth(people[key])
            yield Job(case.case_id, key, office, declarer, next(courses), born_on)


def _is_simple(case: inspector_pb2.Case) -> bool:
    """Released as it is now, and declared in one unit."""
    released = case.status == inspector_pb2.CASE_STATUS_RELEASED
    return released and len(case.declaring_units) == 1


def _stated_birth(person: Person) -> str:
    """The birth date as somebody reads it from a document whose number does not show it (R44)."""
    shown = Identifier(Kind(person.papers), person.number).birth_date
    return "" if shown else person.birth.isoformat()


@dataclass
class Work:
    """What people do about ``jobs``, day by day. Raises DemoFailure where a service refuses it."""

    site: Site
    clock: MovedClock
    jobs: Sequence[Job]
    first_day: date = field(init=False)

    def __post_init__(self) -> None:
        # Tomorrow, at noon: whatever the time is now, no step of a day falls on the next.
        self.first_day = self.today + timedelta(days=1)

    @property
    def today(self) -> date:
        """The day in China."""
        return china_day(self.clock())

    def go_to(self, day: int) -> None:
        """Return at noon of that day."""
        noon = datetime.combine(self.first_day + timedelta(days=day), time(12), CHINA)
        self.clock.move_to(noon.astimezone(UTC))

    def act(self, day: int) -> None:
        """Does what courses have for that day: verify or answer first, then publish and object."""
        if day == 0:
            self._each(self._verify, day)
        self._each(self._answer, day)
        self.meet()
        self._each(self._publish, day)
        self._each(self._object, day)
        self.meet()

    def meet(self) -> None:
        """Every step reaches the other unit of its matter: approvers send, the others too, approvers hear."""
        site = self.site
        with ThreadPoolExecutor(2) as workers:
            for offices in (site.beneficiaries, site.registries, site.beneficiaries):
                list(workers.map(send_all, offices))

    def _each(self, act: Callable[[Job, int], None], day: int) -> None:
        for job in self.jobs:
            act(job, day)

    @staticmethod
    def _verify(job: Job, _day: int) -> None:
        """The official is told (R36); the approver looks into it (R38, R39)."""
        with blaming(job.declarer.process):
            job.declarer.matters.inform_official(job.case_id)
        if not job.course.taken:
            return
        with blaming(job.approver.process):
            job.approver.matters.take(job.case_id)
            if job.course.compliant is not None:
                job.approver.matters.conclude(job.case_id, compliant=job.course.compliant)

    @staticmethod
    def _publish(job: Job, day: int) -> None:
        for place, postings in job.course.postings.items():
            office = job.poster(place)
            with blaming(office.process):
                if any(posted.down == day for posted in postings):
                    office.matters.take_down(job.case_id)
                if any(posted.on == day for posted in postings):
                    office.matters.post(job.case_id, job.born_on)

    @staticmethod
    def _object(job: Job, day: int) -> None:
        objection = job.course.objection
        if objection is not None and objection.on == day:
            office = job.poster(objection.told_at)
            with blaming(office.process):
                office.matters.object_to(job.case_id)

    def _answer(self, job: Job, day: int) -> None:
        """An objection is decided (R48), and what is not in order has its consequences (R41)."""
        objection, matters = job.course.objection, job.approver.matters
        with blaming(job.approver.process):
            if objection is not None and objection.answered == day:
                matters.conclude(job.case_id, compliant=not objection.upheld)
            if job.course.measured == day:
                matters.measure(job.case_id, self.today)
