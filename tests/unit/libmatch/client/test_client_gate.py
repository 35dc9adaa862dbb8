"""libmatch.client.Client.clearance: never CLEAR without proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.client import Client, ClientSettings
from libmatch.errors import (
    LogError,
    ServiceError,
)
from tests.district import NOW
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.libmatch.client.client_rows import CLEAR, HOLD, item, relative

NOT_SUBMITTED = ClearanceStatus.NOT_SUBMITTED


def test_item_with_a_hit_is_held_and_one_without_is_clear(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([relative(1), item("X-1", 1), item("X-1", 2), item("X-2", 3)])
    client.submit()
    answers = client.clearance(["X-1", "X-2"])
    assert [answer.status for answer in answers.values()] == [HOLD, CLEAR]
    assert answers["X-2"].clear
    assert answers["X-2"].expires_at == NOW + timedelta(days=30)
    assert answers["X-1"].expires_at is None


def test_item_with_a_refused_row_is_not_clear_until_it_is_mended(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item(), item(person="")])
    client.submit()
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED
    client.prepare([item(), item(number=2)])
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED  # not submitted yet
    client.submit()
    assert client.clearance(["X-1"])["X-1"].clear


def test_unknown_reference_is_not_submitted_without_asking(
    client: Client, matcher: MemoryMatcher
) -> None:
    answer = client.clearance(["nothing"])["nothing"]
    assert (answer.status, answer.leaf_index) == (NOT_SUBMITTED, None)
    assert matcher.questions == []


def test_withdrawn_item_is_not_submitted(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item(), item(number=2)])
    client.submit()
    assert client.withdraw(["X-1", "nothing"]) == 2
    assert client.withdraw(["X-1"]) == 0
    client.submit()
    assert client.clearance(["X-1"])["X-1"].status is NOT_SUBMITTED
    assert not matcher.live


def test_answer_that_is_not_in_the_log_is_a_log_error(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([relative(), item()])
    client.submit()
    matcher.change_statuses = lambda statuses: [int(CLEAR)] * len(statuses)
    with pytest.raises(LogError):
        client.clearance(["X-1"])


def test_R47_an_item_on_hold_tells_why(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([relative(), item()])
    client.submit()
    matcher.hold_reason = HoldReason.UNPUBLISHED
    answer = client.clearance(["X-1"])["X-1"]
    assert (answer.status, answer.reasons) == (HOLD, (HoldReason.UNPUBLISHED,))


def test_clear_that_has_expired_is_a_hold(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    client.submit()
    matcher.clear_for = timedelta(0)
    assert client.clearance(["X-1"])["X-1"].status is HOLD


def test_gate_is_asked_about_whole_items_of_at_most_a_thousand_records(
    client: Client, matcher: MemoryMatcher
) -> None:
    rows = [item(f"X-{i // 3}", i) for i in range(1200)]
    client.prepare(rows)
    client.submit()
    answers = client.clearance(f"X-{i}" for i in range(400))
    assert all(answer.clear for answer in answers.values())
    assert matcher.questions == [999, 201]


def test_unreachable_gate_answers_nothing(settings: ClientSettings, matcher: MemoryMatcher) -> None:
    nowhere = replace(settings, address="127.0.0.1:1", timeout_s=0.3)
    with Client.open(nowhere, now=lambda: NOW) as client:
        client.prepare([item()])
        with pytest.raises(ServiceError):
            client.clearance(["X-1"])
