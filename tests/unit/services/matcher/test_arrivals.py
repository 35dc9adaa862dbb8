"""A unit's next batch may come while the one before is under way, and never overtakes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from libmatch.errors import BatchError, SequenceError
from libmatch.records import Batch, Receipt, Side
from services.chassis import deadline
from services.chassis.refusals import DeadlinePassed
from services.matcher.arrivals import Arrivals
from services.matcher.intake import PIECE_SIZE, Upload
from tests.district import make_district, person
from tests.matcher_bench import Bench

DISTRICT = make_district()
LINE = ("reg-a", Side.REGISTRY)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def seal(seq: int) -> Batch:
    return DISTRICT.seal("reg-a", Side.REGISTRY, [person(seq)], seq=seq).batch


def begin(bench: Bench, batch: Batch) -> Upload:
    return bench.use.intake.begin("reg-a", batch.header, batch.capsule, batch.signature)


def receive(bench: Bench, batch: Batch, go_on: threading.Event | None = None) -> Receipt:
    """Uploads ``batch``; its rows come when ``go_on`` is set."""

    def pieces() -> Iterator[bytes]:
        if go_on is not None:
            assert go_on.wait(timeout=30)
        packed = batch.columns.pack()
        yield from (packed[i : i + PIECE_SIZE] for i in range(0, len(packed), PIECE_SIZE))

    return bench.use.intake.receive("reg-a", begin(bench, batch), pieces())


def test_batches_that_come_at_once_and_out_of_order_are_accepted_in_order(bench: Bench) -> None:
    order = (3, 1, 4, 2, 5)
    with ThreadPoolExecutor(5) as pool:
        receipts = list(pool.map(lambda seq: receive(bench, seal(seq)), order))
    assert [receipt.seq for receipt in receipts] == list(order)
    leaves = {receipt.seq: receipt.leaf_index for receipt in receipts}
    assert [leaves[seq] for seq in range(1, 6)] == sorted(leaves.values())


def test_a_batch_waits_for_the_rows_of_the_one_before(bench: Bench) -> None:
    first_rows = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(receive, bench, seal(1), first_rows)
        second = pool.submit(receive, bench, seal(2))
        time.sleep(0.1)
        assert not second.done()
        first_rows.set()
        assert first.result(timeout=30).leaf_index < second.result(timeout=30).leaf_index


def test_a_batch_behind_a_refused_one_is_refused_with_the_number_expected(bench: Bench) -> None:
    first_rows = threading.Event()
    altered = seal(1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(
            bench.use.intake.receive, "reg-a", begin(bench, altered), _cut_off(first_rows)
        )
        second = pool.submit(receive, bench, seal(2))
        first_rows.set()
        with pytest.raises(BatchError, match="cut off"):
            first.result(timeout=30)
        with pytest.raises(SequenceError) as refused:
            second.result(timeout=30)
    assert refused.value.expected == 1
    assert [receive(bench, seal(seq)).seq for seq in (1, 2)] == [1, 2]


def _cut_off(go_on: threading.Event) -> Iterator[bytes]:
    assert go_on.wait(timeout=30)
    yield from ()


def test_a_gap_behind_what_is_under_way_is_refused(bench: Bench) -> None:
    first_rows = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(receive, bench, seal(1), first_rows)
        with pytest.raises(SequenceError) as refused:
            begin(bench, seal(3))
        first_rows.set()
        first.result(timeout=30)
    assert refused.value.expected == 2


def test_who_waits_for_a_batch_before_has_a_deadline() -> None:
    arrivals = Arrivals()

    def impatient() -> None:
        deadline.set_remaining(0.05)
        with arrivals.upload(LINE, 2) as second, arrivals.in_order(LINE, second):
            pass

    with arrivals.upload(LINE, 1), ThreadPoolExecutor(1) as pool:
        with pytest.raises(DeadlinePassed):
            pool.submit(impatient).result(timeout=30)
        assert arrivals.expected(LINE, 2, lambda: 1) == 2


def test_units_and_sides_do_not_wait_for_one_another() -> None:
    arrivals = Arrivals()
    with arrivals.upload(LINE, 1):
        for other in (("reg-a", Side.BENEFICIARY), ("reg-b", Side.REGISTRY)):
            with arrivals.upload(other, 2) as arrival, arrivals.in_order(other, arrival):
                pass


def test_small_pieces_are_refused_unless_they_are_the_last(bench: Bench) -> None:
    batch = DISTRICT.seal("reg-a", Side.REGISTRY, [person(i) for i in range(8)]).batch
    packed = batch.columns.pack()
    upload = begin(bench, batch)
    with pytest.raises(BatchError, match="a piece"):
        upload.add(packed[:4095])
    upload.add(packed[:4096])
    upload.add(packed[4096:])
    assert upload.finish() == batch
