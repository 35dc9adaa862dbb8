"""What a server process holds in memory is bounded by its settings, and flat over many calls.

Real server processes over mutual TLS; the bound is the one of ``LimitsSettings``.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from libmatch.client import MatcherClient
from libmatch.client.messages import batch_to_requests
from libmatch.records import MAX_ROWS, Batch, Side
from libmatch.seal import SealedBatch
from libmatch.status import error_from_rpc
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc as pb_grpc
from tests.chassis_pki import Pki
from tests.crowd import EchoProcess, StoppedClient, call_records, calling_raw, rss_mib, unit, until
from tests.district import District, make_district, person
from tests.matcher_process import MatcherProcess

REG = Side.REGISTRY
MIB = 1 << 20
_MESSAGE_MIB = 8  # limits.max_message_bytes by default
_BUCKET = 4096  # larger than usual, so that what is held shows
_BATCH_MIB = MAX_ROWS * (160 + _BUCKET) / MIB


def bound_mib(calls: int, collected_mib: float = 0) -> float:
    """What a process may hold beyond itself at rest, with fewer than 64 connections."""
    return calls * (4 * _MESSAGE_MIB + collected_mib) + 64 / 4


@pytest.mark.slow
def test_uploads_that_stall_half_way_are_bounded_and_release_what_they_held(
    tmp_path: Path, pki: Pki
) -> None:
    names = ("reg-a", "reg-b", "reg-c")
    district = make_district(registry=names, bucket=_BUCKET, now=datetime.now(UTC))
    matcher = MatcherProcess(tmp_path, district, pki)
    persons = [person(number) for number in range(MAX_ROWS)]
    batches = [district.seal(name, REG, persons).batch for name in names]
    with matcher:
        at_rest, held = rss_mib(matcher.pid), list[float]()
        for _ in range(5):
            held.append(rss_with_stalled_uploads(matcher, pki, batches))
            released = rss_mib(matcher.pid) - at_rest
        most = 16 * _BATCH_MIB  # 16 slots, each with all of a batch but its last piece
        assert max(held) - at_rest < bound_mib(16, 2 * _BATCH_MIB)
        assert max(held) - at_rest > most / 2  # they did hold something
        # What the allocator keeps back is reused: five rounds take no more than two would.
        assert released < 2 * most
        assert matcher.unit("reg-a").submit(batches[0]).seq == 1


def rss_with_stalled_uploads(matcher: MatcherProcess, pki: Pki, batches: list[Batch]) -> float:
    """What the process holds with eight stalled uploads of each batch asked for; all then cut off."""
    ended = len(call_records(matcher.log_file))
    never, calls = threading.Event(), list[Any]()
    with ExitStack() as lines:
        lines.callback(never.set)
        for batch in batches:
            tls = pki.issue(unit(batch.header.unit))
            intake = pb_grpc.IntakeStub(lines.enter_context(calling_raw(matcher.address, tls)))
            calls += [stall(intake, batch, never) for _ in range(8)]
        until(lambda: sum(call.done() for call in calls) == len(calls) - 16)
        held = settled_rss_mib(matcher.pid)
        for call in calls:
            call.cancel()
        until(lambda: len(call_records(matcher.log_file)) >= ended + len(calls))
    return held


def stall(intake: pb_grpc.IntakeStub, batch: Batch, never: threading.Event) -> Any:
    """A call that sends all of a batch but its last piece, then nothing."""

    def pieces() -> Iterator[Any]:
        yield from batch_to_requests(batch)[:-1]
        never.wait(60)

    return intake.SubmitBatch.future(pieces(), timeout=60)


def settled_rss_mib(pid: int) -> float:
    """Resident memory once it no longer grows."""
    seen = [rss_mib(pid)]

    def settled() -> bool:
        threading.Event().wait(0.3)
        seen.append(rss_mib(pid))
        return seen[-1] - seen[-2] < 0.2

    until(settled)
    return seen[-1]


def test_answers_that_nobody_reads_are_bounded(tmp_path: Path, pki: Pki) -> None:
    with (
        EchoProcess(tmp_path, pki, max_concurrent=4, max_concurrent_per_caller=2) as echo,
        ExitStack() as clients,
    ):
        at_rest = rss_mib(echo.pid)
        for number in range(2):
            tls = pki.issue(unit(f"stopped-{number}"))
            clients.enter_context(StoppedClient(echo.address, tls, calls=15, size=7 * MIB))
        assert settled_rss_mib(echo.pid) - at_rest < bound_mib(4)
        outcomes = Counter(one["status"] for one in echo.calls())
    assert outcomes == {"OK": 4, "RESOURCE_EXHAUSTED": 2 * 15 - 4}


def test_bombs_floods_of_metadata_and_huge_messages_are_refused_unopened(
    tmp_path: Path, pki: Pki
) -> None:
    with (
        EchoProcess(tmp_path, pki) as echo,
        calling_raw(echo.address, pki.issue(unit("a"))) as line,
    ):
        echoed = line.unary_unary("/test.Echo/Echo")
        echoed(b"x", timeout=10)
        at_rest = rss_mib(echo.pid)
        attacks: list[dict[str, Any]] = [
            {"request": bytes(96 * MIB), "compression": grpc.Compression.Gzip},
            {"request": bytes(48 * MIB)},
            {"request": b"x", "metadata": [("k", "v" * MIB)]},
            {"request": b"x", "metadata": [(f"k{i}", "v" * 100) for i in range(20_000)]},
        ]
        for attack in attacks:
            with pytest.raises(grpc.RpcError) as refusal:
                echoed(timeout=60, **attack)
            assert error_from_rpc(refusal.value).status == "RESOURCE_EXHAUSTED"
        assert rss_mib(echo.pid, "VmHWM") - at_rest < bound_mib(1)
        assert echoed(b"x", timeout=10) == b"x"


@pytest.mark.parametrize("size", [1, 4096], ids=["bytes", "smallest pieces"])
def test_upload_that_never_ends_is_refused_at_once(tmp_path: Path, pki: Pki, size: int) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    head = batch_to_requests(matcher.district.seal("reg-a", REG, [person(1)] * 3).batch)[0]
    sent = itertools.count()

    def endless() -> Iterator[pb.SubmitBatchRequest]:
        yield head
        while True:
            next(sent)
            yield pb.SubmitBatchRequest(columns=bytes(size))

    with matcher, calling_raw(matcher.address, pki.issue(unit("reg-a"))) as line:
        with pytest.raises(grpc.RpcError) as refusal:
            pb_grpc.IntakeStub(line).SubmitBatch(endless(), timeout=60)
        assert error_from_rpc(refusal.value).status == "INVALID_ARGUMENT"
    assert next(sent) < 10_000  # the client sends ahead of the refusal, as far as the window allows


@pytest.mark.campaign
def test_memory_is_flat_over_many_calls(tmp_path: Path, pki: Pki, long: bool) -> None:
    """In a campaign with submissions, once what they fill is full: the writer's cache of 64 MiB."""
    rounds, each = (200, 500) if long else (6, 80)
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki, extra=_NO_QUOTA)
    batches = sealed_batches(matcher.district)
    with matcher:
        sealed, rss = next(batches), list[float]()
        for _ in range(rounds):
            for _ in range(each):
                sealed = next(batches) if long else sealed
                make_four_calls(matcher.unit("reg-a"), sealed)
            rss.append(rss_mib(matcher.pid))
    calls = 4 * each * (rounds - rounds // 2)
    growth = rss[-1] - rss[rounds // 2 - 1]  # the first half warms up
    assert growth * 1000 / calls < (0.1 if long else 1), rss


_NO_QUOTA = "[intake]\nrecords_per_day = 1_000_000_000\n"


def sealed_batches(district: District) -> Iterator[SealedBatch]:
    for seq in itertools.count(1):
        yield district.seal("reg-a", REG, [person(seq), person(seq + 1)], seq=seq)


def make_four_calls(reg: MatcherClient, sealed: SealedBatch) -> None:
    """A submission, new or a replay, and three that ask."""
    receipt = reg.submit(sealed.batch)
    assert receipt == reg.get_receipt(REG, receipt.seq)
    assert len(reg.check_clearance(list(sealed.rids)).clearances) == 2
    reg.get_checkpoint()
