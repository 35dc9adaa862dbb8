"""The whole ceremony at once, for a trial district: ready-to-run folders for every party.

This puts both custodians' secrets, everybody's keys and all passphrases on one machine. It shows how the
parts fit and starts a demonstration or a trial; a real district holds the ceremony in separate steps
(docs/operations.md). It uses the same functions as those steps.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from libmatch.identity import Identity
from libmatch.kit import read_party_keys
from libmatch.manifest import Epoch, Role
from services.authority.cards import PartyCard
from services.authority.certificates import MAX_DAYS, CertificateAuthority, init_ca, issue
from services.authority.custodian import Custodian, init_custodian, new_share
from services.authority.deliver import MATCHER_FOLDER, deliver
from services.authority.epoch_folder import read_epoch_files, write_epoch_files
from services.authority.install import install
from services.authority.instances import (
    Addresses,
    Table,
    administrators_of,
    peer,
    sides_of,
    write_client_config,
    write_embedded_config,
    write_index,
    write_service_config,
)
from services.authority.party import new_log, new_party, new_tls
from services.authority.plan import Plan, PlannedUnit
from services.authority.propose import Terms, propose_epoch
from services.authority.requests import parse_request
from services.authority.seal_shares import seal_shares
from services.authority.sign import sign_epoch
from services.chassis.owner_files import PUBLIC, make_private_folder, write_new

_CLOCK_SKEW = timedelta(minutes=10)
WARNING_ZH = (
    "本文件夹由 libmatch authority quickstart 一次生成，"
    "两位保管人的密钥、各单位的密钥和口令都在同一台机器上，仅供演示和试用。\n"
    "正式启用时，请两位保管人各自在自己的机器上分步操作（见 docs/operations.md）。\n"
)


def _silent(_: str) -> None:
    return None


def build_district(
    plan: Plan, out: Path, *, now: datetime, progress: Callable[[str], None] = _silent
) -> Path:
    """The path of ``out/district.json``, with a folder for every party of ``plan`` beside it.

    ``out`` must not exist, or be empty; it appears only when all is done. Raises CeremonyError,
    ManifestError, FileExistsError, OSError.
    """
    make_private_folder(out)
    staged = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    make_private_folder(staged)
    try:
        _Builder(plan, staged, now, progress).build()
        os.replace(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return out / "district.json"


@dataclass
class _Builder:
    """The steps in order; each works in ``root`` with the functions of the separate ceremony."""

    plan: Plan
    root: Path
    now: datetime
    progress: Callable[[str], None]
    passphrases: dict[Path, str] = field(default_factory=dict)

    def build(self) -> None:
        write_new(self.root / "仅供试用.txt", WARNING_ZH.encode("utf-8"), mode=PUBLIC)
        self.progress("两位保管人各自生成密钥和份额")
        custodians = [self._custodian(number) for number in (1, 2)]
        self.progress("各方生成自己的密钥")
        cards = self._party_cards()
        self.progress("拟定并签署周期清单和名册")
        epoch = self._epoch(custodians, cards)
        self.progress("密封份额并装入各单位套件")
        self._equip(custodians, epoch)
        self.progress("签发证书，写出各方配置")
        self._certify(epoch)
        addresses = Addresses.assign(self.plan)
        self._configure(addresses)
        write_index(self.root / "district.json", self.plan, epoch.epoch_id, addresses)

    @property
    def _authority(self) -> Path:
        return self.root / "authority"

    def _home(self, unit: str) -> Path:
        return self.root / "units" / unit

    def _passphrase(self, folder: Path) -> str:
        """The passphrase in ``folder/passphrase``, new where there is none."""
        if folder not in self.passphrases:
            self.passphrases[folder] = secrets.token_urlsafe(24)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            data = f"{self.passphrases[folder]}\n".encode("ascii")
            write_new(folder / "passphrase", data)
        return self.passphrases[folder]

    def _custodian(self, number: int) -> Custodian:
        folder = self._authority / f"custodian-{number}"
        passphrase = secrets.token_urlsafe(24)
        custodian = init_custodian(folder, number, f"保管人{number}", passphrase)
        self.passphrases[folder] = passphrase
        write_new(folder / "passphrase", f"{passphrase}\n".encode("ascii"))
        return custodian

    def _party_cards(self) -> list[PartyCard]:
        """纪委's card, then the units'."""
        plan, inspector = self.plan, self.root / "inspector"
        name, passphrase = plan.inspector_name, self._passphrase(inspector)
        unit = plan.inspector_unit
        cards = [new_party(inspector / "kit", unit, name, Role.INSPECTOR, passphrase)]
        for planned in plan.units:
            home = self._home(planned.unit)
            facts = (planned.unit, planned.display_name, planned.roles)
            cards.append(new_party(home / "kit", *facts, self._passphrase(home)))
        return cards

    def _epoch(self, custodians: list[Custodian], cards: list[PartyCard]) -> Epoch:
        plan, folder = self.plan, self._authority / "epoch-1"
        start = self.now - _CLOCK_SKEW
        terms = Terms(start, start + timedelta(days=plan.days), plan.kinds, plan.bucket)
        matcher = self.root / "matcher"
        log = new_log(matcher / "kit", self._passphrase(matcher))
        commitments = [
            new_share(custodian, self._passphrase(custodian.folder), plan.district, 1, plan.suite)
            for custodian in custodians
        ]
        write_epoch_files(folder, propose_epoch(terms, commitments, log, cards[0], cards[1:]))
        for custodian in custodians:
            passphrase = self._passphrase(custodian.folder)
            sign_epoch(custodian, passphrase, folder, lambda _: True)
        files = read_epoch_files(folder)
        return files.verified(files.authorities)

    def _equip(self, custodians: list[Custodian], epoch: Epoch) -> None:
        source, folders = self._authority / "epoch-1", []
        for custodian in custodians:
            folders.append(self._authority / f"sealed-shares-{custodian.number}")
            seal_shares(custodian, self._passphrase(custodian.folder), source, folders[-1])
        deliveries = self._authority / "deliveries"
        deliver(source, folders, deliveries)
        install(self.root / "matcher" / "kit", deliveries / MATCHER_FOLDER, "", None)
        homes = {member.unit: self._home(member.unit) for member in epoch.roster.members}
        homes[self.plan.inspector_unit] = self.root / "inspector"
        for unit, home in homes.items():
            keys = read_party_keys(home / "kit", self._passphrase(home))
            install(home / "kit", deliveries / unit, unit, keys)

    def _certify(self, epoch: Epoch) -> None:
        folder, passphrase = self._authority / "ca", secrets.token_urlsafe(24)
        keys = read_epoch_files(self._authority / "epoch-1").authorities
        ca = init_ca(folder, self.plan.district, keys, passphrase, self.now)
        write_new(folder / "passphrase", f"{passphrase}\n".encode("ascii"))
        key = ca.unlock(passphrase)
        for home, identity in self._tls_homes().items():
            self._issue(ca, key, epoch, home / "tls", identity)

    def _tls_homes(self) -> dict[Path, Identity]:
        """The folder of each holder of a certificate, with its identity."""
        district, inspector = self.plan.district, self.root / "inspector"
        homes = {
            self.root / "matcher": Identity(district, "matcher"),
            inspector: Identity(district, "inspector"),
        }
        for name in self.plan.officers:
            homes[inspector / "officers" / name] = Identity(district, "officer", name)
        for name in self.plan.organisation:
            homes[inspector / "organisation" / name] = Identity(district, "organisation", name)
        for unit in self.plan.units:
            home = self._home(unit.unit)
            homes[home] = Identity(district, "unit", unit.unit)
            for login in unit.logins:
                homes[home / "clerks" / login] = Identity(district, "clerk", unit.unit, login)
        return homes

    def _issue(
        self,
        ca: CertificateAuthority,
        key: EllipticCurvePrivateKey,
        epoch: Epoch,
        folder: Path,
        identity: Identity,
    ) -> None:
        request = parse_request(new_tls(folder, identity).request)
        days = min(self.plan.days, MAX_DAYS)
        pem = issue(ca, key, request, identity, epoch, self.now, days)
        write_new(folder / "cert.pem", pem, mode=PUBLIC)
        write_new(folder / "ca.pem", ca.root_pem, mode=PUBLIC)

    def _configure(self, addresses: Addresses) -> None:
        district, plan = self.plan.district, self.plan
        matcher = peer(addresses.of["matcher"], Identity(district, "matcher"))
        home, inspector = self.root / "matcher", self.root / "inspector"
        write_service_config(home, "matcher", addresses.of["matcher"], ".", {}, {})
        own = {"unit": plan.inspector_unit}
        desk = addresses.of["inspector"]
        write_service_config(inspector, "inspector", desk, ".", own, {"matcher": matcher})
        server = peer(desk, Identity(district, "inspector"))
        for name in plan.officers:
            write_client_config(inspector / "officers" / name / "client.toml", server)
        for name in plan.organisation:
            write_client_config(inspector / "organisation" / name / "client.toml", server)
        for unit in plan.units:
            self._configure_unit(unit, addresses, matcher)

    def _configure_unit(self, unit: PlannedUnit, addresses: Addresses, matcher: Table) -> None:
        home = self._home(unit.unit)
        if unit.embedded:
            write_embedded_config(home, unit, matcher)
        for side in sides_of(unit):
            address = addresses.of[f"{unit.unit}/{side}"]
            own = {"unit": unit.unit}
            tables = {"matcher": matcher, **administrators_of(unit)}
            write_service_config(home / side, side, address, "..", own, tables)
            server = peer(address, Identity(self.plan.district, "unit", unit.unit))
            for name in self.plan.officers:  # who answers the unit's disputes (R36)
                desk = self.root / "inspector" / "officers" / name
                write_client_config(desk / f"{unit.unit}-{side}.toml", server)
            for login in unit.logins:
                write_client_config(home / "clerks" / login / f"{side}.toml", server)
