"""What a list of hits adds, takes back and contradicts."""

from __future__ import annotations

from dataclasses import replace

from services.inspector.listing import compare
from services.inspector.matcher import HitSummary
from services.inspector.states import DisputeKind


def hit(number: int, *, live: bool = True) -> HitSummary:
    return HitSummary(number, number.to_bytes(32, "big"), 1_000_000 + number, 10 + number, live)


def known(*hits: HitSummary) -> dict[int, HitSummary]:
    return {one.number: one for one in hits}


def test_new_hits_are_taken_with_those_that_are_withdrawn_already() -> None:
    listed = [hit(1), hit(2, live=False)]
    changes = compare({}, listed)
    assert (changes.new, changes.withdrawn, changes.disputes) == (tuple(listed), (), ())


def test_the_same_list_again_changes_nothing() -> None:
    listed = [hit(1), hit(2, live=False)]
    assert compare(known(*listed), listed) == compare({}, [])


def test_a_hit_that_lost_a_record_is_withdrawn() -> None:
    changes = compare(known(hit(1), hit(2)), [hit(1, live=False), hit(2)])
    assert (changes.new, changes.withdrawn, changes.disputes) == ((), (1,), ())


def test_a_gap_is_one_dispute_for_each_run() -> None:
    changes = compare({}, [hit(3), hit(4), hit(6)])
    assert [(one.kind, one.detail) for one in changes.disputes] == [
        (DisputeKind.GAP, "1-2"),
        (DisputeKind.GAP, "5"),
    ]
    assert [one.number for one in changes.new] == [3, 4, 6]


def test_a_gap_up_to_the_largest_number_is_one_dispute() -> None:
    largest = replace(hit(1), number=(1 << 63) - 1)
    assert len(compare({}, [largest]).disputes) == 1


def test_a_hit_that_is_not_listed_any_more_is_a_contradiction() -> None:
    changes = compare(known(hit(1), hit(2), hit(3)), [hit(1), hit(3)])
    assert [(one.kind, one.detail) for one in changes.disputes] == [
        (DisputeKind.CONTRADICTION, "2")
    ]


def test_a_hit_that_became_another_is_a_contradiction_and_changes_nothing() -> None:
    before = hit(1)
    for after in (
        replace(before, hit_id=bytes(32)),
        replace(before, leaf_index=99),
        replace(before, found_at_us=1, live=False),
    ):
        changes = compare(known(before), [after])
        assert [one.kind for one in changes.disputes] == [DisputeKind.CONTRADICTION]
        assert not changes.new
        assert not changes.withdrawn


def test_an_erased_record_does_not_come_back() -> None:
    changes = compare(known(hit(1, live=False)), [hit(1)])
    assert [one.kind for one in changes.disputes] == [DisputeKind.CONTRADICTION]


def test_one_hit_under_two_numbers_is_a_contradiction() -> None:
    twice = replace(hit(1), number=2)
    for changes in (compare({}, [hit(1), twice]), compare(known(hit(1)), [hit(1), twice])):
        assert [one.detail for one in changes.disputes] == ["2"]
        assert 2 not in [one.number for one in changes.new]
