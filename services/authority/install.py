"""A delivery from the authority goes into a party's kit: a first epoch, a new roster, a new epoch.

Nothing is put in place before it was verified. What a kit trusts does not change by itself: the authority
keys stay those of the first installation, an epoch follows the one before, a roster's version only grows.
"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from libmatch.errors import EpochError
from libmatch.keys import combine_shares
from libmatch.kit import PartyKeys, read_shares
from libmatch.manifest import Epoch, Role
from libmatch.suites import get_suite
from services.authority.epoch_folder import (
    AUTHORITIES,
    MANIFEST,
    ROSTER,
    EpochFiles,
    read_epoch_files,
)
from services.authority.errors import CeremonyError
from services.chassis.owner_files import PUBLIC, replace

EPOCH = "epoch"
_DOCUMENTS = frozenset({AUTHORITIES, MANIFEST, ROSTER})


@dataclass(frozen=True)
class Installed:
    """What an installation changed: ``what`` is "first", "epoch", "roster" or "nothing"."""

    what: str
    epoch: Epoch


def inspect_delivery(kit: Path, delivery: Path, *, accept_authorities: bool = False) -> EpochFiles:
    """The verified documents of ``delivery``, which may go into ``kit``.

    ``accept_authorities``: other authority keys than the kit's are meant. Raises CeremonyError,
    ManifestError, EpochError, KeyFileError, EncodingError.
    """
    files = read_epoch_files(delivery)
    files.verified(files.authorities)
    if not (kit / EPOCH).exists():
        return files
    current = read_epoch_files(kit / EPOCH)
    if current.authorities != files.authorities and not accept_authorities:
        raise CeremonyError(
            "the delivery comes from other authorities than this kit trusts",
            "授权公钥与本套件已信任的不同，未安装。如确已更换保管人，请核对指纹后加 --accept-authorities",
        )
    _check_succession(current, files)
    return files


def install(
    kit: Path,
    delivery: Path,
    unit: str,
    keys: PartyKeys | None,
    *,
    accept_authorities: bool = False,
) -> Installed:
    """What changed in ``kit``. ``keys``: the party's, with which a unit's shares are opened and checked.

    The matcher has no ``keys`` and no ``unit``. Raises what ``inspect_delivery`` raises, and ShareError,
    which names a custodian.
    """
    files = inspect_delivery(kit, delivery, accept_authorities=accept_authorities)
    epoch = files.verified(files.authorities)
    staged = _stage(kit, delivery)
    try:
        if keys is not None:
            _check_member(staged, unit, epoch, keys)
        return Installed(_put_in_place(kit, staged, files, epoch), epoch)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _check_succession(current: EpochFiles, new: EpochFiles) -> None:
    (held, held_roster), (manifest, roster) = current.facts, new.facts
    if held.epoch_id == manifest.epoch_id:
        if roster.version < held_roster.version:
            raise EpochError("the roster is older than the one installed")
        if roster.version == held_roster.version and roster != held_roster:
            raise EpochError("two rosters of the same version: ask the authority")
    elif manifest.previous != held.epoch_id:
        raise EpochError("the epoch does not follow the one installed")


def _stage(kit: Path, delivery: Path) -> Path:
    """A kit of its own inside ``kit``, with a copy of the delivery as its epoch."""
    staged = kit / f".incoming-{secrets.token_hex(4)}"
    kit.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged.mkdir(mode=0o700)
    (staged / EPOCH).mkdir(mode=0o700)
    for path in sorted(delivery.iterdir()):
        if path.is_file() and (path.name in _DOCUMENTS or path.name.startswith("share-")):
            shutil.copyfile(path, staged / EPOCH / path.name)
    return staged


def _check_member(staged: Path, unit: str, epoch: Epoch, keys: PartyKeys) -> None:
    member = epoch.roster.find(unit)
    if not member.active:
        raise CeremonyError(f"{unit} is revoked", f"{unit} 已从名册注销")
    if (member.signing_key, member.hpke_key) != (keys.signing.public_key, keys.hpke.public_key):
        raise CeremonyError(
            "the roster lists this party with other keys", "名册中登记的公钥不是本单位的公钥"
        )
    if member.roles & (Role.REGISTRY | Role.BENEFICIARY):
        manifest = epoch.manifest
        shares = read_shares(staged, unit, epoch, keys.hpke)
        combine_shares(get_suite(manifest.suite), epoch.epoch_id, manifest.commitments, shares)


def _put_in_place(kit: Path, staged: Path, files: EpochFiles, epoch: Epoch) -> str:
    target = kit / EPOCH
    if not target.exists():
        os.rename(staged / EPOCH, target)
        return "first"
    current = read_epoch_files(target)
    if current.facts[0].epoch_id == epoch.epoch_id:
        if current.roster == files.roster:
            return "nothing"
        replace(target / ROSTER, files.roster.encode(), mode=PUBLIC)
        return "roster"
    kept = kit / f"{EPOCH}-{current.facts[0].epoch_id.hex()[:8]}"
    os.rename(target, kept)
    try:
        os.rename(staged / EPOCH, target)
    except OSError:
        os.rename(kept, target)
        raise
    return "epoch"
