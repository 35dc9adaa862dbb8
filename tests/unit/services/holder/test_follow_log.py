"""The unit's watch over the matcher's log: consistency, inclusion, evidence."""

from __future__ import annotations

import pytest

from libmatch.auditlog import open_checkpoint
from libmatch.errors import LogError
from tests.district import District, make_district
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.services.holder.bench import Bench


def test_only_the_newest_checkpoint_is_remembered_over_restarts(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    for number in (1, 2, 3):
        half.enter(number)
        half.sync.run()
    half = bench.start()
    half.sync.run()
    (row,) = half.rows("SELECT size, consistent FROM checkpoint")
    assert (row.size, row.consistent) == (3, 1)


def test_receipts_are_found_in_the_log(bench: Bench) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    assert half.rows("SELECT proven FROM outbox")[0].proven == 0
    half.sync.run()
    assert half.rows("SELECT proven FROM outbox")[0].proven == 1


def test_rewritten_log_is_refused_and_kept_as_evidence(
    bench: Bench, matcher: MemoryMatcher, district: District
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    half.sync.run()
    matcher.rewrite_leaf(0)
    half.enter(2)
    with pytest.raises(LogError, match="contradict"):
        half.sync.run()
    assert len(matcher.received) == 1  # nothing goes to such a matcher
    (row,) = half.rows("SELECT note, size FROM checkpoint WHERE NOT consistent")
    evidence = open_checkpoint(row.note, "libmatch/fuling/log", district.manifest.log_key)
    assert evidence.size == row.size == 1


def test_log_that_grew_from_a_rewritten_one_is_refused(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    for number in (1, 2):
        half.enter(number)
        half.sync.run()
    half.sync.run()
    matcher.rewrite_leaf(0)
    matcher.leaves.append(bytes(32))
    with pytest.raises(LogError, match="altered"):
        half.sync.run()


def test_shortened_log_is_refused(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    half.sync.run()
    del matcher.leaves[0]
    with pytest.raises(LogError, match="shorter"):
        half.sync.run()


def test_log_signed_by_another_key_is_refused(bench: Bench, matcher: MemoryMatcher) -> None:
    matcher.district = make_district()
    half = bench.start()
    with pytest.raises(LogError, match="key"):
        half.sync.run()


def test_receipt_that_is_not_in_the_log_is_found_out(bench: Bench, matcher: MemoryMatcher) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    matcher.rewrite_leaf(0)  # before this unit ever saw a checkpoint over it
    with pytest.raises(LogError):
        half.sync.run()


def test_checkpoint_that_leaves_a_receipt_out_is_found_out(
    bench: Bench, matcher: MemoryMatcher
) -> None:
    half = bench.start()
    half.enter(1)
    half.sync.run()
    matcher.leaves.clear()
    with pytest.raises(LogError, match="promised"):
        half.sync.run()
