"""Draws (R51, R52): commit, then reveal, and what no party can do alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.encoding import dec, enc
from libmatch.errors import EncodingError
from libmatch.sampling import (
    Draw,
    Reveal,
    SampleError,
    add_commitment,
    add_reveal,
    commit,
    decode_draw,
    decode_plan,
    draw_sample,
    plan_draw,
    replan,
    verify_sample,
)
from tests.unit.libmatch.draws import ITEMS, PARTIES, PLAN, committed, finished, reveal_of

# --- commit, then reveal --------------------------------------------------------------------------


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


# --- a party that does not reveal -----------------------------------------------------------------


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


# --- anyone draws it again ------------------------------------------------------------------------


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
