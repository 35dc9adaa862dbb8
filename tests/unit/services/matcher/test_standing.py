"""What holds an item up, from the reports of its cases: the truth table of the gate's second form.

Posted on 1 June (China) the seven full days are 2 to 8 June, so that 9 June, 00:00, is the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from libmatch.china_time import CHINA
from libmatch.clearances import HoldReason
from libmatch.records import Side
from libmatch.reports import Stage
from services.matcher.standing import CaseFacts, FlaggedPair, Step, find_hold
from services.rules.readings import ObjectionReading
from services.rules.ruleset import RuleSet

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
RULES = RuleSet()
FIRST = datetime(2026, 6, 1, 10, tzinfo=CHINA)
END = datetime(2026, 6, 9, tzinfo=CHINA)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)

COMPLIANT, NOT_COMPLIANT, POSTED = Stage.COMPLIANT, Stage.NOT_COMPLIANT, Stage.POSTED
COMPLETED, TAKEN_DOWN, NOTE = Stage.COMPLETED, Stage.TAKEN_DOWN, Stage.NOTE
OBJECTED, CLOSED = Stage.OBJECTED, Stage.OBJECTION_CLOSED
APPROVER, OFFICIAL, OTHER = ("ben", BEN), ("reg", REG), ("reg-2", REG)
Said = tuple[tuple[str, Side], Stage, datetime]

VERDICT: list[Said] = [(APPROVER, COMPLIANT, FIRST)]
POSTINGS: list[Said] = [(APPROVER, POSTED, FIRST), (OFFICIAL, POSTED, FIRST)]
ENDINGS: list[Said] = [(APPROVER, COMPLETED, END), (OFFICIAL, COMPLETED, END)]
WHOLE = [*VERDICT, *POSTINGS, *ENDINGS]


def pair(said: Iterable[Said], declaring: tuple[str, ...] = ("reg",)) -> FlaggedPair:
    steps = tuple(Step(unit, side, stage, at, bytes(32)) for (unit, side), stage, at in said)
    return FlaggedPair(FIRST, CaseFacts("ben", frozenset(declaring), steps))


def ask(said: Iterable[Said], now: datetime = END, rules: RuleSet = RULES) -> HoldReason | None:
    return find_hold([pair(said)], now, lambda _: rules)


def test_R47_no_hit_holds_nothing_up() -> None:
    assert find_hold([], END, lambda _: RULES) is None


def test_R47_verified_and_published_in_both_places_to_the_end_holds_nothing_up() -> None:
    assert ask(WHOLE) is None


def test_R47_an_unassigned_hit_is_unverified() -> None:
    late = FlaggedPair(FIRST, None)
    assert find_hold([late], END, lambda _: RULES) is HoldReason.UNVERIFIED


@pytest.mark.parametrize("order", [1, -1])
def test_R47_a_later_hit_holds_up_what_was_clear(order: int) -> None:
    hits = [pair(WHOLE), FlaggedPair(END, None)][::order]
    assert find_hold(hits, END, lambda _: RULES) is HoldReason.UNVERIFIED


def test_R47_of_several_reasons_the_weightiest_is_told() -> None:
    hits = [pair(VERDICT), pair([(APPROVER, NOT_COMPLIANT, FIRST)]), pair([])]
    assert find_hold(hits, END, lambda _: RULES) is HoldReason.NOT_COMPLIANT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], HoldReason.UNVERIFIED),
        ([(APPROVER, NOTE, FIRST)], HoldReason.UNVERIFIED),
        ([*POSTINGS, *ENDINGS], HoldReason.UNVERIFIED),
        ([(APPROVER, NOT_COMPLIANT, FIRST)], HoldReason.NOT_COMPLIANT),
        (VERDICT, HoldReason.UNPUBLISHED),
        ([*VERDICT, *POSTINGS], HoldReason.UNPUBLISHED),
    ],
    ids=["nothing", "note", "no-verdict", "not-compliant", "not-posted", "not-completed"],
)
def test_R47_what_is_missing_is_the_reason(said: list[Said], reason: HoldReason) -> None:
    assert ask(said) is reason


@pytest.mark.parametrize("missing", range(len(WHOLE)))
def test_R47_without_any_one_of_the_steps_it_holds(missing: int) -> None:
    assert ask([one for i, one in enumerate(WHOLE) if i != missing]) is not None


@pytest.mark.parametrize("place", [APPROVER, OFFICIAL])
def test_R43_one_place_alone_is_not_enough(place: tuple[str, Side]) -> None:
    only = [one for one in WHOLE if one[1] is COMPLIANT or one[0] == place]
    assert ask(only) is HoldReason.UNPUBLISHED


def test_R45_seven_full_days_by_the_matchers_clock() -> None:
    assert ask(WHOLE, END - TICK) is HoldReason.UNPUBLISHED
    assert ask(WHOLE, END) is None


def test_R45_a_unit_that_says_completed_early_gains_nothing() -> None:
    early = [*VERDICT, *POSTINGS, (APPROVER, COMPLETED, FIRST), (OFFICIAL, COMPLETED, FIRST)]
    assert ask(early, END - TICK) is HoldReason.UNPUBLISHED
    assert ask(early, END) is None


def test_R45_each_place_has_its_own_seven_days() -> None:
    later = FIRST + 2 * DAY
    said = [*VERDICT, POSTINGS[0], (OFFICIAL, POSTED, later), *ENDINGS]
    assert ask(said, END) is HoldReason.UNPUBLISHED
    assert ask(said, END + 2 * DAY) is None


def test_R45_taken_down_before_its_end_never_completes() -> None:
    down = [*VERDICT, *POSTINGS, (OFFICIAL, TAKEN_DOWN, END - TICK), *ENDINGS]
    assert ask(down, END + 30 * DAY) is HoldReason.UNPUBLISHED


def test_R45_a_second_word_of_the_taking_down_does_not_mend_the_first() -> None:
    twice = [(OFFICIAL, TAKEN_DOWN, END - TICK), (OFFICIAL, TAKEN_DOWN, END)]
    assert ask([*VERDICT, *POSTINGS, *twice, *ENDINGS], END) is HoldReason.UNPUBLISHED


def test_R45_taken_down_after_its_end_is_as_it_should_be() -> None:
    assert ask([*WHOLE, (OFFICIAL, TAKEN_DOWN, END)], END + DAY) is None


def test_R45_a_corrected_notice_begins_its_days_anew() -> None:
    again = [*WHOLE, (OFFICIAL, POSTED, END)]
    assert ask(again, END + 30 * DAY) is HoldReason.UNPUBLISHED
    done = [*again, (OFFICIAL, COMPLETED, END + DAY)]
    assert ask(done, datetime(2026, 6, 17, tzinfo=CHINA) - TICK) is HoldReason.UNPUBLISHED
    assert ask(done, datetime(2026, 6, 17, tzinfo=CHINA)) is None


def test_R40_a_superseding_verdict_needs_new_postings() -> None:
    again = [*WHOLE, (APPROVER, COMPLIANT, END)]
    assert ask(again, END + 30 * DAY) is HoldReason.UNPUBLISHED
    moved = [(who, stage, at + 8 * DAY) for who, stage, at in [*POSTINGS, *ENDINGS]]
    assert ask([*again, *moved], END + 8 * DAY) is None


def test_R40_what_was_posted_before_a_verdict_is_not_completed_after_it() -> None:
    again = [*WHOLE, (APPROVER, COMPLIANT, END), *ENDINGS]
    assert ask(again, END + 30 * DAY) is HoldReason.UNPUBLISHED


def test_R40_a_verdict_of_not_compliant_voids_what_was_published() -> None:
    fallen = [*WHOLE, (APPROVER, NOT_COMPLIANT, END)]
    assert ask(fallen, END + DAY) is HoldReason.NOT_COMPLIANT
    assert ask([*fallen, (APPROVER, COMPLIANT, END)], END + DAY) is HoldReason.UNPUBLISHED


@pytest.mark.parametrize("by", [APPROVER, OFFICIAL])
def test_R48_an_open_objection_holds(by: tuple[str, Side]) -> None:
    objected = [*WHOLE, (by, OBJECTED, END)]
    assert ask(objected, END + 30 * DAY) is HoldReason.OBJECTION
    assert ask([*objected, (APPROVER, CLOSED, END + DAY)], END + DAY) is None


def test_R48_days_of_an_objection_are_not_counted() -> None:
    stop = FIRST + 2 * DAY
    looked_into: list[Said] = [(OFFICIAL, OBJECTED, stop), (APPROVER, CLOSED, stop + DAY)]
    said = [*VERDICT, *POSTINGS, *looked_into, *ENDINGS]
    assert ask(said, END + 2 * DAY - TICK) is HoldReason.UNPUBLISHED
    assert ask(said, END + 2 * DAY) is None


def test_R48_where_the_rules_say_so_the_days_begin_anew_behind_an_objection() -> None:
    rules = replace(RULES, objection_not_upheld=ObjectionReading.RESTART)
    stop = FIRST + 2 * DAY
    looked_into: list[Said] = [(OFFICIAL, OBJECTED, stop), (APPROVER, CLOSED, stop)]
    said = [*VERDICT, *POSTINGS, *looked_into, *ENDINGS]
    assert ask(said, END + 2 * DAY - TICK, rules) is HoldReason.UNPUBLISHED
    assert ask(said, END + 2 * DAY, rules) is None


def test_R48_a_new_verdict_closes_objections_and_voids_the_postings() -> None:
    said = [*WHOLE, (OFFICIAL, OBJECTED, END), (APPROVER, COMPLIANT, END + DAY)]
    assert ask(said, END + 30 * DAY) is HoldReason.UNPUBLISHED


def test_R48_an_objection_to_what_a_verdict_has_voided_holds_nothing_up() -> None:
    late: list[Said] = [(APPROVER, COMPLIANT, END), (OFFICIAL, OBJECTED, END)]
    assert ask([*WHOLE, *late], END + 30 * DAY) is HoldReason.UNPUBLISHED


def test_R62_a_case_is_judged_by_the_rules_of_the_day_on_which_its_hit_was_found() -> None:
    asked: list[object] = []

    def rules_on(day: object) -> RuleSet:
        asked.append(day)
        return replace(RULES, posting_day_counts=True)

    assert find_hold([pair(WHOLE)], END - DAY, rules_on) is None
    assert asked == [FIRST.date()]


def test_R43_of_two_declaring_units_one_posts_for_the_officials_place() -> None:
    by_other = [(OTHER if who == OFFICIAL else who, stage, at) for who, stage, at in WHOLE]
    hits = [pair(by_other, ("reg", "reg-2"))]
    assert find_hold(hits, END, lambda _: RULES) is None


def test_R43_two_declaring_units_do_not_make_one_posting_between_them() -> None:
    split = [(OTHER if stage is COMPLETED and who == OFFICIAL else who, stage, at)
             for who, stage, at in WHOLE]  # fmt: skip
    hits = [pair(split, ("reg", "reg-2"))]
    assert find_hold(hits, END, lambda _: RULES) is HoldReason.UNPUBLISHED


def test_R43_a_unit_whose_declaration_is_gone_does_not_post_for_it() -> None:
    hits = [pair(WHOLE, ("reg-2",))]
    assert find_hold(hits, END, lambda _: RULES) is HoldReason.UNPUBLISHED


def test_R38_a_verdict_of_anybody_but_the_approver_counts_for_nothing() -> None:
    foreign = [(("other", BEN), COMPLIANT, FIRST), *POSTINGS, *ENDINGS]
    assert ask(foreign) is HoldReason.UNVERIFIED
    objected = [*WHOLE, (OFFICIAL, OBJECTED, END), (("other", BEN), CLOSED, END)]
    assert ask(objected) is HoldReason.OBJECTION


def test_R45_a_clock_that_was_set_back_never_shortens_the_days() -> None:
    back = [*VERDICT, (APPROVER, POSTED, FIRST - 5 * DAY), (OFFICIAL, POSTED, FIRST - 9 * DAY)]
    said = [*back, (OFFICIAL, OBJECTED, FIRST - DAY), (APPROVER, CLOSED, FIRST - DAY), *ENDINGS]
    assert ask(said, END - TICK) is HoldReason.UNPUBLISHED
    assert ask(said, END) is None
