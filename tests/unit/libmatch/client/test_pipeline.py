"""Batches under way at once: receipts in order, and the first failure is the one that is told."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from libmatch.client.pipeline import submit_in_order
from libmatch.errors import ServiceError
from libmatch.records import Batch, Receipt, Side
from services.chassis import deadline
from tests.district import make_district, person

DISTRICT = make_district()
BATCHES = [
    DISTRICT.seal("reg-a", Side.REGISTRY, [person(seq)], seq=seq).batch for seq in range(1, 8)
]


def receipt_of(batch: Batch) -> Receipt:
    header = batch.header
    digest, signature = os.urandom(32), os.urandom(64)
    return Receipt(
        header.epoch, header.side, header.unit, header.seq, digest, 1, header.seq, signature
    )


class Server:
    """Accepts in order; holds the answers until so many batches are there."""

    def __init__(self, at_once: int = 1) -> None:
        self.expected = 1
        self.sent: list[int] = []
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(at_once)

    def submit(self, batch: Batch) -> Receipt:
        with self._lock:
            self.sent.append(batch.header.seq)
            if batch.header.seq > self.expected:
                raise ServiceError("FAILED_PRECONDITION", "SEQUENCE", "a gap", "")
            self.expected = max(self.expected, batch.header.seq + 1)
        return receipt_of(batch)

    def submit_together(self, batch: Batch) -> Receipt:
        self._barrier.wait(timeout=30)
        return receipt_of(batch)


def seqs(receipts: Iterator[Receipt]) -> list[int]:
    return [receipt.seq for receipt in receipts]


def test_receipts_come_in_order() -> None:
    assert seqs(submit_in_order(Server().submit, BATCHES, 3)) == [1, 2, 3, 4, 5, 6, 7]


def test_so_many_are_under_way_at_once_and_no_more_are_taken() -> None:
    taken: list[int] = []

    def batches() -> Iterator[Batch]:
        for batch in BATCHES[:6]:
            taken.append(batch.header.seq)
            yield batch

    receipts = submit_in_order(Server(at_once=3).submit_together, batches(), 3)
    assert next(receipts).seq == 1
    assert taken == [1, 2, 3]
    assert seqs(receipts) == [2, 3, 4, 5, 6]


def test_one_that_overtook_another_is_sent_again() -> None:
    server, second_is_there = Server(), threading.Event()

    def submit(batch: Batch) -> Receipt:
        if batch.header.seq == 1:
            assert second_is_there.wait(timeout=30)
        try:
            return server.submit(batch)
        finally:
            second_is_there.set()

    assert seqs(submit_in_order(submit, BATCHES[:2], 2)) == [1, 2]
    assert server.sent == [2, 1, 2]


def test_the_first_failure_is_raised_and_what_came_before_it_is_kept() -> None:
    server = Server()

    def submit(batch: Batch) -> Receipt:
        if batch.header.seq == 3:
            raise ServiceError("UNAVAILABLE", "", "gone", "")
        return server.submit(batch)

    kept: list[int] = []
    with pytest.raises(ServiceError, match="gone"):
        kept.extend(receipt.seq for receipt in submit_in_order(submit, BATCHES, 3))
    assert kept == [1, 2]


def test_a_gap_in_earnest_is_raised() -> None:
    with pytest.raises(ServiceError, match="a gap"):
        seqs(submit_in_order(Server().submit, BATCHES[1:], 3))


def test_the_deadline_of_the_call_that_it_is_part_of_holds_in_the_threads() -> None:
    left: list[float | None] = []

    def submit(batch: Batch) -> Receipt:
        left.append(deadline.remaining_s())
        return receipt_of(batch)

    def call() -> None:
        deadline.set_remaining(60)
        seqs(submit_in_order(submit, BATCHES[:2], 2))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert all(one is not None and 0 < one <= 60 for one in left)
    assert len(left) == 2
