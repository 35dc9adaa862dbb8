"""Notices: only for flagged pairs, only to their units, once, and acknowledged by the unit itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.auditlog import (
    encode_ack_leaf,
    encode_release_leaf,
    open_checkpoint,
    verify_inclusion,
)
from libmatch.errors import BatchError
from libmatch.keys import SigningKey
from libmatch.records import Side
from libmatch.release import SealedNotice
from services.chassis.refusals import Conflict, NotFound, Refused, WrongState
from tests.district import make_district, person
from tests.matcher_bench import Bench

DISTRICT = make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"))
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        bench.submit("reg-a", REG, [person(1)])
        bench.submit("ben-a", BEN, [person(1)])
        yield bench


@pytest.fixture
def notice(bench: Bench) -> SealedNotice:
    (hit_id,) = bench.hit_ids()
    return DISTRICT.notify("ben-a", BEN, hit_id)


def in_log(bench: Bench, leaf_index: int, entry: bytes) -> None:
    key = DISTRICT.manifest.log_key
    checkpoint = open_checkpoint(bench.use.log.get_checkpoint(), "libmatch/fuling/log", key)
    _, path = bench.use.log.prove_inclusion(leaf_index, checkpoint.size)
    verify_inclusion(checkpoint, leaf_index, entry, path)


def size(bench: Bench) -> str:
    return bench.use.log.get_checkpoint().split("\n")[1]


def test_a_notice_reaches_its_unit_and_side_only(bench: Bench, notice: SealedNotice) -> None:
    number, _ = bench.use.notices.release(notice)
    (posted,) = bench.use.mailbox.fetch("ben-a", BEN, 0, 10)
    assert (posted.number, posted.notice, posted.acknowledged) == (number, notice, False)
    for unit, side in (("ben-a", REG), ("ben-b", BEN), ("reg-a", REG)):
        assert bench.use.mailbox.fetch(unit, side, 0, 10) == []


def test_a_release_is_logged(bench: Bench, notice: SealedNotice) -> None:
    _, leaf = bench.use.notices.release(notice)
    at_us = int(bench.clock.moment.timestamp() * 1_000_000)
    entry = encode_release_leaf(notice.notice_id, notice.hit_id, "ben-a", BEN, at_us)
    in_log(bench, leaf, entry)


def test_a_repeated_release_is_the_same_one(bench: Bench, notice: SealedNotice) -> None:
    first, before = bench.use.notices.release(notice), size(bench)
    bench.clock.moment += timedelta(hours=1)
    assert bench.use.notices.release(notice) == first
    assert size(bench) == before
    assert len(bench.use.mailbox.fetch("ben-a", BEN, 0, 10)) == 1


def test_a_repetition_counts_even_after_the_pair_was_withdrawn(
    bench: Bench, notice: SealedNotice
) -> None:
    first = bench.use.notices.release(notice)
    _, pair = bench.use.reviews.fetch_pair(notice.hit_id)
    bench.withdraw("reg-a", REG, [pair.registry.row.rid])
    assert bench.use.notices.release(notice) == first


def test_another_notice_under_the_same_id_is_a_conflict(bench: Bench, notice: SealedNotice) -> None:
    bench.use.notices.release(notice)
    other = DISTRICT.notify("ben-a", BEN, notice.hit_id, notice_id=notice.notice_id)
    with pytest.raises(Conflict):
        bench.use.notices.release(other)


def test_matcher_cannot_release_unflagged_hit(bench: Bench) -> None:
    before = size(bench)
    with pytest.raises(NotFound):
        bench.use.notices.release(DISTRICT.notify("ben-a", BEN, os.urandom(32)))
    assert size(bench) == before
    assert bench.use.mailbox.fetch("ben-a", BEN, 0, 10) == []


@pytest.mark.parametrize(
    ("unit", "side"), [("ben-b", BEN), ("reg-b", REG), ("reg-a", BEN), ("ben-a", REG)]
)
def test_a_unit_that_is_not_that_side_of_the_pair_gets_nothing(
    bench: Bench, unit: str, side: Side
) -> None:
    (hit_id,) = bench.hit_ids()
    with pytest.raises(Refused, match="not this side"):
        bench.use.notices.release(DISTRICT.notify(unit, side, hit_id))
    assert bench.use.mailbox.fetch(unit, side, 0, 10) == []


@pytest.mark.parametrize("side", [REG, BEN])
def test_a_withdrawn_pair_is_not_released(bench: Bench, side: Side) -> None:
    (hit_id,) = bench.hit_ids()
    _, pair = bench.use.reviews.fetch_pair(hit_id)
    unit, record = ("reg-a", pair.registry) if side is REG else ("ben-a", pair.beneficiary)
    bench.withdraw(unit, side, [record.row.rid])
    with pytest.raises(WrongState):
        bench.use.notices.release(DISTRICT.notify("ben-a", BEN, hit_id))


def test_only_the_discipline_commission_releases(bench: Bench) -> None:
    (hit_id,) = bench.hit_ids()
    for signer in (SigningKey.generate(), DISTRICT.keys("ben-a").signing):
        with pytest.raises(Refused, match="not signed"):
            bench.use.notices.release(DISTRICT.notify("ben-a", BEN, hit_id, signer=signer))


def test_a_redirected_notice_is_refused(bench: Bench, notice: SealedNotice) -> None:
    with pytest.raises(Refused, match="not signed"):
        bench.use.notices.release(replace(notice, unit="ben-b"))


def test_a_notice_of_another_epoch_is_refused(bench: Bench, notice: SealedNotice) -> None:
    unsigned = replace(notice, epoch=bytes(32))
    message = unsigned.signed_bytes(DISTRICT.suite)
    moved = replace(unsigned, signature=DISTRICT.inspector.signing.sign(message))
    with pytest.raises(Refused, match="not this side"):
        bench.use.notices.release(moved)


def test_a_unit_acknowledges_once(bench: Bench, notice: SealedNotice) -> None:
    bench.use.notices.release(notice)
    signature = DISTRICT.acknowledge("ben-a", notice)
    at_us, leaf = bench.use.notices.acknowledge("ben-a", notice.notice_id, signature)
    in_log(bench, leaf, encode_ack_leaf(notice.notice_id, at_us))
    before = size(bench)
    bench.clock.moment += timedelta(hours=1)
    again = bench.use.notices.acknowledge("ben-a", notice.notice_id, signature)
    assert again == (at_us, leaf)
    assert size(bench) == before
    assert bench.use.mailbox.fetch("ben-a", BEN, 0, 10)[0].acknowledged


def test_nobody_acknowledges_for_another(bench: Bench, notice: SealedNotice) -> None:
    bench.use.notices.release(notice)
    signature = DISTRICT.acknowledge("ben-a", notice)
    with pytest.raises(NotFound):
        bench.use.notices.acknowledge("ben-b", notice.notice_id, signature)
    forged = DISTRICT.acknowledge("ben-b", notice)
    with pytest.raises(BatchError, match="signature"):
        bench.use.notices.acknowledge("ben-a", notice.notice_id, forged)
    assert not bench.use.mailbox.fetch("ben-a", BEN, 0, 10)[0].acknowledged


def test_an_unknown_notice_is_not_acknowledged(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.use.notices.acknowledge("ben-a", bytes(16), bytes(64))


def test_notices_are_fetched_in_pages(bench: Bench) -> None:
    (hit_id,) = bench.hit_ids()
    sent = [DISTRICT.notify("ben-a", BEN, hit_id) for _ in range(5)]
    numbers = [bench.use.notices.release(notice)[0] for notice in sent]
    assert numbers == sorted(set(numbers))
    first = bench.use.mailbox.fetch("ben-a", BEN, 0, 3)
    rest = bench.use.mailbox.fetch("ben-a", BEN, first[-1].number, 3)
    assert [posted.notice for posted in first + rest] == sent
