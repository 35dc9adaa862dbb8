"""Attacks on a unit's own services: strangers, other units, hostile uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from libmatch.errors import ServiceError
from libmatch.stubs.beneficiary.v1 import beneficiary_pb2, beneficiary_pb2_grpc
from libmatch.stubs.core.v1 import core_pb2
from libmatch.stubs.registry.v1 import registry_pb2, registry_pb2_grpc
from services.beneficiary import app as beneficiary_app
from services.beneficiary.config import BeneficiarySettings
from services.chassis.client import open_channel
from services.chassis.config import (
    ConfigError,
    DatabaseSettings,
    ListenSettings,
    PeerSettings,
    TlsSettings,
)
from services.chassis.server import Runtime, start
from services.chassis.tls import check_own_certificate
from services.registry import app as registry_app
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district, person
from tests.unit.services.beneficiary.conftest import row as item
from tests.unit.services.beneficiary.conftest import sheet as items
from tests.unit.services.registry.sheets_of_declarations import row, sheet

UNIT = "both-a"
OWN = f"spiffe://fuling/unit/{UNIT}"
CLERK = f"spiffe://fuling/clerk/{UNIT}/li"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(both=(UNIT,), now=now())


def make_settings(folder: Path, district: District, tls: TlsSettings) -> BeneficiarySettings:
    """Of either service of a unit whose matcher is out of reach."""
    folder.mkdir(mode=0o700, exist_ok=True)
    district.write_kit(folder / "kit", UNIT)
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    matcher = PeerSettings(address="127.0.0.1:1", identity="spiffe://fuling/matcher", timeout_s=0.2)
    return BeneficiarySettings(
        unit=UNIT,
        kit=folder / "kit",
        passphrase=passphrase,
        matcher=matcher,
        listen=ListenSettings(address="127.0.0.1:0"),
        tls=tls,
        database=DatabaseSettings(path=folder / "unit.db"),
        sync_interval_s=3600,
    )


@pytest.fixture(scope="module", params=["registry", "beneficiary"])
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    pki: Pki,
    district: District,
) -> Iterator[tuple[str, str]]:
    """(name, address) of each service in turn."""
    tls = pki.issue(OWN)
    settings = make_settings(tmp_path_factory.mktemp(request.param), district, tls)
    runtime = Runtime(now, check_own_certificate(tls, now).identity)
    build = {"registry": registry_app.build, "beneficiary": beneficiary_app.build}[request.param]
    server = start(build(settings, runtime), settings, runtime)
    yield request.param, server.address
    server.stop(5)


class Caller:
    """Calls the service under test with one certificate."""

    def __init__(self, name: str, channel: grpc.Channel) -> None:
        self.messages: Any = registry_pb2 if name == "registry" else beneficiary_pb2
        self.stub: Any
        if name == "registry":
            self.stub = registry_pb2_grpc.DeclarationsStub(channel)
            self.good = sheet(row(person(1)))
        else:
            self.stub = beneficiary_pb2_grpc.ItemsStub(channel)
            self.good = items(item(person(1)))

    def list(self) -> Any:
        if self.messages is registry_pb2:
            return self.stub.ListDeclarations(registry_pb2.ListDeclarationsRequest())
        return self.stub.ListItems(beneficiary_pb2.ListItemsRequest())

    def upload(self, *chunks: bytes, name: str = "表.csv") -> core_pb2.ImportReport:
        pieces = [core_pb2.FileChunk(data=chunk) for chunk in chunks]
        pieces[0].file_name = name
        report: core_pb2.ImportReport = self.stub.ImportSheet(iter(pieces), timeout=60)
        return report


@pytest.fixture
def call(service: tuple[str, str], pki: Pki) -> Iterator[Any]:
    """``call(identity)`` -> Caller."""
    name, address = service
    channels = []

    def connect(identity: str) -> Caller:
        peer = PeerSettings(address=address, identity=OWN, timeout_s=20)
        channel = open_channel(peer, pki.issue(identity))
        channels.append(channel)
        return Caller(name, channel)

    yield connect
    for channel in channels:
        channel.close()


@pytest.mark.parametrize("identity", [CLERK, OWN])
def test_own_clerks_and_systems_are_served(call: Any, identity: str) -> None:
    caller = call(identity)
    assert caller.upload(caller.good).rows_refused == 0
    assert caller.list()


@pytest.mark.parametrize(
    "identity",
    [
        "spiffe://fuling/clerk/ben-a/li",
        "spiffe://fuling/unit/ben-a",
        f"spiffe://fuling/clerk/{UNIT}",
        f"spiffe://fuling/officer/{UNIT}",
        "spiffe://fuling/inspector",
        "spiffe://fuling/matcher",
        f"spiffe://nanchuan/clerk/{UNIT}/li",
    ],
)
def test_everybody_else_is_refused_on_unary_and_streaming_calls(call: Any, identity: str) -> None:
    caller = call(identity)
    attempts: list[Callable[[], object]] = [
        caller.list,
        lambda: caller.upload(caller.good),
        lambda: caller.stub.Sync(caller.messages.SyncRequest()),
        lambda: caller.stub.ListNotices(caller.messages.ListNoticesRequest()),
    ]
    for attempt in attempts:
        with pytest.raises(ServiceError) as refused:
            attempt()
        assert refused.value.status in ("PERMISSION_DENIED", "UNAUTHENTICATED")


def test_refusal_of_another_unit_is_clear_in_chinese(call: Any) -> None:
    caller = call("spiffe://fuling/clerk/ben-a/li")
    with pytest.raises(ServiceError) as refused:
        caller.list()
    assert refused.value.reason == "OTHER_UNIT"
    assert "本单位" in refused.value.message_zh


@pytest.mark.parametrize(
    ("chunks", "name", "words"),
    [
        ([b"a,b\n"], "", "文件名"),
        ([b"a,b\n"], "../../", ""),
        ([b"<html><body>not a sheet</body></html>"], "表.xls", ""),
        ([b"PK\x03\x04" + b"\0" * 100], "表.xlsx", ""),
        ([b""], "表.csv", ""),
        ([b"\xd6\xd0,\xff\xff\xff"], "表.csv", ""),
    ],
)
def test_hostile_uploads_are_refused_in_chinese_and_change_nothing(
    call: Any, chunks: list[bytes], name: str, words: str
) -> None:
    caller = call(CLERK)
    before = caller.list()
    with pytest.raises(ServiceError) as refused:
        caller.upload(*chunks, name=name)
    assert refused.value.status == "INVALID_ARGUMENT"
    assert refused.value.message_zh
    assert words in refused.value.message_zh
    assert caller.list() == before


def test_piece_of_a_file_beyond_256_kib_is_refused(call: Any) -> None:
    with pytest.raises(ServiceError, match="256 KiB"):
        call(CLERK).upload(b"x" * (256 * 1024 + 1))


def test_upload_beyond_the_limit_is_refused(call: Any) -> None:
    caller = call(CLERK)
    piece = b"x" * (256 * 1024)
    with pytest.raises(ServiceError) as refused:
        caller.upload(*[piece] * 257)
    assert refused.value.reason == "FILE_TOO_LARGE"


def test_nameless_stream_is_refused(call: Any) -> None:
    caller = call(CLERK)
    with pytest.raises(ServiceError) as refused:
        caller.stub.ImportSheet(iter([]), timeout=20)
    assert refused.value.status == "INVALID_ARGUMENT"


def test_withdrawal_of_what_is_not_held_is_not_found(call: Any, service: tuple[str, str]) -> None:
    caller = call(CLERK)
    if service[0] == "registry":
        request: Any = registry_pb2.WithdrawRelativesRequest(official_ref=bytes(16), reason="误报")
        attempt = caller.stub.WithdrawRelatives
    else:
        request = beneficiary_pb2.WithdrawItemRequest(item_ref="无", reason="误报")
        attempt = caller.stub.WithdrawItem
    with pytest.raises(ServiceError) as refused:
        attempt(request)
    assert refused.value.status == "NOT_FOUND"


def test_certificate_of_another_unit_than_the_settings_ends_the_start(
    tmp_path: Path, pki: Pki, district: District
) -> None:
    for identity in ("spiffe://fuling/unit/ben-a", "spiffe://fuling/matcher"):
        tls = pki.issue(identity)
        settings = make_settings(tmp_path / "unit", district, tls)
        runtime = Runtime(now, check_own_certificate(tls, now).identity)
        for build in (registry_app.build, beneficiary_app.build):
            with pytest.raises(ConfigError, match="the settings are of both-a"):
                build(settings, runtime)
