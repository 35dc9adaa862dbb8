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


class Uploading:
    """An upload in a thread of its own that has begun; its rows come when it is told."""

    def __init__(self, pool: ThreadPoolExecutor, bench: Bench, batch: Batch) -> None:
        self._batch = batch
        self._rows = threading.Event()
        self._begun = threading.Event()
        self._cut_off = False
        upload = begin(bench, batch)
        self._receipt = pool.submit(bench.use.intake.receive, "reg-a", upload, self._pieces())
        assert self._begun.wait(timeout=30)

    def _pieces(self) -> Iterator[bytes]:
        self._begun.set()
        assert self._rows.wait(timeout=30)
        if not self._cut_off:
            packed = self._batch.columns.pack()
            yield from (packed[i : i + PIECE_SIZE] for i in range(0, len(packed), PIECE_SIZE))

    def send(self, *, cut_off: bool = False) -> None:
        self._cut_off = cut_off
        self._rows.set()

    @property
    def is_over(self) -> bool:
        return self._receipt.done()

    def receipt(self) -> Receipt:
        return self._receipt.result(timeout=60)


def test_rows_that_come_out_of_order_are_accepted_in_order(bench: Bench) -> None:
    with ThreadPoolExecutor(5) as pool:
        uploads = {seq: Uploading(pool, bench, seal(seq)) for seq in range(1, 6)}
        for seq in (3, 5, 2, 1, 4):
            uploads[seq].send()
        receipts = [uploads[seq].receipt() for seq in range(1, 6)]
    assert [receipt.seq for receipt in receipts] == [1, 2, 3, 4, 5]
    leaves = [receipt.leaf_index for receipt in receipts]
    assert leaves == sorted(leaves)


def test_a_batch_waits_for_the_rows_of_the_one_before(bench: Bench) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = (Uploading(pool, bench, seal(seq)) for seq in (1, 2))
        second.send()
        time.sleep(0.1)
        assert not second.is_over
        first.send()
        assert first.receipt().leaf_index < second.receipt().leaf_index


def test_a_batch_behind_a_refused_one_is_refused_with_the_number_expected(bench: Bench) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = (Uploading(pool, bench, seal(seq)) for seq in (1, 2))
        second.send()
        first.send(cut_off=True)
        with pytest.raises(BatchError, match="cut off"):
            first.receipt()
        with pytest.raises(SequenceError) as refused:
            second.receipt()
    assert refused.value.expected == 1
    assert [bench.use.intake.accept("reg-a", seal(seq)).seq for seq in (1, 2)] == [1, 2]


def test_one_that_overtook_the_one_before_waits_a_moment_for_it() -> None:
    arrivals = Arrivals(overtaken_s=30)
    with ThreadPoolExecutor(1) as pool:
        expected = pool.submit(arrivals.expected, LINE, 2, lambda: 1)
        with arrivals.upload(LINE, 1):
            assert expected.result(timeout=30) == 2
    assert Arrivals(overtaken_s=0).expected(LINE, 2, lambda: 1) == 1


def test_a_gap_behind_what_is_under_way_is_refused(bench: Bench) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = Uploading(pool, bench, seal(1))
        with pytest.raises(SequenceError) as refused:
            begin(bench, seal(3))
        first.send()
        first.receipt()
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
