"""What a unit's service works with: its keys, the verified epoch, its epoch key. Read once, at start.

A new kit (another roster, another epoch) takes effect with the next start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from libmatch.errors import ManifestError
from libmatch.keys import HpkePrivateKey
from libmatch.kit import read_epoch, read_holder, read_party_keys
from libmatch.manifest import DEFAULT_BUCKET, Epoch, Manifest
from libmatch.prepare import Holder
from libmatch.records import Side
from libmatch.suites import Suite, get_suite
from services.chassis.config import ConfigError, read_secret


@dataclass(frozen=True, repr=False)
class Material:
    """One unit on one side in one epoch, ready to derive, seal, submit and open notices."""

    side: Side
    holder: Holder
    hpke: HpkePrivateKey

    @property
    def unit(self) -> str:
        return self.holder.unit

    @property
    def epoch(self) -> Epoch:
        return self.holder.epoch

    @property
    def manifest(self) -> Manifest:
        return self.holder.epoch.manifest

    @property
    def suite(self) -> Suite:
        return get_suite(self.manifest.suite)

    @property
    def display_name(self) -> str:
        """The unit's Chinese name, as the roster has it."""
        return self.epoch.roster.find(self.unit).display_name


def open_material(
    kit: Path, passphrase_file: Path, unit: str, side: Side, now: datetime
) -> Material:
    """The material in the folder ``kit``, checked as a whole.

    Raises ConfigError for the passphrase file; KeyFileError, ManifestError, EpochError, ShareError,
    EncodingError or BatchError, each with one line that says what must be replaced.
    """
    keys = read_party_keys(kit, _read_passphrase(passphrase_file))
    _check_enrolment(read_epoch(kit), unit, side)
    return Material(side, read_holder(kit, unit, keys, now), keys.hpke)


def _read_passphrase(path: Path) -> str:
    try:
        return read_secret(path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: a passphrase file is UTF-8 text"]) from None


def _check_enrolment(epoch: Epoch, unit: str, side: Side) -> None:
    members = {member.unit: member for member in epoch.roster.members}
    if unit not in members or not members[unit].active:
        raise ManifestError(f"the roster does not list unit {unit} as enrolled")
    if not members[unit].may_submit(side):
        raise ManifestError(f"the roster does not enrol unit {unit} as {side.name.lower()}")
    if epoch.manifest.bucket < DEFAULT_BUCKET:
        # The caps of libmatch.payloads are made for it; a smaller one would refuse some records.
        raise ManifestError(f"this epoch's bucket is smaller than {DEFAULT_BUCKET} bytes")
