"""Reports: what is signed, what a reader can check of copies that it did not get, and stored forms."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from libmatch.encoding import dec, enc
from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.records import Side
from libmatch.reports import (
    APPROVERS_ALONE,
    MAX_COPIES,
    MAX_SEALED,
    Report,
    ReportCopy,
    Stage,
    make_copies,
    verify_report,
)
from libmatch.suites import HPKE_OVERHEAD
from tests.district import INSPECTOR, District, make_district
from tests.matcher_bench import make_report, sign_report

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
CASE = b"c" * 16


@pytest.fixture(scope="module", params=[1, 2])
def district(request: pytest.FixtureRequest) -> District:
    return make_district(suite=request.param)


@pytest.fixture
def report(district: District) -> Report:
    return make_report(district, "ben-a", BEN, CASE, Stage.COMPLIANT, to=("reg-a", INSPECTOR))


def test_the_signature_covers_every_field_and_copy(district: District, report: Report) -> None:
    assert verify_report(district.epoch, report).unit == "ben-a"
    other = make_copies(district.suite, [(INSPECTOR, os.urandom(HPKE_OVERHEAD))])
    changed = (
        replace(report, case_id=bytes(16)),
        replace(report, seq=2),
        replace(report, stage=Stage.NOT_COMPLIANT),
        replace(report, at_us=report.at_us + 1),
        replace(report, copies=report.copies[:1]),
        replace(report, copies=(*other, report.copies[1])),
    )
    for forged in changed:
        with pytest.raises(ManifestError, match="not signed"):
            verify_report(district.epoch, forged)


def test_a_reader_checks_a_report_of_which_it_got_one_copy(
    district: District, report: Report
) -> None:
    own = report.only_for(["reg-a"])
    assert [copy.recipient for copy in own.copies if copy.sealed] == ["reg-a"]
    verify_report(district.epoch, own)
    swapped = tuple(
        replace(copy, sealed=os.urandom(HPKE_OVERHEAD)) if copy.sealed else copy
        for copy in own.copies
    )
    with pytest.raises(BatchError, match="not the one"):
        verify_report(district.epoch, replace(own, copies=swapped))


def test_the_old_reports_of_a_revoked_unit_still_verify(district: District, report: Report) -> None:
    verify_report(district.revoke("ben-a").epoch, report)


def test_a_report_of_a_stranger_or_another_side_is_not_its_units(district: District) -> None:
    of_other_side = make_report(district, "ben-a", REG, CASE, Stage.NOTE)
    forged = make_report(district, "ben-a", BEN, CASE, Stage.NOTE)
    stranger = replace(forged, unit="nobody")
    for report in (of_other_side, sign_report(district, forged, "reg-a"), stranger):
        with pytest.raises(ManifestError):
            verify_report(district.epoch, report)


def test_a_report_of_another_epoch_is_refused(district: District, report: Report) -> None:
    with pytest.raises(EpochError):
        verify_report(district.epoch, replace(report, epoch=bytes(32)))


@pytest.mark.parametrize("stage", sorted(APPROVERS_ALONE))
def test_R38_the_approving_unit_alone_verifies(report: Report, stage: Stage) -> None:
    with pytest.raises(BatchError, match="approving unit"):
        replace(report, side=REG, stage=stage)


@pytest.mark.parametrize(
    "change",
    [
        {"case_id": b"short"},
        {"seq": 0},
        {"seq": 1 << 63},
        {"at_us": 1 << 63},
        {"copies": ()},
        {"unit": "NOT A UNIT"},
        {"signature": b""},
    ],
)
def test_wrong_fields_are_refused(report: Report, change: dict[str, object]) -> None:
    with pytest.raises(EncodingError):
        replace(report, **change)  # type: ignore[arg-type]


def test_copies_are_few_and_in_order_and_one_a_recipient(report: Report) -> None:
    first, second = report.copies
    many = [ReportCopy(f"u{i:03}", bytes(32), None) for i in range(MAX_COPIES + 1)]
    for copies in ((second, first), (first, first), tuple(many)):
        with pytest.raises(EncodingError, match="copies"):
            replace(report, copies=copies)
    replace(report, copies=tuple(many[:-1]))


@pytest.mark.parametrize("size", [0, HPKE_OVERHEAD - 1, MAX_SEALED + 1])
def test_a_copy_is_a_ciphertext_of_bounded_size(size: int) -> None:
    with pytest.raises(EncodingError, match="16 KiB"):
        ReportCopy("reg-a", bytes(32), bytes(size))


def test_stored_bytes_give_the_report_again_with_the_copies_that_it_had(report: Report) -> None:
    for one in (report, report.only_for(["reg-a"]), report.only_for(())):
        stored = Report.decode(one.encode())
        assert (stored, stored.encode()) == (one, one.encode())


def test_what_is_signed_is_what_the_spec_says(report: Report) -> None:
    epoch, case_id, unit, side, seq, stage, time, *copies = dec("report", report.signed_bytes())
    assert (epoch, case_id, unit) == (report.epoch, CASE, b"ben-a")
    assert (side, seq, stage) == (b"\2", bytes(7) + b"\1", b"\1")
    assert int.from_bytes(time, "big") == report.at_us
    assert copies == [part for c in report.copies for part in (c.recipient.encode(), c.digest)]
    info = enc("report-to", epoch, case_id, unit, side, seq, b"reg-a")
    assert report.seal_info("reg-a") == info


def test_damaged_bytes_are_refused(report: Report) -> None:
    data = report.encode()
    head, signature, *sealed = dec("sealed-report", data)
    fields = dec("report", head)
    damaged = [
        data[:-1],
        enc("sealed-report"),
        enc("sealed-report", head),
        enc("sealed-report", head, signature, *sealed, b""),
        enc("sealed-report", enc("report", *fields[:6]), signature),
        enc("sealed-report", enc("report", *fields[:5], b"\xff", *fields[6:]), signature, *sealed),
        enc("sealed-report", enc("report", *fields[:3], b"\3", *fields[4:]), signature, *sealed),
        enc("sealed-report", enc("report", *fields[:2], b"\xff", *fields[3:]), signature, *sealed),
    ]
    for bad in damaged:
        with pytest.raises(EncodingError):
            Report.decode(bad)
