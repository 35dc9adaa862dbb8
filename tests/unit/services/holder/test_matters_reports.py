"""Steps on their way between the units of a case: killed, refused, forged and repeated on the road."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from libmatch.encoding import enc, u8, u64
from libmatch.errors import EncodingError
from libmatch.records import Side
from libmatch.reports import Report, Stage
from libmatch.stubs.matcher.v1 import matcher_pb2
from services.chassis.refusals import NotFound, Refused
from services.holder.matters.acting import StepWriter
from services.holder.matters.rounds import MatterRounds
from services.holder.matters.sealing import Said, members_of, seal_said
from services.process.entries import Entry, History, Opening, decode_body
from services.process.moments import to_us
from services.rules.matter_facts import Actor, State, Verdict
from services.rules.matter_steps import Conclude, Step, Take
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from tests.chassis_pki import Pki
from tests.district import INSPECTOR, District
from tests.matcher_in_memory import MemoryMatcher
from tests.unit.services.holder.bench import Killed, make_material
from tests.unit.services.holder.matters_bench import CASE, Scene, opened, post, verify

RULES = packaged_rulesets()
WANG = Actor("wang", "姓名wang", "ben-a", Role.WORKER)


class PartiesOnly(MemoryMatcher):
    """Refuses what the real one refuses: recipients that are ``no_party``, senders while ``no_case``."""

    no_party: frozenset[str] = frozenset()
    no_case = False

    def SubmitReport(
        self, request: matcher_pb2.SubmitReportRequest, context: grpc.ServicerContext
    ) -> matcher_pb2.SubmitReportResponse:
        if self.no_case:
            raise NotFound("no such case of this unit")
        if self.no_party & {copy.recipient for copy in request.report.copies}:
            raise Refused("a recipient is no other party of the case", reason="NOT_PARTY")
        return super().SubmitReport(request, context)


@pytest.fixture
def matcher(district: District) -> PartiesOnly:
    return PartiesOnly(district)


@pytest.fixture
def scene(tmp_path: Path, pki: Pki, district: District, matcher: PartiesOnly) -> Iterator[Scene]:
    scene = Scene(tmp_path, pki, district)
    scene.matcher = matcher
    with opened(scene):
        yield scene


def stages(scene: Scene, unit: str) -> list[Stage]:
    return [report.stage for report, _ in scene.matcher.reports if report.unit == unit]


@pytest.mark.parametrize(
    ("transaction", "where"),
    [
        ("matters.act", "after"),
        ("matters.sent", "before"),
        ("matters.sent", "after"),
        ("matters.receive", "before"),
    ],
)
def test_R40_a_kill_around_any_transaction_sends_a_step_once(
    scene: Scene, transaction: str, where: str
) -> None:
    approver, declarer = scene.approver, scene.declarer
    (declarer if transaction == "matters.receive" else approver).database.kill_at = (
        transaction,
        where,
    )
    with contextlib.suppress(Killed):
        approver.office.desk.take(approver.who("wang"), approver.at)
        scene.round()
    assert transaction in approver.database.seen | declarer.database.seen
    approver.database.kill_at = declarer.database.kill_at = None
    if approver.matter.state is State.NOTIFIED:  # nothing was kept: the person does it again
        approver.office.desk.take(approver.who("wang"), approver.at)
    scene.round()
    assert scene.states() == (State.VERIFYING, State.VERIFYING)
    takes = [e for e in scene.declarer_steps() if isinstance(e.step, Take)]
    assert len(takes) == 1
    assert len(stages(scene, "ben-a")) == 2  # the opening, and the step


def test_R37_what_the_matcher_refuses_is_tried_less_and_less_often_and_not_lost(
    scene: Scene, matcher: PartiesOnly
) -> None:
    approver, matcher.no_case = scene.approver, True
    tries = 0
    approver.office.desk.take(approver.who("wang"), approver.at)
    for minutes in range(40):
        scene.time += timedelta(minutes=1)
        before = len(scene.waiting("ben-a", scene.time))
        approver.sync.run_in_background()
        tries += before
        assert len(scene.waiting("ben-a", None)) == 1, minutes
    assert tries <= 6
    matcher.no_case = False
    scene.round()  # on somebody's demand at once
    assert scene.states() == (State.VERIFYING, State.VERIFYING)


def test_R36_a_recipient_that_is_no_party_holds_nothing_up_and_is_told_later(
    scene: Scene, matcher: PartiesOnly
) -> None:
    matcher.no_party = frozenset({"reg-a"})
    verify(scene)
    assert stages(scene, "ben-a").count(Stage.COMPLIANT) == 1  # the gate and 纪委 have it
    assert scene.declarer.matter.state is State.NOTIFIED
    sent = len(matcher.reports)
    for _ in range(4):
        scene.round()
    assert len(matcher.reports) == sent
    matcher.no_party = frozenset()
    scene.pass_days(2)
    scene.round()
    assert scene.states() == (State.COMPLIANT, State.COMPLIANT)
    assert scene.declarer.matter.outcomes == scene.approver.matter.outcomes


def deliver(scene: Scene, said: Said, *, spoil: bool = False) -> None:
    """Hands the declarer a report of ben-a that says ``said``; ``spoil``: with another signature."""
    material = make_material(scene.district, "ben-a", Side.BENEFICIARY)
    report: Report = seal_said(material, said, members_of(material, ["reg-a"]))
    if spoil:
        report = replace(report, signature=os.urandom(64))
    scene.matcher.reports.append((report, 0))


def make_entry(scene: Scene, seq: int, step: Step) -> Entry:
    return Entry(CASE, Side.BENEFICIARY, seq, scene.time + timedelta(hours=1), WANG, step)


def say(entry: Entry | History, stage: Stage = Stage.NOTE, **changed: int) -> Said:
    values = {"seq": entry.seq, "at_us": to_us(entry.at)} | changed
    return Said(CASE, values["seq"], values["at_us"], stage, entry.encode())


def test_R40_forged_reports_change_nothing_and_are_counted(scene: Scene) -> None:
    before = scene.declarer.matter
    unsigned = Conclude(Verdict.COMPLIANT, "凭空编造", "wang", os.urandom(64))
    stranger = replace(WANG, unit="ben-b")
    forged_history = enc(
        *("matter-history", CASE, b"ben-a", u8(Side.BENEFICIARY), u64(9), u64(1), b""),
        Entry(CASE, Side.REGISTRY, 1, scene.time, replace(WANG, unit="reg-a"), Take()).encode(),
    )
    deliver(scene, say(make_entry(scene, 2, Take()), seq=3))
    deliver(scene, say(make_entry(scene, 2, Take()), at_us=5))
    deliver(scene, say(make_entry(scene, 2, unsigned), Stage.COMPLIANT))
    deliver(scene, say(replace(make_entry(scene, 2, Take()), actor=stranger)))
    future = replace(make_entry(scene, 2, Take()), at=scene.time + timedelta(days=400))
    deliver(scene, say(future))
    unknown = Opening("reg-a", "1066-01", scene.time)
    deliver(scene, say(History(CASE, "ben-a", Side.BENEFICIARY, 2, scene.time, unknown, ())))
    deliver(scene, Said(CASE, 2, 5, Stage.NOTE, b"nonsense"))
    deliver(scene, Said(CASE, 9, 1, Stage.NOTE, forged_history))
    deliver(scene, say(make_entry(scene, 2, Take())), spoil=True)
    scene.declarer.sync.run()
    assert scene.declarer.matter == before
    shown = scene.declarer.office.show.get(scene.declarer.who("li"), CASE)
    assert shown.not_believed == 9


def test_R40_a_number_is_used_once_and_a_repetition_changes_nothing(scene: Scene) -> None:
    approver, declarer = scene.approver, scene.declarer
    approver.office.desk.take(approver.who("wang"), approver.at)
    scene.round()
    before = declarer.matter
    scene.matcher.reports.append(scene.matcher.reports[-1])
    deliver(scene, say(make_entry(scene, 2, Take())))
    declarer.sync.run()
    assert declarer.matter == before
    assert declarer.office.show.get(declarer.who("li"), CASE).not_believed == 1


def test_R40_a_history_repeats_a_partys_own_earlier_steps_of_that_case_alone(scene: Scene) -> None:
    take = make_entry(scene, 2, Take())
    head = (CASE, "ben-a", Side.BENEFICIARY)
    history = History(*head, 3, scene.time, None, (take,))
    assert decode_body(history.encode()).encode() == history.encode()
    for seq, entry in ((2, take), (3, replace(take, case_id=bytes(16)))):
        with pytest.raises(EncodingError):
            History(*head, seq, scene.time, None, (entry,))
    with pytest.raises(EncodingError):
        History(CASE, "reg-a", Side.REGISTRY, 3, scene.time, None, (take,))


def test_R36_the_approver_opens_the_case_and_both_fold_from_that(scene: Scene) -> None:
    (opening, _), *_ = [one for one in scene.matcher.reports if one[0].unit == "ben-a"]
    assert {copy.recipient for copy in opening.copies} == {"reg-a", INSPECTOR}
    post_ready = scene.approver.matter
    assert scene.declarer.matter.notified_at == post_ready.notified_at
    verify(scene)
    post(scene, scene.declarer)
    assert replace(scene.declarer.matter, version=0) == replace(scene.approver.matter, version=0)


def test_R40_what_had_arrived_before_the_epoch_turned_is_not_sent_for_ever(scene: Scene) -> None:
    approver = scene.approver
    approver.database.kill_at = ("matters.sent", "before")  # the matcher's answer is lost
    approver.office.desk.take(approver.who("wang"), approver.at)
    with pytest.raises(Killed):
        approver.sync.run()
    approver.database.kill_at = None
    manifest = replace(scene.district.manifest, epoch=2, salt=os.urandom(32))
    roster = replace(scene.district.roster, epoch_id=manifest.epoch_id)
    scene.matcher.district = replace(scene.district, manifest=manifest, roster=roster)
    material = make_material(scene.matcher.district, "ben-a", Side.BENEFICIARY)
    writer = StepWriter(material, RULES, scene.now)
    facts = lambda *_: scene.facts  # noqa: E731
    parts = (approver.database, material, approver.matcher, RULES, writer, facts, scene.now)
    assert len(scene.waiting("ben-a", None)) == 1
    assert MatterRounds(*parts).send(scene.time) == 1
    assert scene.waiting("ben-a", None) == []
    assert len(stages(scene, "ben-a")) == 2
