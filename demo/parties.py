"""Everybody who calls a service: the units' clerks and 纪委's officers, each with an own certificate.

The clerks call through the same clients as the command line (``services.cli.peers``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.matters import MatterClerks
from demo.processes import Process
from demo.units import Unit
from libmatch.errors import ServiceError
from libmatch.stubs.inspector.v1 import inspector_pb2, inspector_pb2_grpc
from services.chassis.client import Channel, open_channel
from services.chassis.config import PeerSettings, TlsSettings
from services.cli.clerk import Importer
from services.cli.peers import BeneficiaryClient, ClearanceLine, RegistryClient

CLERK, LEADER = "clerk", "leader"  # who enters and verifies, who signs and publishes (R31)
OFFICERS = ("officer-1", "officer-2")
_TIMEOUT_S = 240.0  # a loaded machine is slow; servers end calls after 300 s
_PAGE = 1000
_GATE_PAGE = 500


@contextmanager
def blaming(process: Process) -> Iterator[None]:
    """Turns what a service refuses inside the block into a DemoFailure that names its log."""
    try:
        yield
    except ServiceError as error:
        if process.exit_code is not None:
            raise process.failure(f"意外退出，退出码 {process.exit_code}") from error
        raise process.failure(f"{error.message_zh or error.message}（{error.status}）") from error


@dataclass(frozen=True, eq=False)
class Office:
    """A unit's service on one side: who its people are, how its process is reached."""

    unit: Unit
    side: str
    process: Process
    config: Path
    client: Importer
    matters: MatterClerks

    @property
    def title_zh(self) -> str:
        """As it is shown."""
        return f"{self.unit.name}（{'申报' if self.side == 'registry' else '审批'}）"


@dataclass(frozen=True, eq=False)
class Registry(Office):
    """A reporting unit's clerk."""

    client: RegistryClient


@dataclass(frozen=True, eq=False)
class Beneficiary(Office):
    """An approving unit's clerk."""

    client: BeneficiaryClient

    def check(self, refs: Sequence[str]) -> Iterator[ClearanceLine]:
        """The gate's answers in the order of ``refs``, however many."""
        for start in range(0, len(refs), _GATE_PAGE):
            with blaming(self.process):
                yield from self.client.check(refs[start : start + _GATE_PAGE])


@dataclass(frozen=True)
class Desk:
    """纪委's officers at their workstation service."""

    process: Process
    stubs: tuple[inspector_pb2_grpc.DeskStub, ...]

    def pull(self) -> inspector_pb2.PullResponse:
        """One round with the matcher."""
        with blaming(self.process):
            return self.stubs[0].Pull(inspector_pb2.PullRequest(), timeout=_TIMEOUT_S)

    def list_cases(self, reason: str) -> list[inspector_pb2.Case]:
        """All cases."""
        cases: list[inspector_pb2.Case] = []
        after = 0
        with blaming(self.process):
            while True:
                request = inspector_pb2.ListCasesRequest(reason=reason, after=after, limit=_PAGE)
                page = self.stubs[0].ListCases(request)
                cases += page.cases
                after = page.next_after
                if not after:
                    return cases

    def list_disputes(self) -> list[inspector_pb2.Dispute]:
        """The first page of unresolved disputes; there should be none."""
        with blaming(self.process):
            request = inspector_pb2.ListDisputesRequest(limit=_PAGE)
            return list(self.stubs[0].ListDisputes(request).disputes)

    def release(self, case_ids: Sequence[bytes], reason: str, tell: Callable[[int], None]) -> int:
        """The number of cases that two officers released; ``tell`` gets it page by page."""
        released = 0
        for start in range(0, len(case_ids), _PAGE):
            page = case_ids[start : start + _PAGE]
            request = inspector_pb2.ReleaseRequest(case_ids=page, reason=reason)
            with blaming(self.process):
                answers = [stub.Release(request, timeout=_TIMEOUT_S) for stub in self.stubs]
            released += sum(answer.released for answer in answers)
            tell(len(page))
        return released


class Parties:
    """The channels of all of them, open until ``close``."""

    def __init__(self, district: Path) -> None:
        self._district = district
        self._channels = ExitStack()

    def __enter__(self) -> Parties:
        return self

    def __exit__(self, *_: object) -> None:
        self._channels.close()

    def registry(self, unit: Unit, process: Process) -> Registry:
        """The clerk of a reporting unit."""
        config, channel, matters = self._people(unit, "registry", process)
        return Registry(unit, "registry", process, config, RegistryClient(channel), matters)

    def beneficiary(self, unit: Unit, process: Process) -> Beneficiary:
        """The clerk of an approving unit."""
        config, channel, matters = self._people(unit, "beneficiary", process)
        client = BeneficiaryClient(channel)
        return Beneficiary(unit, "beneficiary", process, config, client, matters)

    def desk(self, process: Process) -> Desk:
        """纪委's officers."""
        folder = self._district / "inspector" / "officers"
        configs = [folder / officer / "client.toml" for officer in OFFICERS]
        stubs = (inspector_pb2_grpc.DeskStub(self._open(one, process)) for one in configs)
        return Desk(process, tuple(stubs))

    def _people(
        self, unit: Unit, side: str, process: Process
    ) -> tuple[Path, Channel, MatterClerks]:
        """The clerk's settings and channel, and both people at the unit's matters."""
        folder = self._district / "units" / unit.id / "clerks"
        config = folder / CLERK / f"{side}.toml"
        channel = self._open(config, process)
        leader = self._open(folder / LEADER / f"{side}.toml", process)
        return config, channel, MatterClerks.of(channel, leader)

    def _open(self, config: Path, process: Process) -> Channel:
        """A channel as ``config`` says, to where the service really listens."""
        values: dict[str, Any] = tomllib.loads(config.read_text("utf-8"))
        peer = PeerSettings(
            address=process.address, identity=values["server"]["identity"], timeout_s=_TIMEOUT_S
        )
        files = {name: config.parent / path for name, path in values["tls"].items()}
        return self._channels.enter_context(open_channel(peer, TlsSettings(**files)))
