"""What every store tells the gate of records, and that the answer's leaf is in the log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from libmatch.auditlog import LogSigner, hash_entry, log_hash
from libmatch.merkle import compute_root
from libmatch.records import Side, Withdrawal
from libmatch.suites import get_suite
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.store.clearances import Clearances, Known
from services.matcher.store.ledger import Ledger, append_entries
from services.matcher.store.submissions import Quota, Submissions
from tests.district import NOW
from tests.matcher_bench import FakeBatch, fake_batch

EPOCH, SUITE = b"e" * 32, get_suite(1)
QUOTA = Quota(records_per_day=1_000_000, hits_per_batch=1_000_000)
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    else:
        url = f"sqlite:///{tmp_path / 'matcher.db'}"
    with closing(Database(url)) as database:
        migrate(database, VERSIONS)
        yield database


@pytest.fixture
def submissions(database: Database) -> Submissions:
    return Submissions(database, LogSigner.generate())


def submit(submissions: Submissions, side: Side, unit: str, tokens: Sequence[bytes]) -> FakeBatch:
    batch = fake_batch(EPOCH, side, unit, submissions.next_seq(EPOCH, unit, side), tokens)
    submissions.admit(SUITE, batch.admitted, QUOTA, NOW)
    return batch


def consult(database: Database, unit: str, rids: Sequence[bytes]) -> Known:
    seen: list[Known] = []

    def decide(known: Known) -> bytes:
        seen[:] = [known]
        return b"an answer"

    Clearances(database).consult(EPOCH, unit, rids, decide)
    return seen[0]


def append(database: Database, entries: Sequence[bytes]) -> int:
    return database.run_tx("append", lambda session: append_entries(session, entries))


def tokens(count: int) -> list[bytes]:
    return [os.urandom(32) for _ in range(count)]


def test_live_items_of_the_caller_are_known_and_nothing_else(
    database: Database, submissions: Submissions
) -> None:
    own = [ref.rid for _ in range(12) for ref in submit(submissions, BEN, "ben", tokens(3)).refs]
    foreign = [ref.rid for ref in submit(submissions, BEN, "other", tokens(3)).refs]
    declared = [ref.rid for ref in submit(submissions, REG, "ben", tokens(3)).refs]
    seq = submissions.next_seq(EPOCH, "ben", BEN)
    withdrawal = Withdrawal(EPOCH, BEN, "ben", seq, (own[0],), bytes(64))
    submissions.withdraw(SUITE, withdrawal, SUITE.h(withdrawal.signed_bytes()), NOW)
    asked = [*own, *foreign, *declared, os.urandom(16), own[1]]
    known = consult(database, "ben", asked)
    assert set(known.facts) == set(own[1:])
    assert all(one.opens is None and not one.hits for one in known.facts.values())
    assert consult(database, "nobody", asked).facts == {}


def test_a_flagged_record_has_its_live_hits(database: Database, submissions: Submissions) -> None:
    shared, *others = tokens(4)
    items = submit(submissions, BEN, "ben", [shared, *others])
    for unit in ("reg-a", "reg-b"):
        submit(submissions, REG, unit, [shared])
    facts = consult(database, "ben", [ref.rid for ref in items.refs]).facts
    assert [len(facts[ref.rid].hits) for ref in items.refs] == [2, 0, 0, 0]


def test_units_with_a_batch_of_declarations_have_arrived(
    database: Database, submissions: Submissions
) -> None:
    submit(submissions, BEN, "ben", tokens(1))
    for unit in ("reg-a", "reg-b", "reg-a"):
        submit(submissions, REG, unit, tokens(1))
    assert consult(database, "ben", [bytes(16)]).arrived == {"reg-a", "reg-b"}


def test_the_log_has_the_root_of_its_entries_at_every_size(database: Database) -> None:
    entries = [bytes([number]) * 3 for number in range(70)]
    ledger, at = Ledger(database), 0
    for step in (1, 1, 2, 3, 5, 1, 8, 1, 13, 7, 28):
        part = entries[at : at + step]
        assert append(database, part) == at
        at += step
        leaves = [hash_entry(entry) for entry in entries[:at]]
        assert ledger.head() == (at, compute_root(log_hash, leaves))
