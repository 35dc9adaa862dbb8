"""What Hypothesis may do to the matcher and its model: the units' messages, and whatever may befall them.

The process and its clock too. Cases, notices and the gate are added by ``tests.property.test_matcher_model``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    precondition,
    rule,
)

from libmatch.auditlog import (
    encode_batch_leaf,
    encode_hit_leaf,
    encode_withdrawal_leaf,
    verify_receipt,
)
from libmatch.batch import admit_batch
from libmatch.records import Batch, Receipt, Side, Withdrawal
from services.matcher.intake import Intake
from services.matcher.store.groups import Ticket
from tests.district import NOW
from tests.matcher_bench import FakeBatch
from tests.matcher_comparison import Comparison
from tests.matcher_model import Accepted, Message, Refusal, Row, micros
from tests.matcher_world import (
    EPOCHS,
    LIMITS,
    ROLES,
    STREAMS,
    Envelope,
    forge,
    forge_once,
    seal_once,
    terms,
    withdraw_once,
)
from tests.unit_line import Fate

T = TypeVar("T")


UNHEARD = (Fate.ANSWER_LOST, Fate.DIES_BEFORE_ANSWER)

fates = st.sampled_from([*[Fate.ARRIVES] * 6, *Fate])
units = st.sampled_from(sorted(ROLES))
streams = st.sampled_from(STREAMS)
epochs = st.integers(0, EPOCHS - 1)
# Few persons, so that a match is the rule and not the exception.
persons = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple)
picks = st.integers(0, 1000)
jumps = st.sampled_from(
    [timedelta(hours=h) for h in (1, 23, 24, 25, 6 * 24, 9 * 24, 31 * 24, -1, -24, -25, -9 * 24)]
)

quota_times = st.sampled_from(
    [timedelta(days=1), timedelta(days=1, microseconds=-1), timedelta(hours=-1)]
)


def pick_from(items: Sequence[T], pick: int) -> T:
    return items[pick % len(items)]


def _upload(intake: Intake, peer: str, batch: Batch) -> Receipt:
    """The receipt of a batch that comes as the wire brings it: its head, then its columns."""
    upload = intake.begin(peer, batch.header, batch.capsule, batch.signature)
    return intake.receive(peer, upload, [batch.columns.pack()])


class SubmissionMachine(Comparison):
    """Batches and withdrawals; see the module's docstring."""

    messages = Bundle("messages")

    @initialize(first=st.lists(st.tuples(streams, persons), max_size=6))
    def open(self, first: list[tuple[tuple[str, Side], tuple[int, ...]]]) -> None:
        self.begin()
        for stream, who in first:
            self.submit_next(stream, who)

    # --- messages -------------------------------------------------------------------------------------

    @rule(
        target=messages,
        stream=streams,
        who=persons,
        fate=fates,
        ahead=st.sampled_from([0, 0, 0, 1]),
    )
    def submit(
        self, stream: tuple[str, Side], who: tuple[int, ...], fate: Fate, ahead: int
    ) -> Envelope:
        """A new batch: the next one, or one that is before its turn."""
        return self.submit_next(stream, who, fate, ahead)

    @rule(target=messages, unit=units, other=units, who=persons, fate=fates)
    def declare_and_apply(
        self, unit: str, other: str, who: tuple[int, ...], fate: Fate
    ) -> Envelope:
        """The same persons on both sides."""
        sides = {min(ROLES[unit]): unit, max(ROLES[other]): other}
        for side, name in sides.items():
            envelope = self.submit_next((name, side), who, fate)
        return envelope

    @rule(target=messages, stream=streams, who=persons)
    def submit_other_content(self, stream: tuple[str, Side], who: tuple[int, ...]) -> Envelope:
        """Another content under the last number."""
        seq = max(self._next(*stream) - 1, 1)
        envelope = seal_once(self.world.epoch, *stream, seq, who, 1)
        self.deliver(envelope)
        return envelope

    @rule(envelope=messages, fate=fates)
    def send_again(self, envelope: Envelope, fate: Fate) -> None:
        """A message of before: known, late, out of its turn, or of another epoch."""
        self.deliver(envelope, fate)

    @rule(envelope=messages, peer=units, who=persons)
    def send_what_is_not_ones_own(
        self, envelope: Envelope, peer: str, who: tuple[int, ...]
    ) -> None:
        """Under the name of another unit, and on a side that the unit does not have."""
        self.deliver(envelope, peer=peer)
        unit, side = STREAMS[0]
        self.deliver(seal_once(self.world.epoch, unit, side.other, 1, who))

    @rule(
        stream=streams,
        marks=st.lists(
            st.tuples(epochs, st.integers(1, 2), st.integers(0, 2)), min_size=1, max_size=2
        ).map(tuple),
    )
    def submit_what_nobody_can_seal(
        self, stream: tuple[str, Side], marks: tuple[tuple[int, int, int], ...]
    ) -> None:
        """Tokens that share their first half, or are those of another epoch: into the store itself."""
        self.store(forge_once(self.world.epoch, *stream, self._next(*stream), marks))

    @rule(
        old=st.lists(messages, max_size=2),
        new=st.lists(st.tuples(streams, persons), min_size=1, max_size=3),
        fate=fates,
        heard=st.permutations(range(5)),
    )
    def submit_together(
        self,
        old: list[Envelope],
        new: list[tuple[tuple[str, Side], tuple[int, ...]]],
        fate: Fate,
        heard: list[int],
    ) -> None:
        """Batches that wait at the same moment share a transaction; they count in order of arrival."""
        together = [one for one in old if isinstance(one.content, Batch)]
        for i, (stream, who) in enumerate(new):
            ahead = sum(earlier == stream for earlier, _ in new[:i])
            together.append(seal_once(self.world.epoch, *stream, self._next(*stream) + ahead, who))
        refuse = self.model.refuse_peer
        together = [
            one
            for one in together
            if one.message.epoch == self.model.term.id and not refuse(one.message.unit, self.now)
        ]
        tickets = [self._offer(one) for one in together]
        answers: dict[int, Receipt | Refusal] = {}

        def hear() -> None:
            for i in heard:
                if i < len(tickets):
                    answers[i] = self.world.answer(tickets[i].result)

        if fate is Fate.DIES_BEFORE_COMMIT:
            self.world.die_before_commit(hear)
            return
        hear()
        for i, one in enumerate(together):
            expected = self.model.judge_content(one.message, self.now)
            self._settle(one.message, expected, answers[i])
        if fate in UNHEARD:
            self.lose_the_answer(fate)

    def _offer(self, envelope: Envelope) -> Ticket[Receipt]:
        district, batch = self.world.district, envelope.content
        assert isinstance(batch, Batch)
        member = district.roster.find(envelope.message.unit)
        admitted = admit_batch(district.manifest, member, batch)
        offer = self.world.submissions.offer
        return offer(district.suite, admitted, self.world.quota, self.now)

    @rule(stream=streams, later=quota_times)
    def fill_the_quota(self, stream: tuple[str, Side], later: timedelta) -> None:
        """To the last record, one more, and one more when there may be room."""
        self.world.clock.moment += timedelta(hours=25)
        self.come_back()
        for who in [(7, 8, 9), (7, 8, 9), (8, 9), (9,)]:
            self.submit_next(stream, who)
        self.world.clock.moment += later
        self.submit_next(stream, (9,))

    @precondition(lambda self: self.own_rows())
    @rule(pick=picks)
    def submit_a_used_record_id(self, pick: int) -> None:
        ref = pick_from(self.own_rows(), pick).ref
        seq = self._next(ref.unit, ref.side)
        marks = ((self.world.epoch, 1, 0),)
        self.store(forge(self.world.epoch, ref.unit, ref.side, seq, marks, (ref.rid,)))

    @precondition(lambda self: self.own_rows())
    @rule(
        target=messages,
        chosen=st.lists(picks, min_size=1, max_size=2),
        fate=fates,
        other_side=st.sampled_from([False, False, True]),
    )
    def withdraw(self, chosen: list[int], fate: Fate, *, other_side: bool) -> Envelope:
        """Any records under the first one's unit: live, withdrawn before, of others, of the other side."""
        rows = [pick_from(self.own_rows(), pick) for pick in chosen]
        return self._withdraw(rows, fate, other_side=other_side)

    @precondition(lambda self: self.own_rows())
    @rule(target=messages, pick=picks, who=persons, fate=fates)
    def correct(self, pick: int, who: tuple[int, ...], fate: Fate) -> Envelope:
        """The new record first, then the withdrawal of the old one: it is never unmatched in between."""
        row = pick_from(self.own_rows(), pick)
        unit, side = row.ref.unit, row.ref.side
        new = seal_once(self.world.epoch, unit, side, self._next(unit, side), who)
        self.deliver(new)
        self.check_hits()
        self._withdraw([row], fate)
        return new

    @rule(stream=streams, seq=st.integers(1, 5))
    def ask_for_a_receipt(self, stream: tuple[str, Side], seq: int) -> None:
        self.check_receipt(*stream, seq)

    def submit_next(
        self,
        stream: tuple[str, Side],
        who: tuple[int, ...],
        fate: Fate = Fate.ARRIVES,
        ahead: int = 0,
    ) -> Envelope:
        envelope = seal_once(self.world.epoch, *stream, self._next(*stream) + ahead, who)
        self.deliver(envelope, fate)
        return envelope

    def _next(self, unit: str, side: Side) -> int:
        return self.model.next_seq(self.model.term.id, unit, side)

    def _withdraw(self, rows: Sequence[Row], fate: Fate, *, other_side: bool = False) -> Envelope:
        unit, side = rows[0].ref.unit, rows[0].ref.side
        if other_side and side.other in ROLES[unit]:
            side = side.other
        rids = tuple(dict.fromkeys(row.ref.rid for row in rows))
        envelope = withdraw_once(self.world.epoch, unit, side, self._next(unit, side), rids)
        self.deliver(envelope, fate)
        return envelope

    def own_rows(self) -> list[Row]:
        """The records of the epoch in force, the latest first."""
        return [row for row in self.model.rows if row.epoch == self.model.term.id][::-1]

    # --- the process and the world around it ------------------------------------------------------------

    @rule(jump=jumps, stays=st.sampled_from([False, False, True]))
    def turn_the_clock(self, jump: timedelta, *, stays: bool) -> None:
        """Forwards or backwards; it seldom stays where the epoch is not in force."""
        self.world.clock.moment += jump
        if not stays:
            self.come_back()

    @rule(
        at=st.sampled_from(["begins", "ends", "opens"]),
        off=st.sampled_from([timedelta(microseconds=us) for us in (-1, 0)]),
        stream=streams,
        who=persons,
    )
    def submit_at_a_border(
        self, at: str, off: timedelta, stream: tuple[str, Side], who: tuple[int, ...]
    ) -> None:
        """At the first or last moment of the epoch, or the one at which the gate opens for all."""
        term, before = self.model.term, self.now
        border = {"begins": term.begins, "ends": term.ends, "opens": LIMITS.opens_at}[at]
        self.world.clock.moment = border + off
        self.submit_next(stream, who)
        self.at_a_border()
        self.world.clock.moment = before

    def at_a_border(self) -> None:
        """What else is done there."""

    def come_back(self) -> None:
        """The clock is set to a time at which the epoch is in force."""
        if not self.model.term.begins <= self.now < self.model.term.ends:
            self.world.clock.moment = max(self.model.term.begins, NOW)

    @rule(epoch=epochs, crash=st.booleans(), settle=st.sampled_from([True, True, False]))
    def change_the_epoch(self, epoch: int, *, crash: bool, settle: bool) -> None:
        self.model.term = terms()[epoch]
        self.world.enter_epoch(epoch, self.model.active)
        self.restart(crash=crash)
        if settle:
            self.come_back()

    @rule(unit=units, enrolled=st.sampled_from([True, True, False]))
    def change_the_roster(self, unit: str, *, enrolled: bool) -> None:
        (self.model.active.add if enrolled else self.model.active.discard)(unit)
        self.world.set_roster(self.model.active)

    @rule(crash=st.sampled_from([True, True, False]))
    def restart(self, *, crash: bool) -> None:
        self.world.crash() if crash else self.world.restart()
        self.check_everything_acknowledged()

    # --- what becomes of a message ----------------------------------------------------------------------

    def deliver(self, envelope: Envelope, fate: Fate = Fate.ARRIVES, *, peer: str = "") -> None:
        """One message through the use case that the wire calls, and the model's word beside it."""
        message = envelope.message
        peer = peer or message.unit
        expected = self.model.judge(peer, message, self.now)
        if fate is Fate.REQUEST_LOST:
            return
        if fate is Fate.DIES_BEFORE_COMMIT:
            self.world.die_before_commit(lambda: self.send(envelope, peer))
            return
        self._settle(message, expected, self.send(envelope, peer))
        if fate in UNHEARD:
            self.lose_the_answer(fate)
            if not isinstance(expected, Refusal):
                self.check_receipt(message.unit, message.side, message.seq)
                again = self.send(envelope, peer)
                self._settle(message, self.model.judge(peer, message, self.now), again)

    def lose_the_answer(self, fate: Fate) -> None:
        """The unit waits a little and will try again; perhaps another process is there by then."""
        if fate is Fate.DIES_BEFORE_ANSWER:
            self.world.crash()
        self.world.clock.moment += timedelta(minutes=1)

    def send(self, envelope: Envelope, peer: str) -> Receipt | Refusal:
        content, intake = envelope.content, self.world.use.intake
        if isinstance(content, Batch):
            return self.world.attempt(peer, partial(_upload, intake, peer, content))
        assert isinstance(content, Withdrawal)
        return self.world.attempt(peer, lambda: intake.withdraw(peer, content))

    def store(self, envelope: Envelope) -> None:
        """A batch into the store, behind the checks of its origin."""
        content, message = envelope.content, envelope.message
        assert isinstance(content, FakeBatch)
        if self.model.refuse_peer(message.unit, self.now):
            return
        suite, quota = self.world.district.suite, self.world.quota
        expected = self.model.judge_content(message, self.now)
        store = self.world.submissions
        got = self.world.attempt(
            message.unit, lambda: store.admit(suite, content.admitted, quota, self.now)
        )
        self._settle(message, expected, got)

    def _settle(
        self, message: Message, expected: Refusal | Accepted | None, got: Receipt | Refusal
    ) -> None:
        if isinstance(expected, Refusal):
            assert got == expected
            return
        assert isinstance(got, Receipt), f"refused: {got}"
        if expected is not None:
            assert got.encode() == expected.receipt
            return
        at_us, m = micros(self.now), message
        verify_receipt(self.world.district.manifest, got, m.digest)
        assert (got.side, got.unit, got.seq) == (m.side, m.unit, m.seq)
        assert (got.accepted_at_us, got.leaf_index) == (at_us, len(self.log))
        encode = encode_batch_leaf if m.rows else encode_withdrawal_leaf
        pairs = self.model.take(m, self.now, got.encode())
        self.check_reference(m, {pair.hit for pair in pairs})
        hits = [encode_hit_leaf(pair.id, at_us) for pair in pairs]
        self.expect_leaves([encode(m.digest, m.side, m.unit, m.seq, at_us)], hits)
