"""Intake: what is accepted, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.auditlog import (
    encode_batch_leaf,
    encode_withdrawal_leaf,
    open_checkpoint,
    verify_inclusion,
    verify_receipt,
)
from libmatch.batch import admit_batch, hash_rows, signed_bytes
from libmatch.errors import BatchError, ConflictError, EpochError, SequenceError
from libmatch.keys import seal_to
from libmatch.manifest import Role
from libmatch.merkle import compute_root
from libmatch.records import Batch, BatchHeader, Receipt, Side
from libmatch.seal import SealedBatch, pad_payload, seal_rows
from libmatch.tokens import derive_column
from services.chassis.refusals import NotFound, Overloaded, Refused
from services.matcher.config import IntakeSettings
from tests.district import District, make_district, person, relative_payload
from tests.matcher_bench import Bench

DISTRICT = make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a",), both=("dual",))
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def state_of(bench: Bench) -> tuple[object, ...]:
    """Everything that a submission changes."""
    figures = bench.use.review.count()
    units = sorted((key, str(value)) for key, value in figures.units.items())
    return (*units, figures.hits, bench.use.log.get_checkpoint())


def check_receipt(bench: Bench, receipt: Receipt, digest: bytes, leaf: bytes) -> None:
    verify_receipt(DISTRICT.manifest, receipt, digest)
    checkpoint = open_checkpoint(
        bench.use.log.get_checkpoint(), "libmatch/fuling/log", DISTRICT.manifest.log_key
    )
    _, path = bench.use.log.prove_inclusion(receipt.leaf_index, checkpoint.size)
    verify_inclusion(checkpoint, receipt.leaf_index, leaf, path)


def test_a_batch_gets_a_receipt_that_the_log_holds(bench: Bench) -> None:
    sealed = bench.seal("reg-a", REG, [person(1), person(2)])
    receipt = bench.use.intake.accept("reg-a", sealed.batch)
    digest = admit_batch(DISTRICT.manifest, DISTRICT.roster.find("reg-a"), sealed.batch).digest
    assert (receipt.unit, receipt.side, receipt.seq) == ("reg-a", REG, 1)
    leaf = encode_batch_leaf(digest, REG, "reg-a", 1, receipt.accepted_at_us)
    check_receipt(bench, receipt, digest, leaf)


def test_a_withdrawal_gets_a_receipt_that_the_log_holds(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    withdrawal = DISTRICT.withdraw("reg-a", REG, rids, seq=2)
    receipt = bench.use.intake.withdraw("reg-a", withdrawal)
    digest = DISTRICT.suite.h(withdrawal.signed_bytes())
    leaf = encode_withdrawal_leaf(digest, REG, "reg-a", 2, receipt.accepted_at_us)
    check_receipt(bench, receipt, digest, leaf)


def test_a_repeated_batch_gets_the_identical_receipt(bench: Bench) -> None:
    sealed = bench.seal("reg-a", REG, [person(1)])
    first = bench.use.intake.accept("reg-a", sealed.batch)
    bench.submit("reg-a", REG, [person(2)])
    before = state_of(bench)
    bench.clock.moment += timedelta(hours=1)
    bench.reopen()
    assert bench.use.intake.accept("reg-a", sealed.batch).encode() == first.encode()
    assert state_of(bench) == before


def test_a_repeated_withdrawal_gets_the_identical_receipt(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    withdrawal = DISTRICT.withdraw("reg-a", REG, rids, seq=2)
    first = bench.use.intake.withdraw("reg-a", withdrawal)
    before = state_of(bench)
    bench.clock.moment += timedelta(hours=1)
    assert bench.use.intake.withdraw("reg-a", withdrawal).encode() == first.encode()
    assert state_of(bench) == before


def test_the_receipt_of_an_earlier_submission_is_found(bench: Bench) -> None:
    receipt, _ = bench.submit("reg-a", REG, [person(1)])
    assert bench.use.intake.get_receipt("reg-a", REG, 1) == receipt


@pytest.mark.parametrize(
    ("unit", "side", "seq"), [("reg-a", REG, 2), ("reg-a", BEN, 1), ("reg-b", REG, 1)]
)
def test_there_is_no_receipt_of_what_was_never_sent(
    bench: Bench, unit: str, side: Side, seq: int
) -> None:
    bench.submit("reg-a", REG, [person(1)])
    with pytest.raises(NotFound):
        bench.use.intake.get_receipt(unit, side, seq)


def test_the_same_number_with_other_content_is_a_conflict(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1)])
    before = state_of(bench)
    with pytest.raises(ConflictError):
        bench.use.intake.accept("reg-a", DISTRICT.seal("reg-a", REG, [person(1)]).batch)
    with pytest.raises(ConflictError):
        bench.use.intake.withdraw("reg-a", DISTRICT.withdraw("reg-a", REG, [bytes(16)], seq=1))
    assert state_of(bench) == before


@pytest.mark.parametrize(("seq", "expected"), [(0, 2), (3, 2), (1 << 62, 2)])
def test_a_gap_is_refused_with_the_number_expected(bench: Bench, seq: int, expected: int) -> None:
    bench.submit("reg-a", REG, [person(1)])
    before, batch = state_of(bench), DISTRICT.seal("reg-a", REG, [person(2)], seq=seq).batch
    with pytest.raises(SequenceError) as refused:
        bench.use.intake.accept("reg-a", batch)
    assert refused.value.expected == expected
    with pytest.raises(SequenceError):  # from the head alone, before a row is read
        bench.use.intake.begin("reg-a", batch.header, batch.capsule, batch.signature)
    assert state_of(bench) == before


def test_batches_and_withdrawals_share_one_sequence(bench: Bench) -> None:
    _, rids = bench.submit("dual", REG, [person(1)])
    assert bench.withdraw("dual", REG, rids).seq == 2
    assert bench.submit("dual", REG, [person(1)])[0].seq == 3
    assert bench.submit("dual", BEN, [person(1)])[0].seq == 1


def with_rids(district: District, unit: str, seq: int, rids: tuple[bytes, ...]) -> SealedBatch:
    """The unit itself seals a batch under record ids of its own choice."""
    manifest, suite, holder = district.manifest, district.suite, district.holder(unit)
    header = BatchHeader(manifest.epoch_id, REG, unit, seq, len(rids))
    persons = [person(i) for i in range(len(rids))]
    kinds, idns = [int(p.kind) for p in persons], [p.idn for p in persons]
    halves = derive_column(suite, holder.key, kinds, idns)
    plain = [pad_payload(relative_payload(p).encode(), manifest.bucket) for p in persons]
    columns = seal_rows(suite, header, bytes(32), rids, halves, plain)
    capsule = seal_to(manifest.inspector_key, bytes(32), header.encode())
    root = compute_root(suite.h, hash_rows(suite, header, columns))
    signature = holder.signing_key.sign(signed_bytes(suite, header, capsule, root))
    return SealedBatch(Batch(header, capsule, signature, columns), rids)


def test_a_record_id_is_never_used_again(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    bench.withdraw("reg-a", REG, rids)
    again = with_rids(DISTRICT, "reg-a", 3, (bytes(16), *rids))
    before = state_of(bench)
    with pytest.raises(ConflictError, match="record id"):
        bench.use.intake.accept("reg-a", again.batch)
    assert state_of(bench) == before


def test_another_unit_may_have_the_same_record_id(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    bench.use.intake.accept("reg-b", with_rids(DISTRICT, "reg-b", 1, rids).batch)


def test_another_epoch_is_refused(bench: Bench) -> None:
    other = make_district()
    batch = other.seal("reg-a", REG, [person(1)]).batch
    with pytest.raises(EpochError):
        bench.use.intake.accept("reg-a", batch)
    with pytest.raises(EpochError):
        bench.use.intake.begin("reg-a", batch.header, batch.capsule, batch.signature)
    with pytest.raises(EpochError):
        bench.use.intake.withdraw("reg-a", other.withdraw("reg-a", REG, [bytes(16)], seq=1))


@pytest.mark.parametrize("days", [-2, 365])
def test_an_epoch_outside_its_validity_is_refused(bench: Bench, days: int) -> None:
    sealed = bench.seal("reg-a", REG, [person(1)])
    bench.clock.moment += timedelta(days=days)
    with pytest.raises(EpochError):
        bench.use.intake.accept("reg-a", sealed.batch)


def test_a_unit_submits_in_its_own_name_only(bench: Bench) -> None:
    batch = bench.seal("reg-a", REG, [person(1)]).batch
    with pytest.raises(Refused, match="own name"):
        bench.use.intake.accept("reg-b", batch)
    with pytest.raises(Refused, match="own name"):
        bench.use.intake.begin("reg-b", batch.header, batch.capsule, batch.signature)


def test_a_unit_cannot_sign_for_another(bench: Bench) -> None:
    stolen = replace(bench.seal("reg-a", REG, [person(1)]).batch.header, unit="reg-b")
    batch = replace(bench.seal("reg-a", REG, [person(1)]).batch, header=stolen)
    with pytest.raises(BatchError, match="signature"):
        bench.use.intake.accept("reg-b", batch)


def test_a_side_that_the_unit_is_not_enrolled_for_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="side"):
        bench.use.intake.accept("ben-a", bench.seal("ben-a", REG, [person(1)]).batch)


def test_a_revoked_unit_is_refused(bench: Bench) -> None:
    sealed = bench.seal("reg-a", REG, [person(1)])
    bench.follow(DISTRICT.revoke("reg-a"))
    with pytest.raises(Refused, match="roster"):
        bench.use.intake.accept("reg-a", sealed.batch)


def test_a_unit_enrolled_later_submits_without_a_restart(bench: Bench) -> None:
    bench.follow(DISTRICT.enrol("reg-c", Role.REGISTRY))
    assert bench.submit("reg-c", REG, [person(1)])[0].seq == 1


def test_the_daily_quota_holds_and_slides(tmp_path: Path) -> None:
    with Bench(tmp_path, DISTRICT, intake=IntakeSettings(records_per_day=3)) as bench:
        _, rids = bench.submit("reg-a", REG, [person(1), person(2)])
        bench.withdraw("reg-a", REG, rids)  # gives no room back: probing must not be free
        before = state_of(bench)
        with pytest.raises(Overloaded, match="24 hours"):
            bench.submit("reg-a", REG, [person(3), person(4)])
        assert state_of(bench) == before
        bench.submit("reg-a", REG, [person(3)])
        bench.submit("reg-b", REG, [person(3)])
        bench.clock.moment += timedelta(hours=24, seconds=1)
        bench.submit("reg-a", REG, [person(4), person(5), person(6)])


def test_a_batch_that_flags_too_many_pairs_is_refused_whole(tmp_path: Path) -> None:
    with Bench(tmp_path, DISTRICT, intake=IntakeSettings(hits_per_batch=3)) as bench:
        bench.submit("reg-a", REG, [person(1), person(1)])
        before = state_of(bench)
        with pytest.raises(BatchError, match="pairs"):
            bench.submit("ben-a", BEN, [person(1), person(1)])
        assert state_of(bench) == before
        bench.submit("ben-a", BEN, [person(1), person(2)])
        assert len(bench.hit_ids()) == 2


def test_a_withdrawal_names_own_live_records_only(bench: Bench) -> None:
    _, own = bench.submit("dual", REG, [person(1), person(2)])
    _, items = bench.submit("dual", BEN, [person(3)])
    _, foreign = bench.submit("reg-a", REG, [person(4)])
    bench.withdraw("dual", REG, own[:1])
    before, texts = state_of(bench), set()
    for bad in (own[0], items[0], foreign[0], bytes(16)):
        with pytest.raises(BatchError) as refused:
            bench.withdraw("dual", REG, [own[1], bad])
        texts.add(str(refused.value))
    assert len(texts) == 1  # which of them it was is not told
    assert state_of(bench) == before


def test_a_withdrawal_signed_by_another_is_refused(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    forged = replace(DISTRICT.withdraw("reg-b", REG, rids, seq=2), unit="reg-a")
    with pytest.raises(BatchError, match="signature"):
        bench.use.intake.withdraw("reg-a", forged)


def test_what_is_withdrawn_is_gone_from_the_file(bench: Bench) -> None:
    sealed = bench.seal("reg-a", REG, [person(1), person(2)])
    bench.use.intake.accept("reg-a", sealed.batch)
    rows = [sealed.batch.columns.row(i) for i in range(2)]
    gone, kept = sorted(rows, key=lambda row: row.rid != sealed.rids[0])
    bench.withdraw("reg-a", REG, [gone.rid])
    bench.database.close()
    stored = bench.path.read_bytes()
    assert kept.ct in stored
    assert sealed.batch.capsule in stored
    for part in (gone.ct, gone.half, gone.com, gone.c_reg, gone.c_ben):
        assert part not in stored
    bench.open()
    bench.withdraw("reg-a", REG, [kept.rid])
    bench.database.close()
    stored = bench.path.read_bytes()
    assert kept.ct not in stored
    assert sealed.batch.capsule not in stored  # with the batch's last row
    bench.open()


def test_the_manifest_and_roster_are_handed_out_as_signed(bench: Bench) -> None:
    manifest, roster = bench.use.epochs.documents()
    assert manifest == DISTRICT.manifest_document
    assert roster == DISTRICT.roster_document
    assert manifest.body == DISTRICT.manifest.encode()


def test_two_epochs_have_sequences_and_ids_of_their_own(tmp_path: Path) -> None:
    first = make_district()
    with Bench(tmp_path, first) as bench:
        _, rids = bench.submit("reg-a", REG, [person(1)])
        second = replace(make_district(), log_signer=first.log_signer)
        manifest = replace(
            second.manifest, log_key=first.manifest.log_key, previous=first.manifest.epoch_id
        )
        second = replace(
            second, manifest=manifest, roster=replace(second.roster, epoch_id=manifest.epoch_id)
        )
        bench.follow(second)
        bench.reopen()
        assert bench.submit("ben-a", BEN, [person(1)])[0].seq == 1
        bench.use.intake.accept("reg-a", with_rids(second, "reg-a", 1, rids).batch)
        assert bench.hit_ids() == []  # the same person, but tokens of two epochs never meet
