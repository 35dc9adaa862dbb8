"""Attacks on the plumbing over real mutual TLS on loopback: who gets in."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from services.chassis.authz import AccessTable
from services.chassis.config import TlsSettings
from services.chassis.identity import Identity
from services.chassis.refusals import Refused
from services.chassis.server import RunningServer
from tests.chassis_echo import SERVER, calling, serving
from tests.chassis_pki import Pki
from tests.raw_channel import (
    KINDS,
    UNIT,
    Call,
    RawChannel,
    raw_channel,
    refusal_of,
    stream_stream,
    stream_unary,
    unary_stream,
    unary_unary,
)

_URI = x509.UniformResourceIdentifier


@pytest.fixture(scope="module")
def server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("echo")
    with serving(pki.issue(SERVER), folder, max_message_bytes=64 << 10) as server:
        yield server


@pytest.fixture
def raw(server: RunningServer, pki: Pki) -> Iterator[RawChannel]:
    with closing(raw_channel(server.address, pki.issue(UNIT))) as channel:
        yield channel


# --- Who gets in ----------------------------------------------------------------------------------


def test_good_certificate_of_the_right_role_gets_in(raw: RawChannel) -> None:
    assert raw.unary_unary("/test.Echo/Who")(b"", timeout=5) == UNIT.encode()


def test_no_certificate_gets_no_connection(server: RunningServer, pki: Pki) -> None:
    with closing(raw_channel(server.address, None, pki.ca)) as channel:
        assert refusal_of(lambda: unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


def test_plaintext_gets_no_connection(server: RunningServer) -> None:
    with closing(grpc.insecure_channel(server.address)) as channel:
        assert refusal_of(lambda: unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


def test_certificate_of_another_authority_gets_no_connection(
    server: RunningServer, pki: Pki, tmp_path: Path
) -> None:
    stranger = Pki(tmp_path, "test authority").issue(UNIT)  # even under the same name
    with closing(raw_channel(server.address, stranger, pki.ca)) as channel:
        assert refusal_of(lambda: unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


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
    with closing(raw_channel(server.address, pki.issue_raw([_URI(UNIT)], **validity))) as channel:  # type: ignore[arg-type]
        assert refusal_of(lambda: unary_unary(channel, "/test.Echo/Echo")).status == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "BAD_IDENTITY"),
        ([x509.DNSName("matcher.fuling.libmatch")], "BAD_IDENTITY"),
        ([_URI(UNIT), _URI("spiffe://fuling/inspector")], "BAD_IDENTITY"),
        ([_URI("spiffe://fuling/unit/a/b/c/d")], "BAD_IDENTITY"),
        ([_URI("spiffe://fuling/unit/%2e%2e")], "BAD_IDENTITY"),
        ([_URI("https://fuling/unit/a")], "BAD_IDENTITY"),
        ([_URI("spiffe://nanan/unit/a")], "TRUST_DOMAIN"),
        ([_URI("spiffe://fuling.evil/unit/a")], "TRUST_DOMAIN"),
    ],
    ids=["common name only", "DNS only", "two URIs", "too deep", "escaped", "not SPIFFE",
         "other district", "longer district"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "call"), KINDS)
def test_certificate_that_names_nobody_here_is_refused(
    server: RunningServer,
    pki: Pki,
    names: list[x509.GeneralName],
    reason: str,
    method: str,
    call: Call,
) -> None:
    with closing(raw_channel(server.address, pki.issue_raw(names, common_name=UNIT))) as channel:
        refusal = refusal_of(lambda: call(channel, f"/test.Echo/{method}"))
        assert (refusal.status, refusal.reason) == ("UNAUTHENTICATED", reason)
        assert refusal.message_zh


@pytest.mark.parametrize(("method", "call"), KINDS)
def test_wrong_role_is_refused_on_every_kind_of_call(
    raw: RawChannel, method: str, call: Call
) -> None:
    call(raw, f"/test.Echo/{method}")
    refusal = refusal_of(lambda: call(raw, f"/test.Inspect/{method}"))
    assert (refusal.status, refusal.reason) == ("PERMISSION_DENIED", "ROLE")


@pytest.mark.parametrize(("method", "call"), KINDS)
def test_role_outside_every_row_gets_nowhere(
    server: RunningServer, pki: Pki, method: str, call: Call
) -> None:
    clerk = pki.issue("spiffe://fuling/clerk/a/li")
    with closing(raw_channel(server.address, clerk)) as channel:
        for service in ("test.Echo", "grpc.health.v1.Health", "test.None"):
            refusal = refusal_of(lambda s=service: call(channel, f"/{s}/{method}"))  # type: ignore[misc]
            assert refusal.status == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "path",
    ["/test.None/Echo", "/test.Echo/None", "/", "//", "/test.Echo/Echo/x", "/test.echo/Echo", "x"],
)
@pytest.mark.parametrize("call", [unary_unary, stream_stream])
def test_method_that_does_not_exist_is_refused_like_a_forbidden_one(
    raw: RawChannel, path: str, call: Call
) -> None:
    refusal = refusal_of(lambda: call(raw, path))
    assert refusal.status in ("PERMISSION_DENIED", "UNIMPLEMENTED")


def test_stranger_cannot_tell_forbidden_services_from_missing_ones(raw: RawChannel) -> None:
    forbidden = refusal_of(lambda: unary_unary(raw, "/test.Inspect/Echo"))
    missing = refusal_of(lambda: unary_unary(raw, "/test.Missing/Echo"))
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
        closing(raw_channel(server.address, pki.issue(UNIT))) as channel,
    ):
        assert unary_unary(channel, "/test.Echo/Echo") == b"1"
        revoked.add("a")
        for method, call in (("Echo", unary_unary), ("Count", unary_stream),
                             ("Sum", stream_unary), ("Chat", stream_stream)):  # fmt: skip
            refusal = refusal_of(lambda m=method, c=call: c(channel, f"/test.Echo/{m}"))  # type: ignore[misc]
            assert (refusal.status, refusal.reason) == ("PERMISSION_DENIED", "REVOKED")


def test_forgotten_row_keeps_the_service_from_starting(pki: Pki, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"disagree about: test\.Inspect"),
        serving(pki.issue(SERVER), tmp_path, access=AccessTable({"test.Echo": {"unit"}})),
    ):
        pass


# --- Renewal --------------------------------------------------------------------------------------


def test_renewed_server_certificate_is_used_without_restart(pki: Pki, tmp_path: Path) -> None:
    tls = pki.issue(SERVER)
    unit = pki.issue(UNIT)
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
