"""No hit, and no missing step, ever opens the gate: over random courses of random cases (R47)."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libmatch.china_time import CHINA
from libmatch.records import Side
from libmatch.reports import APPROVERS_ALONE, Stage
from services.matcher.standing import CaseFacts, FlaggedPair, Step, find_hold
from services.rules.readings import ObjectionReading
from services.rules.ruleset import RuleSet

START = datetime(2026, 6, 1, 10, tzinfo=CHINA)
UNITS = [("ben", Side.BENEFICIARY), ("reg-a", Side.REGISTRY), ("reg-b", Side.REGISTRY)]
OPENING = frozenset({Stage.COMPLETED, Stage.OBJECTION_CLOSED})

rule_sets = st.builds(
    RuleSet,
    posting_day_counts=st.booleans(),
    objection_not_upheld=st.sampled_from(ObjectionReading),
)
moments = st.integers(0, 12 * 24).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    unit, side = draw(st.sampled_from(UNITS))
    allowed = [s for s in Stage if side is Side.BENEFICIARY or s not in APPROVERS_ALONE]
    return Step(unit, side, draw(st.sampled_from(allowed)), draw(moments), bytes(32))


def _whole(unit: str) -> list[Step]:
    """A course that clears, so that random changes start where something can be lost."""
    places = [("ben", Side.BENEFICIARY), (unit, Side.REGISTRY)]
    said = [("ben", Side.BENEFICIARY, Stage.COMPLIANT)]
    said += [(*place, stage) for stage in (Stage.POSTED, Stage.COMPLETED) for place in places]
    return [Step(*one, START, bytes(32)) for one in said]


@st.composite
def courses(draw: st.DrawFn) -> list[Step]:
    course = _whole(draw(st.sampled_from(["reg-a", "reg-b"]))) if draw(st.booleans()) else []
    return course + draw(st.lists(steps(), max_size=6))


def pair(course: list[Step]) -> FlaggedPair:
    return FlaggedPair(START, CaseFacts("ben", frozenset({"reg-a", "reg-b"}), tuple(course)))


pairs = st.one_of(st.just(FlaggedPair(START, None)), courses().map(pair))
late = moments.map(lambda at: at + timedelta(days=5))


def is_clear(hits: list[FlaggedPair], now: datetime, rules: RuleSet) -> bool:
    return find_hold(hits, now, lambda _: rules) is None


@given(st.lists(pairs, max_size=3), pairs, late, rule_sets)
def test_R47_one_more_hit_never_turns_hold_into_clear(
    hits: list[FlaggedPair], more: FlaggedPair, now: datetime, rules: RuleSet
) -> None:
    if not is_clear(hits, now, rules):
        assert not is_clear([*hits, more], now, rules)
    assert is_clear([*hits, more], now, rules) <= is_clear([more], now, rules)


@given(courses(), st.data(), late, rule_sets)
def test_R47_a_missing_step_towards_the_end_never_turns_hold_into_clear(
    course: list[Step], data: st.DataObject, now: datetime, rules: RuleSet
) -> None:
    towards = [i for i, step in enumerate(course) if step.stage in OPENING]
    if towards:
        gone = data.draw(st.sampled_from(towards))
        fewer = [step for i, step in enumerate(course) if i != gone]
        assert is_clear([pair(fewer)], now, rules) <= is_clear([pair(course)], now, rules)


@given(courses(), late, rule_sets)
def test_R47_without_the_reports_of_a_side_nothing_is_clear(
    course: list[Step], now: datetime, rules: RuleSet
) -> None:
    for side in Side:
        assert not is_clear([pair([s for s in course if s.side is not side])], now, rules)


@given(courses(), steps(), late, rule_sets)
def test_R47_only_an_end_opens_the_gate(
    course: list[Step], step: Step, now: datetime, rules: RuleSet
) -> None:
    if step.stage not in OPENING:
        assert is_clear([pair([*course, step])], now, rules) <= is_clear([pair(course)], now, rules)


@given(courses(), late, rule_sets)
def test_R45_what_is_clear_stays_clear_while_nothing_is_reported(
    course: list[Step], now: datetime, rules: RuleSet
) -> None:
    if is_clear([pair(course)], now, rules):
        assert is_clear([pair(course)], now + timedelta(days=400), rules)
