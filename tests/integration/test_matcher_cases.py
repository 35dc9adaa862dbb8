"""A case over mutual TLS: assigned by 纪委, reported on by both units, followed by the gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.client.messages import pb_to_report
from libmatch.errors import ConflictError, ServiceError
from libmatch.keys import seal_to
from libmatch.records import Side
from libmatch.reports import Report, Stage, make_copies, seal_info, verify_report
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from tests.chassis_pki import Pki
from tests.district import INSPECTOR, District, make_district, person
from tests.matcher_bench import sign_report
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
CASE = b"c" * 16


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[MatcherProcess]:
    folder: Path = tmp_path_factory.mktemp("matcher")
    district = make_district(now=datetime.now(UTC))
    with MatcherProcess(folder, district, pki) as process:
        yield process


def seal(
    district: District, unit: str, side: Side, seq: int, stage: Stage, to: Sequence[str]
) -> Report:
    head = (district.manifest.epoch_id, CASE, unit, side, seq)
    sealed = []
    for name in to:
        key = district.roster.find(name).hpke_key
        sealed.append((name, seal_to(key, f"to {name}".encode(), seal_info(*head, name))))
    at_us = int(district.now.timestamp()) * 1_000_000
    copies = make_copies(district.suite, sealed)
    return sign_report(district, Report(*head, stage, at_us, copies, bytes(64)))


def read(district: District, report: Report, name: str) -> bytes | None:
    """The plaintext of the one copy that ``report`` still has."""
    verify_report(district.epoch, report)
    (sealed,) = [copy.sealed for copy in report.copies if copy.sealed is not None]
    return district.keys(name).hpke.open(sealed, report.seal_info(name))


def test_R47_a_case_from_its_hit_to_the_first_posting(matcher: MatcherProcess) -> None:
    district = matcher.district
    declaring, approving, review = matcher.unit("reg-a"), matcher.unit("ben-a"), matcher.review()
    declaring.submit(district.seal("reg-a", REG, [person(1)]).batch)
    item = district.seal("ben-a", BEN, [person(1)])
    approving.submit(item.batch)
    (hit,) = review.ListHits(pb.ListHitsRequest()).hits
    verdict = seal(district, "ben-a", BEN, 1, Stage.COMPLIANT, ("reg-a", INSPECTOR))
    with pytest.raises(ServiceError) as early:
        approving.report(verdict)
    assert early.value.status == "NOT_FOUND"

    request = pb.AssignCasesRequest(
        assignments=[pb.CaseAssignment(hit_id=hit.hit_id, case_id=CASE)]
    )
    with pytest.raises(ServiceError) as refused:
        matcher.review("unit/ben-a").AssignCases(request)
    assert refused.value.status == "PERMISSION_DENIED"
    with pytest.raises(ServiceError) as unread:
        matcher.review("unit/ben-a").ListReports(pb.ListReportsRequest())
    assert unread.value.status == "PERMISSION_DENIED"
    review.AssignCases(request)
    review.AssignCases(request)

    leaf = approving.report(verdict)
    assert approving.report(verdict) == leaf
    with pytest.raises(ConflictError):
        approving.report(seal(district, "ben-a", BEN, 1, Stage.COMPLIANT, (INSPECTOR,)))
    ((number, received),) = declaring.fetch_reports(REG)
    assert read(district, received, "reg-a") == b"to reg-a"
    posted = seal(district, "reg-a", REG, 1, Stage.POSTED, ("ben-a", INSPECTOR))
    declaring.report(posted)
    ((_, answered),) = approving.fetch_reports(BEN)
    assert (answered.stage, read(district, answered, "ben-a")) == (Stage.POSTED, b"to ben-a")
    assert declaring.fetch_reports(REG, number) == []

    listed = review.ListReports(pb.ListReportsRequest()).reports
    assert listed[0].leaf_index == leaf
    for one in listed:
        assert read(district, pb_to_report(one.report), INSPECTOR) == b"to " + INSPECTOR.encode()

    (clearance,) = approving.check_clearance(item.rids).clearances
    assert clearance.status is ClearanceStatus.HOLD
    assert clearance.reason is HoldReason.UNPUBLISHED
