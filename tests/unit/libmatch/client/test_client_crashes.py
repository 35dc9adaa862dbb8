"""libmatch.client.Client is durable: killed anywhere, or left without an answer, it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.client import Client, ClientSettings
from libmatch.client.state import State, Transaction
from libmatch.errors import (
    ServiceError,
)
from libmatch.records import Side
from tests.district import NOW, District
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.libmatch.client.client_rows import UNIT, item


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class DyingState(State):
    """A state file whose process dies in the ``life``-th transaction, before or after its commit."""

    def __init__(self, path: Path, life: int, *, after_commit: bool) -> None:
        self.left, self.after_commit = life, after_commit
        super().__init__(path)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self.left -= 1
        with super().transaction() as tx:
            yield tx
            if self.left == 0 and not self.after_commit:
                raise Killed
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("after_commit", [False, True])
def test_client_killed_in_any_transaction_goes_on_where_it_was(
    reopen: Callable[..., Client],
    settings: ClientSettings,
    matcher: MemoryMatcher,
    district: District,
    after_commit: bool,
) -> None:
    corrected = [item("X-1", amount_fen=1), item("X-2", 2)]

    def work(client: Client) -> None:
        client.prepare([item("X-1"), item("X-2", 2)])
        client.submit()
        client.prepare(corrected)
        client.submit()

    life, died = 1, True
    while died:
        matcher.__init__(district)  # type: ignore[misc]
        settings.state.unlink(missing_ok=True)
        try:
            work(reopen(DyingState(settings.state, life, after_commit=after_commit)))
            died = False
        except Killed:
            work(reopen())
        assert reopen().prepare(corrected).unchanged == 2
        assert len(matcher.live) == 2
        # What was sent twice was the same, and no number was left out.
        numbers = sorted(seq for _, _, seq in matcher.receipts)
        assert numbers == list(range(1, len(numbers) + 1))
        life += 1
    assert life > 15


def test_lost_answer_gets_the_identical_receipt(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    matcher.fail_after_commit = 1
    with pytest.raises(ServiceError):
        client.submit()
    assert client.waiting == 1
    (receipt,) = client.submit()
    assert receipt == matcher.receipts[UNIT, Side.BENEFICIARY, 1]
    assert matcher.received == [(Side.BENEFICIARY, 1)] * 2
    assert len(matcher.leaves) == 1


def test_what_waits_is_sent_by_the_next_process(
    client: Client, reopen: Callable[..., Client], matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    matcher.fail_before_commit = 1
    with pytest.raises(ServiceError):
        client.submit()
    assert len(reopen().submit()) == 1
    assert client.submit() == []


def test_unreachable_matcher_is_told_in_chinese_and_nothing_is_lost(
    settings: ClientSettings, matcher: MemoryMatcher
) -> None:
    nowhere = replace(settings, address="127.0.0.1:1", timeout_s=0.3)
    with Client.open(nowhere, now=lambda: NOW) as client:
        client.prepare([item()])
        with pytest.raises(ServiceError) as refusal:
            client.submit()
        assert refusal.value.message_zh
        assert client.waiting == 1
    with Client.open(settings, now=lambda: NOW) as client:
        assert len(client.submit()) == 1
