"""What officers see of cases and disputes, message by message."""

from __future__ import annotations

import pytest

from libmatch.errors import ServiceError
from libmatch.records import Side
from libmatch.stubs.inspector.v1 import inspector_pb2 as pb
from services.inspector.peers.desk import DeskClient
from services.inspector.rpc import case_to_pb
from tests.district import person
from tests.inspector_bench import LI, ZHANG, InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def desk(bench: InspectorBench) -> DeskClient:
    """Three cases of three items."""
    people = [person(n) for n in (1, 2, 3)]
    bench.submit("reg-a", REG, [relative(who) for who in people])
    bench.submit("ben-a", BEN, [item(who, f"X-{n}") for n, who in enumerate(people, 1)])
    desk = bench.desk(ZHANG)
    assert desk.pull().hits == 3
    return desk


def refuse(call: object) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        list(call())  # type: ignore[operator]
    return refusal.value


def test_a_case_says_all_that_an_officer_needs(bench: InspectorBench, desk: DeskClient) -> None:
    case = min(desk.list_cases("核对"), key=lambda one: one.item_ref)
    assert (case.official_name, case.official_unit, case.official_post) == ("乙某", "某局", "科长")
    assert (case.official_idn, case.official_kind) == (person(900_000).idn, 1)
    assert (case.person_name, case.person_idn, case.person_kind) == ("甲某", person(1).idn, 1)
    assert (case.relation, case.capacity, case.item_ref) == ("配偶", "受益人", "X-1")
    assert (case.item_name, case.programme, case.place) == ("改厕", "项目补助", "某村")
    assert (case.amount_fen, case.start) == (120_000, "")
    assert (case.declaring_units, case.approving_unit) == (("reg-a",), "ben-a")
    assert (case.status, case.released_by, case.released_at_us) == ("CASE_STATUS_OPENED", (), 0)
    assert case.opened_at_us == int(bench.matcher.clock().timestamp() * 1e6)


def test_an_item_without_an_amount_has_none(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1), amount_fen=0)])
    bench.pull()
    (case,) = bench.cases()
    assert case_to_pb(case).HasField("amount_fen")
    (line,) = bench.desk(LI).list_cases("核对")
    assert line.amount_fen == 0


def test_pages_meet_without_a_gap(bench: InspectorBench, desk: DeskClient) -> None:
    after, numbers = 0, []
    while True:
        request = pb.ListCasesRequest(reason="核对", after=after, limit=2)
        page = desk._stub.ListCases(request)
        numbers += [case.number for case in page.cases]
        if not page.next_after:
            break
        after = page.next_after
    assert numbers == [1, 2, 3]
    assert bench.wire.calls  # the bench is alive to the end


@pytest.mark.parametrize(
    "request_",
    [
        pb.ListCasesRequest(),
        pb.ListCasesRequest(reason="  "),
        pb.ListCasesRequest(reason="核对", unit="区财政局"),
        pb.ListCasesRequest(reason="核对", unit="a" * 65),
        pb.ListCasesRequest(reason="核对", after=1 << 63),
        pb.ListCasesRequest(reason="13800138000 来电"),
    ],
)
def test_a_look_without_a_proper_reason_or_question_is_refused(
    desk: DeskClient, request_: pb.ListCasesRequest
) -> None:
    refusal = refuse(lambda: [desk._stub.ListCases(request_)])
    assert refusal.status == "INVALID_ARGUMENT"
    assert refusal.message_zh


def test_agreement_by_agreement(desk: DeskClient, bench: InspectorBench) -> None:
    ids = [case.case_id for case in desk.list_cases("核对")]
    assert desk.release(ids[:2], "同意").awaiting_second == 2
    done = bench.desk(LI).release(ids, "同意")
    assert (done.released, done.awaiting_second) == (2, 1)
    assert bench.desk(LI).release(ids, "同意").unchanged == 2
    assert bench.pull().notified.sent == 4
    by = {case.case_id: set(case.released_by) for case in desk.list_cases("核对")}
    assert by == {ids[0]: {"zhang", "li"}, ids[1]: {"zhang", "li"}, ids[2]: {"li"}}


def test_an_unknown_case_is_not_found(desk: DeskClient) -> None:
    assert refuse(lambda: [desk.release(["00" * 16], "同意")]).status == "NOT_FOUND"


def test_disputes_are_told_in_chinese_with_who_is_answerable(
    desk: DeskClient, bench: InspectorBench
) -> None:
    bench.submit("reg-b", REG, [relative(person(1))])
    broken = ServiceError("NOT_FOUND", "NOT_FOUND", "no such pair", "")
    bench.wire.fail("FetchHit", lambda _: broken)
    assert desk.pull().disputes == 1
    (line,) = desk.list_disputes()
    assert line.answerable == ("matcher",)
    assert line.what == "比对平台列出了该比中结果，但没有提供两条记录"
    assert len(line.hit_id) == 64
    assert [one.action for one in bench.trail()][-1] == "dispute.list"
