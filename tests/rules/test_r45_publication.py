"""Two places, seven full days in each, on clocks of their own (R43, R45, R48)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.china_time import CHINA, china_day, china_midnight
from libmatch.errors import EncodingError
from services.rules.publication import Place, Posting, PublicationClock, Suspension
from services.rules.readings import ObjectionReading
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

RULES = RuleSet()
RESTART = RuleSet(objection_not_upheld=ObjectionReading.RESTART)
DAY = timedelta(days=1)


def at(day: int, hour: int = 10, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2018, month, day, hour, minute, tzinfo=CHINA)


def posted(when: datetime, taken_down_at: datetime | None = None) -> Posting:
    return Posting(Place.VILLAGE, when, "worker-1", bytes(32), taken_down_at)


def clock(
    when: datetime, *suspensions: Suspension, rules: RuleSet = RULES, down: datetime | None = None
) -> PublicationClock:
    return PublicationClock(posted(when, down), suspensions, rules)


# --- seven days ---------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [at(1, 0), at(1, 8), at(1, 23, 59)])
def test_R45_the_day_of_posting_is_not_counted(when: datetime) -> None:
    running = clock(when)
    assert (running.first_day, running.last_day) == (date(2018, 6, 2), date(2018, 6, 8))
    assert running.ends_at == at(9, 0)


def test_R45_days_are_those_of_china() -> None:
    still_may = datetime(2018, 5, 31, 15, 59, tzinfo=UTC)
    already_june = datetime(2018, 5, 31, 16, 0, tzinfo=UTC)
    assert clock(still_may).last_day == date(2018, 6, 7)
    assert clock(already_june).last_day == date(2018, 6, 8)


def test_R45_the_seventh_day_must_be_over() -> None:
    running = clock(at(1))
    assert not running.is_complete(at(8, 23, 59))
    assert running.is_complete(at(9, 0))
    with pytest.raises(RuleViolation) as caught:
        running.require_complete(at(8, 23, 59))
    assert caught.value.rule == "R45"
    assert "2018-06-08" in caught.value.message_zh
    running.require_complete(at(9, 0))


@given(st.timedeltas(timedelta(0), 4000 * DAY))
def test_R45_seven_full_days_lie_between_posting_and_end(after: timedelta) -> None:
    moment = datetime(2018, 1, 1, tzinfo=UTC) + after
    ends_at = clock(moment).ends_at
    assert ends_at is not None
    assert 7 * DAY <= ends_at - moment <= 8 * DAY
    full_days = [china_day(moment) + n * DAY for n in range(1, 8)]
    assert all(moment <= china_midnight(day) < ends_at for day in full_days)


def test_R45_more_days_and_counting_the_first_one_are_settings() -> None:
    longer = clock(at(1), rules=RuleSet(publication_days=10))
    assert longer.last_day == date(2018, 6, 11)
    counted = clock(at(1), rules=RuleSet(posting_day_counts=True))
    assert (counted.first_day, counted.last_day) == (date(2018, 6, 1), date(2018, 6, 7))


def test_R45_what_was_taken_down_early_is_never_complete() -> None:
    early = clock(at(1), down=at(8, 23))
    assert not early.is_complete(at(30))
    with pytest.raises(RuleViolation) as caught:
        early.require_complete(at(30))
    assert "重新公示" in caught.value.message_zh
    assert clock(at(1), down=at(9, 0)).is_complete(at(9, 0))


def test_R43_each_place_has_its_own_clock() -> None:
    village, unit = clock(at(1)), clock(at(3))
    assert village.is_complete(at(9, 0))
    assert not unit.is_complete(at(9, 0))


# --- objections ---------------------------------------------------------------------------------


def test_R48_there_is_no_end_while_an_objection_is_open() -> None:
    running = clock(at(1), Suspension(at(4)))
    assert (running.last_day, running.ends_at) == (None, None)
    assert not running.is_complete(at(30))
    with pytest.raises(RuleViolation) as caught:
        running.require_complete(at(30))
    assert caught.value.rule == "R48"


def test_R48_the_days_that_were_left_follow_the_objection() -> None:
    # 2 and 3 June counted; 4 to 6 June touched; 7 to 11 June are the five that were left
    assert clock(at(1), Suspension(at(4, 9), at(6, 9))).last_day == date(2018, 6, 11)


def test_R48_or_seven_new_days_where_the_rules_say_so() -> None:
    running = clock(at(1), Suspension(at(4, 9), at(6, 9)), rules=RESTART)
    assert (running.first_day, running.last_day) == (date(2018, 6, 7), date(2018, 6, 13))


def test_R48_two_objections_on_one_day_cost_it_once() -> None:
    both = (Suspension(at(4, 9), at(4, 10)), Suspension(at(4, 9), at(4, 12)))
    assert clock(at(1), *both).last_day == date(2018, 6, 9)


def test_R48_an_objection_before_the_posting_costs_nothing() -> None:
    earlier = Suspension(at(20, month=5), at(25, month=5))
    assert clock(at(1), earlier).last_day == clock(at(1)).last_day
    assert clock(at(1), earlier, rules=RESTART).last_day == clock(at(1)).last_day


def test_R48_the_earliest_end_is_as_if_the_objection_ended_now() -> None:
    running = clock(at(1), Suspension(at(4)))
    assert running.earliest_last_day(at(5)) == date(2018, 6, 10)
    assert running.earliest_last_day(at(9)) == date(2018, 6, 14)
    assert clock(at(1)).earliest_last_day(at(5)) == date(2018, 6, 8)


moments = st.timedeltas(timedelta(0), 26 * DAY).map(lambda after: at(25, month=5) + after)
suspensions = st.tuples(moments, moments).map(lambda two: Suspension(min(two), max(two)))


@given(st.lists(suspensions, max_size=4), suspensions, st.sampled_from([RULES, RESTART]))
def test_R48_an_objection_never_shortens_a_publication(
    some: list[Suspension], another: Suspension, rules: RuleSet
) -> None:
    without, with_it = clock(at(1), *some, rules=rules), clock(at(1), *some, another, rules=rules)
    assert without.last_day is not None
    assert with_it.last_day is not None
    assert with_it.last_day >= without.last_day
    assert without.last_day >= date(2018, 6, 8)


# --- values -------------------------------------------------------------------------------------


def test_R45_values_without_a_zone_or_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        posted(at(1).replace(tzinfo=None))
    with pytest.raises(ValueError, match="after it was posted"):
        posted(at(2), at(1))
    assert not clock(at(1), down=at(1)).is_complete(at(30))  # put up by mistake
    with pytest.raises(ValueError, match="after it was opened"):
        Suspension(at(2), at(1))
    with pytest.raises(EncodingError):
        Posting(Place.VILLAGE, at(1), "worker-1", b"short")
