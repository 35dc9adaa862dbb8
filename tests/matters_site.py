"""Units' real services and the real matcher in one process, over mutual TLS, with one clock to turn.

::

    with MattersSite(folder, pki, registry=("reg-a",), beneficiary=("ben-a",)) as site:
        site.declare("reg-a", person(1));  site.list_item("ben-a", person(1), "A-1")
        site.sync();  site.release()                     # 纪委's part: capsules, cases, notices
        site.run("ben-a", "wang", "take", CASE.hex())    # ``libmatch matters …`` of a clerk
        site.client("ben-a", "li")                       # services.cli.peers.matters.MattersClient
        site.check("ben-a", "A-1")                       # the gate's answer
        site.clock.moment += timedelta(days=8)
        site.restart("reg-a", now=…)                     # on the same files
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog

from libmatch.batch import compute_token
from libmatch.client import IDEMPOTENT
from libmatch.client.messages import notice_to_pb, pb_to_side
from libmatch.identifiers import Identifier
from libmatch.notices import HitNotice, ItemNotice, OfficialNotice, seal_notice
from libmatch.records import Side
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from libmatch.stubs.matcher.v1 import matcher_pb2_grpc
from services.beneficiary import app as beneficiary_app
from services.beneficiary.config import BeneficiarySettings
from services.chassis.client import Channel, open_channel
from services.chassis.config import DatabaseSettings, ListenSettings, PeerSettings, TlsSettings
from services.chassis.listener import RunningServer, Runtime, start
from services.chassis.tls import check_own_certificate
from services.cli.main import main
from services.cli.peers import BeneficiaryClient, RegistryClient
from services.cli.peers.matters import MattersClient
from services.holder.config import UnitSettings
from services.matcher import app as matcher_app
from services.matcher.config import Settings
from services.registry import app as registry_app
from tests.chassis_pki import Pki
from tests.district import PASSPHRASE, District, make_district
from tests.unit.services.beneficiary.conftest import row as item_row
from tests.unit.services.beneficiary.conftest import sheet as item_sheet
from tests.unit.services.registry.sheets_of_declarations import row as relative_row
from tests.unit.services.registry.sheets_of_declarations import sheet as declaration_sheet

CASE = b"c" * 16
MATCHER = "spiffe://fuling/matcher"
_VALID = timedelta(days=29)


@dataclass
class Clock:
    """Stands still until it is turned."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.moment


class MattersSite:
    """See the module's docstring."""

    def __init__(
        self,
        folder: Path,
        pki: Pki,
        *,
        registry: Sequence[str] = ("reg-a",),
        beneficiary: Sequence[str] = ("ben-a",),
    ) -> None:
        self.folder, self.pki, self.clock = folder, pki, Clock()
        self.sides = {**dict.fromkeys(registry, Side.REGISTRY)}
        self.sides |= dict.fromkeys(beneficiary, Side.BENEFICIARY)
        self.district: District = make_district(
            registry=registry, beneficiary=beneficiary, now=self.clock.moment
        )
        self._passphrase = folder / "passphrase"
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        self._running: dict[str, RunningServer] = {}
        self._tls: dict[str, TlsSettings] = {}
        self._stack = ExitStack()
        self._channels: dict[tuple[str, str], Channel] = {}
        self._logging = structlog.get_config()

    # --- processes --------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        # What the command line prints is read; services in this process must not print between.
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
        self.start_matcher()
        for unit in self.sides:
            self.district.write_kit(self.folder / unit / "kit", unit)
            self.restart(unit)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for server in reversed(self._running.values()):
            server.stop(5)
        structlog.configure(**self._logging)

    def start_matcher(self) -> None:
        """The matcher of the district as it is now, on its files."""
        self.stop("matcher")
        kit = self.folder / "matcher" / "kit"
        if not (kit / "keys").exists():
            self.district.write_matcher_kit(kit)
        self.district.write_epoch(kit)
        settings = Settings(
            kit=kit, passphrase=self._passphrase, **self._service("matcher", MATCHER)
        )
        self._start("matcher", matcher_app.build, settings, self.clock)

    def restart(self, unit: str, now: Callable[[], datetime] | None = None) -> None:
        """The unit's service anew on its files; ``now``: a clock of its own."""
        self.stop(unit)
        identity = f"spiffe://fuling/unit/{unit}"
        declares = self.sides[unit] is Side.REGISTRY
        settings = (UnitSettings if declares else BeneficiarySettings)(
            unit=unit,
            kit=self.folder / unit / "kit",
            passphrase=self._passphrase,
            sync_interval_s=3600,
            matcher=PeerSettings(
                address=self._running["matcher"].address, identity=MATCHER, timeout_s=5
            ),
            **self._service(unit, identity),
        )
        build = registry_app.build if declares else beneficiary_app.build
        self._start(unit, build, settings, now or self.clock)

    def _service(self, name: str, identity: str) -> dict[str, Any]:
        folder = self.folder / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {
            "tls": self.tls(identity),
            "listen": ListenSettings(address="127.0.0.1:0"),
            "database": DatabaseSettings(path=folder / "service.db"),
        }

    def tls(self, identity: str) -> TlsSettings:
        """A certificate of ``identity``, one for all of the test."""
        if identity not in self._tls:
            self._tls[identity] = self.pki.issue(identity, valid=_VALID)
        return self._tls[identity]

    def _start(
        self, name: str, build: Callable[..., Any], settings: Any, now: Callable[[], datetime]
    ) -> None:
        identity = check_own_certificate(settings.tls, lambda: datetime.now(UTC)).identity
        runtime = Runtime(now, identity)
        self._running[name] = start(build(settings, runtime), settings, runtime)

    def stop(self, name: str) -> None:
        """Ends the unit's service, or the matcher, as SIGTERM does."""
        for key in [key for key in self._channels if key[0] == name]:
            self._channels.pop(key).close()
        if name in self._running:
            assert self._running.pop(name).stop(30)

    # --- callers ----------------------------------------------------------------------------------

    def channel(self, server: str, caller: str) -> Channel:
        """A channel to a unit's service or the matcher, with the certificate of ``caller``."""
        key = (server, caller)
        if key not in self._channels:
            identity = MATCHER if server == "matcher" else f"spiffe://fuling/unit/{server}"
            address = self._running[server].address
            peer = PeerSettings(address=address, identity=identity, timeout_s=20)
            tls = self.tls(f"spiffe://fuling/{caller}")
            self._channels[key] = open_channel(peer, tls, idempotent=IDEMPOTENT)
        return self._channels[key]

    def client(self, unit: str, login: str) -> MattersClient:
        return MattersClient(self.channel(unit, f"clerk/{unit}/{login}"))

    def run(self, unit: str, login: str, *words: str | Path) -> int:
        """The exit code of ``libmatch matters …`` of a clerk, or of an officer ``officer/zhang``."""
        caller = login if "/" in login else f"clerk/{unit}/{login}"
        path = self.folder / f"{unit}-{caller.replace('/', '-')}.toml"
        tls = self.tls(f"spiffe://fuling/{caller}")
        files = (f'{key} = "{getattr(tls, key)}"' for key in ("certificate", "private_key", "ca"))
        server = f'[server]\naddress = "{self._running[unit].address}"'
        identity = f'identity = "spiffe://fuling/unit/{unit}"'
        path.write_text("\n".join([server, identity, "[tls]", *files]), encoding="utf-8")
        return main(["matters", *map(str, words), "--config", str(path)])

    def declare(self, unit: str, *relatives: Identifier) -> None:
        client = RegistryClient(self.channel(unit, f"clerk/{unit}/wang"))
        rows = [relative_row(one, f"李{'甲乙丙丁'[n % 4]}") for n, one in enumerate(relatives)]
        report = client.import_sheet("申报.csv", declaration_sheet(*rows), lambda _: None)
        assert report.accepted == len(rows), report

    def withdraw_all(self, unit: str) -> None:
        client = RegistryClient(self.channel(unit, f"clerk/{unit}/wang"))
        officials = {line.official_ref for line in client.list_relatives()}
        assert sum(client.withdraw(bytes.fromhex(ref), (), "误报") for ref in officials)

    def list_item(self, unit: str, who: Identifier, ref: str) -> None:
        client = BeneficiaryClient(self.channel(unit, f"clerk/{unit}/wang"))
        data = item_sheet(item_row(who, ref, "李甲"))
        assert client.import_sheet("名单.csv", data, lambda _: None).accepted == 1

    def check(self, unit: str, ref: str) -> str:
        """The gate's answer about one item."""
        client = BeneficiaryClient(self.channel(unit, f"clerk/{unit}/wang"))
        return next(iter(client.check([ref]))).status

    def sync(self, *units: str) -> None:
        """Two rounds of each unit: what one sends, the other has afterwards."""
        for _ in range(2):
            for unit in units or tuple(self.sides):
                declares = self.sides[unit] is Side.REGISTRY
                kind = RegistryClient if declares else BeneficiaryClient
                kind(self.channel(unit, f"clerk/{unit}/wang")).sync()

    # --- 纪委 --------------------------------------------------------------------------------------

    @property
    def review(self) -> matcher_pb2_grpc.ReviewStub:
        return matcher_pb2_grpc.ReviewStub(self.channel("matcher", "inspector"))

    def release(self, case_id: bytes = CASE, *, to: Sequence[str] = ()) -> None:
        """Tests capsules, makes all hits one case, and notifies the units ``to`` (all for none)."""
        batches = self.review.ListBatches(pb.ListBatchesRequest()).batches
        results = [pb.CapsuleResult(number=batch.number, opens=True) for batch in batches]
        self.review.ReportCapsules(pb.ReportCapsulesRequest(results=results))
        for hit in self.review.ListHits(pb.ListHitsRequest()).hits:
            if hit.live:
                self._release_hit(hit.hit_id, case_id, to)

    def listed_reports(self) -> list[pb.AcceptedReport]:
        """Everything that the matcher accepted from units."""
        return list(self.review.ListReports(pb.ListReportsRequest()).reports)

    def turn_epoch(self) -> None:
        """Everybody installs the next epoch and restarts; keys stay, records are sent anew."""
        old = self.district
        salt, previous = os.urandom(32), old.manifest.epoch_id
        manifest = replace(old.manifest, epoch=2, salt=salt, previous=previous)
        roster = replace(old.roster, epoch_id=manifest.epoch_id)
        self.district = replace(old, manifest=manifest, roster=roster)
        self.start_matcher()
        for unit in self.sides:
            kit = self.folder / unit / "kit"
            (kit / "epoch").rename(kit / f"epoch-{previous.hex()[:8]}")
            self.district.write_kit(kit, unit)
            self.restart(unit)

    def _release_hit(self, hit_id: bytes, case_id: bytes, to: Sequence[str]) -> None:
        found = self.review.FetchHit(pb.FetchHitRequest(hit_id=hit_id))
        if found.registry.head.epoch != self.district.manifest.epoch_id:
            return  # of a former epoch: whoever still declares and lists is found again
        assignments = [pb.CaseAssignment(hit_id=hit_id, case_id=case_id)]
        self.review.AssignCases(pb.AssignCasesRequest(assignments=assignments))
        declarer, approver = found.registry.head.unit, found.beneficiary.head.unit
        for record in (found.registry, found.beneficiary):
            unit, side = record.head.unit, pb_to_side(record.head.side)
            if to and unit not in to:
                continue
            row = record.row
            token = compute_token(self.district.suite, row.c_reg, row.c_ben)
            other = approver if side is Side.REGISTRY else declarer
            self._notify(unit, side, hit_id, _notice(side, row.rid, token, case_id, other))

    def _notify(self, unit: str, side: Side, hit_id: bytes, notice: HitNotice) -> None:
        # One notice for a hit and a unit: a repetition is the same notice.
        notice_id = bytes(a ^ b for a, b in zip(hit_id[:16], unit.encode().ljust(16), strict=True))
        epoch, member = self.district.epoch, self.district.roster.find(unit)
        key = self.district.inspector.signing
        sealed = seal_notice(epoch, member, side, hit_id, notice_id, notice, key)
        self.review.ReleaseNotice(pb.ReleaseNoticeRequest(notice=notice_to_pb(sealed)))


def _notice(side: Side, rid: bytes, token: bytes, case_id: bytes, other: str) -> HitNotice:
    if side is Side.BENEFICIARY:
        return ItemNotice(rid, token, case_id, other, "王某", "某局", "科长", "配偶")
    about = ("受益人", "A-1", "危房改造", "住房补助", 120_050, "某镇某村", date(2026, 3, 1))
    return OfficialNotice(rid, token, case_id, other, *about)
