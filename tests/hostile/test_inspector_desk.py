"""Who may call 纪委's workstation, over real mutual TLS: its officers, and nobody else for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from libmatch.errors import ServiceError
from libmatch.records import Side
from libmatch.status import error_from_rpc
from libmatch.stubs.inspector.v1 import inspector_pb2 as pb
from libmatch.stubs.inspector.v1 import inspector_pb2_grpc as pb_grpc
from services.chassis.config import DatabaseSettings, ListenSettings, PeerSettings, TlsSettings
from services.chassis.identity import Identity
from services.chassis.server import RunningServer, Runtime, start
from services.inspector.app import build
from services.inspector.config import Settings
from services.inspector.peers.review import ReviewClient
from tests.chassis_pki import Pki
from tests.district import INSPECTOR, PASSPHRASE, make_district, person
from tests.inspector_bench import InspectorBench, item, relative

OFFICER = "spiffe://fuling/officer/zhang"


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _serving(folder: Path, pki: Pki) -> Iterator[RunningServer]:
    """The workstation; its matcher is out of reach."""
    make_district(now=now()).write_kit(folder / "kit", INSPECTOR)
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    settings = Settings(
        listen=ListenSettings(address="127.0.0.1:0"),
        tls=pki.issue("spiffe://fuling/inspector"),
        database=DatabaseSettings(path=folder / "inspector.db"),
        unit=INSPECTOR,
        kit=folder / "kit",
        passphrase=folder / "passphrase",
        matcher=PeerSettings(
            address="127.0.0.1:1", identity="spiffe://fuling/matcher", timeout_s=1
        ),
    )
    runtime = Runtime(now, Identity("fuling", "inspector"))
    server = start(build(settings, runtime), settings, runtime)
    try:
        yield server
    finally:
        server.stop(5)


@pytest.fixture(scope="module")
def server(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with _serving(tmp_path_factory.mktemp("inspector"), pki) as server:
        yield server


def channel(server: RunningServer, tls: TlsSettings | None, ca: Path) -> grpc.Channel:
    if tls is None:
        credentials = grpc.ssl_channel_credentials(ca.read_bytes())
    else:
        files = (ca, tls.private_key, tls.certificate)
        credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [
        ("grpc.ssl_target_name_override", "inspector.fuling.libmatch"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
    ]
    return grpc.secure_channel(server.address, credentials, options)


Call = Callable[[pb_grpc.DeskStub], Any]
CALLS: dict[str, Call] = {
    "Pull": lambda desk: desk.Pull(pb.PullRequest(), timeout=10),
    "ListCases": lambda desk: desk.ListCases(pb.ListCasesRequest(reason="核对"), timeout=10),
    "Release": lambda desk: desk.Release(
        pb.ReleaseRequest(case_ids=[bytes(16)], reason="同意"), timeout=10
    ),
    "ListDisputes": lambda desk: desk.ListDisputes(pb.ListDisputesRequest(), timeout=10),
}


def refusal(server: RunningServer, tls: TlsSettings | None, ca: Path, call: Call) -> ServiceError:
    with closing(channel(server, tls, ca)) as wire, pytest.raises(grpc.RpcError) as failure:
        call(pb_grpc.DeskStub(wire))
    return error_from_rpc(failure.value)


def test_an_officer_is_let_in(server: RunningServer, pki: Pki) -> None:
    with closing(channel(server, pki.issue(OFFICER), pki.ca)) as wire:
        assert list(CALLS["ListCases"](pb_grpc.DeskStub(wire)).cases) == []


@pytest.mark.parametrize("name", CALLS)
def test_without_a_certificate_there_is_no_connection(
    server: RunningServer, pki: Pki, name: str
) -> None:
    assert refusal(server, None, pki.ca, CALLS[name]).status == "UNAVAILABLE"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "identity",
    [
        "spiffe://fuling/unit/reg-a",
        "spiffe://fuling/clerk/reg-a/zhang",
        "spiffe://fuling/matcher",
        "spiffe://fuling/inspector",
    ],
)
def test_every_other_role_is_refused(
    server: RunningServer, pki: Pki, identity: str, name: str
) -> None:
    found = refusal(server, pki.issue(identity), pki.ca, CALLS[name])
    assert (found.status, found.reason) == ("PERMISSION_DENIED", "ROLE")


@pytest.mark.parametrize(
    "identity", ["spiffe://fuling/officer/zhang/second", "spiffe://fuling/officer"]
)
def test_one_person_cannot_be_two_officers(server: RunningServer, pki: Pki, identity: str) -> None:
    """With a third segment, one officer's certificates would count as two agreements."""
    found = refusal(server, pki.issue(identity), pki.ca, CALLS["Release"])
    assert found.status in {"PERMISSION_DENIED", "UNAUTHENTICATED"}


def test_an_officer_of_another_district_is_refused(server: RunningServer, pki: Pki) -> None:
    tls = pki.issue("spiffe://wulong/officer/zhang")
    assert refusal(server, tls, pki.ca, CALLS["ListCases"]).reason == "TRUST_DOMAIN"


def test_an_officers_name_from_another_authority_gets_no_connection(
    server: RunningServer, pki: Pki, tmp_path: Path
) -> None:
    stranger = Pki(tmp_path).issue(OFFICER)
    assert refusal(server, stranger, pki.ca, CALLS["ListCases"]).status == "UNAVAILABLE"


def test_two_identities_in_one_certificate_are_refused(server: RunningServer, pki: Pki) -> None:
    names = (OFFICER, "spiffe://fuling/officer/li")
    tls = pki.issue_raw([x509.UniformResourceIdentifier(name) for name in names])
    assert refusal(server, tls, pki.ca, CALLS["Release"]).status == "UNAUTHENTICATED"


def test_an_expired_officer_gets_no_connection(server: RunningServer, pki: Pki) -> None:
    tls = pki.issue(OFFICER, valid=timedelta(seconds=-5))
    assert refusal(server, tls, pki.ca, CALLS["ListCases"]).status == "UNAVAILABLE"


def test_a_call_without_a_deadline_is_refused(server: RunningServer, pki: Pki) -> None:
    found = refusal(
        server, pki.issue(OFFICER), pki.ca, lambda desk: desk.ListDisputes(pb.ListDisputesRequest())
    )
    assert (found.status, found.reason) == ("INVALID_ARGUMENT", "NO_DEADLINE")


def test_a_matcher_out_of_reach_is_said_without_its_words(server: RunningServer, pki: Pki) -> None:
    found = refusal(server, pki.issue(OFFICER), pki.ca, CALLS["Pull"])
    assert (found.status, found.reason) == ("UNAVAILABLE", "PEER_FAILED")
    assert "127.0.0.1" not in found.message + found.message_zh


# --- what 纪委 itself cannot do ----------------------------------------------------------------------


def test_matcher_cannot_release_unflagged_hit(tmp_path: Path) -> None:
    """A notice about a pair that is not flagged, or to a unit that is not part of it, goes nowhere."""
    district = make_district(registry=("reg-a", "reg-b"))
    with InspectorBench(tmp_path, district) as bench:
        bench.submit("reg-a", Side.REGISTRY, [relative(person(1))])
        bench.submit("ben-a", Side.BENEFICIARY, [item(person(1)), item(person(2))])
        (hit,) = bench.matcher.hit_ids()
        review = ReviewClient(bench.wire)
        for unit, side, about, status in (
            ("ben-a", Side.BENEFICIARY, bytes(32), "NOT_FOUND"),
            ("reg-b", Side.REGISTRY, hit, "PERMISSION_DENIED"),
            ("reg-a", Side.BENEFICIARY, hit, "PERMISSION_DENIED"),
        ):
            with pytest.raises(ServiceError) as refused:
                review.release_notice(district.notify(unit, side, about))
            assert refused.value.status == status
        assert bench.mailbox("ben-a", Side.BENEFICIARY) == []
