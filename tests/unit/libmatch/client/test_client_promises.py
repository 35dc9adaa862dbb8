"""libmatch.client.Client finds out a matcher that breaks what its receipts and checkpoints promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.auditlog import LogSigner, receipt_bytes
from libmatch.client import Client
from libmatch.client.state import State
from libmatch.errors import (
    ConflictError,
    LogError,
)
from libmatch.records import Receipt
from tests.district import District
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.libmatch.client.client_rows import item, relative


def test_forgotten_batch_is_a_log_error(client: Client, matcher: MemoryMatcher) -> None:
    client.prepare([item()])
    client.submit()
    matcher.receipts.clear()
    client.prepare([item("X-2", 2)])
    with pytest.raises(LogError, match="had given receipts"):
        client.submit()


def test_second_system_of_the_unit_is_a_conflict(
    client: Client, reopen: Callable[..., Client], tmp_path: Path
) -> None:
    client.prepare([item()])
    client.submit()
    other = reopen(State(tmp_path / "other.db"))
    other.prepare([item("X-2", 2)])
    with pytest.raises(ConflictError):
        other.submit()
    assert other.waiting == 1


def _for_other_content(receipt: Receipt, district: District) -> Receipt:
    return replace(receipt, digest=bytes(32))


def _signed_by_a_stranger(receipt: Receipt, district: District) -> Receipt:
    r = receipt
    head = (r.epoch, r.side, r.unit, r.seq, r.digest, r.accepted_at_us, r.leaf_index)
    return replace(receipt, signature=LogSigner.generate().sign(receipt_bytes(*head)))


def _for_another_number(receipt: Receipt, district: District) -> Receipt:
    r = receipt
    head = (r.epoch, r.side, r.unit, 9, r.digest, r.accepted_at_us, r.leaf_index)
    return replace(receipt, seq=9, signature=district.log_signer.sign(receipt_bytes(*head)))


@pytest.mark.parametrize("change", [_for_other_content, _signed_by_a_stranger, _for_another_number])
def test_receipt_that_does_not_hold_is_not_taken(
    client: Client,
    matcher: MemoryMatcher,
    district: District,
    change: Callable[[Receipt, District], Receipt],
) -> None:
    client.prepare([item()])
    matcher.change_receipt = lambda receipt: change(receipt, district)
    with pytest.raises(LogError):
        client.submit()
    assert client.waiting == 1


def test_receipt_whose_leaf_is_not_in_the_log_is_told_until_it_is(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    true_leaves, matcher.change_receipt = matcher.leaves, lambda receipt: _drop(matcher, receipt)
    with pytest.raises(LogError):
        client.submit()
    assert client.waiting == 0
    with pytest.raises(LogError):
        client.submit()
    assert true_leaves


def _drop(matcher: MemoryMatcher, receipt: Receipt) -> Receipt:
    matcher.leaves = [bytes(32)] * len(matcher.leaves)
    return receipt


def test_rewritten_log_is_found_by_the_next_checkpoint(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item()])
    client.submit()
    matcher.rewrite_leaf(0)
    client.prepare([item("X-2", 2)])
    with pytest.raises(LogError, match="altered"):
        client.submit()


def test_shortened_log_is_found_by_the_next_checkpoint(
    client: Client, matcher: MemoryMatcher
) -> None:
    client.prepare([item(), relative()])
    client.submit()
    matcher.leaves = matcher.leaves[:1]
    with pytest.raises(LogError, match="shorter"):
        client._watch.advance()
