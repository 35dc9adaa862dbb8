"""A client of a unit that submits on both sides, and a matcher in memory behind real gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from libmatch.auditlog import log_origin
from libmatch.channel import TlsFiles, open_channel
from libmatch.client import Client, ClientSettings
from libmatch.client.state import State
from libmatch.identity import Identity, server_dns_name
from libmatch.records import Side
from tests.chassis_pki import Pki
from tests.district import NOW, PASSPHRASE, District, make_district
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.libmatch.client.client_rows import MATCHER, UNIT


@pytest.fixture(scope="session")
def district() -> District:
    return make_district(registry=("reg-a",), beneficiary=(), both=(UNIT,))


@pytest.fixture(scope="session")
def kit(district: District, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    district.write_kit(folder, UNIT)
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tls(pki: Pki) -> TlsFiles:
    files = pki.issue(f"spiffe://fuling/unit/{UNIT}")
    return TlsFiles(files.certificate, files.private_key, files.ca)


@pytest.fixture(scope="module")
def server(district: District, pki: Pki) -> Iterator[tuple[MemoryMatcher, str]]:
    with serving(MemoryMatcher(district), pki.issue(MATCHER)) as running:
        yield running


@pytest.fixture
def matcher(server: tuple[MemoryMatcher, str], district: District) -> MemoryMatcher:
    """The one running matcher, as new."""
    server[0].__init__(district)  # type: ignore[misc]
    return server[0]


@pytest.fixture
def settings(
    kit: Path, tls: TlsFiles, server: tuple[MemoryMatcher, str], tmp_path: Path
) -> ClientSettings:
    return ClientSettings(
        unit=UNIT,
        sides=frozenset(Side),
        kit=kit,
        passphrase=kit / "passphrase",
        state=tmp_path / "client.db",
        address=server[1],
        matcher=Identity.parse(MATCHER),
        tls=tls,
    )


@pytest.fixture
def client(settings: ClientSettings, matcher: MemoryMatcher) -> Iterator[Client]:
    with Client.open(settings, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def reopen(
    district: District, settings: ClientSettings, matcher: MemoryMatcher
) -> Iterator[Callable[..., Client]]:
    """Another client on the same (or another) state file, without reading the kit again."""
    with ExitStack() as stack:

        def make(state: State | None = None, of: District = district) -> Client:
            name = server_dns_name(settings.matcher)
            channel = stack.enter_context(open_channel(settings.address, name, settings.tls))
            keys = of.keys(UNIT)
            holder, origin = of.holder(UNIT), log_origin("fuling")
            own = state or State(settings.state)
            return Client(holder, keys, settings.sides, own, channel, origin, lambda: NOW)

        yield make
