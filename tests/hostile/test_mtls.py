"""Attacks on the plumbing over real mutual TLS on loopback: who gets in, and what leaks out.

Raw gRPC channels where an attacker would not use ours.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from libmatch.errors import ServiceError
from libmatch.status import error_from_rpc
from services.chassis.authz import AccessTable
from services.chassis.config import LogSettings, TlsSettings
from services.chassis.identity import Identity
from services.chassis.observe import configure_logging
from services.chassis.refusals import Refused
from services.chassis.server import RunningServer
from tests.chassis_echo import SERVER, calling, now, serving
from tests.chassis_pki import Pki

_URI = x509.UniformResourceIdentifier
_UNIT = "spiffe://fuling/unit/a"
_PERSON = "张三 11010119900307775X"

RawChannel = Any
"""A grpc.Channel whose methods take and give bytes, which its type cannot say."""

Call = Callable[[RawChannel, str], object]


def _unary_unary(channel: RawChannel, path: str) -> object:
    return channel.unary_unary(path)(b"1", timeout=5)


def _unary_stream(channel: RawChannel, path: str) -> object:
    return list(channel.unary_stream(path)(b"1", timeout=5))


def _stream_unary(channel: RawChannel, path: str) -> object:
    return channel.stream_unary(path)(iter([b"1"]), timeout=5)


def _stream_stream(channel: RawChannel, path: str) -> object:
    return list(channel.stream_stream(path)(iter([b"1"]), timeout=5))


_KINDS = [
    pytest.param("Echo", _unary_unary, id="unary-unary"),
    pytest.param("Count", _unary_stream, id="unary-stream"),
    pytest.param("Sum", _stream_unary, id="stream-unary"),
    pytest.param("Chat", _stream_stream, id="stream-stream"),
]


@pytest.fixture(scope="module")
def server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("echo")
    with serving(pki.issue(SERVER), folder, max_message_bytes=64 << 10) as server:
        yield server


@pytest.fixture
def raw(server: RunningServer, pki: Pki) -> Iterator[RawChannel]:
    with closing(_raw(server.address, pki.issue(_UNIT))) as channel:
        yield channel


def _raw(address: str, tls: TlsSettings | None, ca: Path | None = None) -> RawChannel:
    """A plain channel with no default deadline, no checks and no retries of ours."""
    if tls is None:
        assert ca is not None
        credentials = grpc.ssl_channel_credentials(ca.read_bytes())
    else:
        files = (ca or tls.ca, tls.private_key, tls.certificate)
        credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [
        ("grpc.ssl_target_name_override", "matcher.fuling.libmatch"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.enable_retries", 0),
    ]
    return grpc.secure_channel(address, credentials, options)


def _refusal(call: Callable[[], object]) -> ServiceError:
    with pytest.raises(grpc.RpcError) as failure:
        call()
    return error_from_rpc(failure.value)


# Who gets in


def test_good_certificate_of_the_right_role_gets_in(raw: RawChannel) -> None:
    assert raw.unary_unary("/test.Echo/Who")(b"", timeout=5) == _UNIT.encode()


def test_no_certificate_gets_no_connection(server: RunningServer, pki: Pki) -> None:
    with closing(_raw(server.address, None, pki.ca)) as channel:
        assert _refusal(lambda: _unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


def test_plaintext_gets_no_connection(server: RunningServer) -> None:
    with closing(grpc.insecure_channel(server.address)) as channel:
        assert _refusal(lambda: _unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


def test_certificate_of_another_authority_gets_no_connection(
    server: RunningServer, pki: Pki, tmp_path: Path
) -> None:
    stranger = Pki(tmp_path, "test authority").issue(_UNIT)  # even under the same name
    with closing(_raw(server.address, stranger, pki.ca)) as channel:
        assert _refusal(lambda: _unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


@pytest.mark.parametrize(
    "validity",
    [
        {"valid": timedelta(seconds=-10)},
        {"starts": timedelta(hours=1), "valid": timedelta(hours=2)},
    ],
    ids=["expired", "not yet valid"],
)
def test_certificate_outside_its_validity_gets_no_connection(
    server: RunningServer, pki: Pki, validity: dict[str, timedelta]
) -> None:
    with closing(_raw(server.address, pki.issue_raw([_URI(_UNIT)], **validity))) as channel:  # type: ignore[arg-type]
        assert _refusal(lambda: _unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "BAD_IDENTITY"),
        ([x509.DNSName("matcher.fuling.libmatch")], "BAD_IDENTITY"),
        ([_URI(_UNIT), _URI("spiffe://fuling/inspector")], "BAD_IDENTITY"),
        ([_URI("spiffe://fuling/unit/a/b/c/d")], "BAD_IDENTITY"),
        ([_URI("spiffe://fuling/unit/%2e%2e")], "BAD_IDENTITY"),
        ([_URI("https://fuling/unit/a")], "BAD_IDENTITY"),
        ([_URI("spiffe://nanan/unit/a")], "TRUST_DOMAIN"),
        ([_URI("spiffe://fuling.evil/unit/a")], "TRUST_DOMAIN"),
    ],
    ids=["common name only", "DNS only", "two URIs", "too deep", "escaped", "not SPIFFE",
         "other district", "longer district"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "call"), _KINDS)
def test_certificate_that_names_nobody_here_is_refused(
    server: RunningServer,
    pki: Pki,
    names: list[x509.GeneralName],
    reason: str,
    method: str,
    call: Call,
) -> None:
    with closing(_raw(server.address, pki.issue_raw(names, common_name=_UNIT))) as channel:
        refusal = _refusal(lambda: call(channel, f"/test.Echo/{method}"))
        assert (refusal.status, refusal.reason) == ("UNAUTHENTICATED", reason)
        assert refusal.message_zh


@pytest.mark.parametrize(("method", "call"), _KINDS)
def test_wrong_role_is_refused_on_every_kind_of_call(
    raw: RawChannel, method: str, call: Call
) -> None:
    call(raw, f"/test.Echo/{method}")
    refusal = _refusal(lambda: call(raw, f"/test.Inspect/{method}"))
    assert (refusal.status, refusal.reason) == ("PERMISSION_DENIED", "ROLE")


@pytest.mark.parametrize(("method", "call"), _KINDS)
def test_role_outside_every_row_gets_nowhere(
    server: RunningServer, pki: Pki, method: str, call: Call
) -> None:
    clerk = pki.issue("spiffe://fuling/clerk/a/li")
    with closing(_raw(server.address, clerk)) as channel:
        for service in ("test.Echo", "grpc.health.v1.Health", "test.None"):
            refusal = _refusal(lambda s=service: call(channel, f"/{s}/{method}"))  # type: ignore[misc]
            assert refusal.status == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "path",
    ["/test.None/Echo", "/test.Echo/None", "/", "//", "/test.Echo/Echo/x", "/test.echo/Echo", "x"],
)
@pytest.mark.parametrize("call", [_unary_unary, _stream_stream])
def test_method_that_does_not_exist_is_refused_like_a_forbidden_one(
    raw: RawChannel, path: str, call: Call
) -> None:
    refusal = _refusal(lambda: call(raw, path))
    assert refusal.status in ("PERMISSION_DENIED", "UNIMPLEMENTED")


def test_stranger_cannot_tell_forbidden_services_from_missing_ones(raw: RawChannel) -> None:
    forbidden = _refusal(lambda: _unary_unary(raw, "/test.Inspect/Echo"))
    missing = _refusal(lambda: _unary_unary(raw, "/test.Missing/Echo"))
    assert str(forbidden) == str(missing)
    assert forbidden.message_zh == missing.message_zh


def test_revocation_acts_on_an_open_connection(pki: Pki, tmp_path: Path) -> None:
    revoked: set[str] = set()

    def admit(identity: Identity, service: str) -> None:
        if identity.name in revoked:
            raise Refused(
                f"left the roster; {service} is closed", "本单位已停用。", reason="REVOKED"
            )

    with (
        serving(pki.issue(SERVER), tmp_path, admit=admit) as server,
        closing(_raw(server.address, pki.issue(_UNIT))) as channel,
    ):
        assert _unary_unary(channel, "/test.Echo/Echo") == b"1"
        revoked.add("a")
        for method, call in (("Echo", _unary_unary), ("Count", _unary_stream),
                             ("Sum", _stream_unary), ("Chat", _stream_stream)):  # fmt: skip
            refusal = _refusal(lambda m=method, c=call: c(channel, f"/test.Echo/{m}"))  # type: ignore[misc]
            assert (refusal.status, refusal.reason) == ("PERMISSION_DENIED", "REVOKED")


def test_forgotten_row_keeps_the_service_from_starting(pki: Pki, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"disagree about: test\.Inspect"),
        serving(pki.issue(SERVER), tmp_path, access=AccessTable({"test.Echo": {"unit"}})),
    ):
        pass


# What is taken


def test_request_is_not_even_decoded_before_the_role_is_checked(
    server: RunningServer, pki: Pki
) -> None:
    with closing(_raw(server.address, pki.issue("spiffe://fuling/inspector"))) as channel:
        refusal = _refusal(lambda: _unary_unary(channel, "/test.Echo/Undecodable"))
        assert refusal.reason == "ROLE"


def test_request_that_cannot_be_decoded_is_the_caller_s_mistake(raw: RawChannel) -> None:
    refusal = _refusal(lambda: _unary_unary(raw, "/test.Echo/Undecodable"))
    assert (refusal.status, refusal.reason) == ("INVALID_ARGUMENT", "MALFORMED")
    assert "张三" not in str(refusal)


def test_oversized_message_is_refused(raw: RawChannel) -> None:
    big = b"x" * ((64 << 10) + 1)
    refusal = _refusal(lambda: raw.unary_unary("/test.Echo/Echo")(big, timeout=5))
    assert refusal.status == "RESOURCE_EXHAUSTED"
    refusal = _refusal(lambda: raw.stream_unary("/test.Echo/Sum")(iter([big]), timeout=5))
    assert refusal.status == "RESOURCE_EXHAUSTED"
    assert raw.unary_unary("/test.Echo/Echo")(b"x" * (64 << 10), timeout=5)


def test_call_without_a_message_is_refused(raw: RawChannel) -> None:
    refusal = _refusal(lambda: raw.stream_unary("/test.Echo/Echo")(iter([]), timeout=5))
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
        refusal = _refusal(call)
        assert refusal.status == "INVALID_ARGUMENT"
        assert refusal.reason == ("NO_DEADLINE" if timeout is None else "LONG_DEADLINE")


# What leaks out


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


# Overload


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
        closing(_raw(server.address, pki.issue("spiffe://fuling/unit/slow"))) as slow,
        closing(_raw(server.address, pki.issue(_UNIT))) as quick,
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
        closing(_raw(server.address, pki.issue(_UNIT))) as channel,
    ):
        sleep = channel.unary_unary("/test.Echo/Sleep")
        running = [sleep.future(b"1", timeout=5) for _ in range(2)]
        time.sleep(0.3)
        refusal = _refusal(lambda: _unary_unary(channel, "/test.Echo/Echo"))
        assert (refusal.status, refusal.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert refusal.retry_after_s == 1.0
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(service="test.Echo"), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert [call.result(timeout=5) for call in running] == [b"slept", b"slept"]
        assert _unary_unary(channel, "/test.Echo/Echo") == b"1"  # and the slots are free again


def test_cancelled_streams_give_their_slots_back(pki: Pki, tmp_path: Path) -> None:
    with (
        serving(
            pki.issue(SERVER), tmp_path, max_concurrent=2, max_concurrent_per_caller=2
        ) as server,
        closing(_raw(server.address, pki.issue(_UNIT))) as channel,
    ):
        for _ in range(8):
            responses = channel.unary_stream("/test.Echo/Count")(b"1000000", timeout=5)
            next(responses)
            responses.cancel()
            time.sleep(0.05)
        assert _unary_unary(channel, "/test.Echo/Echo") == b"1"


# Health and reflection


def test_health_watch_holds_no_thread(raw: RawChannel) -> None:
    health = health_pb2_grpc.HealthStub(raw)
    refusal = _refusal(lambda: list(health.Watch(health_pb2.HealthCheckRequest(), timeout=5)))
    assert refusal.status == "UNIMPLEMENTED"


def test_unknown_service_has_no_health(raw: RawChannel) -> None:
    health = health_pb2_grpc.HealthStub(raw)
    request = health_pb2.HealthCheckRequest(service="test.None")
    assert _refusal(lambda: health.Check(request, timeout=5)).status == "NOT_FOUND"


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


# Renewal


def test_renewed_server_certificate_is_used_without_restart(pki: Pki, tmp_path: Path) -> None:
    tls = pki.issue(SERVER)
    unit = pki.issue(_UNIT)
    with serving(tls, tmp_path) as server:
        before = _server_serial(server.address, unit)
        names = [_URI(SERVER), x509.DNSName("matcher.fuling.libmatch")]
        pki.issue_raw(names, into=tls)
        after = _server_serial(server.address, unit)
        assert before != after
        tls.private_key.write_bytes(b"half written")
        assert _server_serial(server.address, unit) == after  # goes on with what it has
        pki.issue_raw(names, into=tls)
        assert _server_serial(server.address, unit) not in (before, after)


def _server_serial(address: str, client: TlsSettings) -> int:
    """The serial number of the certificate that the server shows in a new handshake."""
    context = ssl.create_default_context(cafile=str(client.ca))
    context.load_cert_chain(client.certificate, client.private_key)
    context.set_alpn_protocols(["h2"])
    host, port = address.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="matcher.fuling.libmatch") as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_many_callers_at_once_are_each_known_by_their_own_name(
    server: RunningServer, pki: Pki
) -> None:
    def who(name: str) -> bool:
        identity = f"spiffe://fuling/unit/{name}"
        with calling(server.address, pki.issue(identity)) as channel:
            answers = {channel.unary_unary("/test.Echo/Who")(b"") for _ in range(20)}
        return answers == {identity.encode()}

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(who, [f"u{number}" for number in range(8)]))
