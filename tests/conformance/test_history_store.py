"""A load into every store against the reference matcher: the test chooses tokens, the whole is one join."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from libmatch.auditlog import LogSigner
from libmatch.records import Side, Withdrawal
from services.chassis.identity import Identity
from services.matcher.store.history import History, Loaded, Loading, LoadOrder, LoadRefused
from tests.conformance.test_matcher_store import (
    EPOCH,
    QUOTA,
    SUITE,
    Store,
    store,
    token,
)
from tests.district import NOW
from tests.matcher_bench import FakeBatch, fake_batch

__all__ = ["store"]  # a fixture

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
LINES = [("both-a", REG), ("both-a", BEN), ("reg-a", REG), ("ben-a", BEN)]


def load(
    store: Store, scratch: Path, fill: Callable[[Loading], None], hits_per_batch: int = 10**6
) -> Loaded:
    order = LoadOrder(
        EPOCH, SUITE, hits_per_batch, 100, scratch, Identity("fuling", "matcher"), NOW
    )
    return History(store.database, LogSigner(bytes(32))).load(order, fill)


def give(store: Store, *batches: FakeBatch) -> Callable[[Loading], None]:
    """Fills in ``batches``, for the oracle too."""

    def fill(loading: Loading) -> None:
        for batch in batches:
            loading.take_batch(batch.admitted, "a file")

    for batch in batches:
        store.oracle.admit(zip(batch.refs, batch.admitted.tokens, strict=True))
    return fill


def test_tokens_that_share_only_the_indexed_half_do_not_match(store: Store, tmp_path: Path) -> None:
    store.admit(store.batch(BEN, "ben-a", [token(1, 1), token(2, 1)]))
    new = fake_batch(EPOCH, REG, "reg-a", 1, [token(1, 1), token(1, 2), token(2, 2), token(2, 1)])
    assert load(store, tmp_path, give(store, new)).hits == 2
    store.agrees()


def test_another_epoch_never_matches_even_with_equal_tokens(store: Store, tmp_path: Path) -> None:
    other = fake_batch(b"o" * 32, BEN, "ben-a", 1, [token(1)])
    store.submissions.admit(SUITE, other.admitted, QUOTA, NOW)
    new = fake_batch(EPOCH, REG, "reg-a", 1, [token(1)])
    assert load(store, tmp_path, give(store, new)).hits == 0
    store.agrees()


@pytest.mark.campaign
def test_random_loads_on_top_of_each_other_agree(store: Store, tmp_path: Path, long: bool) -> None:
    rng = random.Random(5)
    for _ in range(100 if long else 2):
        unit, side = rng.choice(LINES)  # by the wire, in between
        store.admit(store.batch(side, unit, tokens(rng)))
        seqs = {line: store.next_seq(*line) for line in LINES}
        batches = []
        for _ in range(rng.randint(1, 6)):
            unit, side = line = rng.choice(LINES)
            batches.append(fake_batch(EPOCH, side, unit, seqs[line], tokens(rng)))
            seqs[line] += 1
        assert load(store, tmp_path, give(store, *batches)).batches == len(batches)
        store.agrees()


def tokens(rng: random.Random) -> list[bytes]:
    """Few persons, so that many meet; some share a first half."""
    return [token(rng.randrange(20), rng.randrange(2)) for _ in range(rng.randint(1, 30))]


def test_a_withdrawn_record_is_in_no_pair(store: Store, tmp_path: Path) -> None:
    items = fake_batch(EPOCH, BEN, "ben-a", 1, [token(1), token(2)])
    declared = fake_batch(EPOCH, REG, "reg-a", 1, [token(1), token(2)])
    gone = Withdrawal(EPOCH, BEN, "ben-a", 2, (items.refs[0].rid,), bytes(64))

    def fill(loading: Loading) -> None:
        give(store, items)(loading)
        loading.take_withdrawal(gone, SUITE.h(gone.signed_bytes()), "a file")
        give(store, declared)(loading)

    assert load(store, tmp_path, fill).hits == 1
    store.oracle.withdraw([items.refs[0]])
    store.agrees()


def test_nothing_is_left_of_a_load_that_is_refused(store: Store, tmp_path: Path) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1)] * 3))
    many = fake_batch(EPOCH, BEN, "ben-a", 1, [token(1)] * 4)
    with pytest.raises(LoadRefused, match="at most 11 pairs"):
        load(store, tmp_path, lambda loading: loading.take_batch(many.admitted, "a file"), 11)
    assert store.next_seq("ben-a", BEN) == 1
    store.agrees()
    assert load(store, tmp_path, give(store, many), 12).hits == 12  # its indexes are there again
    store.agrees()


def test_nothing_is_left_in_the_scratch_folder(store: Store, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    load(store, scratch, give(store, fake_batch(EPOCH, REG, "reg-a", 1, [os.urandom(32)])))
    assert list(scratch.iterdir()) == []
