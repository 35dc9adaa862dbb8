"""Who decides that notices leave, what leaves then, and that the trail tells it."""

from __future__ import annotations

import pytest

from libmatch.errors import ServiceError
from libmatch.manifest import Role
from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2
from services.chassis.audit import verify_trail
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest, NotFound
from services.inspector.release import MAX_CASES, check_reason
from services.inspector.states import CaseStatus, DisputeKind, ReleasePolicy
from services.inspector.store.cases import Agreed
from tests.district import person
from tests.inspector_bench import LI, ZHANG, InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
WHO = person(1)
UNREACHED = ServiceError("UNAVAILABLE", "", "no connection", "")


def flag(bench: InspectorBench) -> bytes:
    """The id of the case of a new hit between reg-a and ben-a."""
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    return bench.cases()[0].case_id


def status(bench: InspectorBench) -> CaseStatus:
    (case,) = bench.cases()
    return case.status


def mail(bench: InspectorBench) -> dict[str, int]:
    sides = {"reg-a": REG, "reg-b": REG, "ben-a": BEN, "ben-b": BEN}
    return {unit: len(bench.mailbox(unit, side)) for unit, side in sides.items()}


# --- who decides ------------------------------------------------------------------------------------


def test_at_once_means_with_the_round_that_opens(prompt: InspectorBench) -> None:
    flag(prompt)
    assert status(prompt) is CaseStatus.RELEASED
    assert mail(prompt) == {"reg-a": 1, "reg-b": 0, "ben-a": 1, "ben-b": 0}


def test_R36_a_person_with_two_names_waits_for_an_officer(prompt: InspectorBench) -> None:
    """One of the two numbers may be mistyped, and another family be told of."""
    prompt.submit("reg-a", REG, [relative(WHO, name="丙某"), relative(person(2))])
    prompt.submit("ben-a", BEN, [item(WHO), item(person(2), "X-2")])
    for _ in range(2):
        prompt.pull()
    cases = {case.names_differ: case for case in prompt.cases()}
    assert (cases[True].status, cases[False].status) == (CaseStatus.OPENED, CaseStatus.RELEASED)
    assert mail(prompt) == {"reg-a": 1, "reg-b": 0, "ben-a": 1, "ben-b": 0}
    assert prompt.release.agree(ZHANG, [cases[True].case_id], "号码核对无误") == Agreed(released=1)
    prompt.pull()
    assert mail(prompt) == {"reg-a": 2, "reg-b": 0, "ben-a": 2, "ben-b": 0}


def test_more_persons_with_two_names_than_a_page_hold_up_no_other(
    prompt: InspectorBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.inspector.release._PIECE", 1)
    odd = [relative(person(n), name="丙某") for n in (1, 2)]
    prompt.submit("reg-a", REG, [*odd, relative(person(3))])
    prompt.submit("ben-a", BEN, [item(person(n), f"X-{n}") for n in (1, 2, 3)])
    prompt.pull()
    assert [case.status for case in prompt.cases() if not case.names_differ] == [
        CaseStatus.RELEASED
    ]


@pytest.mark.parametrize("name", ["甲某", "甲 某", "甲　某", "甲·某", "甲\u200b某"])
def test_one_name_written_in_two_ways_is_one(prompt: InspectorBench, name: str) -> None:
    prompt.submit("reg-a", REG, [relative(WHO, name=name)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    prompt.pull()
    assert status(prompt) is CaseStatus.RELEASED


def test_without_two_officers_nothing_leaves(bench: InspectorBench) -> None:
    case_id = flag(bench)
    assert bench.release.agree(ZHANG, [case_id], "核对无误") == Agreed(awaiting_second=1)
    bench.pull()
    assert status(bench) is CaseStatus.OPENED
    assert set(mail(bench).values()) == {0}


def test_two_different_officers_release(bench: InspectorBench) -> None:
    case_id = flag(bench)
    bench.release.agree(ZHANG, [case_id], "核对无误")
    assert bench.release.agree(LI, [case_id], "同意") == Agreed(released=1)
    assert bench.woken == 1
    assert bench.pull().notified.sent == 2
    (case,) = bench.cases()
    assert case.status is CaseStatus.RELEASED
    assert set(case.agreed) == {str(ZHANG), str(LI)}


def test_one_officer_twice_is_one_officer(bench: InspectorBench) -> None:
    case_id = flag(bench)
    for _ in range(3):
        assert bench.release.agree(ZHANG, [case_id], "同意") == Agreed(awaiting_second=1)
    assert bench.release.agree(ZHANG, [case_id, case_id], "同意") == Agreed(awaiting_second=1)


def test_an_agreement_is_to_what_the_case_said(bench: InspectorBench) -> None:
    case_id = flag(bench)
    bench.release.agree(ZHANG, [case_id], "同意")
    bench.submit("reg-a", REG, [relative(WHO, "子女")])
    bench.pull()
    assert bench.release.agree(LI, [case_id], "同意") == Agreed(awaiting_second=1)
    assert bench.release.agree(ZHANG, [case_id], "更正后再次核对") == Agreed(released=1)


def test_a_released_or_withdrawn_case_is_left_as_it_is(bench: InspectorBench) -> None:
    case_id = flag(bench)
    bench.release.agree(ZHANG, [case_id], "同意")
    bench.release.agree(LI, [case_id], "同意")
    assert bench.release.agree(ZHANG, [case_id], "同意") == Agreed(unchanged=1)
    (rid,) = bench.submit("reg-b", REG, [relative(person(5))])
    bench.submit("ben-a", BEN, [item(person(5))])
    bench.pull()
    bench.matcher.withdraw("reg-b", REG, [rid])
    bench.pull()
    withdrawn = bench.cases()[1].case_id
    assert bench.release.agree(ZHANG, [withdrawn], "同意") == Agreed(unchanged=1)


def test_a_request_that_cannot_be_done_does_nothing(bench: InspectorBench) -> None:
    case_id = flag(bench)
    with pytest.raises(NotFound):
        bench.release.agree(ZHANG, [case_id, bytes(16)], "同意")
    for ids, reason in (
        ([], "同意"),
        ([case_id], "  "),
        ([case_id], "核对身份证11010119900307775X"),
        ([case_id], "长" * 201),
        ([case_id[:15]], "同意"),
        ([bytes([1]) * 16] * (MAX_CASES + 1), "同意"),
    ):
        with pytest.raises(InvalidRequest):
            bench.release.agree(ZHANG, ids, reason)
    assert bench.release.agree(LI, [case_id], check_reason(" 同意 ")) == Agreed(awaiting_second=1)


def test_a_change_of_the_policy_releases_what_was_opened(bench: InspectorBench) -> None:
    flag(bench)
    bench.policy = ReleasePolicy.IMMEDIATE
    bench.reopen()
    assert bench.pull().notified.sent == 2


# --- the trail --------------------------------------------------------------------------------------


def test_the_trail_tells_who_agreed_to_which_case_and_why(bench: InspectorBench) -> None:
    case_id = flag(bench)
    bench.release.agree(ZHANG, [case_id], "核对无误")
    bench.release.agree(LI, [case_id], "同意")
    told = [
        (entry.actor, entry.subject, entry.reason, entry.outcome)
        for entry in bench.trail()
        if entry.action == "case.release"
    ]
    assert told == [
        (str(ZHANG), case_id.hex(), "核对无误", "awaiting second"),
        (str(LI), case_id.hex(), "同意", "released"),
    ]
    bench.database.read(verify_trail)


def test_the_trail_tells_a_release_by_policy(prompt: InspectorBench) -> None:
    flag(prompt)
    (entry,) = [one for one in prompt.trail() if one.action == "case.release"]
    assert entry.actor == str(Identity("fuling", "inspector"))
    assert (entry.subject, entry.reason) == ("1 of cases 1 to 1", "policy: immediate")


def test_every_look_at_cases_is_in_the_trail_without_what_was_seen(bench: InspectorBench) -> None:
    flag(bench)
    entries = [one for one in bench.trail() if one.action == "case.list"]
    assert [(one.actor, one.subject, one.reason) for one in entries] == [
        (str(ZHANG), "cases 1 to 1", "核对")
    ]
    assert all("某" not in one.subject + one.reason + one.outcome for one in bench.trail())


# --- what leaves ------------------------------------------------------------------------------------


def test_each_unit_gets_what_the_other_holds(prompt: InspectorBench) -> None:
    flag(prompt)
    (to_approver,) = prompt.mailbox("ben-a", BEN)
    (to_declarer,) = prompt.mailbox("reg-a", REG)
    assert isinstance(to_approver, ItemNotice)
    assert (to_approver.official_name, to_approver.relation) == ("乙某", "配偶")
    assert to_approver.declaring_unit == "reg-a"
    assert isinstance(to_declarer, OfficialNotice)
    assert (to_declarer.item_ref, to_declarer.amount_fen) == ("X-1", 120_000)


def test_a_notice_names_the_units_own_record(prompt: InspectorBench) -> None:
    (declared,) = prompt.submit("reg-a", REG, [relative(WHO)])
    (listed,) = prompt.submit("ben-a", BEN, [item(WHO)])
    prompt.pull()
    assert prompt.mailbox("reg-a", REG)[0].rid == declared
    assert prompt.mailbox("ben-a", BEN)[0].rid == listed
    assert prompt.mailbox("reg-a", REG)[0].token == prompt.mailbox("ben-a", BEN)[0].token


def test_a_unit_that_joins_a_released_case_gets_its_notice(prompt: InspectorBench) -> None:
    flag(prompt)
    prompt.submit("reg-b", REG, [relative(WHO)])
    assert prompt.pull().notified.sent == 1
    assert mail(prompt) == {"reg-a": 1, "reg-b": 1, "ben-a": 1, "ben-b": 0}


def test_a_correction_is_told_to_whom_it_concerns(prompt: InspectorBench) -> None:
    flag(prompt)
    prompt.submit("reg-a", REG, [relative(WHO, "子女")])
    prompt.pull()
    assert mail(prompt) == {"reg-a": 1, "reg-b": 0, "ben-a": 2, "ben-b": 0}
    prompt.submit("ben-a", BEN, [item(WHO, amount_fen=1)])
    prompt.pull()
    assert mail(prompt) == {"reg-a": 2, "reg-b": 0, "ben-a": 2, "ben-b": 0}


def test_the_approver_is_told_anew_when_the_unit_that_said_so_withdraws(
    prompt: InspectorBench,
) -> None:
    said = prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    prompt.pull()
    prompt.submit("reg-b", REG, [relative(WHO, "兄弟姐妹")])
    prompt.pull()
    assert mail(prompt)["ben-a"] == 1
    prompt.matcher.withdraw("reg-a", REG, said)
    prompt.pull()
    notices = prompt.mailbox("ben-a", BEN)
    assert [one.relation for one in notices if isinstance(one, ItemNotice)] == ["配偶", "兄弟姐妹"]


def test_records_that_say_the_same_again_are_not_told_again(prompt: InspectorBench) -> None:
    old = prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    prompt.pull()
    prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.matcher.withdraw("reg-a", REG, old)
    assert prompt.pull().notified.sent == 0


def test_an_outage_keeps_the_bytes_and_sends_them_later(prompt: InspectorBench) -> None:
    sent: list[bytes] = []

    def lose(asked: matcher_pb2.ReleaseNoticeRequest) -> ServiceError:
        sent.append(asked.notice.sealed)
        return UNREACHED

    def see(asked: matcher_pb2.ReleaseNoticeRequest, answer: object) -> object:
        sent.append(asked.notice.sealed)
        return answer

    prompt.wire.fail("ReleaseNotice", lose)
    prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    with pytest.raises(ServiceError):
        prompt.pull()
    prompt.reopen()
    prompt.wire.alter("ReleaseNotice", see)
    assert prompt.pull().notified.sent == 2
    assert set(sent[:2]) == set(sent[2:])


def test_a_notice_whose_answer_was_lost_arrives_once(prompt: InspectorBench) -> None:
    lost = iter([True])

    def lose(_: object, answer: object) -> object:
        if next(lost, False):
            raise UNREACHED
        return answer

    prompt.wire.alter("ReleaseNotice", lose)
    prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    with pytest.raises(ServiceError):
        prompt.pull()
    prompt.pull()
    assert mail(prompt) == {"reg-a": 1, "reg-b": 0, "ben-a": 1, "ben-b": 0}


def test_a_pair_withdrawn_before_its_notice_was_sent_is_told_through_another(
    prompt: InspectorBench,
) -> None:
    """Both units of the case lose the pair that their notices were about, but not the case."""
    prompt.wire.fail("ReleaseNotice", lambda _: UNREACHED)
    old = prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    with pytest.raises(ServiceError):
        prompt.pull()
    prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.matcher.withdraw("reg-a", REG, old)
    prompt.wire.honest()
    prompt.pull()  # finds the stored notices void
    prompt.pull()
    assert mail(prompt) == {"reg-a": 1, "reg-b": 0, "ben-a": 1, "ben-b": 0}
    assert prompt.disputes() == []


def test_a_notice_that_the_matcher_will_not_take_is_its_dispute(prompt: InspectorBench) -> None:
    refusal = ServiceError("FAILED_PRECONDITION", "WRONG_STATE", "withdrawn", "")
    prompt.wire.fail("ReleaseNotice", lambda _: refusal)  # although it lists the pair as live
    flag(prompt)
    assert {(one.kind, one.answerable) for one in prompt.disputes()} == {
        (DisputeKind.NOTICE, ("matcher",))
    }
    assert prompt.pull().notified.sent == 0


def test_a_matcher_that_denies_the_parties_of_its_hit_is_blamed(prompt: InspectorBench) -> None:
    refusal = ServiceError("PERMISSION_DENIED", "NOT_PARTY", "not a unit of the pair", "")
    prompt.wire.fail("ReleaseNotice", lambda _: refusal)
    flag(prompt)
    assert {one.kind for one in prompt.disputes()} == {DisputeKind.NOTICE}


def test_a_matcher_that_does_not_admit_the_inspector_yet_is_asked_again(
    prompt: InspectorBench,
) -> None:
    refusal = ServiceError("PERMISSION_DENIED", "ROSTER", "not in the roster", "")
    prompt.wire.fail("ReleaseNotice", lambda _: refusal)
    with pytest.raises(ServiceError):
        flag(prompt)
    assert prompt.disputes() == []
    prompt.wire.honest()
    assert prompt.pull().notified.sent == 2


def test_a_revoked_unit_gets_no_notice(prompt: InspectorBench) -> None:
    prompt.submit("reg-a", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    prompt.district.revoke("reg-a").write_epoch(prompt.kit)
    prompt.pull()
    assert mail(prompt) == {"reg-a": 0, "reg-b": 0, "ben-a": 1, "ben-b": 0}


def test_a_newer_roster_lets_waiting_units_be_told(prompt: InspectorBench) -> None:
    newer = prompt.district.enrol("reg-new", Role.REGISTRY)
    prompt.matcher.follow(newer)
    prompt.submit("reg-new", REG, [relative(WHO)])
    prompt.submit("ben-a", BEN, [item(WHO)])
    assert prompt.pull().notified.sent == 0
    newer.write_epoch(prompt.kit)
    assert prompt.pull().notified.sent == 2
