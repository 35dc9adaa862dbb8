"""Attacks on the plumbing by those who got in over mutual TLS: what is taken, and what leaks out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from libmatch.status import error_from_rpc
from services.chassis.config import LogSettings
from services.chassis.observe import configure_logging
from services.chassis.server import RunningServer
from tests.chassis_echo import SERVER, now, serving
from tests.chassis_pki import Pki
from tests.raw_channel import UNIT, RawChannel, raw_channel, refusal_of, unary_unary

_PERSON = "张三 11010119900307775X"


@pytest.fixture(scope="module")
def server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("echo")
    with serving(pki.issue(SERVER), folder, max_message_bytes=64 << 10) as server:
        yield server


@pytest.fixture
def raw(server: RunningServer, pki: Pki) -> Iterator[RawChannel]:
    with closing(raw_channel(server.address, pki.issue(UNIT))) as channel:
        yield channel


# --- What is taken --------------------------------------------------------------------------------


def test_request_is_not_even_decoded_before_the_role_is_checked(
    server: RunningServer, pki: Pki
) -> None:
    with closing(raw_channel(server.address, pki.issue("spiffe://fuling/inspector"))) as channel:
        refusal = refusal_of(lambda: unary_unary(channel, "/test.Echo/Undecodable"))
        assert refusal.reason == "ROLE"


def test_request_that_cannot_be_decoded_is_the_caller_s_mistake(raw: RawChannel) -> None:
    refusal = refusal_of(lambda: unary_unary(raw, "/test.Echo/Undecodable"))
    assert (refusal.status, refusal.reason) == ("INVALID_ARGUMENT", "MALFORMED")
    assert "张三" not in str(refusal)


def test_oversized_message_is_refused(raw: RawChannel) -> None:
    big = b"x" * ((64 << 10) + 1)
    refusal = refusal_of(lambda: raw.unary_unary("/test.Echo/Echo")(big, timeout=5))
    assert refusal.status == "RESOURCE_EXHAUSTED"
    refusal = refusal_of(lambda: raw.stream_unary("/test.Echo/Sum")(iter([big]), timeout=5))
    assert refusal.status == "RESOURCE_EXHAUSTED"
    assert raw.unary_unary("/test.Echo/Echo")(b"x" * (64 << 10), timeout=5)


def test_call_without_a_message_is_refused(raw: RawChannel) -> None:
    refusal = refusal_of(lambda: raw.stream_unary("/test.Echo/Echo")(iter([]), timeout=5))
    assert (refusal.status, refusal.reason) == ("INVALID_ARGUMENT", "MALFORMED")


@pytest.mark.parametrize("timeout", [None, 3601.0])
def test_call_without_a_sane_deadline_is_refused_on_every_kind(
    raw: RawChannel, timeout: float | None
) -> None:
    one: Any = iter([b"1"])
    calls: list[Callable[[], object]] = [
        lambda: raw.unary_unary("/test.Echo/Echo")(b"1", timeout=timeout),
        lambda: list(raw.unary_stream("/test.Echo/Count")(b"1", timeout=timeout)),
        lambda: raw.stream_unary("/test.Echo/Sum")(one, timeout=timeout),
        lambda: list(raw.stream_stream("/test.Echo/Chat")(one, timeout=timeout)),
    ]
    for call in calls:
        refusal = refusal_of(call)
        assert refusal.status == "INVALID_ARGUMENT"
        assert refusal.reason == ("NO_DEADLINE" if timeout is None else "LONG_DEADLINE")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "server.log"
    undo = configure_logging(LogSettings(file=path, level="debug"), "echo", now)
    yield path
    undo()


def _until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < ends_at, "did not happen within five seconds"
        time.sleep(0.01)


def _wait_for(path: Path, text: str) -> str:
    """The log once ``text`` is in it: the record is written just after the answer is sent."""
    _until(lambda: text in path.read_text(encoding="utf-8"))
    return path.read_text(encoding="utf-8")


# --- What leaks out -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["Fail", "Abort", "Unencodable"])
def test_exception_with_personal_data_shows_the_client_an_id_only(
    raw: RawChannel, log: Path, method: str
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        raw.unary_unary(f"/test.Echo/{method}")(_PERSON.encode(), timeout=5)
    refusal = error_from_rpc(failure.value)
    error_id = refusal.details["error_id"]
    assert refusal.message == f"internal error {error_id}"
    shown = f"{failure.value!r} {failure.value.details()} {failure.value.trailing_metadata()}"
    written = _wait_for(log, error_id)
    for text in (shown, written):
        assert "张三" not in text
        assert "775X" not in text
        assert "Traceback" not in text
    assert "chassis_echo.py" in written or method == "Abort" or "guard.py" in written


def test_exception_in_the_middle_of_a_stream_shows_an_id_only(raw: RawChannel, log: Path) -> None:
    responses = raw.unary_stream("/test.Echo/Break")(_PERSON.encode(), timeout=5)
    assert next(responses) == b"first"
    with pytest.raises(grpc.RpcError) as failure:
        next(responses)
    assert "张三" not in f"{failure.value!r} {failure.value.trailing_metadata()}"
    error_id = error_from_rpc(failure.value).details["error_id"]
    assert "张三" not in _wait_for(log, error_id)


def test_log_names_the_call_and_nothing_of_its_content(
    raw: RawChannel, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        raw.unary_unary("/test.Echo/Echo")(_PERSON.encode(), timeout=5)
        written = _wait_for(log, "/test.Echo/Echo")
    assert '"peer": "unit/a"' in written
    assert "张三" not in written + caplog.text


# --- Overload -------------------------------------------------------------------------------------


def test_client_that_never_sends_its_message_does_not_block_another(
    pki: Pki, tmp_path: Path
) -> None:
    never = threading.Event()

    def silence() -> Iterator[bytes]:
        never.wait(20)
        yield b""

    with (
        serving(
            pki.issue(SERVER), tmp_path, max_concurrent=4, max_concurrent_per_caller=2
        ) as server,
        closing(raw_channel(server.address, pki.issue("spiffe://fuling/unit/slow"))) as slow,
        closing(raw_channel(server.address, pki.issue(UNIT))) as quick,
    ):
        pending = [
            slow.stream_unary(path).future(silence(), timeout=20)
            for path in ("/test.Echo/Echo", "/test.Echo/Sum", "/test.Echo/Echo", "/test.Echo/Sum")
        ]
        _until(lambda: sum(call.done() for call in pending) == 2)
        refused = [call.exception() for call in pending if call.done()]
        assert {error_from_rpc(error).reason for error in refused} == {"OVERLOADED"}
        assert quick.unary_unary("/test.Echo/Echo")(b"x", timeout=2) == b"x"
        never.set()
        for call in pending:
            call.cancel()


def test_overload_is_told_with_a_hint_and_health_still_answers(pki: Pki, tmp_path: Path) -> None:
    with (
        serving(
            pki.issue(SERVER), tmp_path, max_concurrent=2, max_concurrent_per_caller=2
        ) as server,
        closing(raw_channel(server.address, pki.issue(UNIT))) as channel,
    ):
        sleep = channel.unary_unary("/test.Echo/Sleep")
        running = [sleep.future(b"1", timeout=5) for _ in range(2)]
        time.sleep(0.3)
        refusal = refusal_of(lambda: unary_unary(channel, "/test.Echo/Echo"))
        assert (refusal.status, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert refusal.retry_after_s == 1.0
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(service="test.Echo"), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert [call.result(timeout=5) for call in running] == [b"slept", b"slept"]
        assert unary_unary(channel, "/test.Echo/Echo") == b"1"  # and the slots are free again


def test_cancelled_streams_give_their_slots_back(pki: Pki, tmp_path: Path) -> None:
    with (
        serving(
            pki.issue(SERVER), tmp_path, max_concurrent=2, max_concurrent_per_caller=2
        ) as server,
        closing(raw_channel(server.address, pki.issue(UNIT))) as channel,
    ):
        for _ in range(8):
            responses = channel.unary_stream("/test.Echo/Count")(b"1000000", timeout=5)
            next(responses)
            responses.cancel()
            time.sleep(0.05)
        assert unary_unary(channel, "/test.Echo/Echo") == b"1"


# --- Health and reflection ------------------------------------------------------------------------


def test_health_watch_holds_no_thread(raw: RawChannel) -> None:
    health = health_pb2_grpc.HealthStub(raw)
    refusal = refusal_of(lambda: list(health.Watch(health_pb2.HealthCheckRequest(), timeout=5)))
    assert refusal.status == "UNIMPLEMENTED"


def test_unknown_service_has_no_health(raw: RawChannel) -> None:
    health = health_pb2_grpc.HealthStub(raw)
    request = health_pb2.HealthCheckRequest(service="test.None")
    assert refusal_of(lambda: health.Check(request, timeout=5)).status == "NOT_FOUND"


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_services_to_those_who_may_call(raw: RawChannel, version: str) -> None:
    ask = raw.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = ask(iter([request]), timeout=5)
    names = {service.name for service in answer.list_services_response.service}
    assert {"test.Echo", "grpc.health.v1.Health"} <= names
