"""A matter in both its units: opened by a notice, verified, posted in two places, held for seven days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from libmatch.reports import Stage
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, InvalidRequest
from services.holder.matters.desk import Finding
from services.holder.matters.posted import Form
from services.rules.matter_facts import Recipient, State, Verdict
from services.rules.violation import RuleViolation
from tests.chassis_pki import Pki
from tests.district import District, make_district
from tests.unit.services.holder.matters_bench import CASE, HOTLINES, Scene, opened, post, verify


@pytest.fixture
def scene(tmp_path: Path, pki: Pki, district: District) -> Iterator[Scene]:
    with opened(Scene(tmp_path, pki, district)) as scene:
        yield scene


def test_R36_R37_a_notice_opens_one_matter_in_each_unit_and_the_unit_has_its_copy(
    scene: Scene,
) -> None:
    assert scene.states() == (State.NOTIFIED, State.NOTIFIED)
    assert (Recipient.UNIT, "reg-a") not in scene.declarer.matter.missing_receipts
    assert scene.approver.matter.receipts == scene.declarer.matter.receipts


def test_R38_R43_R45_verified_and_posted_in_both_places_it_ends_after_seven_full_days(
    scene: Scene,
) -> None:
    verify(scene)
    assert scene.states() == (State.COMPLIANT, State.COMPLIANT)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    assert scene.states() == (State.PUBLISHING, State.PUBLISHING)
    scene.pass_days(7)
    scene.round()
    assert scene.states() == (
        State.PUBLISHING,
        State.PUBLISHING,
    )  # the day of posting is not counted
    scene.pass_days(1)
    scene.round()
    assert scene.states() == (State.PUBLISHED, State.PUBLISHED)
    told = [(report.unit, report.stage) for report, _ in scene.matcher.reports]
    for unit in ("reg-a", "ben-a"):
        assert (unit, Stage.POSTED) in told
        assert (unit, Stage.COMPLETED) in told
    assert told.count(("ben-a", Stage.COMPLIANT)) == 1


def test_R42_nothing_is_posted_that_did_not_pass(scene: Scene) -> None:
    declarer, before = scene.declarer, scene.declarer.matter
    with pytest.raises(RuleViolation) as refused:
        declarer.office.desk.post(declarer.who("li"), declarer.at, HOTLINES, "")
    assert refused.value.rule == "R42"
    assert scene.declarer.matter == before


def test_R38_only_the_approver_verifies(scene: Scene) -> None:
    declarer = scene.declarer
    with pytest.raises(RuleViolation) as refused:
        declarer.office.desk.take(declarer.who("wang"), declarer.at)
    assert refused.value.rule == "R38"


def test_R31_R40_who_verified_does_not_sign(scene: Scene) -> None:
    approver = scene.approver
    approver.office.desk.take(approver.who("wang"), approver.at)
    finding = Finding(Verdict.COMPLIANT, "对照政策逐项核对", verified_by="li")
    with pytest.raises(RuleViolation):
        approver.office.desk.conclude(approver.who("li"), approver.at, finding)
    assert scene.approver.matter.state is State.VERIFYING


def test_R63_grounds_hold_no_number_of_a_person(scene: Scene) -> None:
    approver = scene.approver
    approver.office.desk.take(approver.who("wang"), approver.at)
    finding = Finding(Verdict.COMPLIANT, "经电话13912345678核实")
    with pytest.raises(InvalidRequest) as refused:
        approver.office.desk.conclude(approver.who("li"), approver.at, finding)
    assert "核查依据" in refused.value.message_zh
    assert scene.approver.matter.state is State.VERIFYING


def test_R48_an_objection_stops_the_clock_until_it_is_looked_into(scene: Scene) -> None:
    verify(scene)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    approver = scene.approver
    approver.office.desk.object(approver.who("wang"), approver.at, "来访登记第3号")
    scene.round()
    scene.pass_days(20)
    scene.round()
    assert scene.states() == (State.OBJECTED, State.OBJECTED)


def test_of_two_people_at_once_one_wins_and_the_other_is_told(scene: Scene) -> None:
    approver, seen = scene.approver, scene.approver.at
    approver.office.desk.take(approver.who("wang"), seen)
    with pytest.raises(Conflict):
        approver.office.desk.take(approver.who("li"), seen)
    assert scene.approver.matter.taken_by == "wang"


def test_R48_a_step_comes_behind_what_it_answers_also_where_clocks_are_apart(scene: Scene) -> None:
    verify(scene)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    scene.ahead = {"reg-a": timedelta(hours=20)}
    approver, declarer = scene.approver, scene.declarer
    declarer.office.desk.object(declarer.who("wang"), declarer.at, "来访登记第3号")
    scene.round()
    finding = Finding(Verdict.COMPLIANT, "异议不成立", verified_by="wang")
    approver.office.desk.conclude(approver.who("li"), approver.at, finding)
    scene.round()
    assert scene.states() == (State.PUBLISHING, State.PUBLISHING)
    assert declarer.matter.objections == approver.matter.objections
    scene.pass_days(9)
    scene.round()
    assert scene.states() == (State.PUBLISHED, State.PUBLISHED)


def test_R38_a_doubt_is_for_the_worker_and_the_answer_for_an_officer(scene: Scene) -> None:
    declarer = scene.declarer
    declarer.office.desk.dispute(declarer.who("wang"), declarer.at, "姓名与档案不符")
    scene.round()
    assert scene.states() == (State.DISPUTED, State.DISPUTED)
    with pytest.raises(RuleViolation) as refused:
        declarer.office.confirm.run(declarer.who("li"), CASE, "自行确认")
    assert refused.value.rule == "R36"
    officer = Identity("fuling", "officer", "zhang")
    declarer.office.confirm.run(officer, CASE, "经核对档案无误")
    scene.round()
    assert scene.states() == (State.NOTIFIED, State.NOTIFIED)


def test_R44_a_beneficiary_of_unknown_age_is_posted_once_the_leader_states_the_birthday(
    scene: Scene,
) -> None:
    verify(scene)
    scene.facts = replace(scene.facts, born=None)
    unit = scene.approver
    with pytest.raises(RuleViolation) as refused:
        unit.office.desk.post(unit.who("li"), unit.at, HOTLINES, "")
    assert refused.value.rule == "R44"
    assert "--born" in refused.value.message_zh
    born = date(2020, 5, 1)
    unit.office.desk.post(unit.who("li"), unit.at, HOTLINES, "", born)
    text = unit.office.export.run(unit.who("li"), Form.JSON, CASE)
    assert "甲某某" in text
    assert "2020" not in text


def test_R44_a_birthday_that_cannot_be_right_is_refused(scene: Scene) -> None:
    verify(scene)
    unit, known = scene.approver, scene.facts
    unknown = replace(known, born=None)
    wrong = ((known, date(1980, 1, 2)), (unknown, date(2090, 1, 1)), (unknown, date(1899, 1, 1)))
    for scene.facts, stated in wrong:
        with pytest.raises(RuleViolation) as refused:
            unit.office.desk.post(unit.who("li"), unit.at, HOTLINES, "", stated)
        assert refused.value.rule == "R44"


def test_R10_R43_a_unit_that_declares_and_approves_does_both_by_its_two_services(
    tmp_path: Path, pki: Pki
) -> None:
    district = make_district(registry=(), beneficiary=(), both=("dual",))
    scene = Scene(tmp_path, pki, district, declaring="dual", approving="dual")
    with opened(scene):
        assert scene.states() == (State.NOTIFIED, State.NOTIFIED)
        verify(scene)
        post(scene, scene.approver)
        post(scene, scene.declarer)
        assert scene.states() == (State.PUBLISHING, State.PUBLISHING)
        scene.pass_days(8)
        scene.round()
        assert scene.states() == (State.PUBLISHED, State.PUBLISHED)
        assert scene.waiting("ben-a", None) == scene.waiting("reg-a", None) == []
