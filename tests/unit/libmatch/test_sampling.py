"""Samples (R51, R52): against vectors of a second implementation, and each item as likely as another."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.errors import EncodingError
from libmatch.sampling import (
    Draw,
    Reveal,
    SampleError,
    add_commitment,
    add_reveal,
    commit,
    digest_population,
    draw_items,
    draw_sample,
    plan_draw,
    sample_size,
)
from tests.unit.libmatch.draws import ITEMS, PARTIES, PLAN, finished
from tests.vectors.make_sampling_vectors import FILE, make

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
each_vector = pytest.mark.parametrize("case", VECTORS["draws"], ids=lambda case: case["title"])
populations = st.sets(st.binary(min_size=1, max_size=64), min_size=1, max_size=60).map(sorted)
seeds = st.binary(min_size=32, max_size=32)


# --- vectors --------------------------------------------------------------------------------------


def test_the_file_is_what_its_maker_makes() -> None:
    assert make() == VECTORS


@each_vector
def test_draw_is_the_published_one(case: dict[str, Any]) -> None:
    items = [bytes.fromhex(item) for item in case["items"]]
    plan = plan_draw(case["title"], items, case["percent"], case["parties"])
    assert (plan.population.hex(), plan.digest.hex()) == (case["population"], case["plan"])
    assert plan.count == case["count"]
    reveals = [
        Reveal(party, bytes.fromhex(one["nonce"]), bytes.fromhex(one["value"]))
        for party, one in zip(case["parties"], case["reveals"], strict=True)
    ]
    draw = Draw(plan)
    for reveal, expected in zip(reveals, case["commitments"], strict=True):
        assert commit(plan, reveal).hex() == expected
        draw = add_commitment(draw, reveal.party, bytes.fromhex(expected))
    for reveal in reveals:
        draw = add_reveal(draw, reveal)
    assert draw.seed.hex() == case["seed"]
    assert [item.hex() for item in draw_sample(draw, items)] == case["drawn"]


# --- how many -------------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.integers(1, 100))
def test_size_is_the_least_whole_number_that_reaches_the_percentage(
    size: int, percent: int
) -> None:
    count = sample_size(size, percent)
    assert count * 100 >= size * percent
    assert count == 0 or (count - 1) * 100 < size * percent


@pytest.mark.parametrize(("size", "percent"), [(-1, 10), (10, 0), (10, 101), (10, -5)])
def test_impossible_sizes_are_refused(size: int, percent: int) -> None:
    with pytest.raises(ValueError, match="percentage"):
        sample_size(size, percent)


# --- the sample -----------------------------------------------------------------------------------


@given(seeds, populations, st.data())
def test_sample_is_exactly_k_distinct_items_of_the_population(
    seed: bytes, items: list[bytes], data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(items)))
    drawn = draw_items(seed, items, count)
    assert len(drawn) == len(set(drawn)) == count
    assert set(drawn) <= set(items)


@given(seeds, populations, st.randoms(use_true_random=False))
def test_order_of_the_population_does_not_matter(
    seed: bytes, items: list[bytes], rng: random.Random
) -> None:
    shuffled = rng.sample(items, len(items))
    assert draw_items(seed, shuffled, len(items) // 2) == draw_items(seed, items, len(items) // 2)


@given(seeds, populations)
def test_a_larger_sample_only_adds(seed: bytes, items: list[bytes]) -> None:
    whole = draw_items(seed, items, len(items))
    assert all(draw_items(seed, items, k) == whole[:k] for k in range(len(items)))


@given(seeds, populations)
def test_an_item_that_was_not_drawn_does_not_change_the_sample(
    seed: bytes, items: list[bytes]
) -> None:
    drawn = draw_items(seed, items, len(items) // 2)
    without = [item for item in items if item in drawn]
    assert draw_items(seed, without, len(drawn)) == drawn


def test_every_item_is_drawn_about_equally_often() -> None:
    rounds, count = 4000, 5
    seeds_of = (number.to_bytes(32, "big") for number in range(rounds))
    drawn = Counter(item for seed in seeds_of for item in draw_items(seed, ITEMS, count))
    expected = rounds * count / len(ITEMS)  # 800, standard deviation 25.3
    assert set(drawn) == set(ITEMS)
    assert all(abs(times - expected) < 5 * 25.3 for times in drawn.values())


def test_every_pair_is_drawn_about_equally_often() -> None:
    rounds, items = 4000, ITEMS[:6]
    seeds_of = (number.to_bytes(32, "big") for number in range(rounds))
    pairs = Counter(tuple(sorted(draw_items(seed, items, 2))) for seed in seeds_of)
    assert len(pairs) == 15
    assert all(abs(times - rounds / 15) < 5 * 15.8 for times in pairs.values())


def test_more_than_there_is_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no more"):
        draw_items(bytes(32), ITEMS, len(ITEMS) + 1)
    with pytest.raises(ValueError, match="no more"):
        draw_items(bytes(32), ITEMS, -1)


# --- the population -------------------------------------------------------------------------------


@given(populations, st.randoms(use_true_random=False))
def test_digest_of_a_population_ignores_its_order(items: list[bytes], rng: random.Random) -> None:
    assert digest_population(rng.sample(items, len(items))) == digest_population(items)


@given(populations, populations)
def test_different_populations_have_different_digests(one: list[bytes], two: list[bytes]) -> None:
    assert (digest_population(one) == digest_population(two)) == (one == two)


def test_an_item_that_is_twice_in_the_population_is_refused() -> None:
    with pytest.raises(SampleError) as refused:
        digest_population([b"a", b"b", b"a"])
    assert "重复" in refused.value.message_zh


@pytest.mark.parametrize("item", [b"", b"x" * 65])
def test_item_ids_have_1_to_64_bytes(item: bytes) -> None:
    with pytest.raises(EncodingError):
        digest_population([item])
    with pytest.raises(EncodingError):
        draw_items(bytes(32), [item], 1)


def test_items_added_after_the_plan_are_refused() -> None:
    with pytest.raises(SampleError) as refused:
        draw_sample(finished(PLAN), [*ITEMS, b"late"])
    assert "不得增减" in refused.value.message_zh


# --- the plan -------------------------------------------------------------------------------------


def test_an_empty_population_is_refused() -> None:
    with pytest.raises(SampleError) as refused:
        plan_draw("R52 2018", [], 10, PARTIES)
    assert "为空" in refused.value.message_zh


@pytest.mark.parametrize("parties", [("commission",), ("commission", "commission"), ()])
def test_one_party_alone_cannot_plan_a_draw(parties: tuple[str, ...]) -> None:
    with pytest.raises(SampleError) as refused:
        plan_draw("R52 2018", ITEMS, 10, parties)
    assert "单独" in refused.value.message_zh


def test_plan_refuses_disorder_and_wrong_lengths() -> None:
    with pytest.raises(ValueError, match="ascending"):
        replace(PLAN, parties=("b", "a"))
    with pytest.raises(ValueError, match="1 to 200"):
        replace(PLAN, title="")
    with pytest.raises(ValueError, match="1 to 200"):
        replace(PLAN, parties=("a", "b" * 201))
    with pytest.raises(EncodingError):
        replace(PLAN, population=b"short")
    with pytest.raises(EncodingError):
        replace(PLAN, replaces=b"short")


def test_sizes_at_their_bounds_are_taken() -> None:
    parties = [f"party-{number:02}" for number in range(32)]
    plan = plan_draw("t" * 200, [b"x" * 64], 100, parties)
    assert plan.count == 1
    assert len(Reveal("audit", bytes(32), b"v").value) == 1
    assert len(Reveal("audit", bytes(32), bytes(64)).value) == 64
    with pytest.raises(SampleError):
        plan_draw("t", [b"x"], 100, [*parties, "party-32"])
    with pytest.raises(ValueError, match="1 to 200"):
        plan_draw("t" * 201, [b"x"], 100, parties)


def test_every_part_of_a_plan_is_in_its_digest() -> None:
    others = [
        replace(PLAN, title="R52 2019"),
        replace(PLAN, percent=11),
        replace(PLAN, parties=("audit", "commission")),
        replace(PLAN, population=bytes(32)),
        replace(PLAN, size=26),
        replace(PLAN, replaces=bytes(32)),
    ]
    assert len({PLAN.digest, *(plan.digest for plan in others)}) == 7
