"""A trial district on disk with its matcher and 纪委's workstation as real processes over mutual TLS.

::

    site = build_site(folder)                              # as ``libmatch authority quickstart``
    with site.matcher() as matcher, site.inspector(matcher.address) as inspector:
        with site.unit("reg-a", matcher.address) as unit:
            unit.submit(Side.REGISTRY, [relative(person(1))])
        with site.desk("zhang", inspector.address) as desk:
            desk.pull()
        inspector.kill()                                   # SIGKILL
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from libmatch.client import IDEMPOTENT, MatcherClient
from libmatch.keys import seal_to
from libmatch.kit import read_holder, read_party_keys
from libmatch.manifest import Role
from libmatch.notices import HitNotice, open_notice
from libmatch.prepare import Payload
from libmatch.records import SIGNATURE_SIZE, Side
from libmatch.reports import Report, Stage, make_copies, seal_info
from libmatch.suites import get_suite
from services.authority.plan import Plan, PlannedUnit
from services.authority.quickstart import build_district
from services.chassis.client import open_channel
from services.chassis.config import PeerSettings, TlsSettings
from services.inspector.peers.desk import DeskClient

ROOT = Path(__file__).resolve().parents[1]
MATCHER = "spiffe://fuling/matcher"
INSPECTOR = "spiffe://fuling/inspector"
OFFICERS = ("zhang", "li")


@dataclass
class Running:
    """One service's process, and where it listens."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is closed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


@dataclass(frozen=True)
class Unit:
    """A unit that submits on its own account."""

    home: Path
    name: str
    client: MatcherClient

    def submit(self, side: Side, payloads: Sequence[Payload], *, seq: int = 1) -> tuple[bytes, ...]:
        """The record ids, in the order of ``payloads``."""
        keys = read_party_keys(self.home / "kit", _passphrase(self.home))
        holder = read_holder(self.home / "kit", self.name, keys, datetime.now(UTC))
        rids: list[bytes] = []
        for sealed in holder.prepare(side, payloads, seq):
            self.client.submit(sealed.batch)
            rids += sealed.rids
        return tuple(rids)

    def withdraw(self, side: Side, rids: Sequence[bytes], *, seq: int) -> None:
        keys = read_party_keys(self.home / "kit", _passphrase(self.home))
        holder = read_holder(self.home / "kit", self.name, keys, datetime.now(UTC))
        self.client.withdraw(holder.withdraw(side, rids, seq))

    def report(self, side: Side, case_id: bytes, stage: Stage, *, seq: int = 1) -> None:
        """A step on a case that the unit was told of, sealed to 纪委."""
        keys = read_party_keys(self.home / "kit", _passphrase(self.home))
        epoch = read_holder(self.home / "kit", self.name, keys, datetime.now(UTC)).epoch
        head = (epoch.epoch_id, case_id, self.name, side, seq)
        sealed = [
            (member.unit, seal_to(member.hpke_key, b"step", seal_info(*head, member.unit)))
            for member in epoch.roster.with_role(Role.INSPECTOR)
        ]
        copies = make_copies(get_suite(epoch.manifest.suite), sealed)
        at_us = int(datetime.now(UTC).timestamp()) * 1_000_000
        draft = Report(*head, stage, at_us, copies, bytes(SIGNATURE_SIZE))
        self.client.report(replace(draft, signature=keys.signing.sign(draft.signed_bytes())))

    def notices(self, side: Side) -> list[HitNotice]:
        """What its mailbox holds, verified and opened with its own key."""
        keys = read_party_keys(self.home / "kit", _passphrase(self.home))
        holder = read_holder(self.home / "kit", self.name, keys, datetime.now(UTC))
        fetched = self.client.fetch_notices(side)
        return [open_notice(holder.epoch, notice, keys.hpke) for _, notice, _ in fetched]


@dataclass(frozen=True)
class Site:
    """The folders of the district."""

    folder: Path

    @contextmanager
    def matcher(self) -> Iterator[Running]:
        """The matcher's process for the time of the block."""
        with self._running("matcher", {}) as running:
            yield running

    @contextmanager
    def inspector(self, matcher: str, **settings: str) -> Iterator[Running]:
        """纪委's process for the time of the block; ``settings`` go into its environment."""
        changes = {"MATCHER__ADDRESS": matcher, "PULL_INTERVAL_S": "3600", **settings}
        environ = {f"LIBMATCH_INSPECTOR__{key}": value for key, value in changes.items()}
        with self._running("inspector", environ) as running:
            yield running

    @contextmanager
    def _running(self, service: str, environ: dict[str, str]) -> Iterator[Running]:
        process = self.start(service, environ)
        assert process.stdout is not None
        try:
            yield Running(process, json.loads(process.stdout.readline())["address"])
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)
            process.stdout.close()

    def start(self, service: str, environ: dict[str, str]) -> subprocess.Popen[str]:
        """The process of ``service``; its log is beside its configuration."""
        config = self.folder / service / "config.toml"
        with (self.folder / service / "log.jsonl").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"services.{service}.app", "--config", str(config)],
                cwd=ROOT,
                env={**os.environ, **environ},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @contextmanager
    def unit(self, name: str, matcher: str) -> Iterator[Unit]:
        """The unit, connected to the matcher."""
        home = self.folder / "units" / name
        peer = PeerSettings(address=matcher, identity=MATCHER)
        with open_channel(peer, tls_in(home), idempotent=IDEMPOTENT) as channel:
            yield Unit(home, name, MatcherClient(channel))

    @contextmanager
    def desk(self, officer: str, inspector: str) -> Iterator[DeskClient]:
        """An officer at the workstation."""
        peer = PeerSettings(address=inspector, identity=INSPECTOR)
        with open_channel(peer, tls_in(self.officer(officer))) as channel:
            yield DeskClient(channel)

    def officer(self, name: str) -> Path:
        """The officer's folder, with client.toml and tls."""
        return self.folder / "inspector" / "officers" / name

    def files_of_inspector(self) -> list[Path]:
        """Database, journal and log of the workstation."""
        home = self.folder / "inspector"
        return [*(home / "data").iterdir(), home / "log.jsonl"]


def build_site(folder: Path) -> Site:
    """A new district: two units that declare, one that approves, two officers."""
    units = (
        PlannedUnit(unit="reg-a", display_name="区甲局", roles=Role.REGISTRY, clerks=()),
        PlannedUnit(unit="reg-b", display_name="区乙局", roles=Role.REGISTRY, clerks=()),
        PlannedUnit(unit="ben-a", display_name="区丙局", roles=Role.BENEFICIARY, clerks=()),
    )
    plan = Plan(district="fuling", units=units, officers=OFFICERS, base_port=0)
    build_district(plan, folder, now=datetime.now(UTC))
    return Site(folder)


def tls_in(home: Path) -> TlsSettings:
    """The certificate files that quickstart wrote to ``home``."""
    tls = home / "tls"
    return TlsSettings(certificate=tls / "cert.pem", private_key=tls / "key.pem", ca=tls / "ca.pem")


def _passphrase(home: Path) -> str:
    return (home / "passphrase").read_text("utf-8").rstrip("\r\n")
