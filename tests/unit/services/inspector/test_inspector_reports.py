"""Units' reports reach 纪委 once, opened and checked; a bad one names who is answerable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
import structlog.testing

from libmatch.errors import ServiceError
from libmatch.manifest import Role
from libmatch.records import Side
from libmatch.reports import Report, Stage, make_copies
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.inspector.states import DisputeKind
from services.inspector.tables import StepRow, table_of
from tests.district import INSPECTOR, person
from tests.inspector_bench import ZHANG, InspectorBench, Killed, item, relative
from tests.matcher_bench import sign_report

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def case_id(bench: InspectorBench) -> bytes:
    """The one case of the bench, assigned."""
    bench.submit("reg-a", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1))])
    bench.pull()
    (case,) = bench.cases()
    return case.case_id


def steps(bench: InspectorBench) -> list[tuple[str, int, int, int, bytes]]:
    """What is kept: unit, side, seq, stage, body."""
    table = table_of(StepRow)
    query = sa.select(*(table.c[n] for n in ("unit", "side", "seq", "stage", "body")))
    return [tuple(row) for row in bench.database.read(lambda s: s.execute(query).all())]


def blamed(bench: InspectorBench) -> list[tuple[DisputeKind, tuple[str, ...]]]:
    return [(one.kind, one.answerable) for one in bench.disputes()]


def alter_first(bench: InspectorBench, change: Callable[[pb.AcceptedReport], None]) -> None:
    """From now on the first report of each page is another."""

    def answer(_: object, page: pb.ListReportsResponse) -> pb.ListReportsResponse:
        if page.reports:
            change(page.reports[0])
        return page

    bench.wire.alter("ListReports", answer)


def test_R40_reports_are_opened_and_kept_in_order(bench: InspectorBench, case_id: bytes) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT, b"verdict")
    bench.report("reg-a", REG, case_id, 1, Stage.POSTED, b"posted")
    done = bench.pull()
    assert (done.collected.reports, done.disputes) == (2, 0)
    assert steps(bench) == [
        ("ben-a", BEN, 1, Stage.COMPLIANT, b"verdict"),
        ("reg-a", REG, 1, Stage.POSTED, b"posted"),
    ]


def test_a_second_round_reads_nothing_again(bench: InspectorBench, case_id: bytes) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)
    bench.pull()
    bench.reopen()
    assert bench.pull().collected.reports == 0
    assert len(steps(bench)) == 1
    bench.report("ben-a", BEN, case_id, 2, Stage.POSTED)
    assert bench.pull().collected.reports == 1


def test_a_kill_between_any_two_steps_neither_loses_nor_doubles_a_report(
    bench: InspectorBench, case_id: bytes
) -> None:
    for seq in (1, 2, 3):
        bench.report("ben-a", BEN, case_id, seq, Stage.COMPLIANT)
    for cut in range(30):
        bench.reopen()
        bench.fuse.burn_after(cut)
        try:
            bench.pull()
        except Killed:
            continue
        break
    assert cut > 4
    assert [seq for _, _, seq, _, _ in steps(bench)] == [1, 2, 3]
    assert bench.disputes() == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda one: setattr(one.report, "stage", 2), DisputeKind.REPORT_UNSIGNED),
        (lambda one: setattr(one.report, "unit", "ben-b"), DisputeKind.REPORT_UNSIGNED),
        (lambda one: setattr(one.report, "signature", bytes(64)), DisputeKind.REPORT_UNSIGNED),
        (
            lambda one: setattr(one.report.copies[0], "sealed", bytes(2000)),
            DisputeKind.REPORT_ALTERED,
        ),
        (lambda one: one.report.copies[0].ClearField("sealed"), DisputeKind.REPORT_ALTERED),
        (lambda one: setattr(one.report, "case_id", b"short"), DisputeKind.MALFORMED),
        (lambda one: setattr(one.report, "stage", 99), DisputeKind.MALFORMED),
        (lambda one: setattr(one, "accepted_at_us", 1 << 63), DisputeKind.MALFORMED),
    ],
)
def test_what_the_matcher_changed_is_its_own_dispute_and_holds_up_no_other(
    bench: InspectorBench,
    case_id: bytes,
    change: Callable[[pb.AcceptedReport], None],
    kind: DisputeKind,
) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)
    bench.report("reg-a", REG, case_id, 1, Stage.NOTE)
    alter_first(bench, change)
    assert bench.pull().collected.reports == 1
    assert blamed(bench) == [(kind, ("matcher",))]
    assert [unit for unit, *_ in steps(bench)] == ["reg-a"]
    assert bench.pull().disputes == 0


def sealed_otherwise(bench: InspectorBench, report: Report, recipient: str) -> None:
    """The unit sends ``report`` with bytes that nobody can open, for ``recipient``."""
    copies = make_copies(bench.district.suite, [(recipient, bytes(2000))])
    bad = sign_report(bench.district, replace(report, copies=copies))
    bench.matcher.use.reports.accept(report.unit, bad)


@pytest.mark.parametrize("recipient", [INSPECTOR, "reg-a"])
def test_R40_a_report_that_does_not_open_for_us_names_its_unit(
    bench: InspectorBench, case_id: bytes, recipient: str
) -> None:
    report = bench.make_report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)
    sealed_otherwise(bench, report, recipient)
    bench.report("reg-a", REG, case_id, 1, Stage.NOTE)
    assert bench.pull().collected.reports == 1
    assert blamed(bench) == [(DisputeKind.REPORT, ("ben-a",))]
    (dispute,) = bench.disputes()
    assert "ben-a" in dispute.what_zh
    assert Report.decode(dispute.evidence).unit == "ben-a"


def test_a_report_that_is_left_out_is_a_gap(bench: InspectorBench, case_id: bytes) -> None:
    for seq in (1, 2, 3):
        bench.report("ben-a", BEN, case_id, seq, Stage.COMPLIANT)

    def leave_out(_: object, page: pb.ListReportsResponse) -> pb.ListReportsResponse:
        return pb.ListReportsResponse(reports=[r for r in page.reports if r.number != 2])

    bench.wire.alter("ListReports", leave_out)
    assert bench.pull().collected.reports == 2
    (dispute,) = bench.disputes()
    assert (dispute.kind, dispute.detail) == (DisputeKind.REPORT_GAP, "2")


def test_a_report_that_is_listed_twice_is_taken_once(bench: InspectorBench, case_id: bytes) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)

    def twice(asked: pb.ListReportsRequest, page: pb.ListReportsResponse) -> object:
        if page.reports:
            page.reports.append(page.reports[0])
            page.reports[-1].number += 1
        return page

    bench.wire.alter("ListReports", twice)
    assert bench.pull().collected.reports == 1
    assert blamed(bench) == [(DisputeKind.REPORT_REPEATED, ("matcher",))]


def test_a_list_that_does_not_ascend_is_a_dispute(bench: InspectorBench, case_id: bytes) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)
    alter_first(bench, lambda one: setattr(one, "number", 0))
    assert bench.pull().collected.reports == 0
    assert blamed(bench) == [(DisputeKind.LISTING, ("matcher",))]


def test_a_unit_that_the_roster_lacks_is_waited_for(bench: InspectorBench) -> None:
    newer = bench.district.enrol("ben-new", Role.BENEFICIARY)
    bench.submit("reg-a", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1))])
    bench.pull()
    (case,) = bench.cases()
    report = bench.make_report("ben-a", BEN, case.case_id, 1, Stage.COMPLIANT)
    bench.matcher.use.reports.accept("ben-a", report)
    theirs = sign_report(newer, replace(report, unit="ben-new"))

    def swap(one: pb.AcceptedReport) -> None:
        one.report.unit, one.report.signature = "ben-new", theirs.signature

    alter_first(bench, swap)
    done = bench.pull()
    assert (done.collected.reports, done.collected.disputes) == (0, 1)
    assert blamed(bench) == [(DisputeKind.UNKNOWN_PARTY, ())]
    newer.write_epoch(bench.kit)
    bench.pull()
    # Judged again: the signature holds now, and the copy was sealed for another unit's report.
    assert blamed(bench) == [(DisputeKind.REPORT, ("ben-new",))]


def test_a_matcher_without_reports_yet_is_a_line_in_the_log(bench: InspectorBench) -> None:
    bench.wire.fail("ListReports", lambda _: ServiceError("UNIMPLEMENTED", "", "no method", ""))
    with structlog.testing.capture_logs() as lines:
        assert bench.pull().disputes == 0
    assert "reports.not-listed" in [line["event"] for line in lines]


def test_R40_officers_see_the_latest_stage_of_each_side(
    bench: InspectorBench, case_id: bytes
) -> None:
    bench.report("ben-a", BEN, case_id, 1, Stage.COMPLIANT)
    bench.report("ben-a", BEN, case_id, 2, Stage.POSTED)
    bench.report("reg-a", REG, case_id, 1, Stage.POSTED)
    bench.pull()
    (line,) = bench.desk(ZHANG).list_cases("核对")
    assert {(one.unit, one.side, one.stage) for one in line.stages} == {
        ("ben-a", "SIDE_BENEFICIARY", "CASE_STAGE_POSTED"),
        ("reg-a", "SIDE_REGISTRY", "CASE_STAGE_POSTED"),
    }
    assert {one.at_us for one in line.stages} == {int(bench.matcher.clock().timestamp()) * 10**6}
