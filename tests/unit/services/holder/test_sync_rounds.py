"""Rounds with the matcher: sealing, sending, receipts, crashes, corrections, epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from libmatch.auditlog import sign_receipt
from libmatch.errors import EpochError
from libmatch.records import Receipt, RecordRef, Side
from services.holder.courier import OutboxStopped
from services.holder.states import RecordState
from services.holder.store.outbox import Outbox, SealedMessage
from tests.district import District, make_district, person
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.services.holder.bench import UNIT, Bench, Half, Killed


def live_at(matcher: MemoryMatcher) -> set[bytes]:
    return {rid for unit, rid in matcher.live if unit == UNIT}


def wanted_by(half: Half) -> set[bytes]:
    return {row.rid for row in half.rows("SELECT rid FROM record WHERE wanted")}


def test_entered_records_are_sealed_sent_and_accepted(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(*range(1, 4))
    done = half.sync.run()
    assert (done.sent.batches, done.sent.records, done.sent.waiting) == (1, 3, 0)
    assert set(half.states().values()) == {RecordState.ACCEPTED}
    assert live_at(matcher) == wanted_by(half)


def test_batches_have_at_most_2048_records_and_gap_free_numbers(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(*range(1, 2050))
    assert half.sync.run().sent.batches == 2
    assert set(matcher.received) == {(Side.REGISTRY, 1), (Side.REGISTRY, 2)}
    rows = half.rows("SELECT seq, rows FROM outbox ORDER BY seq")
    assert [(row.seq, row.rows) for row in rows] == [(1, 2048), (2, 1)]


@pytest.mark.parametrize("where", ["fail_before_commit", "fail_after_commit"])
def test_an_outage_amid_several_batches_loses_none_and_doubles_none(
    bench: Bench, matcher: MemoryMatcher, where: str
) -> None:
    half = bench.start()
    half.enter(*range(1, 2050))
    setattr(matcher, where, 3)
    while half.sync.run().sent.waiting:
        pass
    assert set(half.states().values()) == {RecordState.ACCEPTED}
    assert live_at(matcher) == wanted_by(half)
    receipts = half.rows("SELECT seq, receipt FROM outbox ORDER BY seq")
    assert [Receipt.decode(row.receipt).seq for row in receipts] == [1, 2]


def test_nothing_is_sent_twice_and_accepted_bytes_are_let_go(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    assert half.sync.run().sent.batches == 0
    assert matcher.received == [(Side.REGISTRY, 1)]
    assert half.rows("SELECT length(body) AS n FROM outbox")[0].n == 0


def test_lost_answer_resends_the_stored_bytes(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1, 2)
    matcher.fail_after_commit = 1
    assert half.sync.run().sent.waiting == 1
    accepted = matcher.receipts[UNIT, Side.REGISTRY, 1]
    assert half.sync.run().sent.records == 2
    assert matcher.receipts == {(UNIT, Side.REGISTRY, 1): accepted}
    assert len(live_at(matcher)) == 2


def test_unreachable_matcher_is_no_error_and_everything_waits(bench: Bench) -> None:
    bench.cut_off()
    half = bench.start()
    half.enter(1)
    assert half.sync.run().sent.waiting == 1
    assert half.states() == {1: RecordState.SEALED}


STEPS = [
    "outbox.turn-epoch",
    "outbox.resume",
    "outbox.seal-batch",
    "outbox.seal-withdrawal",
    "log.remember",
    "log.mark-proven",
    "outbox.accept",
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_loses_and_doubles_nothing(
    bench: Bench, matcher: MemoryMatcher, step: str, when: str
) -> None:
    half = bench.start()
    half.enter(1, 2)
    half.sync.run()
    half.enter(2, 3)  # 2 is corrected, 3 is new
    half.retire(1)
    half.database.kill_at = (step, when)
    if step == "outbox.turn-epoch":
        half = bench.start()
    else:
        with pytest.raises(Killed):
            half.sync.run()
    half = bench.start()
    for _ in range(3):  # the last one proves the last receipt
        half.sync.run()
    assert half.states() == {2: RecordState.ACCEPTED, 3: RecordState.ACCEPTED}
    assert live_at(matcher) == wanted_by(half)
    assert {seq for _, _, seq in matcher.receipts} == {1, 2, 3}
    assert half.rows("SELECT count(*) AS n FROM outbox WHERE proven")[0].n == 3


def test_every_step_that_writes_in_a_round_is_killed_above(bench: Bench) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    half.retire(1)
    half.sync.run()
    half.sync.run()
    assert half.database.seen <= {*STEPS, "enter", "retire"}


def test_correction_is_sent_before_the_old_record_is_withdrawn(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    old = half.rid_of(1)
    half.enter(1)
    done = half.sync.run()
    assert (done.sent.records, done.sent.withdrawn) == (1, 1)
    assert matcher.received == [(Side.REGISTRY, n) for n in (1, 2, 3)]
    assert live_at(matcher) == {half.rid_of(1)} != {old}


def test_old_record_stays_while_its_correction_is_not_sealed(
    bench: Bench, district: District
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    half.enter(1)

    def never(rids: Sequence[bytes], seq: int) -> SealedMessage:
        raise AssertionError("nothing is to be withdrawn yet")

    outbox = Outbox(half.database, district.epoch.epoch_id)
    assert outbox.seal_withdrawal(never, district.now) == 0


def test_record_retired_before_it_was_sealed_never_leaves(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(1)
    assert half.retire(1) == 1
    half.sync.run()
    assert matcher.received == []
    assert half.count(RecordState.WITHDRAWN) == 1


def test_withdrawn_record_is_live_nowhere(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1, 2)
    half.sync.run()
    assert half.retire(1, 1, 9) == 1
    assert half.sync.run().sent.withdrawn == 1
    assert live_at(matcher) == {half.rid_of(2)}
    assert half.count(RecordState.WITHDRAWN) == 1


def test_conflict_stops_the_outbox_until_somebody_asks_again(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    taken = matcher.receipts[UNIT, Side.REGISTRY, 1]
    matcher.receipts[UNIT, Side.REGISTRY, 2] = replace(taken, seq=2)
    half.enter(2)
    with pytest.raises(OutboxStopped, match=r"message 2 .*ALREADY_EXISTS CONFLICT"):
        half.sync.run()
    half.sync.run_in_background()
    assert len(matcher.received) == 2  # not sent again by itself
    del matcher.receipts[UNIT, Side.REGISTRY, 2]
    assert half.sync.run().sent.records == 1


def test_gap_in_the_matchers_numbers_stops_the_outbox(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    matcher.receipts.clear()  # it was restored from an old backup
    half.enter(2)
    with pytest.raises(OutboxStopped, match="FAILED_PRECONDITION SEQUENCE"):
        half.sync.run()


@pytest.mark.parametrize("part", ["digest", "signature", "epoch"])
def test_receipt_that_does_not_hold_stops_the_outbox(
    bench: Bench, matcher: MemoryMatcher, part: str
) -> None:
    length = 64 if part == "signature" else 32
    matcher.change_receipt = lambda receipt: replace(receipt, **{part: bytes(length)})  # type: ignore[arg-type]
    half = bench.start()
    half.enter(1)
    with pytest.raises(OutboxStopped, match="receipt"):
        half.sync.run()
    assert half.states() == {1: RecordState.SEALED}


@pytest.mark.parametrize(
    "other",
    [{"seq": 7}, {"unit": "ben-a"}, {"side": Side.BENEFICIARY}],
    ids=["seq", "unit", "side"],
)
def test_signed_receipt_of_another_message_stops_the_outbox(
    bench: Bench, matcher: MemoryMatcher, district: District, other: dict[str, Any]
) -> None:
    def change(receipt: Receipt) -> Receipt:
        facts = {**vars(receipt), **other}
        del facts["signature"]
        return sign_receipt(district.log_signer, **facts)

    matcher.change_receipt = change
    half = bench.start()
    half.enter(1)
    with pytest.raises(OutboxStopped, match="another message"):
        half.sync.run()


def test_ended_epoch_seals_nothing(bench: Bench, district: District) -> None:
    half = bench.start()
    half.enter(1)
    bench.now = lambda: district.now + timedelta(days=400)
    half = bench.start()
    with pytest.raises(EpochError, match="ended"):
        half.sync.run()
    assert half.states() == {1: RecordState.ENTERED}


def test_new_epoch_seals_all_live_records_anew(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1, 2, 3)
    half.sync.run()
    half.retire(3)
    half.sync.run()
    half.enter(4)
    bench.cut_off()
    half = bench.start()
    half.sync.run()  # 4 is sealed under the old epoch and never sent
    new = make_district(now=bench.district.now)
    with serving(MemoryMatcher(new), bench.pki.issue("spiffe://fuling/matcher")) as (
        next_,
        address,
    ):
        bench.district, bench.address, bench.timeout_s = new, address, 20
        half = bench.start()
        assert half.states() == dict.fromkeys((1, 2, 4), RecordState.ENTERED)
        assert half.rows("SELECT count(*) AS n FROM outbox WHERE body != x''")[0].n == 0
        assert half.sync.run().sent.records == 3
        assert next_.received == [(Side.REGISTRY, 1)]
        assert live_at(next_) == wanted_by(half)
        bench.start().sync.run()
        assert next_.received == [(Side.REGISTRY, 1)]


def test_kind_that_the_epoch_does_not_take_is_held_and_holds_nobody_up(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    manifest = replace(district.manifest, kinds=(2, 3))
    narrow = replace(
        district, manifest=manifest, roster=replace(district.roster, epoch_id=manifest.epoch_id)
    )
    matcher.district = bench.district = narrow
    half = bench.start()
    half.enter(1)
    half.sync.run()
    assert half.states() == {1: RecordState.HELD}
    assert matcher.received == []
    matcher.district = bench.district = district
    assert bench.start().sync.run().sent.records == 1


def test_records_that_match_are_hits_at_the_matcher(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = bench.start()
    half.enter(5)
    half.sync.run()
    other = district.seal("ben-a", Side.BENEFICIARY, [person(5)])
    ref = RecordRef(Side.BENEFICIARY, "ben-a", other.rids[0])
    token = half.rows("SELECT token FROM record")[0].token
    (hit,) = matcher.matcher.admit([(ref, token)])
    assert hit.registry == RecordRef(Side.REGISTRY, UNIT, half.rid_of(5))
    assert district.holder("ben-a").token_of(1, person(5).idn) == token
