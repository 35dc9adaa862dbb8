"""A matcher that shows 纪委 another log or batches that no unit signed: it is named, or everything stops.

Threat model, row 9; as in ``test_lying_about_hits``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from libmatch.auditlog import (
    Checkpoint,
    LogSigner,
    log_origin,
    sign_checkpoint,
)
from libmatch.batch import signed_bytes
from libmatch.encoding import dec
from libmatch.keys import seal_to
from libmatch.records import BatchHeader, Side
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.inspector.follow_log import LogContradicts
from services.inspector.states import DisputeKind
from tests.district import District, person
from tests.hostile.lying_matcher.blamed import MATCHER, blamed
from tests.inspector_bench import InspectorBench, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


def _checkpoint(district: District, size: int, root: bytes, signer: LogSigner | None = None) -> str:
    head = Checkpoint(log_origin(district.name), size, root)
    return sign_checkpoint(head, signer or district.log_signer)


def _serve(bench: InspectorBench, note: str) -> None:
    bench.wire.alter("GetCheckpoint", lambda *_: pb.GetCheckpointResponse(checkpoint=note))


# --- the log --------------------------------------------------------------------------------------


def test_a_log_without_the_releases_that_it_took_stops_everything(bench: InspectorBench) -> None:
    before = bench.matcher.use.log.get_checkpoint()
    bench.pull()  # the releases made the log longer
    _serve(bench, before)
    bench.submit("reg-b", REG, [relative(person(1))])
    for _ in range(2):
        with pytest.raises(LogContradicts):
            bench.pull()
    assert blamed(bench) == [(DisputeKind.LOG, MATCHER)]  # once, however often it is said
    assert len(bench.cases()) == 3
    bench.wire.honest()
    assert bench.pull().opened.hits == 1


def test_the_evidence_of_a_contradiction_is_both_signed_notes(bench: InspectorBench) -> None:
    bench.pull()
    forged = _checkpoint(bench.district, 1, bytes(32))
    _serve(bench, forged)
    with pytest.raises(LogContradicts):
        bench.pull()
    (dispute,) = bench.disputes()
    remembered, heard = dec("evidence-log", dispute.evidence, 2)
    assert heard.decode() == forged
    assert remembered.startswith(b"libmatch/fuling/log\n")


def test_a_rewritten_log_stops_everything(bench: InspectorBench) -> None:
    bench.pull()
    size = int(bench.matcher.use.log.get_checkpoint().split("\n")[1])
    _serve(bench, _checkpoint(bench.district, size, b"\7" * 32))
    with pytest.raises(LogContradicts):
        bench.pull()


def test_a_longer_log_that_does_not_contain_the_old_one_stops_everything(
    bench: InspectorBench,
) -> None:
    bench.pull()

    def bend(_: object, answer: pb.GetConsistencyProofResponse) -> pb.GetConsistencyProofResponse:
        return pb.GetConsistencyProofResponse(path=[bytes(32) for _ in answer.path])

    bench.submit("reg-b", REG, [relative(person(77))])
    bench.wire.alter("GetConsistencyProof", bend)
    with pytest.raises(LogContradicts):
        bench.pull()


def test_a_checkpoint_of_another_key_stops_everything(bench: InspectorBench) -> None:
    stranger = LogSigner.generate()
    _serve(bench, _checkpoint(bench.district, 3, bytes(32), stranger))
    with pytest.raises(LogContradicts):
        bench.pull()
    assert bench.cases() == []


def test_a_false_proof_of_a_hit_blames_the_matcher(bench: InspectorBench) -> None:
    def bend(asked: Any, answer: pb.GetInclusionProofResponse) -> pb.GetInclusionProofResponse:
        return pb.GetInclusionProofResponse(leaf_hash=answer.leaf_hash, path=[])

    bench.wire.alter("GetInclusionProof", bend)
    assert bench.pull().opened.hits == 0
    assert set(blamed(bench)) == {(DisputeKind.NOT_LOGGED, MATCHER)}


def _change_batch(
    bench: InspectorBench, change: Callable[[pb.BatchSummary], None]
) -> dict[int, bool]:
    """What 纪委 reports when the first batch of the list is changed."""
    reports: dict[int, bool] = {}

    def spoil(_: object, page: pb.ListBatchesResponse) -> pb.ListBatchesResponse:
        for batch in page.batches:
            if batch.number == 1:
                change(batch)
        return page

    def note(asked: pb.ReportCapsulesRequest, answer: object) -> object:
        reports.update({result.number: result.opens for result in asked.results})
        return answer

    bench.wire.alter("ListBatches", spoil)
    bench.wire.alter("ReportCapsules", note)
    bench.pull()
    return reports


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda b: setattr(b, "root", b"\1" * 32), DisputeKind.UNSIGNED),
        (lambda b: setattr(b.head, "signature", b"\1" * 64), DisputeKind.UNSIGNED),
        (lambda b: setattr(b.head, "capsule", b"\1" * 1168), DisputeKind.UNSIGNED),
        (lambda b: setattr(b.head, "side", 2), DisputeKind.UNSIGNED),
        (lambda b: setattr(b.head, "unit", "reg-b"), DisputeKind.UNSIGNED),
        (lambda b: setattr(b, "root", b""), DisputeKind.MALFORMED),
        (lambda b: setattr(b.head, "capsule", b""), DisputeKind.MALFORMED),
    ],
)
def test_a_batch_that_its_unit_did_not_sign_blames_the_matcher(
    bench: InspectorBench, change: Callable[[pb.BatchSummary], None], kind: DisputeKind
) -> None:
    assert _change_batch(bench, change) == {1: False, 2: True}
    assert blamed(bench) == [(kind, MATCHER)]


def test_a_batch_of_a_unit_without_that_role_blames_the_matcher(bench: InspectorBench) -> None:
    """Signed by its unit, but the roster does not let it declare: the matcher must not admit it."""
    district = bench.district

    def lend_role(batch: pb.BatchSummary) -> None:
        head = batch.head
        header = BatchHeader(head.epoch, REG, "ben-a", head.seq, head.count)
        public_key = district.inspector.hpke.public_key
        capsule = seal_to(public_key, os.urandom(32), header.encode())
        message = signed_bytes(district.suite, header, capsule, batch.root)
        head.unit, head.capsule = "ben-a", capsule
        head.signature = district.keys("ben-a").signing.sign(message)

    assert _change_batch(bench, lend_role)[1] is False
    assert blamed(bench) == [(DisputeKind.UNSIGNED, MATCHER)]


def test_a_list_of_batches_out_of_order_blames_the_matcher_and_hits_open(
    bench: InspectorBench,
) -> None:
    def turn(_: object, page: pb.ListBatchesResponse) -> pb.ListBatchesResponse:
        return pb.ListBatchesResponse(batches=reversed(page.batches))

    bench.wire.alter("ListBatches", turn)
    assert bench.pull().opened.hits == 3
    assert blamed(bench) == [(DisputeKind.LISTING, MATCHER)]
