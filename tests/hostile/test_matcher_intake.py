"""Attacks on the matcher's intake, gate and mailbox over the wire, each by an enrolled unit.

Every attack is refused with its own status, and leaves neither a row nor a log leaf behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libmatch.clearances import ClearanceStatus
from libmatch.client.messages import batch_to_requests, head_to_pb, notice_to_pb
from libmatch.errors import ServiceError
from libmatch.manifest import Role
from libmatch.records import Batch, Columns, Side
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
Requests = list[pb.SubmitBatchRequest]


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[MatcherProcess]:
    district = make_district(
        registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), now=datetime.now(UTC)
    )
    with MatcherProcess(tmp_path_factory.mktemp("matcher"), district, pki) as process:
        process.unit("reg-a").submit(district.seal("reg-a", REG, [person(1)]).batch)
        yield process


def log_size(matcher: MatcherProcess) -> int:
    return int(matcher.unit("ben-b").get_checkpoint().split("\n")[1])


def next_batch(district: District, unit: str = "reg-a", seq: int = 2) -> Batch:
    return district.seal(unit, REG, [person(i) for i in range(1, 4)], seq=seq).batch


def column(batch: Batch, name: str, value: bytes) -> Batch:
    return replace(batch, columns=replace(batch.columns, **{name: value}))


def flip(value: bytes, at: int = 0) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def swap(value: bytes, width: int) -> bytes:
    return value[width : 2 * width] + value[:width] + value[2 * width :]


def swap_rows(batch: Batch) -> Batch:
    c, ct = batch.columns, batch.columns.ct_size
    words = (swap(c.c_reg, 32), swap(c.c_ben, 32), swap(c.half, 32), swap(c.com, 32))
    return replace(batch, columns=Columns(swap(c.rid, 16), *words, swap(c.ct, ct)))


@dataclass(frozen=True)
class Attack:
    """What is sent by ``reg-a``, and the status that it must get."""

    make: Callable[[District], Requests]
    status: str


def of_batch(make: Callable[[Batch], Batch]) -> Callable[[District], Requests]:
    return lambda district: batch_to_requests(make(next_batch(district)))


def of_requests(make: Callable[[Requests], Requests]) -> Callable[[District], Requests]:
    return lambda district: make(batch_to_requests(next_batch(district)))


def head_with(**changes: object) -> Callable[[District], Requests]:
    def make(district: District) -> Requests:
        head, *rest = batch_to_requests(next_batch(district))
        changed = core_pb2.BatchHead()
        changed.CopyFrom(head.head)
        for name, value in changes.items():
            setattr(changed, name, value)
        return [pb.SubmitBatchRequest(head=changed), *rest]

    return make


def piece(data: bytes) -> pb.SubmitBatchRequest:
    return pb.SubmitBatchRequest(columns=data)


def of_another_epoch(district: District) -> Requests:
    return batch_to_requests(next_batch(make_district(now=district.now)))


ALTERED = {
    "a flipped record id": lambda b: column(b, "rid", flip(b.columns.rid)),
    "a flipped registry commitment": lambda b: column(b, "c_reg", flip(b.columns.c_reg)),
    "a flipped beneficiary commitment": lambda b: column(b, "c_ben", flip(b.columns.c_ben)),
    "a flipped half": lambda b: column(b, "half", flip(b.columns.half)),
    "a flipped key commitment": lambda b: column(b, "com", flip(b.columns.com)),
    "a flipped ciphertext": lambda b: column(b, "ct", flip(b.columns.ct, 1000)),
    "swapped rows": swap_rows,
    "swapped record ids": lambda b: column(b, "rid", swap(b.columns.rid, 16)),
    "swapped halves": lambda b: column(b, "half", swap(b.columns.half, 32)),
    "swapped ciphertexts": lambda b: column(b, "ct", swap(b.columns.ct, b.columns.ct_size)),
    "exchanged commitment columns": lambda b: replace(
        b, columns=replace(b.columns, c_reg=b.columns.c_ben, c_ben=b.columns.c_reg)
    ),
    "one record id twice": lambda b: column(b, "rid", b.columns.rid[:16] * 2 + b.columns.rid[32:]),
    "a flipped capsule": lambda b: replace(b, capsule=flip(b.capsule)),
    "a flipped signature": lambda b: replace(b, signature=flip(b.signature)),
}

ATTACKS = {
    **{name: Attack(of_batch(make), "INVALID_ARGUMENT") for name, make in ALTERED.items()},
    "nothing at all": Attack(lambda _: [], "INVALID_ARGUMENT"),
    "no head": Attack(of_requests(lambda r: r[1:]), "INVALID_ARGUMENT"),
    "an empty first message": Attack(
        of_requests(lambda r: [pb.SubmitBatchRequest(), *r]), "INVALID_ARGUMENT"
    ),
    "two heads": Attack(of_requests(lambda r: [r[0], *r]), "INVALID_ARGUMENT"),
    "a head alone": Attack(of_requests(lambda r: r[:1]), "INVALID_ARGUMENT"),
    "a batch cut off": Attack(
        of_requests(lambda r: [r[0], piece(r[1].columns[:-1])]), "INVALID_ARGUMENT"
    ),
    "a byte too much": Attack(of_requests(lambda r: [*r, piece(b"\0")]), "INVALID_ARGUMENT"),
    "an empty piece": Attack(of_requests(lambda r: [*r, piece(b"")]), "INVALID_ARGUMENT"),
    "a piece above 256 KiB": Attack(
        of_requests(lambda r: [r[0], piece(bytes(256 * 1024 + 1))]), "INVALID_ARGUMENT"
    ),
    "a piece above the message limit": Attack(
        of_requests(lambda r: [r[0], piece(bytes(9 << 20))]), "RESOURCE_EXHAUSTED"
    ),
    "far more rows than announced": Attack(
        of_requests(lambda r: [r[0], *[piece(bytes(200_000))] * 50]), "INVALID_ARGUMENT"
    ),
    "no rows announced": Attack(head_with(count=0), "INVALID_ARGUMENT"),
    "too many rows announced": Attack(head_with(count=2049), "INVALID_ARGUMENT"),
    "other rows announced": Attack(head_with(count=2), "INVALID_ARGUMENT"),
    "a number beyond all": Attack(head_with(seq=(1 << 64) - 1), "INVALID_ARGUMENT"),
    "a gap": Attack(head_with(seq=3), "FAILED_PRECONDITION"),
    "number 0": Attack(head_with(seq=0), "FAILED_PRECONDITION"),
    "an earlier number with other content": Attack(
        lambda d: batch_to_requests(next_batch(d, seq=1)), "ALREADY_EXISTS"
    ),
    "no side": Attack(head_with(side=0), "INVALID_ARGUMENT"),
    "a side that does not exist": Attack(head_with(side=3), "INVALID_ARGUMENT"),
    "the other side": Attack(head_with(side=2), "PERMISSION_DENIED"),
    "another epoch": Attack(of_another_epoch, "FAILED_PRECONDITION"),
    "an epoch of a wrong length": Attack(head_with(epoch=b"short"), "INVALID_ARGUMENT"),
    "another unit's name": Attack(head_with(unit="reg-b"), "PERMISSION_DENIED"),
    "another unit's batch": Attack(
        lambda d: batch_to_requests(next_batch(d, "reg-b", 1)), "PERMISSION_DENIED"
    ),
    "a name that is none": Attack(head_with(unit="../reg-a"), "INVALID_ARGUMENT"),
    "a short capsule": Attack(head_with(capsule=b"short"), "INVALID_ARGUMENT"),
    "a short signature": Attack(head_with(signature=b"short"), "INVALID_ARGUMENT"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_intake_refuses(matcher: MatcherProcess, name: str) -> None:
    attack, before = ATTACKS[name], log_size(matcher)
    requests = attack.make(matcher.district)
    with pytest.raises(ServiceError) as refused:
        matcher.intake("reg-a").SubmitBatch(iter(requests))
    assert refused.value.status == attack.status, refused.value
    assert log_size(matcher) == before
    for secret in ("11010", person(1).idn):
        assert secret not in str(refused.value) + refused.value.message_zh


def test_after_all_attacks_the_honest_batch_is_next(matcher: MatcherProcess) -> None:
    batch = next_batch(matcher.district)
    assert matcher.unit("reg-a").submit(batch).seq == 2


def test_a_foreign_record_id_looks_like_an_unknown_one_at_the_gate(
    matcher: MatcherProcess,
) -> None:
    foreign = matcher.district.seal("ben-a", BEN, [person(900)])
    matcher.unit("ben-a").submit(foreign.batch)
    answer = matcher.unit("ben-b").check_clearance([foreign.rids[0], os.urandom(16)])
    first, second = answer.clearances
    assert first.status is second.status is ClearanceStatus.NOT_SUBMITTED
    assert first.expires_at_us == second.expires_at_us == 0


def test_another_units_record_is_not_withdrawn(matcher: MatcherProcess) -> None:
    district = matcher.district
    own = district.seal("reg-b", REG, [person(901)])
    matcher.unit("reg-b").submit(own.batch)
    before, texts = log_size(matcher), set()
    for rid in (own.rids[0], os.urandom(16)):
        attempt = district.withdraw("reg-a", REG, [rid], seq=3)
        with pytest.raises(ServiceError) as refused:
            matcher.unit("reg-a").withdraw(attempt)
        texts.add((refused.value.status, str(refused.value)))
    assert len(texts) == 1
    assert log_size(matcher) == before


def test_a_withdrawal_in_anothers_name_is_refused(matcher: MatcherProcess) -> None:
    attempt = matcher.district.withdraw("reg-b", REG, [bytes(16)], seq=2)
    with pytest.raises(ServiceError) as refused:
        matcher.unit("reg-a").withdraw(attempt)
    assert refused.value.status == "PERMISSION_DENIED"


@pytest.mark.parametrize("number", [(1 << 63), (1 << 64) - 1])
def test_numbers_that_no_row_can_have_are_refused(matcher: MatcherProcess, number: int) -> None:
    calls: list[Callable[[], object]] = [
        lambda: matcher.review().ListHits(pb.ListHitsRequest(after=number)),
        lambda: matcher.review().ListBatches(pb.ListBatchesRequest(after=number)),
        lambda: matcher.unit("reg-a").get_receipt(REG, number),
        lambda: matcher.unit("reg-a").fetch_notices(REG, number),
        lambda: matcher.unit("reg-a").get_inclusion_proof(number, number),
        lambda: matcher.unit("reg-a").get_consistency_proof(number, number),
    ]
    for call in calls:
        with pytest.raises(ServiceError) as refused:
            call()
        assert refused.value.status == "INVALID_ARGUMENT"


def test_matcher_cannot_release_unflagged_hit(matcher: MatcherProcess) -> None:
    before = log_size(matcher)
    notice = matcher.district.notify("ben-a", BEN, os.urandom(32))
    with pytest.raises(ServiceError) as refused:
        matcher.review().ReleaseNotice(pb.ReleaseNoticeRequest(notice=notice_to_pb(notice)))
    assert refused.value.status == "NOT_FOUND"
    assert log_size(matcher) == before


def test_a_notice_without_the_discipline_commissions_signature_is_refused(
    matcher: MatcherProcess,
) -> None:
    signer = matcher.district.keys("ben-a").signing
    notice = matcher.district.notify("ben-a", BEN, os.urandom(32), signer=signer)
    with pytest.raises(ServiceError) as refused:
        matcher.review().ReleaseNotice(pb.ReleaseNoticeRequest(notice=notice_to_pb(notice)))
    assert refused.value.status == "PERMISSION_DENIED"


def test_a_unit_with_a_certificate_but_no_enrolment_gets_nothing(matcher: MatcherProcess) -> None:
    folder = matcher.folder / "kit"
    (folder / "epoch" / "roster").write_bytes(matcher.district.forge_roster().encode())
    with pytest.raises(ServiceError) as refused:
        matcher.unit("intruder").fetch_epoch_documents()
    assert refused.value.status == "PERMISSION_DENIED"
    matcher.unit("reg-a").fetch_epoch_documents()  # the roster in force stays
    matcher.district.write_epoch(folder)
    assert "roster.refused" in (matcher.folder / "data" / "matcher.log").read_text()


def test_the_batch_head_alone_is_refused_before_rows_are_read(matcher: MatcherProcess) -> None:
    head = head_to_pb(next_batch(matcher.district, seq=9))
    read: list[int] = []

    def endless() -> Iterator[pb.SubmitBatchRequest]:
        yield pb.SubmitBatchRequest(head=head)
        while True:
            read.append(1)
            yield piece(bytes(200_000))

    with pytest.raises(ServiceError) as refused:
        matcher.intake("reg-a").SubmitBatch(endless())
    assert refused.value.status == "FAILED_PRECONDITION"
    assert refused.value.details["expected"] == "3"
    assert len(read) < 100  # what the transport had buffered, not a gigabyte


def test_an_ended_epoch_takes_nothing_but_shows_its_log(tmp_path: Path, pki: Pki) -> None:
    now = datetime.now(UTC)
    ended = make_district(now=now - timedelta(days=10), days=5)
    with MatcherProcess(tmp_path, ended, pki) as matcher:
        batch = ended.seal("reg-a", REG, [person(1)]).batch
        calls: list[Callable[[], object]] = [
            lambda: matcher.unit("reg-a").submit(batch),
            lambda: matcher.unit("ben-a").check_clearance([bytes(16)]),
        ]
        for call in calls:
            with pytest.raises(ServiceError) as refused:
                call()
            assert refused.value.status == "FAILED_PRECONDITION"
        matcher.unit("reg-a").get_checkpoint()
        assert ended.roster.find("reg-a").roles is Role.REGISTRY
