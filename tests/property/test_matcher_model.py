"""Hypothesis drives the matcher through any order of arrivals, replays and withdrawals; the reference agrees.

At every step the live hits are the join of the live records, each pair once; a replay gives the identical
receipt and changes nothing; every checkpoint extends the one before.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from libmatch.auditlog import Checkpoint, LogSigner, follow_checkpoint
from libmatch.matching import ReferenceMatcher
from libmatch.records import Hit, Receipt, RecordRef, Side, Withdrawal
from libmatch.suites import get_suite
from services.matcher.store.joins import Rejoin, rejoin
from services.matcher.store.ledger import Ledger
from services.matcher.store.reviews import Reviews
from services.matcher.store.submissions import Quota
from tests.district import NOW
from tests.matcher_bench import FakeBatch, fake_batch, open_submissions

EPOCH, SUITE = b"e" * 32, get_suite(1)
QUOTA = Quota(records_per_day=1_000_000, hits_per_batch=1_000_000)

# Few values, so that collisions are the rule; two halves, so that half a collision happens too.
tokens = st.builds(
    lambda key, rest: key * 16 + rest * 16,
    st.sampled_from([b"a", b"b"]),
    st.sampled_from([b"x", b"y"]),
)


@functools.cache
def empty_database() -> bytes:
    """A migrated database: migrating anew would take most of the time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matcher.db"
        open_submissions(path, LogSigner(bytes(32)))[0].close()
        return path.read_bytes()


class MatcherModel(RuleBasedStateMachine):
    """The store of submissions beside the reference matcher."""

    records = Bundle("records")
    batches = Bundle("batches")
    withdrawals = Bundle("withdrawals")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        path = self.folder / "matcher.db"
        path.write_bytes(empty_database())
        path.chmod(0o600)
        self.database, self.submissions = open_submissions(path, LogSigner(bytes(32)))
        self.oracle = ReferenceMatcher()
        self.remembered: Checkpoint | None = None

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder)

    @rule(
        target=batches,
        side=st.sampled_from(Side),
        unit=st.sampled_from(["u-1", "u-2"]),
        column=st.lists(tokens, min_size=1, max_size=4),
    )
    def submit(self, side: Side, unit: str, column: list[bytes]) -> tuple[FakeBatch, Receipt]:
        seq = self.submissions.next_seq(EPOCH, unit, side)
        batch = fake_batch(EPOCH, side, unit, seq, column)
        receipt = self.submissions.admit(SUITE, batch.admitted, QUOTA, NOW)
        self.oracle.admit(zip(batch.refs, column, strict=True))
        return batch, receipt

    @rule(target=records, batch=consumes(batches))
    def spread(self, batch: tuple[FakeBatch, Receipt]) -> object:
        return multiple(*batch[0].refs)

    @rule(batch=batches)
    def send_again(self, batch: tuple[FakeBatch, Receipt]) -> None:
        admitted, receipt = batch[0].admitted, batch[1]
        size = Ledger(self.database).size()
        assert self.submissions.admit(SUITE, admitted, QUOTA, NOW).encode() == receipt.encode()
        assert Ledger(self.database).size() == size

    @rule(target=withdrawals, ref=consumes(records))
    def withdraw(self, ref: RecordRef) -> tuple[Withdrawal, Receipt]:
        seq = self.submissions.next_seq(EPOCH, ref.unit, ref.side)
        withdrawal = Withdrawal(EPOCH, ref.side, ref.unit, seq, (ref.rid,), bytes(64))
        digest = SUITE.h(withdrawal.signed_bytes())
        receipt = self.submissions.withdraw(SUITE, withdrawal, digest, NOW)
        self.oracle.withdraw([ref])
        return withdrawal, receipt

    @rule(withdrawal=withdrawals)
    def withdraw_again(self, withdrawal: tuple[Withdrawal, Receipt]) -> None:
        request, receipt = withdrawal
        digest = SUITE.h(request.signed_bytes())
        assert self.submissions.withdraw(SUITE, request, digest, NOW) == receipt

    @invariant()
    def hits_are_the_join(self) -> None:
        if not hasattr(self, "database"):
            return
        expected = self.oracle.live_hits()
        reviews = Reviews(self.database)
        live = [hit for hit in reviews.list_hits(0, 100_000) if hit.live]
        found = set()
        for hit in live:
            _, pair = reviews.fetch_pair(hit.hit_id)
            sides = (pair.registry, pair.beneficiary)
            refs = [RecordRef(s.header.side, s.header.unit, s.row.rid) for s in sides]
            found.add(Hit(*refs))
        assert len(found) == len(live)
        assert found == expected
        assert rejoin(self.database) == Rejoin(len(expected), 0, 0)

    @invariant()
    def the_log_only_grows(self) -> None:
        if not hasattr(self, "database"):
            return
        ledger = Ledger(self.database)
        new = Checkpoint("log", *ledger.head())
        old_size = self.remembered.size if self.remembered else 0
        proof = ledger.prove_consistency(old_size, new.size)
        self.remembered = follow_checkpoint(self.remembered, new, proof)


TestMatcherModel = MatcherModel.TestCase
TestMatcherModel.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
