"""kill -9 at any moment: after a restart the same bytes give the same receipts, and the hits are whole."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libmatch.auditlog import (
    Checkpoint,
    follow_checkpoint,
    log_hash,
    log_origin,
    open_checkpoint,
)
from libmatch.client.messages import batch_to_requests
from libmatch.errors import LogError, ServiceError
from libmatch.records import Batch, Receipt, Side
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.chassis.db import Database
from services.matcher.store.joins import Rejoin, rejoin
from tests.chassis_pki import Pki
from tests.district import District, make_district, person
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
CYCLES = 4
ROWS = 400


def head_of(matcher: MatcherProcess) -> Checkpoint:
    district = matcher.district
    note = matcher.unit("reg-a").get_checkpoint()
    return open_checkpoint(note, log_origin(district.name), district.manifest.log_key)


def sealed_batches(district: District) -> list[Batch]:
    """For every cycle one batch of declarations and one of items about the same persons."""
    batches = []
    for cycle in range(CYCLES):
        persons = [person(cycle * ROWS + i) for i in range(ROWS)]
        batches.append(district.seal("reg-a", REG, persons, seq=cycle + 1).batch)
        batches.append(district.seal("ben-a", BEN, persons[: ROWS // 2], seq=cycle + 1).batch)
    return batches


def slowly(batch: Batch) -> Iterator[pb.SubmitBatchRequest]:
    """The batch in small pieces with pauses, so that a kill comes in the middle of it."""
    head, *rest = batch_to_requests(batch)
    yield head
    body = b"".join(message.columns for message in rest)
    for i in range(0, len(body), 16 * 1024):
        time.sleep(0.01)
        yield pb.SubmitBatchRequest(columns=body[i : i + 16 * 1024])


def send_until_killed(
    matcher: MatcherProcess, batches: list[Batch], delay_s: float
) -> list[Receipt]:
    """The receipts that arrived before the process was killed ``delay_s`` after the first call."""
    receipts: list[Receipt] = []
    killer = threading.Timer(delay_s, matcher.kill_now)
    killer.start()
    with suppress(ServiceError):
        for batch in batches:
            matcher.intake(batch.header.unit).SubmitBatch(slowly(batch))
            receipts.append(matcher.unit(batch.header.unit).submit(batch))
    killer.join()
    matcher.kill()
    return receipts


@pytest.mark.slow
def test_kill_in_the_middle_of_an_upload_loses_and_doubles_nothing(
    tmp_path: Path, pki: Pki
) -> None:
    rng = random.Random(9)
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    batches, receipts = sealed_batches(matcher.district), dict[int, Receipt]()
    matcher.start()
    remembered = head_of(matcher)
    for cycle in range(CYCLES):
        pending = range(2 * cycle, 2 * cycle + 2)
        got = send_until_killed(matcher, [batches[i] for i in pending], rng.uniform(0.05, 0.9))
        receipts |= dict(zip(pending, got, strict=False))
        matcher.start()
        remembered = follow(matcher, remembered)
        for i in range(pending.stop):  # sent again: what had a receipt has the same one still
            receipt = matcher.unit(batches[i].header.unit).submit(batches[i])
            assert receipts.setdefault(i, receipt) == receipt
    hits = list_hits(matcher)
    assert len(hits) == len(set(hits)) == CYCLES * ROWS // 2
    assert matcher.stop() == 0
    with Database(f"sqlite:///{matcher.database}", read_only=True) as database:
        assert rejoin(database) == Rejoin(pairs=len(hits), missed=0, surplus=0)


def follow(matcher: MatcherProcess, remembered: Checkpoint) -> Checkpoint:
    head = head_of(matcher)
    proof = matcher.unit("reg-a").get_consistency_proof(remembered.size, head.size)
    return follow_checkpoint(remembered, head, proof)


def list_hits(matcher: MatcherProcess) -> list[bytes]:
    hits: list[pb.HitSummary] = []
    while (
        page := matcher.review()
        .ListHits(pb.ListHitsRequest(after=hits[-1].number if hits else 0))
        .hits
    ):
        hits += page
    return [hit.hit_id for hit in hits]


def test_altered_log_is_detected(tmp_path: Path, pki: Pki) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    with matcher:
        for seq in (1, 2, 3):
            batch = matcher.district.seal("reg-a", REG, [person(seq)], seq=seq).batch
            matcher.unit("reg-a").submit(batch)
        remembered = head_of(matcher)
    rewrite_first_leaf(matcher.database)
    with matcher:
        head = head_of(matcher)  # signed by the log, and yet
        proof = matcher.unit("reg-a").get_consistency_proof(remembered.size, head.size)
        with pytest.raises(LogError):
            follow_checkpoint(remembered, head, proof)


def rewrite_first_leaf(path: Path) -> None:
    """As its operator could: the leaf and the nodes above it, all consistent with each other."""
    connection = sqlite3.connect(path)
    (right,) = connection.execute(
        "SELECT hash FROM log_node WHERE level = 0 AND position = 1"
    ).fetchone()
    leaf = log_hash(b"\0another entry")
    above = log_hash(b"\1" + leaf + right)
    with connection:
        for level, node in ((0, leaf), (1, above)):
            connection.execute(
                "UPDATE log_node SET hash = ? WHERE level = ? AND position = 0", (node, level)
            )
    connection.close()
