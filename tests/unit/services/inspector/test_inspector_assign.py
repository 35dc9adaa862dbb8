"""The matcher is told which case each hit belongs to: once, whatever is cut off, whatever it refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
import structlog.testing

from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.errors import ServiceError
from libmatch.records import Side
from libmatch.reports import Stage
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.inspector.states import DisputeKind
from services.matcher.tables import CaseHit, StoredHit, table_of
from tests.district import person
from tests.inspector_bench import InspectorBench, Killed, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


def flag(bench: InspectorBench, *numbers: int) -> tuple[bytes, ...]:
    """A hit for each person, of different items; the records of the items."""
    bench.submit("reg-a", REG, [relative(person(n)) for n in numbers])
    return bench.submit("ben-a", BEN, [item(person(n), f"X-{n}") for n in numbers])


def assigned(bench: InspectorBench) -> dict[bytes, bytes]:
    """Hit id → case id, as the matcher has it."""
    hit, case = table_of(StoredHit), table_of(CaseHit)
    query = sa.select(hit.c.hit_id, case.c.case_id).join(case, case.c.hit == hit.c.number)
    rows = bench.matcher.database.read(lambda session: session.execute(query).all())
    return {row.hit_id: row.case_id for row in rows}


def own(bench: InspectorBench) -> dict[bytes, bytes]:
    """Hit id → case id of live pairs, as 纪委 has it."""
    return {pair.hit_id: case.case_id for case in bench.cases() for pair in case.live_pairs}


def refuse_one(
    hit_id: bytes, status: str
) -> Callable[[pb.AssignCasesRequest], ServiceError | None]:
    error = ServiceError(status, "CONFLICT", "the hit belongs to another case", "")
    return lambda asked: error if hit_id in {one.hit_id for one in asked.assignments} else None


def test_R38_every_opened_hit_is_assigned_to_its_case(bench: InspectorBench) -> None:
    flag(bench, 1, 2)
    bench.submit("reg-b", REG, [relative(person(1))])  # another declaration, the same case
    assert bench.pull().assigned.hits == 3
    assert len(assigned(bench)) == 3
    assert assigned(bench) == own(bench)
    assert len(set(assigned(bench).values())) == 2


def test_a_later_hit_joins_the_case_that_was_assigned(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    bench.submit("reg-b", REG, [relative(person(1))])
    assert bench.pull().assigned.hits == 1
    assert len(assigned(bench)) == 2
    assert len(set(assigned(bench).values())) == 1


def test_what_was_told_is_not_told_again(bench: InspectorBench) -> None:
    flag(bench, 1)
    bench.pull()
    bench.pull()
    bench.reopen()
    assert bench.pull().assigned.hits == 0
    assert bench.wire.calls["AssignCases"] == 0


def test_a_kill_between_any_two_steps_of_telling_loses_no_assignment(
    bench: InspectorBench,
) -> None:
    flag(bench, 1, 2)
    bench.wire.fail("AssignCases", lambda _: ServiceError("UNAVAILABLE", "", "no connection", ""))
    with pytest.raises(ServiceError):
        bench.pull()
    assert assigned(bench) == {}
    for steps in range(30):
        bench.reopen()
        bench.fuse.burn_after(steps)
        try:
            bench.pull()
        except Killed:
            continue
        break
    assert steps > 4
    assert assigned(bench) == own(bench)
    assert bench.disputes() == []


def test_a_withdrawn_hit_is_not_assigned(bench: InspectorBench) -> None:
    rids = flag(bench, 1, 2)
    bench.wire.fail("AssignCases", lambda _: ServiceError("UNAVAILABLE", "", "no connection", ""))
    with pytest.raises(ServiceError):
        bench.pull()
    bench.wire.honest()
    bench.matcher.withdraw("ben-a", BEN, rids[:1])
    assert bench.pull().assigned.hits == 1
    assert assigned(bench) == own(bench)


def test_R47_a_conflict_is_a_dispute_and_blocks_no_other_hit(prompt: InspectorBench) -> None:
    flag(prompt, 1, 2, 3)
    hit_ids = [hit.hit_id for hit in prompt.matcher.use.reviews.list_hits(0, 10)]
    prompt.matcher.assign(b"x" * 16, hit_ids[1:2])
    done = prompt.pull()
    assert (done.assigned.hits, done.assigned.disputes, done.notified.sent) == (2, 1, 6)
    (dispute,) = prompt.disputes()
    assert (dispute.kind, dispute.answerable) == (DisputeKind.ASSIGNMENT, ("matcher",))
    assert dispute.hit_id == hit_ids[1]
    assert dispute.what_zh
    before = prompt.wire.calls["AssignCases"]
    assert prompt.pull().disputes == 0
    assert prompt.wire.calls["AssignCases"] == before  # not in every round for ever


def test_a_refused_assignment_is_tried_again_by_a_restart_and_resolved(
    bench: InspectorBench,
) -> None:
    flag(bench, 1, 2)
    first = bench.matcher.use.reviews.list_hits(0, 1)[0].hit_id
    bench.wire.fail("AssignCases", refuse_one(first, "NOT_FOUND"))
    assert bench.pull().assigned.disputes == 1
    bench.reopen()
    assert bench.pull().assigned.hits == 1
    assert bench.disputes() == []
    assert assigned(bench) == own(bench)


def test_a_matcher_that_cannot_assign_yet_holds_up_no_notice(prompt: InspectorBench) -> None:
    flag(prompt, 1)
    older = ServiceError("UNIMPLEMENTED", "", "no such method", "")
    prompt.wire.fail("AssignCases", lambda _: older)
    with structlog.testing.capture_logs() as lines:
        done = prompt.pull()
    assert (done.assigned.hits, done.notified.sent, done.disputes) == (0, 2, 0)
    assert "cases.not-assigned" in [line["event"] for line in lines]
    prompt.wire.honest()
    assert prompt.pull().assigned.hits == 1


def test_R47_the_gate_names_the_verdict_once_the_hit_is_assigned(bench: InspectorBench) -> None:
    rids = flag(bench, 1)
    for unit in ("reg-b", "dual"):
        bench.submit(unit, REG, [relative(person(9))])
    bench.pull()

    def ask() -> tuple[ClearanceStatus, HoldReason | None]:
        (answer,) = bench.matcher.use.gate.check("ben-a", rids).clearances
        return answer.status, answer.reason

    assert ask() == (ClearanceStatus.HOLD, HoldReason.UNVERIFIED)
    (case,) = bench.cases()
    bench.report("ben-a", BEN, case.case_id, 1, Stage.COMPLIANT)
    assert ask() == (ClearanceStatus.HOLD, HoldReason.UNPUBLISHED)
