"""libmatch.client.MatcherClient and its conversions, against a matcher behind real gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from libmatch.channel import TlsFiles, open_channel
from libmatch.clearances import MAX_RIDS, ClearanceStatus, HoldReason, strictest
from libmatch.client import IDEMPOTENT, MatcherClient
from libmatch.client.messages import (
    CHUNK_SIZE,
    batch_to_requests,
    notice_to_pb,
    pb_to_answer,
    pb_to_notice,
    pb_to_report,
    pb_to_side,
    pb_to_status,
    report_to_pb,
    side_to_pb,
)
from libmatch.errors import BatchError, ConflictError, EncodingError, ServiceError
from libmatch.identity import Identity, server_dns_name
from libmatch.manifest import open_epoch
from libmatch.records import Columns, Side
from libmatch.reports import Report, Stage
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_bench import make_report
from tests.matcher_in_memory import MemoryMatcher, serving

MATCHER = "spiffe://fuling/matcher"


@pytest.fixture(scope="module")
def district() -> District:
    return make_district()


@pytest.fixture
def matcher(district: District) -> MemoryMatcher:
    return MemoryMatcher(district)


@pytest.fixture
def client(matcher: MemoryMatcher, pki: Pki) -> Iterator[MatcherClient]:
    files = pki.issue("spiffe://fuling/unit/ben-a")
    tls = TlsFiles(files.certificate, files.private_key, files.ca)
    name = server_dns_name(Identity.parse(MATCHER))
    with (
        serving(matcher, pki.issue(MATCHER)) as (_, address),
        open_channel(address, name, tls, idempotent=IDEMPOTENT) as channel,
    ):
        yield MatcherClient(channel)


def test_epoch_documents_verify(client: MatcherClient, district: District) -> None:
    epoch = open_epoch(*client.fetch_epoch_documents(), district.authority_keys)
    assert epoch == district.epoch


def test_receipt_is_found_again_and_a_missing_one_is_none(
    client: MatcherClient, district: District
) -> None:
    batch = district.seal("ben-a", Side.BENEFICIARY, [person(1)]).batch
    receipt = client.submit(batch)
    assert client.get_receipt(Side.BENEFICIARY, 1) == receipt
    assert client.get_receipt(Side.BENEFICIARY, 2) is None
    assert client.get_receipt(Side.REGISTRY, 1) is None


def test_other_failures_than_not_found_are_not_hidden(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    matcher.receipts.clear()
    matcher.receipts = None  # type: ignore[assignment]
    with pytest.raises(ServiceError, match="INTERNAL"):
        client.get_receipt(Side.BENEFICIARY, 1)


def test_altered_batch_is_refused_by_the_matcher(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    batch = district.seal("ben-a", Side.BENEFICIARY, [person(1)]).batch
    ct = bytes([batch.columns.ct[0] ^ 1]) + batch.columns.ct[1:]
    with pytest.raises(ServiceError) as refusal:
        client.submit(replace(batch, columns=replace(batch.columns, ct=ct)))
    assert (refusal.value.status, refusal.value.reason) == ("INVALID_ARGUMENT", "BATCH")
    assert matcher.live == {}


def test_withdrawal_gets_a_receipt(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    sealed = district.seal("ben-a", Side.BENEFICIARY, [person(1), person(2)])
    client.submit(sealed.batch)
    receipt = client.withdraw(district.withdraw("ben-a", Side.BENEFICIARY, sealed.rids[:1], seq=2))
    assert (receipt.seq, len(matcher.live)) == (2, 1)


@pytest.mark.parametrize("count", [0, MAX_RIDS + 1])
def test_question_to_the_gate_has_a_limit(client: MatcherClient, count: int) -> None:
    with pytest.raises(BatchError):
        client.check_clearance([i.to_bytes(16, "big") for i in range(count)])


def test_all_pages_of_notices_are_fetched(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    one = district.notify("ben-a", Side.BENEFICIARY, bytes(32))
    matcher.notices = [replace(one, notice_id=i.to_bytes(16, "big")) for i in range(1001)]
    fetched = client.fetch_notices(Side.BENEFICIARY)
    assert [number for number, _, _ in fetched] == list(range(1, 1002))
    assert [number for number, _, _ in client.fetch_notices(Side.BENEFICIARY, 1000)] == [1001]
    assert fetched[7][1] == matcher.notices[7]


class _Repeating(MemoryMatcher):
    def FetchNotices(
        self, request: matcher_pb2.FetchNoticesRequest, context: object
    ) -> matcher_pb2.FetchNoticesResponse:
        entry = notice_to_pb(self.notices[0])
        entry.number = 1
        return matcher_pb2.FetchNoticesResponse(notices=[entry])


def test_matcher_that_repeats_a_page_does_not_keep_the_client_for_ever(
    district: District, pki: Pki
) -> None:
    repeating = _Repeating(district)
    repeating.notices.append(district.notify("ben-a", Side.BENEFICIARY, bytes(32)))
    files = pki.issue("spiffe://fuling/unit/ben-a")
    tls = TlsFiles(files.certificate, files.private_key, files.ca)
    name = server_dns_name(Identity.parse(MATCHER))
    with (
        serving(repeating, pki.issue(MATCHER)) as (_, address),
        open_channel(address, name, tls) as channel,
        pytest.raises(EncodingError, match="ascending"),
    ):
        MatcherClient(channel).fetch_notices(Side.BENEFICIARY)


def reported(district: District, stage: Stage = Stage.COMPLIANT, seq: int = 1) -> Report:
    return make_report(district, "ben-a", Side.BENEFICIARY, b"c" * 16, stage, seq=seq)


def test_a_report_may_be_sent_again(client: MatcherClient, district: District) -> None:
    report = reported(district)
    assert client.report(report) == client.report(report)


def test_another_report_under_the_same_number_is_a_conflict(
    client: MatcherClient, district: District
) -> None:
    client.report(reported(district))
    with pytest.raises(ConflictError):
        client.report(reported(district, Stage.NOT_COMPLIANT))


def test_other_refusals_of_a_report_are_the_matchers_own(
    client: MatcherClient, district: District
) -> None:
    with pytest.raises(ServiceError) as refusal:
        client.report(reported(district, seq=2))
    assert refusal.value.reason == "SEQUENCE"


def test_all_pages_of_reports_are_fetched(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    to = ("ben-a", "jiwei")
    sent = make_report(district, "reg-a", Side.REGISTRY, b"c" * 16, Stage.POSTED, to=to)
    matcher.reports = [(sent, 0)] * 401
    fetched = client.fetch_reports(Side.BENEFICIARY)
    assert [number for number, _ in fetched] == list(range(1, 402))
    assert fetched[7][1] == sent.only_for(["ben-a"])
    assert [number for number, _ in client.fetch_reports(Side.BENEFICIARY, 400)] == [401]


def test_R47_the_reason_of_a_hold_is_told_as_far_as_it_is_known(
    client: MatcherClient, district: District, matcher: MemoryMatcher
) -> None:
    sealed = district.seal("ben-a", Side.BENEFICIARY, [person(1)])
    client.submit(sealed.batch)
    matcher.change_statuses = lambda _: [ClearanceStatus.HOLD]
    matcher.hold_reason = 99  # of a later version: still a HOLD
    (clearance,) = client.check_clearance(sealed.rids).clearances
    assert (clearance.status, clearance.reason) == (ClearanceStatus.HOLD, None)


# --- conversions ----------------------------------------------------------------------------------


def test_batch_is_cut_into_pieces_that_join_to_its_columns(district: District) -> None:
    batch = district.seal("ben-a", Side.BENEFICIARY, [person(i) for i in range(700)]).batch
    head, *pieces = batch_to_requests(batch)
    assert head.WhichOneof("part") == "head"
    assert max(len(piece.columns) for piece in pieces) == CHUNK_SIZE
    joined = b"".join(piece.columns for piece in pieces)
    assert Columns.unpack(joined, head.head.count) == batch.columns


def test_notice_comes_back_as_it_went(district: District) -> None:
    notice = district.notify("ben-a", Side.BENEFICIARY, bytes(32))
    assert pb_to_notice(notice_to_pb(notice)) == notice


def test_sides_and_statuses_have_one_number_everywhere() -> None:
    assert {side.name: int(side_to_pb(side)) for side in Side} == {
        name.removeprefix("SIDE_"): number for name, number in core_pb2.Side.items() if number
    }
    assert {status.name: int(status) for status in ClearanceStatus} == {
        name.removeprefix("CLEARANCE_STATUS_"): number
        for name, number in matcher_pb2.ClearanceStatus.items()
        if number
    }


def test_stages_and_reasons_have_one_number_everywhere() -> None:
    stages = {name.removeprefix("STAGE_"): n for name, n in matcher_pb2.Stage.items()}
    assert {stage.name: int(stage) for stage in Stage} == {
        "NOTE" if name == "UNSPECIFIED" else name: n for name, n in stages.items()
    }
    assert {reason.name: int(reason) for reason in HoldReason} == {
        name.removeprefix("HOLD_REASON_"): n for name, n in matcher_pb2.HoldReason.items() if n
    }


def test_report_comes_back_as_it_went_with_the_copies_that_it_had(district: District) -> None:
    whole = reported(district)
    for report in (whole, whole.only_for(())):
        assert pb_to_report(report_to_pb(report)) == report


def test_report_of_an_unknown_stage_is_refused(district: District) -> None:
    message = report_to_pb(reported(district))
    message.stage = 99  # type: ignore[assignment]
    with pytest.raises(EncodingError, match="stage"):
        pb_to_report(message)


@pytest.mark.parametrize("number", [0, 3])
def test_side_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(EncodingError):
        pb_to_side(number)


@pytest.mark.parametrize("number", [0, 5, 99])
def test_unknown_status_is_a_hold(number: int) -> None:
    assert pb_to_status(number) is ClearanceStatus.HOLD


def test_answer_about_other_records_is_refused() -> None:
    rids = [bytes(16), bytes(15) + b"1"]
    clearances = [matcher_pb2.Clearance(rid=rid, status=3) for rid in reversed(rids)]  # type: ignore[arg-type]
    response = matcher_pb2.CheckClearanceResponse(clearances=clearances, epoch=bytes(32))
    with pytest.raises(EncodingError):
        pb_to_answer(rids, response)


def test_item_is_clear_only_where_every_person_is() -> None:
    clear, pending = ClearanceStatus.CLEAR, ClearanceStatus.PENDING
    hold, unknown = ClearanceStatus.HOLD, ClearanceStatus.NOT_SUBMITTED
    assert strictest([clear, clear]) is clear
    assert strictest([clear, pending]) is pending
    assert strictest([clear, pending, unknown]) is unknown
    assert strictest([hold, unknown, clear]) is hold
    assert strictest([]) is unknown
