"""Deadlines hold on real servers: who waits gives up in time, and what was kept is found again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from libmatch.client.messages import batch_to_requests
from libmatch.errors import ServiceError
from libmatch.records import Batch, Side
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from services.chassis.authz import AccessTable
from services.chassis.server import App, Runtime, start
from services.chassis.tls import check_own_certificate
from tests.chassis_echo import SERVER, calling, now, settings
from tests.chassis_pki import Pki
from tests.crowd import EchoProcess, call_records, calling_raw, frozen, unit, until
from tests.district import make_district, person
from tests.matcher_process import MatcherProcess

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@contextmanager
def writing(database: Path) -> Iterator[None]:
    """Somebody else writes for the time of the block, as slow storage would."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def outcome_of_submitting(matcher: MatcherProcess, batch: Batch, timeout_s: float) -> str:
    """``OK``, or the status of the refusal."""
    intake: Any = matcher.intake(batch.header.unit)
    try:
        intake.SubmitBatch(batch_to_requests(batch), timeout=timeout_s)
    except ServiceError as error:
        return error.status
    return "OK"


def statuses(matcher: MatcherProcess, peer: str) -> list[tuple[str, str]]:
    records = [one for one in call_records(matcher.log_file) if one["peer"] == peer]
    return [(one["status"], one.get("reason", "")) for one in records]


def test_writer_that_waits_too_long_keeps_nothing_and_a_late_commit_is_found(
    tmp_path: Path, pki: Pki
) -> None:
    matcher = MatcherProcess(tmp_path, make_district(now=datetime.now(UTC)), pki)
    first = matcher.district.seal("reg-a", REG, [person(1)]).batch
    second = matcher.district.seal("ben-a", BEN, [person(1)]).batch
    with matcher, ThreadPoolExecutor(2) as callers:
        for name in ("reg-a", "ben-a"):
            assert matcher.unit(name).get_checkpoint()
        with writing(matcher.database):
            early = callers.submit(outcome_of_submitting, matcher, first, 4)
            time.sleep(1.5)  # so that it is the first to wait for the storage
            late = callers.submit(outcome_of_submitting, matcher, second, 2.5)
            assert (early.result(), late.result()) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
            # The second gave up while the first was still in its turn.
            gave_up = ("DEADLINE_EXCEEDED", "DEADLINE_PASSED")
            until(lambda: gave_up in statuses(matcher, "unit/ben-a"))
        reg, ben = matcher.unit("reg-a"), matcher.unit("ben-a")
        until(lambda: reg.get_receipt(REG, 1) is not None)  # committed after its deadline
        assert reg.submit(first) == reg.get_receipt(REG, 1)
        assert ben.get_receipt(BEN, 1) is None
        assert ben.submit(second).seq == 1
        assert len(matcher.review().ListHits(pb.ListHitsRequest()).hits) == 1


def test_deadline_goes_on_to_a_service_behind_that_does_not_answer(
    tmp_path: Path, pki: Pki
) -> None:
    """As a registry's handler that asks the matcher has the rest of its caller's time for it."""
    unit_tls, ended = pki.issue(unit("a")), list[float]()
    with (
        EchoProcess(tmp_path, pki) as behind,
        calling(behind.address, unit_tls, timeout_s=60) as onwards,
    ):
        onwards.unary_unary("/test.Echo/Echo")(b"x")  # connected

        def forward(request: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                answer: bytes = onwards.unary_unary("/test.Echo/Echo")(request)
            finally:
                ended.append(time.monotonic())
            return answer

        with (
            serving_method(pki, tmp_path, forward) as address,
            calling_raw(address, unit_tls) as line,
            frozen(behind.pid),
        ):
            began = time.monotonic()
            with pytest.raises(grpc.RpcError):
                line.unary_unary("/test.Echo/Forward")(b"x", timeout=1)
            until(lambda: bool(ended))
            assert ended[0] - began < 30  # the channel's own time would be 60 s


@contextmanager
def serving_method(pki: Pki, folder: Path, method: Any) -> Iterator[str]:
    """The address of a server in this process whose test.Echo/Forward is ``method``."""
    tls = pki.issue(SERVER)
    runtime = Runtime(now, check_own_certificate(tls, now).identity)
    handler = grpc.method_handlers_generic_handler(
        "test.Echo", {"Forward": grpc.unary_unary_rpc_method_handler(method)}
    )
    app = App(
        register=lambda server: server.add_generic_rpc_handlers([handler]),
        access=AccessTable({"test.Echo": {"unit"}}),
    )
    server = start(app, settings(tls, folder), runtime)
    yield server.address
    assert server.stop(5)
