"""kill -9 of the whole service over mutual TLS: after a restart the same bytes give the same receipts.

Many more such ends, of its store and use cases alone: ``test_kill_cycles``.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
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
from libmatch.client import MatcherClient
from libmatch.client.messages import batch_to_requests
from libmatch.errors import LogError, ServiceError
from libmatch.records import RID_SIZE, Batch, Receipt, Side, cut
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.matcher.store.submissions import Quota
from tests.chassis_pki import Pki
from tests.crash_story import (
    Contradiction,
    Fact,
    Seen,
    Sent,
    Story,
    Stream,
    gate_fact,
    head_fact,
    receipt_fact,
    story_district,
)
from tests.district import make_district, person
from tests.judge_store import judge_copy, judge_file
from tests.matcher_bench import fake_batch, open_submissions
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
ROWS = 120  # of a batch: some 80 kB


def head_of(matcher: MatcherProcess) -> Checkpoint:
    district = matcher.district
    note = matcher.unit("reg-a").get_checkpoint()
    return open_checkpoint(note, log_origin(district.name), district.manifest.log_key)


def follow(matcher: MatcherProcess, remembered: Checkpoint) -> Checkpoint:
    """The present head, proved to continue the one before."""
    head = head_of(matcher)
    proof = matcher.unit("reg-a").get_consistency_proof(remembered.size, head.size)
    return follow_checkpoint(remembered, head, proof)


def slowly(batch: Batch) -> Iterator[pb.SubmitBatchRequest]:
    """The batch in small pieces with pauses, so that a kill comes in the middle of it."""
    head, *rest = batch_to_requests(batch)
    yield head
    body = b"".join(message.columns for message in rest)
    for i in range(0, len(body), 16 * 1024):
        time.sleep(0.01)
        yield pb.SubmitBatchRequest(columns=body[i : i + 16 * 1024])


class Load:
    """All units call one service at once, until it is killed."""

    def __init__(self, matcher: MatcherProcess, story: Story, seen: Seen, seed: str) -> None:
        self._matcher, self._story, self._seen, self._seed = matcher, story, seen, seed
        self._mutex = threading.Lock()
        self._reached = seen.reached()
        # Made here: a process makes its channels in one thread.
        self._clients = {stream.unit: matcher.unit(stream.unit) for stream in story.streams}
        self._intakes = {stream.unit: matcher.intake(stream.unit) for stream in story.streams}
        self._failures: list[BaseException] = []
        self._killed = False

    def run(self, delay_s: float) -> None:
        """For ``delay_s``, then the process is killed. Raises what a caller met with before."""
        calls = [self._submitter(stream) for stream in self._story.streams]
        threads = [
            threading.Thread(target=self._call, args=(call, random.Random(f"{self._seed}/{i}")))
            for i, call in enumerate([*calls, self._ask])
        ]
        for thread in threads:
            thread.start()
        time.sleep(delay_s)
        self._killed = True
        self._matcher.kill_now()
        self._matcher.kill()
        for thread in threads:
            thread.join(timeout=60)
        assert not self._failures, self._failures

    def _call(self, call: Callable[[random.Random], None], rng: random.Random) -> None:
        try:
            while not self._killed:
                call(rng)
        except Contradiction as error:
            self._failures.append(error)
        except (ServiceError, ValueError) as error:  # ValueError: its channel was closed
            if not self._killed:
                self._failures.append(error)

    def _tell(self, fact: Fact) -> None:
        with self._mutex:
            self._seen.note(*fact)

    def _submitter(self, stream: Stream) -> Callable[[random.Random], None]:
        client, intake = self._clients[stream.unit], self._intakes[stream.unit]
        sent, number = self._story.streams[stream], self._reached[stream]

        def submit(rng: random.Random) -> None:
            nonlocal number
            again = number and rng.random() < 0.3
            one = sent[rng.randrange(number)] if again else sent[min(number, len(sent) - 1)]
            if isinstance(one.what, Batch) and rng.random() < 0.3:
                intake.SubmitBatch(slowly(one.what))  # the receipt comes with its repetition
            self._tell(receipt_fact(send(client, one)))
            number = max(number, _seq(one))

        return submit

    def _ask(self, rng: random.Random) -> None:
        stream = rng.choice([one for one in self._story.streams if one.side is BEN])
        batch = self._story.streams[stream][0].what
        assert isinstance(batch, Batch)
        rids = rng.sample(cut(batch.columns.rid, RID_SIZE), 5)
        answer = self._clients[stream.unit].check_clearance(rids)
        self._tell(gate_fact(stream.unit, answer))
        time.sleep(0.01)


def send(client: MatcherClient, sent: Sent) -> Receipt:
    """The receipt of a submission, new or repeated."""
    what = sent.what
    return client.submit(what) if isinstance(what, Batch) else client.withdraw(what)


def _seq(sent: Sent) -> int:
    return sent.what.header.seq if isinstance(sent.what, Batch) else sent.what.seq


@pytest.mark.slow
@pytest.mark.campaign
def test_killing_the_whole_service_loses_and_doubles_nothing(
    tmp_path: Path, pki: Pki, long: bool
) -> None:
    seed = random.randrange(1 << 32)
    rng, seen = random.Random(seed), Seen()
    story = Story(story_district(datetime.now(UTC)), rng, ROWS)
    matcher = MatcherProcess(tmp_path, story.district, pki)
    remembered = Checkpoint(log_origin(story.district.name), 0, log_hash(b""))
    for cycle in range(200 if long else 10):
        story.extend(6, seen.reached())
        matcher.start()
        remembered = follow(matcher, remembered)
        seen.note(*head_fact(remembered.size, remembered.root))
        Load(matcher, story, seen, f"{seed}/{cycle}").run(rng.uniform(0.02, 0.6))
        faults = judge_copy(matcher.database, story, seen)
        assert not faults, f"seed {seed}, cycle {cycle}: {faults[:5]}"
    with matcher:
        follow(matcher, remembered)
        for stream, sent in story.streams.items():
            for one in sent:
                seen.note(*receipt_fact(send(matcher.unit(stream.unit), one)))
    assert judge_file(matcher.database, story, seen) == []
    print(f"seed {seed}: {len(seen.of('receipt'))} submissions, {remembered.size} leaves")


@pytest.mark.campaign
def test_after_a_kill_a_large_store_is_ready_within_seconds(
    tmp_path: Path, pki: Pki, long: bool
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    rows = fill(matcher, batches=490 if long else 10)
    matcher.start()
    batch = matcher.district.seal("reg-a", REG, [person(i) for i in range(2000)]).batch
    upload = threading.Thread(target=lambda: refuse(lambda: matcher.unit("reg-a").submit(batch)))
    upload.start()
    time.sleep(0.3)
    matcher.kill_now()
    matcher.kill()
    upload.join(timeout=60)
    began = time.monotonic()
    matcher.start()
    ready_s = time.monotonic() - began
    assert head_of(matcher).size > rows // 2048
    assert matcher.stop() == 0
    print(f"ready {ready_s:.2f} s after a kill at {rows} rows")
    if long:
        assert ready_s < 5


def fill(matcher: MatcherProcess, batches: int) -> int:
    """How many rows the store has after so many of the largest batches, both sides in turn."""
    district = matcher.district
    database, submissions = open_submissions(matcher.database, district.log_signer)
    quota = Quota(records_per_day=1 << 40, hits_per_batch=1 << 20)
    with closing(database):
        for number in range(batches):
            side, unit = ((REG, "fill-reg"), (BEN, "fill-ben"))[number % 2]
            # One person in a hundred is on both sides.
            tokens = [
                log_hash(b"%d/%d" % (number // 2, i)) if i % 100 == 0 else os.urandom(32)
                for i in range(2048)
            ]
            epoch, seq = district.manifest.epoch_id, number // 2 + 1
            batch = fake_batch(epoch, side, unit, seq, tokens)
            submissions.admit(district.suite, batch.admitted, quota, district.now)
    return batches * 2048


def refuse(call: Callable[[], object]) -> None:
    """The call, which may find its service killed."""
    with suppress(ServiceError, ValueError):
        call()


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
