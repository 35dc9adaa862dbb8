"""A custodian looks at an epoch and signs it, alone, on his own machine.

He signs nothing that contradicts what he signed before: one manifest an epoch number, one roster a
version, versions only upwards. His own commitment must be in the manifest, opened from his own share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from libmatch.errors import LibmatchError
from libmatch.keys import Share, SigningKey
from libmatch.manifest import Manifest, Member, Role, Roster, SignedDocument
from libmatch.suites import get_suite
from services.authority.cards import check_name
from services.authority.custodian import Custodian
from services.authority.epoch_folder import (
    AUTHORITIES,
    EpochFiles,
    encode_authority_keys,
    read_authority_keys,
    read_epoch_files,
    save_signatures,
)
from services.authority.errors import CeremonyError
from services.authority.summary import summarise
from services.chassis.owner_files import write_new

Confirm = Callable[[str], bool]
"""Shows a text to the custodian; true where he agrees."""


@dataclass(frozen=True)
class Journal:
    """What a custodian signed: ``signed/epoch-<n>.manifest`` and ``signed/epoch-<n>.roster-<v>``."""

    folder: Path

    def check(self, manifest: Manifest, roster: Roster) -> None:
        """Return if signing contradicts nothing signed before. Raises CeremonyError."""
        signed = self._read(f"epoch-{manifest.epoch}.manifest")
        if signed is not None and signed != manifest.encode():
            raise CeremonyError(
                f"another manifest of epoch {manifest.epoch} was signed already",
                f"您已签署过第 {manifest.epoch} 周期的另一份清单；同一周期只能有一份，请停止并核实来源",
            )
        before = self._read(f"epoch-{manifest.epoch - 1}.manifest")
        if before is not None and Manifest.decode(before).epoch_id != manifest.previous:
            raise CeremonyError(
                f"the manifest does not follow the epoch {manifest.epoch - 1} that was signed",
                f"清单所接的上一周期不是您签署过的第 {manifest.epoch - 1} 周期，请停止并核实来源",
            )
        known = self.latest_roster(manifest.epoch)
        if known is None or known == roster:
            return
        if roster.version <= known.version:
            raise CeremonyError(
                f"roster version {known.version} of this epoch was signed already",
                f"您已签署过名册第 {known.version} 版；新名册的版本必须更高，请停止并核实来源",
            )
        _check_growth(known.members, roster)

    def latest_roster(self, epoch: int) -> Roster | None:
        """The roster of the highest version signed in that epoch."""
        paths = self.folder.glob(f"epoch-{epoch}.roster-*")
        rosters = [Roster.decode(path.read_bytes()) for path in paths]
        return max(rosters, key=lambda roster: roster.version, default=None)

    def record(self, manifest: Manifest, roster: Roster) -> None:
        """Return when both are kept, before any signature leaves the machine."""
        self._keep(f"epoch-{manifest.epoch}.manifest", manifest.encode())
        self._keep(f"epoch-{manifest.epoch}.roster-{roster.version}", roster.encode())

    def _read(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def _keep(self, name: str, data: bytes) -> None:
        if self._read(name) is None:
            write_new(self.folder / name, data)


def trusted_keys(custodian: Custodian) -> frozenset[bytes]:
    """The authority keys that the custodian confirmed. Raises KeyFileError where he signed nothing yet."""
    return read_authority_keys(custodian.folder / AUTHORITIES)


def sign_epoch(custodian: Custodian, passphrase: str, folder: Path, confirm: Confirm) -> EpochFiles:
    """The epoch in ``folder`` with this custodian's signatures on manifest and roster, saved there.

    ``confirm`` gets the summary first. Raises CeremonyError, KeyFileError, ManifestError, EncodingError.
    """
    files = read_epoch_files(folder)
    manifest, roster = files.facts
    journal = Journal(custodian.folder / "signed")
    _check_authorities(custodian, files)
    _check_roster(manifest, roster)
    journal.check(manifest, roster)
    if not confirm(summarise(files, journal.latest_roster(manifest.epoch))):
        raise CeremonyError("the custodian did not agree; nothing was signed", "未确认，没有签名")
    check_own_share(custodian, passphrase, manifest)
    key = custodian.unlock(passphrase)
    _pin_authorities(custodian, files)
    journal.record(manifest, roster)
    signed = EpochFiles(
        files.authorities, _with_signature(files.manifest, key), _with_signature(files.roster, key)
    )
    save_signatures(folder, signed)
    return signed


def _with_signature(document: SignedDocument, key: SigningKey) -> SignedDocument:
    return document.with_signature(key.public_key, key.sign(document.body))


def _check_authorities(custodian: Custodian, files: EpochFiles) -> None:
    if custodian.authority_key not in files.authorities:
        raise CeremonyError(
            "this custodian's key is not among the authorities",
            "授权公钥中没有您的公钥，请停止并核实",
        )
    pinned = custodian.folder / AUTHORITIES
    if pinned.exists() and read_authority_keys(pinned) != files.authorities:
        raise CeremonyError(
            "the authorities are not those confirmed before",
            "授权公钥与您上次确认的不同。如确已更换保管人，请当面核对指纹后，"
            f"将 {pinned} 移走再签名",
        )


def _pin_authorities(custodian: Custodian, files: EpochFiles) -> None:
    pinned = custodian.folder / AUTHORITIES
    if not pinned.exists():
        write_new(pinned, encode_authority_keys(files.authorities))


def check_own_share(custodian: Custodian, passphrase: str, manifest: Manifest) -> Share:
    """The custodian's share, which the manifest commits to. Raises CeremonyError, KeyFileError.

    Without this check nobody could work in the epoch, or one custodian alone might know both shares.
    """
    position = custodian.number - 1
    share = custodian.read_share(manifest.epoch, passphrase)
    own = share.commit(get_suite(manifest.suite), custodian.number)
    if position >= len(manifest.commitments) or manifest.commitments[position] != own:
        raise CeremonyError(
            f"the manifest does not commit to the share of custodian {custodian.number}",
            "清单中的承诺与您保管的份额不符（可能被替换），请停止并核实来源",
        )
    return share


def _check_roster(manifest: Manifest, roster: Roster) -> None:
    manifest.check_implemented()
    try:
        for member in roster.members:
            check_name(member.display_name)
    except LibmatchError:
        raise CeremonyError(
            "a display name of the roster is not printable",
            "名册中有无法显示的单位名称，请停止并核实",
        ) from None
    inspectors = list(roster.with_role(Role.INSPECTOR))
    if [member.hpke_key for member in inspectors] != [manifest.inspector_key]:
        raise CeremonyError(
            "the roster does not list exactly one inspector with the manifest's key",
            "名册中须恰有一个纪委成员，且其公钥与清单一致，请停止并核实",
        )


def _check_growth(known: Sequence[Member], roster: Roster) -> None:
    """Nobody vanishes and no key changes within an epoch: old signatures must still verify."""
    after = {member.unit: member for member in roster.members}
    for member in known:
        new = after.get(member.unit)
        if new is None or (new.signing_key, new.hpke_key) != (member.signing_key, member.hpke_key):
            raise CeremonyError(
                f"{member.unit} vanished from the roster, or its key changed",
                f"{member.unit} 从名册中消失或公钥被更换；同一周期内只能注销，不能删除或换钥",
            )
