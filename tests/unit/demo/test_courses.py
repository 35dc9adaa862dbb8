"""The demo's plain answer to what must come of a matter, checked by counting days by hand."""

from __future__ import annotations

import pytest

from demo.courses import (
    ACTED_ON,
    CHECKED_ON,
    COURSES,
    OFFICIAL_UNIT,
    PLACES,
    VILLAGE,
    Course,
    Objection,
    Posted,
    State,
)

POSTED = Course(taken=True, compliant=True, postings={place: (Posted(0),) for place in PLACES})


def test_R45_seven_full_days_behind_the_day_of_posting() -> None:
    assert POSTED.state_on(7) is State.PUBLISHING  # the seventh day is not over
    assert POSTED.state_on(8) is State.PUBLISHED


def test_R43_one_place_is_not_enough() -> None:
    course = Course(taken=True, compliant=True, postings={VILLAGE: (Posted(0),)})
    assert course.state_on(30) is State.PUBLISHING
    assert course.due_on(30, notified=-1) == 15


def test_R45_a_notice_taken_down_begins_again() -> None:
    postings = {VILLAGE: (Posted(0, down=3), Posted(3)), OFFICIAL_UNIT: (Posted(0),)}
    course = Course(taken=True, compliant=True, postings=postings)
    assert course.state_on(10) is State.PUBLISHING
    assert course.state_on(11) is State.PUBLISHED


def test_R48_days_of_an_objection_do_not_count() -> None:
    course = Course(taken=True, compliant=True, postings=POSTED.postings, objection=Objection(3, 5))
    assert [course.state_on(day) for day in (2, 3, 4, 5)] == [
        *(State.PUBLISHING, State.OBJECTED, State.OBJECTED, State.PUBLISHING),
    ]
    assert course.state_on(10) is State.PUBLISHING  # 1 2 and 6 to 10: the tenth is not over
    assert course.state_on(11) is State.PUBLISHED


def test_R48_R41_an_objection_that_was_right_ends_it() -> None:
    course = Course(
        taken=True,
        compliant=True,
        postings=POSTED.postings,
        objection=Objection(3, 5, upheld=True),
        measured=6,
    )
    assert course.state_on(5) is State.NOT_COMPLIANT
    assert course.due_on(5, notified=-1) == 20
    assert course.state_on(6) is State.MEASURED
    assert not course.is_published(30)


def test_R39_what_nobody_verified_is_due_from_its_notice() -> None:
    assert Course().due_on(20, notified=-1) == 14
    assert Course(taken=True).due_on(20, notified=2) == 17


@pytest.mark.parametrize("state", [s for s in State if s not in (State.COMPLIANT, State.WITHDRAWN)])
def test_the_demo_s_courses_end_in_every_state(state: State) -> None:
    assert state in {course.state_on(CHECKED_ON[-1]) for course in COURSES.values()}


def test_every_day_of_a_course_is_a_day_on_which_something_is_done() -> None:
    days = set()
    for course in COURSES.values():
        for postings in course.postings.values():
            days |= {day for one in postings for day in (one.on, one.down)}
        if course.objection:
            days |= {course.objection.on, course.objection.answered}
        days.add(course.measured)
    assert days - {None} <= set(ACTED_ON)
