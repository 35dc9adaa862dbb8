"""Units and strangers try to speak in a case in which they have no say, or to say two things."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.errors import BatchError, ConflictError, EpochError, SequenceError
from libmatch.manifest import Role
from libmatch.records import Side
from libmatch.reports import Report, Stage, make_copies
from libmatch.suites import HPKE_OVERHEAD
from services.chassis.refusals import ChassisError, InvalidRequest, NotFound, Refused
from tests.district import INSPECTOR, make_district, person
from tests.matcher_bench import Bench, make_report, sign_report

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
DISTRICT = make_district(
    registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), both=("dual",)
)
CASE, OTHER_CASE, UNKNOWN = b"c" * 16, b"o" * 16, b"u" * 16


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        bench.submit("reg-a", REG, [person(1)])
        bench.submit("ben-a", BEN, [person(1)])
        bench.assign(CASE)
        bench.submit("reg-b", REG, [person(2)])
        bench.submit("ben-b", BEN, [person(2)])
        yield bench


def report(unit: str = "ben-a", side: Side = BEN, case: bytes = CASE, seq: int = 1) -> Report:
    return make_report(DISTRICT, unit, side, case, Stage.NOTE, seq=seq)


def refusal(bench: Bench, sent: Report, peer: str = "") -> Exception:
    """Why ``sent`` was refused; nothing was kept or logged."""
    before = bench.use.log.get_checkpoint(), bench.use.report_store.list_all(0, 100)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the callers look at it
        bench.use.reports.accept(peer or sent.unit, sent)
    assert (bench.use.log.get_checkpoint(), bench.use.report_store.list_all(0, 100)) == before
    return caught.value


def reason(bench: Bench, sent: Report, peer: str = "") -> str:
    error = refusal(bench, sent, peer)
    assert isinstance(error, ChassisError)
    return error.reason


def test_a_unit_that_is_no_party_is_not_heard(bench: Bench) -> None:
    assert reason(bench, report("ben-b")) == "NOT_FOUND"
    assert reason(bench, report("reg-b", REG)) == "NOT_FOUND"


def test_R38_a_party_speaks_for_its_own_side_only(bench: Bench) -> None:
    bench.submit("dual", REG, [person(1)])
    bench.assign(CASE, bench.hit_ids()[-1:])
    assert reason(bench, report("dual", BEN)) == "NOT_FOUND"
    bench.use.reports.accept("dual", report("dual", REG))
    assert reason(bench, report("ben-a", REG)) == "REPORT_SIGNATURE"  # not enrolled for that side


def test_unassigned_foreign_and_unknown_cases_look_the_same(bench: Bench) -> None:
    foreign = refusal(bench, report("ben-b", case=CASE))
    unknown = refusal(bench, report("ben-b", case=UNKNOWN))
    unassigned = refusal(bench, report("ben-b", case=OTHER_CASE))
    wrong_number = refusal(bench, report("ben-b", case=CASE, seq=7))
    assert {type(foreign), type(unknown), type(unassigned), type(wrong_number)} == {NotFound}
    texts = {(str(e), getattr(e, "message_zh", "")) for e in (foreign, unknown, unassigned)}
    assert len(texts) == 1
    bench.assign(OTHER_CASE, bench.hit_ids()[-1:])
    bench.use.reports.accept("ben-b", report("ben-b", case=OTHER_CASE))


def test_a_party_whose_record_was_withdrawn_is_no_party(bench: Bench) -> None:
    hit_id = bench.hit_ids()[0]
    _, pair = bench.use.reviews.fetch_pair(hit_id)
    bench.withdraw("reg-a", REG, [pair.registry.row.rid])
    for unit, side in (("reg-a", REG), ("ben-a", BEN)):
        assert reason(bench, report(unit, side)) == "NOT_FOUND"


def test_nobody_reports_in_anothers_name(bench: Bench) -> None:
    assert reason(bench, report("ben-a"), peer="reg-a") == "OTHER_UNIT"


def test_a_forged_signature_is_refused(bench: Bench) -> None:
    assert reason(bench, sign_report(DISTRICT, report(), "reg-a")) == "REPORT_SIGNATURE"
    assert reason(bench, replace(report(), signature=os.urandom(64))) == "REPORT_SIGNATURE"


@pytest.mark.parametrize(
    "alter",
    [
        lambda sent: replace(sent, stage=Stage.COMPLIANT),
        lambda sent: replace(sent, case_id=OTHER_CASE),
        lambda sent: replace(sent, seq=2),
        lambda sent: replace(sent, at_us=0),
    ],
    ids=["stage", "case", "seq", "time"],
)
def test_R40_a_signed_report_cannot_be_turned_into_another(
    bench: Bench, alter: Callable[[Report], Report]
) -> None:
    assert reason(bench, alter(report())) == "REPORT_SIGNATURE"


def test_an_altered_copy_is_refused(bench: Bench) -> None:
    sent = report()
    copies = tuple(replace(copy, sealed=os.urandom(HPKE_OVERHEAD + 32)) for copy in sent.copies)
    assert isinstance(refusal(bench, replace(sent, copies=copies)), BatchError)


def test_a_report_without_one_of_its_copies_is_refused(bench: Bench) -> None:
    assert isinstance(refusal(bench, report().only_for(())), InvalidRequest)


@pytest.mark.parametrize("seq", [2, 7])
def test_a_gap_in_the_numbers_is_refused(bench: Bench, seq: int) -> None:
    error = refusal(bench, report(seq=seq))
    assert isinstance(error, SequenceError)
    assert error.expected == 1


def test_a_replay_gets_the_identical_answer_and_changes_nothing(bench: Bench) -> None:
    sent = report()
    leaf = bench.use.reports.accept("ben-a", sent)
    before = bench.use.log.get_checkpoint(), bench.use.report_store.list_all(0, 100)
    bench.clock.moment += timedelta(days=8)
    assert bench.use.reports.accept("ben-a", sent) == leaf
    assert (bench.use.log.get_checkpoint(), bench.use.report_store.list_all(0, 100)) == before


def test_a_replay_is_answered_even_after_the_hit_is_gone(bench: Bench) -> None:
    sent = report()
    leaf = bench.use.reports.accept("ben-a", sent)
    _, pair = bench.use.reviews.fetch_pair(bench.hit_ids()[0])
    bench.withdraw("ben-a", BEN, [pair.beneficiary.row.rid])
    assert bench.use.reports.accept("ben-a", sent) == leaf


def test_R40_two_reports_under_one_number_are_a_conflict(bench: Bench) -> None:
    bench.use.reports.accept("ben-a", report())
    assert isinstance(refusal(bench, report()), ConflictError)  # sealed anew: other bytes


@pytest.mark.parametrize("stranger", ["reg-b", "ben-b", "ben-a", "nobody"])
def test_a_recipient_that_is_no_other_party_is_refused(bench: Bench, stranger: str) -> None:
    sent = make_report(DISTRICT, "ben-a", BEN, CASE, Stage.NOTE, to=(INSPECTOR, stranger))
    assert reason(bench, sent) == "NOT_PARTY"


def test_every_inspector_of_the_roster_may_get_a_copy(bench: Bench) -> None:
    bench.follow(DISTRICT.enrol("zz-inspector", Role.INSPECTOR))
    sent = make_report(DISTRICT, "ben-a", BEN, CASE, Stage.NOTE, to=(INSPECTOR, "zz-inspector"))
    bench.use.reports.accept("ben-a", sent)
    (listed,) = bench.use.report_store.list_all(0, 100)
    assert listed.report == sent


def test_a_report_of_another_epoch_is_refused(bench: Bench) -> None:
    moved = sign_report(DISTRICT, replace(report(), epoch=bytes(32)))
    assert isinstance(refusal(bench, moved), EpochError)


def test_no_report_is_taken_after_the_epoch(bench: Bench) -> None:
    bench.clock.moment = DISTRICT.manifest.not_after
    assert isinstance(refusal(bench, report()), EpochError)


def test_copies_of_the_largest_size_and_number_pass(tmp_path: Path) -> None:
    units = [f"reg-{i:02}" for i in range(31)]
    district = make_district(registry=units, beneficiary=("ben-a",))
    with Bench(tmp_path, district) as bench:
        bench.submit("ben-a", BEN, [person(1)])
        for unit in units:
            bench.submit(unit, REG, [person(1)])
        bench.assign(CASE)
        head = make_report(district, "ben-a", BEN, CASE, Stage.NOTE)
        sealed = [(name, os.urandom(16 * 1024)) for name in (*units, INSPECTOR)]
        whole = replace(head, copies=make_copies(district.suite, sealed))
        bench.use.reports.accept("ben-a", sign_report(district, whole))
        (got,) = bench.use.report_store.fetch("reg-30", REG, 0, 10)
        assert dict(sealed)["reg-30"] in {copy.sealed for copy in got.report.copies}


def test_a_refusal_names_neither_the_recipient_nor_the_case(bench: Bench) -> None:
    error = refusal(bench, make_report(DISTRICT, "ben-a", BEN, CASE, Stage.NOTE, to=("reg-b",)))
    assert isinstance(error, Refused)
    assert "reg-b" not in str(error)
    assert CASE.hex() not in str(error)
