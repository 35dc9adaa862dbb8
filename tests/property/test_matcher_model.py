"""Hypothesis drives the matcher through anything that may befall it; a plain model says what must come of it.

Messages that are lost, late, repeated, forged or altered; a process that dies before it commits or before it
answers; clocks that jump; rosters and epochs that change; cases, reports, notices and questions to the gate.
What each call answers, and after each step the hits, the log, the figures and every mailbox, is what
``tests.matcher_model`` says: it has dictionaries, and imports nothing of the services.
"""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from libmatch.auditlog import (
    encode_ack_leaf,
    encode_assignment_leaf,
    encode_gate_leaf,
    encode_release_leaf,
    encode_report_leaf,
)
from libmatch.clearances import ClearanceAnswer
from libmatch.records import RID_SIZE, WORD, Side
from libmatch.release import SealedNotice
from libmatch.reports import APPROVERS_ALONE, CASE_ID_SIZE, Report, Stage
from services.matcher.store.reviews import BatchSummary
from tests.district import INSPECTOR
from tests.machine_runs import run_machine
from tests.mailbox_model import Posted, Told
from tests.matcher_bench import INSPECTOR_IDENTITY, make_report
from tests.matcher_machine import (
    UNHEARD,
    SubmissionMachine,
    fates,
    pick_from,
    picks,
    streams,
    units,
)
from tests.matcher_model import Accepted, Pair, Refusal, micros
from tests.matcher_storage import ServerStorage
from tests.matcher_world import ROLES, STREAMS, MatcherWorld, districts
from tests.postgresql import PostgresqlServer
from tests.unit_line import Fate

CASES = [bytes([n]) * CASE_ID_SIZE for n in (1, 2)]
NOTICES = [bytes([n]) * 16 for n in range(4)]
STRANGERS = [bytes([255 - n]) * RID_SIZE for n in range(2)]

cases = st.sampled_from(CASES)
stages = st.sampled_from(Stage)
spared = st.sampled_from([*[None] * 6, *range(6)])
turns = st.sampled_from(
    [
        *[()] * 4,
        (Stage.NOT_COMPLIANT,),
        (Stage.OBJECTED,),
        (Stage.OBJECTED, Stage.OBJECTION_CLOSED),
        (Stage.OBJECTED, Stage.COMPLIANT),
        (Stage.TAKEN_DOWN,),
    ]
)


@functools.lru_cache(maxsize=20_000)
def report_once(
    epoch: int, unit: str, side: Side, case: bytes, seq: int, stage: Stage, to: tuple[str, ...]
) -> Report:
    return make_report(districts()[epoch], unit, side, case, stage, seq=seq, to=to)


@functools.lru_cache(maxsize=20_000)
def notice_once(epoch: int, unit: str, side: Side, hit_id: bytes, notice_id: bytes) -> SealedNotice:
    return districts()[epoch].notify(unit, side, hit_id, notice_id=notice_id)


class MatcherMachine(SubmissionMachine):
    """Messages, and all that follows from a hit."""

    # --- 纪委 -----------------------------------------------------------------------------------------

    @rule(
        opens=st.sampled_from([True, True, False]), stranger=st.sampled_from([False, False, True])
    )
    def report_all_capsules(self, *, opens: bool, stranger: bool) -> None:
        """One by one, or all together with a batch that does not exist: then none is kept."""
        report = self.world.use.review.report_capsules
        listed = self.world.use.reviews.list_batches(0, 100_000)
        for batch in listed:
            accepted = self._accepted(batch)
            if not stranger and accepted.opens is None:
                report(INSPECTOR_IDENTITY, {batch.number: opens})
                accepted.opens = opens
        if stranger:
            results = {batch.number: opens for batch in listed} | {1 << 40: True}
            got = self.world.answer(lambda: report(INSPECTOR_IDENTITY, results))
            assert got == Refusal("NOT_FOUND")
        self.ask_the_gate_of_all()

    @rule(pick=picks, opens=st.booleans())
    def report_a_capsule(self, pick: int, *, opens: bool) -> None:
        """A later report replaces an earlier one."""
        listed = self.world.use.reviews.list_batches(0, 100_000)
        if listed:
            batch = pick_from(listed, pick)
            self.world.use.review.report_capsules(INSPECTOR_IDENTITY, {batch.number: opens})
            self._accepted(batch).opens = opens

    def _accepted(self, batch: BatchSummary) -> Accepted:
        h = batch.header
        accepted = self.model.find(h.epoch, h.unit, h.side, h.seq)
        assert accepted is not None
        return accepted

    @precondition(lambda self: self.model.pairs)
    @rule(chosen=st.lists(st.tuples(picks, cases), min_size=1, max_size=3), stranger=picks)
    def assign(self, chosen: list[tuple[int, bytes]], stranger: int) -> None:
        case_of = {pick_from(self.model.pairs[::-1], pick).id: case for pick, case in chosen}
        if stranger % 20 == 1:
            case_of[bytes(WORD)] = CASES[0]
        self._assign(case_of)

    def _assign(self, case_of: dict[bytes, bytes]) -> None:
        expected = self.model.judge_assignment(case_of)
        got = self.world.answer(lambda: self.world.use.review.assign_cases(list(case_of.items())))
        assert got == expected
        if expected is None:
            new = self.model.assign(case_of)
            at = micros(self.now)
            leaves = [encode_assignment_leaf(hit, case_of[hit], at) for hit in new]
            self.expect_leaves([], leaves)

    # --- reports of units -------------------------------------------------------------------------------

    @rule(
        stream=streams,
        case=cases,
        stage=stages,
        fate=fates,
        ahead=st.sampled_from([0, 0, 0, 1, -1]),
        to=st.sets(units, max_size=1),
    )
    def report(
        self,
        stream: tuple[str, Side],
        case: bytes,
        stage: Stage,
        fate: Fate,
        ahead: int,
        to: set[str],
    ) -> None:
        unit, side = stream
        if stage in APPROVERS_ALONE and side is not Side.BENEFICIARY:
            return
        seq = max(self.mailbox.next_report(case, unit, side) + ahead, 1)
        recipients = tuple(sorted({INSPECTOR, *to}))
        self._report(report_once(self.world.epoch, unit, side, case, seq, stage, recipients), fate)

    @precondition(lambda self: any(pair.live for pair in self.model.pairs))
    @rule(pick=picks, case=cases, days=st.integers(7, 9), spare=spared, turn=turns)
    def report_a_whole_course(
        self, pick: int, case: bytes, days: int, spare: int | None, turn: tuple[Stage, ...]
    ) -> None:
        """All that opens the gate for a unit's pairs, perhaps without a step, or with a turn at the end."""
        unit = pick_from([p for p in self.model.pairs if p.live], pick).beneficiary.ref.unit
        pairs = [pair for pair in self.model.pairs if pair.beneficiary.ref.unit == unit]
        self._assign({pair.id: case for pair in pairs if pair.case is None} or {pairs[0].id: case})
        self.report_all_capsules(opens=True, stranger=False)
        self.release(pick, NOTICES[pick % len(NOTICES)], pick, STREAMS[0])
        if self.mailbox.notices:
            self.acknowledge(pick, unit, signed=True, fate=Fate.ANSWER_LOST)
        parties = sorted(self.model.parties(case), key=lambda party: (-party[1], party[0]))
        course = [(party, Stage.COMPLIANT) for party in parties[:1]]
        course += [(party, stage) for stage in (Stage.POSTED, Stage.COMPLETED) for party in parties]
        if spare is not None:
            del course[spare : spare + 1]
        course += [(party, stage) for stage in turn for party in parties[:1]]
        for (unit, side), stage in course:
            seq = self.mailbox.next_report(case, unit, side)
            head = (self.world.epoch, unit, side, case, seq, stage, (INSPECTOR,))
            self._report(report_once(*head), Fate.ARRIVES)
        self.world.clock.moment += timedelta(days=days)
        self.come_back()
        self.ask_the_gate_of_all()

    @precondition(lambda self: self.mailbox.reports)
    @rule(pick=picks, peer=units)
    def report_again(self, pick: int, peer: str) -> None:
        """A report of before, also by another unit."""
        self._report(pick_from(self.mailbox.reports, pick).report, Fate.ARRIVES)
        self._report(pick_from(self.mailbox.reports, pick).report, Fate.ARRIVES, peer)

    def _report(self, report: Report, fate: Fate, peer: str = "") -> None:
        peer = peer or report.unit
        expected = self.mailbox.judge_report(peer, report, self.now)
        accept = self.world.use.reports.accept
        if fate is Fate.REQUEST_LOST:
            return
        if fate is Fate.DIES_BEFORE_COMMIT:
            self.world.die_before_commit(
                lambda: self.world.attempt(peer, lambda: accept(peer, report))
            )
            return
        got = self.world.attempt(peer, lambda: accept(peer, report))
        if isinstance(expected, Told):
            assert got == expected.leaf
        elif expected is not None:
            assert got == expected
        else:
            self._keep_report(report, got)
        if fate in UNHEARD:
            self.lose_the_answer(fate)
            self._report(report, Fate.ARRIVES, peer)

    def _keep_report(self, report: Report, leaf: int | Refusal) -> None:
        r, boxes = report, self.mailbox.boxes(report)
        assert leaf == len(self.log)
        assert boxes is not None
        digest = r.digest(self.world.district.suite)
        entry = encode_report_leaf(
            r.case_id, r.unit, r.side, r.seq, r.stage, micros(self.now), digest
        )
        self.expect_leaves([entry])
        self.mailbox.reports.append(Told(report, leaf, boxes))
        self.model.say(r.case_id, (r.unit, r.side), r.stage, self.now)

    # --- notices ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.pairs)
    @rule(pick=picks, notice_id=st.sampled_from(NOTICES), right=picks, stream=streams)
    def release(self, pick: int, notice_id: bytes, right: int, stream: tuple[str, Side]) -> None:
        """A notice to one side of a pair, or to whom it is none of their business."""
        pair: Pair = pick_from(self.model.pairs[::-1], pick)
        side = Side(1 + right % 2)
        unit, side = (pair.row_of(side).ref.unit, side) if right % 5 else stream
        hit_id = bytes(WORD) if right % 25 == 1 else pair.id
        notice = notice_once(self.world.epoch, unit, side, hit_id, notice_id)
        expected = self.mailbox.judge_notice(notice)
        got = self.world.answer(lambda: self.world.use.notices.release(notice))
        if isinstance(expected, Posted):
            assert got == (self.mailbox.notices.index(expected) + 1, expected.leaf)
        elif expected is not None:
            assert got == expected
        else:
            n, leaf = notice, len(self.log)
            assert got == (len(self.mailbox.notices) + 1, leaf)
            at = micros(self.now)
            entry = encode_release_leaf(n.notice_id, n.hit_id, n.unit, n.side, at)
            self.expect_leaves([entry])
            self.mailbox.notices.append(Posted(notice, leaf))

    @precondition(lambda self: self.mailbox.notices)
    @rule(pick=picks, stranger=units, signed=st.sampled_from([True, True, False]), fate=fates)
    def acknowledge(self, pick: int, stranger: str, *, signed: bool, fate: Fate) -> None:
        notice = pick_from(self.mailbox.notices, pick).notice
        peer = stranger if pick % 5 == 0 else notice.unit
        signature = self.world.district.acknowledge(notice.unit, notice) if signed else bytes(64)
        expected = self.mailbox.judge_acknowledgement(peer, notice.notice_id, signed=signed)

        def send() -> tuple[int, int] | Refusal:
            keep = self.world.use.notices.acknowledge
            return self.world.attempt(peer, lambda: keep(peer, notice.notice_id, signature))

        if fate is Fate.DIES_BEFORE_COMMIT:
            self.world.die_before_commit(send)
        elif fate is not Fate.REQUEST_LOST:
            self._settle_acknowledgement(expected, send())
            if fate in UNHEARD:
                self.lose_the_answer(fate)
                self._settle_acknowledgement(expected, send())

    def _settle_acknowledgement(
        self, expected: Refusal | Posted, got: tuple[int, int] | Refusal
    ) -> None:
        if isinstance(expected, Refusal):
            assert got == expected
            return
        if expected.acknowledged is None:
            expected.acknowledged = micros(self.now), len(self.log)
            self.expect_leaves([encode_ack_leaf(expected.notice.notice_id, micros(self.now))])
        assert got == expected.acknowledged

    # --- the gate ---------------------------------------------------------------------------------------

    @rule(peer=units, chosen=st.lists(picks, max_size=4), stranger=st.sampled_from(STRANGERS))
    def ask_the_gate(self, peer: str, chosen: list[int], stranger: bytes) -> None:
        """About records of anybody, and one of nobody."""
        asked = [pick_from(self.own_rows(), pick).ref.rid for pick in chosen if self.own_rows()]
        self._ask(peer, [*asked, stranger])

    @precondition(lambda self: self.own_rows())
    @rule()
    def ask_the_gate_of_all(self) -> None:
        for peer in ROLES:
            own = [row.ref.rid for row in self.own_rows() if row.ref.unit == peer]
            self._ask(peer, [*own, STRANGERS[0]])

    def at_a_border(self) -> None:
        self.ask_the_gate_of_all()

    def _ask(self, peer: str, rids: list[bytes]) -> None:
        expected = [(rid, *self.model.clear(peer, rid, self.now)) for rid in rids]
        got = self.world.attempt(peer, lambda: self.world.use.gate.check(peer, rids))
        refused = self.model.refuse_peer(peer, self.now)
        if refused is not None:
            assert got == refused
            return
        assert isinstance(got, ClearanceAnswer)
        answers = [(c.rid, c.status, c.expires_at_us, c.reason) for c in got.clearances]
        assert answers == expected
        at, size = micros(self.now), len(self.log)
        facts = (got.epoch, got.checked_at_us, got.leaf_index, got.tree_size)
        assert facts == (self.model.term.id, at, size, size + 1)
        statuses = [(rid, status) for rid, status, _, _ in expected]
        self.expect_leaves([encode_gate_leaf(peer, at, statuses)])

    # --- what must agree --------------------------------------------------------------------------------

    def check_mail(self) -> None:
        for unit, side in STREAMS:
            inbox = self.world.use.mailbox.fetch(unit, side, 0, 1000)
            got = [(one.notice, one.acknowledged) for one in inbox]
            assert got == self.mailbox.inbox(unit, side)
            told = self.world.use.report_store.fetch(unit, side, 0, 1000)
            assert [one.report for one in told] == self.mailbox.told_to(unit, side)


@pytest.mark.campaign
def test_matcher_answers_as_its_model_whatever_befalls_it(long: bool) -> None:
    run_machine(MatcherMachine, examples=3000 if long else 16, steps=60 if long else 40)


@pytest.mark.campaign
def test_matcher_on_postgresql_answers_as_its_model(
    long: bool, postgresql_server: PostgresqlServer
) -> None:
    class OnPostgresql(MatcherMachine):
        def make_world(self) -> MatcherWorld:
            return MatcherWorld(self.folder, ServerStorage(postgresql_server))

    run_machine(OnPostgresql, examples=300 if long else 2, steps=60 if long else 30)
