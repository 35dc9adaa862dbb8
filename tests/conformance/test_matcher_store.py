"""Every store of the matcher against the reference matcher as its oracle.

A store under test is a database in ``STORES``; another one is one more entry. Tokens are chosen by the test,
so that pairs which share only their indexed first half are among them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.auditlog import LogSigner
from libmatch.encoding import u32
from libmatch.errors import BatchError, ConflictError, SequenceError
from libmatch.matching import ReferenceMatcher
from libmatch.records import RID_SIZE, Hit, Receipt, RecordRef, Side, Withdrawal
from libmatch.suites import get_suite
from services.chassis.db import Database, insert_many
from services.matcher.store.joins import Rejoin, rejoin
from services.matcher.store.ledger import Ledger
from services.matcher.store.reviews import Reviews
from services.matcher.store.submissions import Quota, Submissions
from services.matcher.tables import Record, record_id, table_of
from tests.district import NOW
from tests.matcher_bench import FakeBatch, fake_batch, open_submissions

EPOCH, SUITE = b"e" * 32, get_suite(1)
QUOTA = Quota(records_per_day=1_000_000, hits_per_batch=1_000_000)
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@dataclass
class Store:
    """A store with its oracle beside it: every change goes to both."""

    database: Database
    submissions: Submissions
    oracle: ReferenceMatcher = field(default_factory=ReferenceMatcher)

    def next_seq(self, unit: str, side: Side) -> int:
        return self.submissions.next_seq(EPOCH, unit, side)

    def batch(self, side: Side, unit: str, tokens: list[bytes]) -> FakeBatch:
        return fake_batch(EPOCH, side, unit, self.next_seq(unit, side), tokens)

    def admit(self, batch: FakeBatch) -> Receipt:
        receipt = self.submissions.admit(SUITE, batch.admitted, QUOTA, NOW)
        self.oracle.admit(zip(batch.refs, batch.admitted.tokens, strict=True))
        return receipt

    def withdraw(self, side: Side, unit: str, refs: list[RecordRef]) -> Receipt:
        seq, rids = self.next_seq(unit, side), tuple(ref.rid for ref in refs)
        withdrawal = Withdrawal(EPOCH, side, unit, seq, rids, bytes(64))
        digest = SUITE.h(withdrawal.signed_bytes())
        receipt = self.submissions.withdraw(SUITE, withdrawal, digest, NOW)
        self.oracle.withdraw(refs)
        return receipt

    def live_hits(self) -> set[Hit]:
        reviews = Reviews(self.database)
        found = [
            reviews.fetch_pair(hit.hit_id)[1] for hit in reviews.list_hits(0, 100_000) if hit.live
        ]
        refs = [
            Hit(
                *(
                    RecordRef(one.header.side, one.header.unit, one.row.rid)
                    for one in (pair.registry, pair.beneficiary)
                )
            )
            for pair in found
        ]
        assert len(set(refs)) == len(refs)  # each pair once
        return set(refs)

    def agrees(self) -> None:
        """Hits, the full join and the oracle say the same."""
        expected = self.oracle.live_hits()
        assert self.live_hits() == expected
        assert rejoin(self.database) == Rejoin(pairs=len(expected), missed=0, surplus=0)


STORES = ("sqlite", "postgresql")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'matcher.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    store = Store(*open_submissions(url, LogSigner(bytes(32))))
    yield store
    store.database.close()


def token(number: int, rest: int = 0) -> bytes:
    """Tokens with the same ``number`` share their first half; ``rest`` decides."""
    return u32(number).rjust(16, b"t") + u32(rest).rjust(16, b"r")


def test_one_pair_in_either_order(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1), token(2)]))
    store.admit(store.batch(BEN, "ben-a", [token(2), token(3)]))
    store.admit(store.batch(REG, "reg-a", [token(3)]))
    store.agrees()
    assert len(store.oracle.live_hits()) == 2


def test_tokens_that_share_only_the_indexed_half_do_not_match(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1, 1), token(1, 2)]))
    store.admit(store.batch(BEN, "ben-a", [token(1, 2), token(1, 3)]))
    store.agrees()
    assert len(store.oracle.live_hits()) == 1


def test_one_side_never_matches_itself(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1), token(1)]))
    store.admit(store.batch(REG, "reg-b", [token(1)]))
    store.agrees()
    assert not store.oracle.live_hits()


def test_repeated_persons_give_every_pair_once(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1)] * 3))
    store.admit(store.batch(BEN, "ben-a", [token(1)] * 4))
    store.admit(store.batch(REG, "reg-b", [token(1)] * 2))
    store.agrees()
    assert len(store.oracle.live_hits()) == 20


def test_another_epoch_never_matches_even_with_equal_tokens(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1)]))
    other = fake_batch(b"f" * 32, BEN, "ben-a", 1, [token(1)])
    store.submissions.admit(SUITE, other.admitted, QUOTA, NOW)
    store.agrees()


def test_a_repeated_batch_changes_nothing(store: Store) -> None:
    batch = store.batch(REG, "reg-a", [token(1)])
    first = store.admit(batch)
    store.admit(store.batch(BEN, "ben-a", [token(1)]))
    size = Ledger(store.database).size()
    assert store.submissions.admit(SUITE, batch.admitted, QUOTA, NOW) == first
    assert Ledger(store.database).size() == size
    store.agrees()


def test_a_withdrawn_record_does_not_match_later_ones(store: Store) -> None:
    batch = store.batch(REG, "reg-a", [token(1), token(2)])
    store.admit(batch)
    store.admit(store.batch(BEN, "ben-a", [token(1)]))
    store.withdraw(REG, "reg-a", [batch.refs[0]])
    store.admit(store.batch(BEN, "ben-a", [token(1), token(2)]))
    store.agrees()
    assert len(store.oracle.live_hits()) == 1


def test_a_refused_submission_leaves_nothing(store: Store) -> None:
    batch = store.batch(REG, "reg-a", [token(1)])
    store.admit(batch)
    store.admit(store.batch(BEN, "ben-a", [token(1)]))
    size = Ledger(store.database).size()
    refused = [
        (fake_batch(EPOCH, REG, "reg-a", 1, [token(1)]), ConflictError),
        (fake_batch(EPOCH, REG, "reg-a", 3, [token(1)]), SequenceError),
        (fake_batch(EPOCH, REG, "reg-a", 2, [token(1)], [batch.refs[0].rid]), ConflictError),
    ]
    for attempt, error in refused:
        with pytest.raises(error):
            store.submissions.admit(SUITE, attempt.admitted, QUOTA, NOW)
    with pytest.raises(BatchError):
        store.submissions.admit(
            SUITE, store.batch(BEN, "ben-a", [token(1)]).admitted, Quota(10, 0), NOW
        )
    assert Ledger(store.database).size() == size
    store.agrees()


def test_a_row_in_the_way_is_not_told_as_a_record_id_that_was_used(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1)]))
    stray = (record_id(2, 0), 1, int(REG), b"r" * RID_SIZE, None)
    store.database.run_tx("stray", lambda s: insert_many(s, table_of(Record), [stray]))
    with pytest.raises(sa.exc.IntegrityError):  # and no ConflictError, at which a unit would stop
        store.submissions.admit(SUITE, store.batch(REG, "reg-a", [token(2)]).admitted, QUOTA, NOW)
    store.agrees()


def test_the_largest_batch_is_taken_and_matched(store: Store) -> None:
    store.admit(store.batch(REG, "reg-a", [token(i) for i in range(2048)]))
    store.admit(store.batch(BEN, "ben-a", [token(i) for i in range(1024, 3072)]))
    assert len(store.oracle.live_hits()) == 1024
    expected = rejoin(store.database)
    assert expected == Rejoin(pairs=1024, missed=0, surplus=0)


def test_a_long_random_history_agrees(store: Store) -> None:
    rng = random.Random(20180614)
    live: dict[tuple[Side, str], list[RecordRef]] = {}
    for _ in range(60):
        side = rng.choice([REG, BEN])
        unit = rng.choice(["u-1", "u-2", "u-3"])
        refs = live.setdefault((side, unit), [])
        if refs and rng.random() < 0.35:
            gone = rng.sample(refs, rng.randint(1, min(4, len(refs))))
            store.withdraw(side, unit, gone)
            refs[:] = [ref for ref in refs if ref not in gone]
        else:
            tokens = [token(rng.randrange(12), rng.randrange(2)) for _ in range(rng.randint(1, 6))]
            batch = store.batch(side, unit, tokens)
            store.admit(batch)
            refs += batch.refs
    assert store.oracle.live_hits()
    store.agrees()


def test_concurrent_arrivals_miss_no_pair(store: Store) -> None:
    units = [f"u-{i}" for i in range(6)]
    batches = {
        unit: [
            fake_batch(
                EPOCH,
                REG if i % 2 else BEN,
                unit,
                seq,
                [token(n) for n in range(seq * 7, seq * 7 + 14)],
            )
            for seq in range(1, 6)
        ]
        for i, unit in enumerate(units)
    }
    errors: list[BaseException] = []
    start = threading.Barrier(len(units))

    def send(unit: str) -> None:
        try:
            start.wait(timeout=30)
            for batch in batches[unit]:
                store.submissions.admit(SUITE, batch.admitted, QUOTA, NOW)
        except BaseException as error:  # noqa: BLE001  # reported by the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=send, args=(unit,)) for unit in units]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not errors
    for batch in (one for sent in batches.values() for one in sent):
        store.oracle.admit(zip(batch.refs, batch.admitted.tokens, strict=True))
    store.agrees()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DELETE FROM hit WHERE number = 1", (0, 1)),
        ("UPDATE hit SET live = false WHERE number = 2", (0, 1)),
        ("UPDATE record SET key = NULL WHERE id = 2048", (1, 0)),
        (
            "UPDATE sealed SET rest = (SELECT key FROM record WHERE id = 2048) WHERE record = 2049",
            (1, 0),
        ),
    ],
)
def test_a_rejoin_notices_what_was_tampered_with(
    store: Store, damage: str, expected: tuple[int, int]
) -> None:
    store.admit(store.batch(REG, "reg-a", [token(1), token(2)]))
    store.admit(store.batch(BEN, "ben-a", [token(1), token(2)]))
    store.agrees()

    def do_damage(session: object) -> None:
        session.connection().exec_driver_sql(damage)  # type: ignore[attr-defined]

    store.database.run_tx("damage", do_damage)
    result = rejoin(store.database)
    assert (result.surplus, result.missed) == expected
    assert not result.agrees


def test_pairs_of_another_epoch_use_up_no_limit(store: Store) -> None:
    """A unit may submit old commitments again: that must not hide what is true in this epoch."""
    token, quota = bytes(32), Quota(records_per_day=1_000_000, hits_per_batch=2)
    old = fake_batch(b"o" * 32, REG, "reg-a", 1, [token] * 3)
    store.submissions.admit(SUITE, old.admitted, quota, NOW)
    store.admit(store.batch(REG, "reg-a", [token]))
    item = store.batch(BEN, "ben-a", [token])
    store.submissions.admit(SUITE, item.admitted, quota, NOW)
    assert (found := rejoin(store.database)).agrees
    assert found.pairs == 1
