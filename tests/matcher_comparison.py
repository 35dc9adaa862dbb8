"""The matcher and its model side by side: what must agree, whatever was done to both.

The log is predicted leaf by leaf, so that every acceptance is in it once, where its receipt says.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine, invariant

from libmatch import merkle
from libmatch.auditlog import (
    Checkpoint,
    follow_checkpoint,
    hash_entry,
    log_hash,
    log_origin,
    open_checkpoint,
    verify_inclusion,
)
from libmatch.matching import ReferenceMatcher
from libmatch.records import Hit, RecordRef, Side
from services.matcher.store.joins import rejoin
from tests.district import INSPECTOR
from tests.mailbox_model import MailboxModel
from tests.matcher_model import MatcherModel, Message, Refusal, micros
from tests.matcher_world import LIMITS, ROLES, MatcherWorld, terms


class Comparison(RuleBasedStateMachine):
    """A matcher and its model, and no rules yet."""

    def begin(self) -> None:
        """Both are empty."""
        self.folder = Path(tempfile.mkdtemp())
        self.world = self.make_world()
        suite, term = self.world.district.suite, terms()[0]
        self.model = MatcherModel(suite, LIMITS, ROLES, term, set(ROLES))
        self.mailbox = MailboxModel(self.model, frozenset({INSPECTOR}))
        self.references: defaultdict[bytes, ReferenceMatcher] = defaultdict(ReferenceMatcher)
        self.log: list[bytes] = []
        self.remembered: Checkpoint | None = None
        self.checked: tuple[object, ...] = ()
        self.known_hits: set[tuple[bytes, bool]] = set()

    def make_world(self) -> MatcherWorld:
        return MatcherWorld(self.folder)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.folder)

    @property
    def now(self) -> datetime:
        return self.world.clock()

    def expect_leaves(self, first: Iterable[bytes], others: Iterable[bytes] = ()) -> None:
        """The log went on with these leaves, the others in any order."""
        head, rest = list(first), list(others)
        new = self.world.entries(len(self.log))[: len(head) + len(rest)]
        assert new[: len(head)] == head
        assert sorted(new[len(head) :]) == sorted(rest)
        self.log += new

    # --- what must agree --------------------------------------------------------------------------------

    def check_receipt(self, unit: str, side: Side, seq: int) -> None:
        """The receipt that the unit may ask for: of its own messages in the epoch in force."""
        found = self.model.find(self.model.term.id, unit, side, seq)
        get = lambda: self.world.use.intake.get_receipt(unit, side, seq).encode()  # noqa: E731
        expected = found.receipt if found is not None else Refusal("NOT_FOUND")
        got = self.world.attempt(unit, get)
        assert got == (expected if unit in self.model.active else Refusal("ROSTER"))

    @invariant()
    def nothing_differs(self) -> None:
        """The hits and the log's end always; the rest where the model has changed, or the process."""
        if not hasattr(self, "world"):
            return
        assert self.world.entries(len(self.log)) == []
        self.check_hits()
        self.check_batches()
        if self.checked != (state := self.state()):
            self.checked = state
            self.check_log()
            self.check_figures()
            self.check_mail()

    def state(self) -> tuple[object, ...]:
        """What differs where more than hits and batches can differ."""
        bad = sum(one.opens is False for one in self.model.accepted)
        where = (self.world.generation, self.model.term.id, frozenset(self.model.active))
        return len(self.log), bad, where

    def check_mail(self) -> None:
        """What lies in the mailboxes."""

    def check_hits(self) -> None:
        """Every pair once, dead ones too; the live ones are the join, and the full join agrees."""
        reviews = self.world.use.reviews
        listed = reviews.list_hits(0, 100_000)
        found = {hit.hit_id: (hit.found_at_us, hit.live) for hit in listed}
        assert len(found) == len(listed)
        assert found == {p.id: (micros(p.found_at), p.live) for p in self.model.pairs}
        live = {pair.hit for pair in self.model.pairs if pair.live}
        assert live == self.model.join()
        again = rejoin(self.world.database)
        assert (again.pairs, again.missed, again.surplus) == (len(live), 0, 0)
        for pair in self.model.pairs:
            if (pair.id, pair.live) not in self.known_hits:
                self.known_hits.add((pair.id, pair.live))
                fetched = self.world.answer(partial(self.fetch, pair.id))
                assert fetched == (pair.hit if pair.live else Refusal("WRONG_STATE"))

    def fetch(self, hit_id: bytes) -> Hit:
        """The hit whose rows 纪委 gets."""
        _, pair = self.world.use.reviews.fetch_pair(hit_id)
        sides = (pair.registry, pair.beneficiary)
        return Hit(*(RecordRef(s.header.side, s.header.unit, s.row.rid) for s in sides))

    def check_reference(self, message: Message, found: set[Hit]) -> None:
        """The reference of all engines finds the same, as the records come and go."""
        m, reference = message, self.references[message.epoch]
        rows = [(RecordRef(m.side, m.unit, rid), repr(mark).encode()) for rid, mark in m.rows]
        new = reference.admit(rows)
        assert (len(new), set(new)) == (len(found), found)
        reference.withdraw(RecordRef(m.side, m.unit, rid) for rid in m.rids)
        live = {hit for one in self.references.values() for hit in one.live_hits()}
        assert live == self.model.join()

    def check_everything_acknowledged(self) -> None:
        """Every receipt ever given is kept as it was, those of former epochs too, and is in the log."""
        hashes = [hash_entry(entry) for entry in self.log]
        size, root = len(hashes), merkle.compute_root(log_hash, hashes)
        for one in self.model.accepted:
            receipt = self.world.submissions.find_receipt(*one.message.stream, one.message.seq)
            assert receipt is not None
            assert receipt.encode() == one.receipt
            leaf, path = self.world.use.log.prove_inclusion(receipt.leaf_index, size)
            merkle.verify_position(log_hash, leaf, receipt.leaf_index, size, path, root)

    def check_log(self) -> None:
        """The head is the root over all leaves, extends the last one, and proves a leaf."""
        log, origin = self.world.use.log, log_origin("fuling")
        note = log.get_checkpoint()
        head = open_checkpoint(note, origin, self.world.district.manifest.log_key)
        hashes = [hash_entry(entry) for entry in self.log]
        assert (head.size, head.root) == (len(hashes), merkle.compute_root(log_hash, hashes))
        old = self.remembered.size if self.remembered else 0
        self.remembered = follow_checkpoint(
            self.remembered, head, log.prove_consistency(old, head.size)
        )
        for index in {0, old, head.size - 1} & set(range(head.size)):
            leaf, path = log.prove_inclusion(index, head.size)
            assert leaf == hashes[index]
            verify_inclusion(head, index, self.log[index], path)

    def check_figures(self) -> None:
        figures = self.world.use.review.count()
        expected = self.model.count()
        live = [p for p in self.model.pairs if p.live and p.registry.epoch == self.model.term.id]
        assert (figures.hits, figures.tree_size) == (len(live), len(self.log))
        assert figures.units.keys() == expected.keys() | self._notified()
        for key, one in figures.units.items():
            c = expected.get(key)
            inbox = self.inbox_figures(*key)
            got = (one.batches, one.records_live, one.records_withdrawn, one.hits)
            more = (one.bad_capsules, one.last_accepted_at_us)
            assert c is not None
            assert got == (c.batches, c.live, c.withdrawn, c.hits)
            assert more == (c.bad_capsules, c.last_us)
            assert (one.notices, one.notices_acknowledged) == inbox

    def _notified(self) -> set[tuple[str, Side]]:
        return {
            (p.notice.unit, p.notice.side)
            for p in self.mailbox.notices
            if p.notice.epoch == self.model.term.id
        }

    def inbox_figures(self, unit: str, side: Side) -> tuple[int, int]:
        inbox = [
            done
            for notice, done in self.mailbox.inbox(unit, side)
            if notice.epoch == self.model.term.id
        ]
        return len(inbox), sum(inbox)

    def check_batches(self) -> None:
        """纪委 is shown the batches that have a live row, in order of acceptance."""
        with_live = {id(row.batch) for row in self.model.rows if row.live}
        expected = [one.message for one in self.model.accepted if id(one) in with_live]
        listed = [b.header for b in self.world.use.reviews.list_batches(0, 100_000)]
        got = [(h.epoch, h.unit, h.side, h.seq, h.count) for h in listed]
        assert got == [(*m.stream, m.seq, len(m.rows)) for m in expected]
