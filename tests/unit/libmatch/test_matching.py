"""The reference matcher: the oracle is simple enough to be checked by hand and by brute force."""

from __future__ import annotations

import itertools
import random

import pytest

from libmatch.matching import ReferenceMatcher, make_hit, match
from libmatch.records import Hit, RecordRef, Side

T1, T2 = b"1" * 32, b"2" * 32
R1 = RecordRef(Side.REGISTRY, "reg-a", b"r1".ljust(16))
R2 = RecordRef(Side.REGISTRY, "reg-b", b"r2".ljust(16))
B1 = RecordRef(Side.BENEFICIARY, "ben-a", b"b1".ljust(16))
B2 = RecordRef(Side.BENEFICIARY, "ben-a", b"b2".ljust(16))


def brute_force(records: list[tuple[RecordRef, bytes]]) -> set[Hit]:
    return {
        Hit(a, b)
        for (a, t), (b, u) in itertools.product(records, repeat=2)
        if a.side is Side.REGISTRY and b.side is Side.BENEFICIARY and t == u
    }


def test_equal_tokens_of_opposite_sides_are_a_hit() -> None:
    assert match([(R1, T1), (B1, T1)]) == {Hit(R1, B1)}


def test_equal_tokens_of_one_side_are_none() -> None:
    assert match([(R1, T1), (R2, T1), (B1, T2), (B2, T2)]) == set()


def test_every_pair_is_a_hit_once() -> None:
    matcher = ReferenceMatcher()
    hits = matcher.admit([(R1, T1), (B1, T1), (R2, T1), (B2, T1)])
    assert sorted(hits) == sorted(make_hit(r, b) for r in (R1, R2) for b in (B1, B2))


def test_a_record_that_arrives_again_adds_nothing() -> None:
    matcher = ReferenceMatcher()
    matcher.admit([(R1, T1), (B1, T1)])
    assert matcher.admit([(R1, T1), (B1, T1)]) == []


def test_the_hit_names_the_registry_first() -> None:
    assert make_hit(B1, R1) == make_hit(R1, B1) == Hit(R1, B1)


@pytest.mark.parametrize("gone", [R1, B1])
def test_a_withdrawn_record_has_no_hits(gone: RecordRef) -> None:
    matcher = ReferenceMatcher()
    matcher.admit([(R1, T1), (B1, T1), (R2, T1)])
    matcher.withdraw([gone, RecordRef(Side.REGISTRY, "nobody", bytes(16))])
    assert matcher.live_hits() == ({Hit(R2, B1)} if gone == R1 else set())


def test_the_order_of_arrival_does_not_matter() -> None:
    rng = random.Random(7)
    tokens = [bytes([i]) * 32 for i in range(4)]
    records = [
        (RecordRef(side, f"unit-{u}", bytes([side, u, n]).ljust(16)), rng.choice(tokens))
        for side in Side
        for u in range(3)
        for n in range(5)
    ]
    expected = brute_force(records)
    assert expected
    for _ in range(20):
        rng.shuffle(records)
        assert match(records) == expected
