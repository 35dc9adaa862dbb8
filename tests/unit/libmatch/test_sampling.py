"""Draws (R51, R52): against vectors of a second implementation, and what no party can do alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.encoding import dec, enc
from libmatch.errors import EncodingError
from libmatch.sampling import (
    Draw,
    Plan,
    Reveal,
    SampleError,
    add_commitment,
    add_reveal,
    commit,
    decode_draw,
    decode_plan,
    digest_population,
    draw_items,
    draw_sample,
    plan_draw,
    replan,
    sample_size,
    verify_sample,
)
from tests.vectors.make_sampling_vectors import FILE, make

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
each_vector = pytest.mark.parametrize("case", VECTORS["draws"], ids=lambda case: case["title"])

ITEMS = [f"case-{number}".encode() for number in range(25)]
PARTIES = ("audit", "commission", "organisation")
populations = st.sets(st.binary(min_size=1, max_size=64), min_size=1, max_size=60).map(sorted)
seeds = st.binary(min_size=32, max_size=32)


def reveal_of(party: str, value: bytes = b"4 2 6 1") -> Reveal:
    return Reveal(party, party.encode().ljust(32, b"."), value)


def committed(plan: Plan, parties: tuple[str, ...] = PARTIES) -> Draw:
    draw = Draw(plan)
    for party in parties:
        draw = add_commitment(draw, party, commit(plan, reveal_of(party)))
    return draw


def finished(plan: Plan, parties: tuple[str, ...] = PARTIES) -> Draw:
    draw = committed(plan, parties)
    for party in parties:
        draw = add_reveal(draw, reveal_of(party))
    return draw


PLAN = plan_draw("R52 2018", ITEMS, 10, PARTIES)


# --- vectors ------------------------------------------------------------------------------------


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


# --- how many -----------------------------------------------------------------------------------


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


# --- the sample ---------------------------------------------------------------------------------


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


# --- the population -----------------------------------------------------------------------------


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


# --- the plan -----------------------------------------------------------------------------------


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


# --- commit, then reveal ------------------------------------------------------------------------


def test_nobody_reveals_before_all_have_committed() -> None:
    draw = committed(PLAN, PARTIES[:2])
    with pytest.raises(SampleError) as refused:
        add_reveal(draw, reveal_of("audit"))
    assert refused.value.parties == ("organisation",)
    assert "organisation" in refused.value.message_zh


def test_a_party_reveals_what_it_committed_to() -> None:
    with pytest.raises(SampleError) as refused:
        add_reveal(committed(PLAN), reveal_of("audit", b"another value"))
    assert refused.value.parties == ("audit",)
    changed_nonce = replace(reveal_of("audit"), nonce=bytes(32))
    with pytest.raises(SampleError):
        add_reveal(committed(PLAN), changed_nonce)


def test_a_commitment_cannot_be_replaced() -> None:
    draw = committed(PLAN)
    with pytest.raises(SampleError) as refused:
        add_commitment(draw, "audit", commit(PLAN, reveal_of("audit", b"better")))
    assert "不能更改" in refused.value.message_zh


def test_a_copied_commitment_is_of_no_use() -> None:
    draw = Draw(PLAN)
    copied = commit(PLAN, reveal_of("audit"))
    for party in PARTIES:
        draw = add_commitment(draw, party, copied)
    draw = add_reveal(draw, reveal_of("audit"))
    with pytest.raises(SampleError):
        add_reveal(draw, replace(reveal_of("audit"), party="commission"))


def test_a_commitment_of_another_draw_is_of_no_use() -> None:
    other = replace(PLAN, title="R52 2019")
    draw = Draw(other)
    for party in PARTIES:
        draw = add_commitment(draw, party, commit(PLAN, reveal_of(party)))
    with pytest.raises(SampleError):
        add_reveal(draw, reveal_of("audit"))


def test_strangers_take_no_part() -> None:
    with pytest.raises(SampleError):
        add_commitment(Draw(PLAN), "stranger", bytes(32))
    with pytest.raises(SampleError):
        add_reveal(committed(PLAN), reveal_of("stranger"))


def test_the_order_in_which_parties_act_does_not_matter() -> None:
    backwards = tuple(reversed(PARTIES))
    assert finished(PLAN, backwards) == finished(PLAN)


def test_the_same_reveal_again_changes_nothing() -> None:
    draw = finished(PLAN)
    assert add_reveal(draw, reveal_of("audit")) == draw


@pytest.mark.parametrize("party", PARTIES)
def test_every_single_party_changes_the_seed(party: str) -> None:
    draw = Draw(PLAN)
    reveals = {p: reveal_of(p, b"other" if p == party else b"4 2 6 1") for p in PARTIES}
    for p in PARTIES:
        draw = add_commitment(draw, p, commit(PLAN, reveals[p]))
    for p in PARTIES:
        draw = add_reveal(draw, reveals[p])
    assert draw.seed != finished(PLAN).seed


def test_there_is_no_seed_while_a_reveal_is_missing() -> None:
    draw = committed(PLAN)
    draw = add_reveal(draw, reveal_of("audit"))
    with pytest.raises(SampleError) as refused:
        draw_sample(draw, ITEMS)
    assert refused.value.parties == ("commission", "organisation")
    assert "commission、organisation" in refused.value.message_zh


def test_a_reveal_shows_nothing_when_printed() -> None:
    assert repr(reveal_of("audit", b"secret")) == "<Reveal of 'audit'>"


def test_reveal_refuses_wrong_lengths() -> None:
    for nonce, value in ((b"short", b"v"), (bytes(32), b""), (bytes(32), bytes(65))):
        with pytest.raises(EncodingError):
            Reveal("audit", nonce, value)
    with pytest.raises(EncodingError):
        Draw(PLAN, (("audit", b"short"),))


def test_draw_refuses_parties_twice_or_out_of_order() -> None:
    one, two = ((party, commit(PLAN, reveal_of(party))) for party in PARTIES[:2])
    for commitments in ((one, one), (two, one), (("stranger", bytes(32)),)):
        with pytest.raises(ValueError, match="in their order"):
            Draw(PLAN, commitments)


# --- a party that does not reveal ---------------------------------------------------------------


def test_a_draw_is_repeated_without_those_who_did_not_reveal() -> None:
    draw = committed(PLAN)
    for party in PARTIES[:2]:
        draw = add_reveal(draw, reveal_of(party))
    again = replan(draw)
    assert again == replace(PLAN, parties=PARTIES[:2], replaces=PLAN.digest)
    assert finished(again, PARTIES[:2]).seed != finished(PLAN).seed


def test_a_finished_draw_is_not_repeated() -> None:
    with pytest.raises(SampleError) as refused:
        replan(finished(PLAN))
    assert "不能重抽" in refused.value.message_zh


def test_a_draw_is_not_repeated_by_one_party() -> None:
    with pytest.raises(SampleError) as refused:
        replan(add_reveal(committed(PLAN), reveal_of("audit")))
    assert refused.value.parties == ("commission", "organisation")


# --- anyone draws it again ----------------------------------------------------------------------


def test_whoever_has_the_record_and_the_items_draws_the_same_sample() -> None:
    draw = finished(PLAN)
    drawn = draw_sample(draw, ITEMS)
    assert len(drawn) == 3  # 10 % of 25, rounded up
    verify_sample(decode_draw(draw.encode()), sorted(ITEMS), drawn)


@pytest.mark.parametrize("change", ["exchanged", "dropped", "added", "reordered"])
def test_another_sample_is_refused(change: str) -> None:
    draw = finished(PLAN)
    drawn = list(draw_sample(draw, ITEMS))
    left = next(item for item in ITEMS if item not in drawn)
    altered = {
        "exchanged": [*drawn[:-1], left],
        "dropped": drawn[:-1],
        "added": [*drawn, left],
        "reordered": drawn[::-1],
    }[change]
    with pytest.raises(SampleError) as refused:
        verify_sample(draw, ITEMS, altered)
    assert "计算结果" in refused.value.message_zh


@given(st.text(min_size=1, max_size=20), st.integers(1, 100), st.integers(0, 3), st.integers(0, 3))
def test_records_read_back_and_encode_to_the_same_bytes(
    title: str, percent: int, commitments: int, reveals: int
) -> None:
    plan = plan_draw(title, ITEMS, percent, PARTIES)
    draw = committed(plan, PARTIES[:commitments])
    for party in PARTIES[: reveals if commitments == 3 else 0]:
        draw = add_reveal(draw, reveal_of(party))
    assert decode_draw(draw.encode()) == draw
    assert decode_plan(plan.encode()) == plan


def test_record_with_a_false_reveal_is_refused() -> None:
    plan, who, made, revealed = dec("draw-record", finished(PLAN).encode())
    swapped = enc("draw-commitments", *reversed(dec("draw-commitments", made)))
    with pytest.raises(SampleError):
        decode_draw(enc("draw-record", plan, who, swapped, revealed))


def _bent_records() -> list[bytes]:
    plan, who, made, revealed = dec("draw-record", finished(PLAN).encode())
    first, *others = dec("draw-parties", who)
    foreign = finished(replace(PLAN, title="R52 2019")).reveals[0].encode(replace(PLAN, title="x"))
    return [
        b"",
        enc("draw-record", plan, who, made),
        enc("draw-record", plan, enc("draw-parties", *others), made, revealed),
        enc("draw-record", plan, enc("draw-parties", b"\xff", *others), made, revealed),
        enc("draw-record", plan, enc("draw-parties", *others, first), made, revealed),
        enc("draw-record", plan, who, made, enc("draw-reveals", foreign)),
        enc("draw-record", enc("draw-plan", b"t"), who, made, revealed),
        enc("draw-record", plan, who, made, revealed) + b"\0",
    ]


@pytest.mark.parametrize("record", _bent_records())
def test_bytes_that_are_no_record_are_refused(record: bytes) -> None:
    with pytest.raises(EncodingError):
        decode_draw(record)


def test_bytes_that_are_no_plan_are_refused() -> None:
    title, percent, population, size, replaces, *parties = dec("draw-plan", PLAN.encode())
    bent = [
        enc("draw-plan", title, b"\0", population, size, replaces, *parties),
        enc("draw-plan", title, percent, population, b"\0", replaces, *parties),
        enc("draw-plan", title, percent, population, size, replaces, *reversed(parties)),
        enc("draw-plan", b"\xff", percent, population, size, replaces, *parties),
    ]
    for data in bent:
        with pytest.raises(EncodingError):
            decode_plan(data)
