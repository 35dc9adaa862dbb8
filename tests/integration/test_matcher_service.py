"""The matcher as a real process over mutual TLS: the whole job of its five services, and its life cycle."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.auditlog import (
    Checkpoint,
    follow_checkpoint,
    log_origin,
    open_checkpoint,
    verify_receipt,
)
from libmatch.batch import admit_batch
from libmatch.clearances import ClearanceStatus
from libmatch.client import MatcherClient
from libmatch.client.messages import (
    batch_to_requests,
    notice_to_pb,
    pb_to_side,
)
from libmatch.errors import ServiceError
from libmatch.manifest import Role, open_epoch
from libmatch.notices import ItemNotice, open_notice
from libmatch.records import (
    Batch,
    BatchHeader,
    FlaggedPair,
    FlaggedRecord,
    SealedRow,
    Side,
)
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.unseal import capsule_opens, unseal_pair
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_process import ROOT, MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


def fresh_district(units: int = 4) -> District:
    return make_district(
        registry=[f"reg-{i}" for i in range(units)],
        beneficiary=[f"ben-{i}" for i in range(units)],
        now=datetime.now(UTC),
    )


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[MatcherProcess]:
    folder = tmp_path_factory.mktemp("matcher")
    with MatcherProcess(folder, fresh_district(), pki) as process:
        yield process


def head_of(district: District, client: MatcherClient) -> Checkpoint:
    note, origin = client.get_checkpoint(), log_origin(district.name)
    return open_checkpoint(note, origin, district.manifest.log_key)


def pb_to_flagged(record: core_pb2.FlaggedRecord) -> FlaggedRecord:
    head, row = record.head, record.row
    return FlaggedRecord(
        header=pb_to_header(head),
        capsule=head.capsule,
        signature=head.signature,
        position=record.position,
        row=SealedRow(row.rid, row.c_reg, row.c_ben, row.half, row.com, row.ct),
        path=tuple(record.path),
    )


def pb_to_header(head: core_pb2.BatchHead) -> BatchHeader:
    return BatchHeader(head.epoch, pb_to_side(head.side), head.unit, head.seq, head.count)


def digest_of(district: District, batch: Batch) -> bytes:
    member = district.roster.find(batch.header.unit)
    return admit_batch(district.manifest, member, batch).digest


def test_the_whole_job(matcher: MatcherProcess) -> None:
    district = matcher.district
    declaring, approving = matcher.unit("reg-0"), matcher.unit("ben-0")
    declared = district.seal("reg-0", REG, [person(1), person(2)])
    items = district.seal("ben-0", BEN, [person(2), person(3)])
    first = head_of(district, approving)

    receipt = declaring.submit(declared.batch)
    verify_receipt(district.manifest, receipt, digest_of(district, declared.batch))
    assert declaring.submit(declared.batch) == receipt
    assert declaring.get_receipt(REG, 1) == receipt
    approving.submit(items.batch)

    review = matcher.review()
    batches = review.ListBatches(pb.ListBatchesRequest()).batches
    key = district.inspector.hpke
    results = [
        pb.CapsuleResult(
            number=batch.number,
            opens=capsule_opens(key, pb_to_header(batch.head), batch.head.capsule),
        )
        for batch in batches
    ]
    assert all(result.opens for result in results)
    review.ReportCapsules(pb.ReportCapsulesRequest(results=results))

    (hit,) = review.ListHits(pb.ListHitsRequest()).hits
    fetched = review.FetchHit(pb.FetchHitRequest(hit_id=hit.hit_id))
    assert fetched.hit == hit
    pair = FlaggedPair(pb_to_flagged(fetched.registry), pb_to_flagged(fetched.beneficiary))
    opened = unseal_pair(key, district.epoch, pair)
    assert opened.relative.person == opened.item.person == person(2)

    sent = district.notify("ben-0", BEN, hit.hit_id, rid=items.rids[0])
    released = review.ReleaseNotice(pb.ReleaseNoticeRequest(notice=notice_to_pb(sent)))
    ((number, notice, acknowledged),) = approving.fetch_notices(BEN, 0)
    assert (number, notice, acknowledged) == (released.number, sent, False)
    content = open_notice(district.epoch, notice, district.keys("ben-0").hpke)
    assert isinstance(content, ItemNotice)
    assert content.rid == items.rids[0]
    approving.acknowledge(notice.notice_id, district.acknowledge("ben-0", notice))
    assert approving.fetch_notices(BEN, 0)[0][2]
    assert approving.fetch_notices(BEN, number) == []

    answer = approving.check_clearance([*items.rids, declared.rids[0]])
    assert [clearance.status for clearance in answer.clearances] == [
        ClearanceStatus.HOLD,
        ClearanceStatus.PENDING,  # other declaring units have submitted nothing yet
        ClearanceStatus.NOT_SUBMITTED,
    ]

    withdrawal = district.withdraw("reg-0", REG, declared.rids, seq=2)
    assert declaring.withdraw(withdrawal) == declaring.withdraw(withdrawal)
    assert not review.ListHits(pb.ListHitsRequest()).hits[0].live

    figures = review.GetFigures(pb.GetFiguresRequest())
    mine = next(one for one in figures.units if one.unit == "ben-0")
    assert (mine.batches, mine.records_live, mine.hits, mine.notices_acknowledged) == (1, 2, 0, 1)

    last = head_of(district, approving)
    assert figures.tree_size == last.size
    proof = approving.get_consistency_proof(first.size, last.size)
    assert follow_checkpoint(first, last, proof) == last


def test_a_client_opens_the_epoch_with_the_keys_it_trusts(matcher: MatcherProcess) -> None:
    manifest, roster = matcher.unit("reg-1").fetch_epoch_documents()
    epoch = open_epoch(manifest, roster, matcher.district.authority_keys)
    assert epoch.manifest == matcher.district.manifest
    assert "reg-1" in {member.unit for member in epoch.roster.members}


def test_the_largest_batch_arrives_in_pieces(matcher: MatcherProcess) -> None:
    sealed = matcher.district.seal("reg-1", REG, [person(10_000 + i) for i in range(2048)])
    receipt = matcher.unit("reg-1").submit(sealed.batch)
    verify_receipt(matcher.district.manifest, receipt, digest_of(matcher.district, sealed.batch))


def test_each_service_is_for_its_callers_only(matcher: MatcherProcess) -> None:
    denied: list[Callable[[], object]] = [
        lambda: matcher.review("unit/reg-2").ListHits(pb.ListHitsRequest()),
        lambda: matcher.review("officer/zhang").ListHits(pb.ListHitsRequest()),
        lambda: MatcherClient(matcher.channel("inspector")).fetch_epoch_documents(),
        lambda: MatcherClient(matcher.channel("inspector")).check_clearance([bytes(16)]),
        lambda: MatcherClient(matcher.channel("inspector")).fetch_notices(BEN, 0),
        lambda: MatcherClient(matcher.channel("clerk/reg-2/li")).fetch_epoch_documents(),
        lambda: MatcherClient(matcher.channel("unit/stranger")).get_checkpoint(),
    ]
    for call in denied:
        with pytest.raises(ServiceError) as refused:
            call()
        assert refused.value.status == "PERMISSION_DENIED"
        assert refused.value.message_zh


def test_a_new_roster_is_followed_without_a_restart(tmp_path: Path, pki: Pki) -> None:
    with MatcherProcess(tmp_path, fresh_district(1), pki) as matcher:
        with pytest.raises(ServiceError, match="roster"):
            matcher.unit("late").get_checkpoint()
        matcher.unit("reg-0").get_checkpoint()
        district = matcher.district.enrol("late", Role.REGISTRY).revoke("reg-0")
        district.write_epoch(tmp_path / "kit")
        matcher.unit("late").submit(district.seal("late", REG, [person(1)]).batch)
        with pytest.raises(ServiceError, match="roster"):
            matcher.unit("reg-0").get_checkpoint()


def test_state_survives_a_clean_restart(tmp_path: Path, pki: Pki) -> None:
    matcher = MatcherProcess(tmp_path, fresh_district(1), pki)
    matcher.start()
    batch = matcher.district.seal("reg-0", REG, [person(1)]).batch
    receipt = matcher.unit("reg-0").submit(batch)
    before = head_of(matcher.district, matcher.unit("reg-0"))
    assert matcher.stop() == 0
    assert [path.name for path in (tmp_path / "data").glob("matcher.db-*")] == []
    with matcher:
        assert matcher.unit("reg-0").submit(batch) == receipt
        assert head_of(matcher.district, matcher.unit("reg-0")) == before


def test_batches_under_way_at_once_are_accepted_in_order_and_repeated_identically(
    tmp_path: Path, pki: Pki
) -> None:
    district = fresh_district(1)
    persons = [[person(8 * seq + i) for i in range(8)] for seq in range(1, 13)]
    batches = [
        district.seal("reg-0", REG, some, seq=seq).batch for seq, some in enumerate(persons, 1)
    ]
    with MatcherProcess(tmp_path, district, pki) as matcher:
        receipts = list(matcher.unit("reg-0").submit_many(batches))
        assert [receipt.seq for receipt in receipts] == list(range(1, 13))
        leaves = [receipt.leaf_index for receipt in receipts]
        assert leaves == sorted(leaves)
        for receipt, batch in zip(receipts, batches, strict=True):
            digest = admit_batch(district.manifest, district.roster.find("reg-0"), batch).digest
            verify_receipt(district.manifest, receipt, digest)
        before = head_of(district, matcher.unit("reg-0"))
        assert list(matcher.unit("reg-0").submit_many(batches)) == receipts
        assert head_of(district, matcher.unit("reg-0")) == before


def test_a_full_disk_gives_no_receipt_and_leaves_nothing(tmp_path: Path, pki: Pki) -> None:
    limit = 256 * 1024

    def stop_files_from_growing() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    matcher = MatcherProcess(tmp_path, fresh_district(1), pki, preexec=stop_files_from_growing)
    district = matcher.district
    large = district.seal("reg-0", REG, [person(i) for i in range(1000)]).batch
    with matcher:
        before = head_of(district, matcher.unit("ben-0"))
        with pytest.raises(ServiceError) as refused:
            matcher.intake("reg-0").SubmitBatch(requests_of(large))
        assert refused.value.status in ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
        assert head_of(district, matcher.unit("ben-0")) == before
        assert matcher.unit("reg-0").get_receipt(REG, 1) is None
    matcher.preexec = None
    with matcher:
        assert head_of(district, matcher.unit("ben-0")) == before
        assert matcher.unit("reg-0").submit(large).seq == 1


def requests_of(batch: Batch) -> Iterator[pb.SubmitBatchRequest]:
    """As an iterator: the channel does not send it again."""
    return iter(batch_to_requests(batch))


def test_a_nightly_rejoin_agrees_beside_the_running_service(matcher: MatcherProcess) -> None:
    matcher.unit("reg-3").submit(matcher.district.seal("reg-3", REG, [person(5)]).batch)
    matcher.unit("ben-3").submit(matcher.district.seal("ben-3", BEN, [person(5)]).batch)
    done = subprocess.run(
        [sys.executable, "-m", "services.matcher.rejoin", "--config", str(matcher.config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert (said["agrees"], said["missed"], said["surplus"]) == (True, 0, 0)
    assert said["pairs"] >= 1


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        ("passphrase", 2, "passphrase"),
        ("log.key", 2, "log.key"),
        ("roster", 2, "roster"),
        ("unknown", 2, "unknown key"),
    ],
)
def test_what_is_wrong_at_the_start_is_said_in_one_line(
    tmp_path: Path, pki: Pki, spoil: str, code: int, words: str
) -> None:
    extra = "unknown = 1\n" if spoil == "unknown" else ""
    matcher = MatcherProcess(tmp_path, fresh_district(1), pki, extra=extra)
    if spoil == "passphrase":
        (tmp_path / "passphrase").write_text("another passphrase\n")
    elif spoil == "log.key":
        (tmp_path / "kit" / "keys" / "log.key").unlink()
    elif spoil == "roster":
        (tmp_path / "kit" / "epoch" / "roster").unlink()
    with pytest.raises(RuntimeError, match=words) as ended:
        matcher.start()
    text = str(ended.value)
    assert f"ended with {code}:" in text
    assert "Traceback" not in text
