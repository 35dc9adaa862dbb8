"""What a unit's service works with: its keys, the verified epoch, its epoch key. Read once, at start.

A new kit (another roster, another epoch) takes effect with the next start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from libmatch.errors import EpochError, ManifestError
from libmatch.keys import HpkePrivateKey
from libmatch.kit import read_epoch, read_holder, read_party_keys
from libmatch.manifest import DEFAULT_BUCKET, Epoch, Manifest
from libmatch.prepare import Holder
from libmatch.records import Side
from libmatch.suites import Suite, get_suite
from services.chassis.config import ConfigError, read_secret
from services.holder.former_epochs import read_former


@dataclass(frozen=True, repr=False)
class Material:
    """One unit on one side in one epoch, ready to derive, seal, submit and open notices.

    ``former``: earlier epochs by id, for what was sent in them and is read only now.
    """

    side: Side
    holder: Holder
    hpke: HpkePrivateKey
    former: Mapping[bytes, Epoch] = field(default_factory=dict)

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

    def find_epoch(self, epoch_id: bytes) -> Epoch:
        """The epoch of that id, in force or former. Raises EpochError."""
        if epoch_id == self.epoch.epoch_id:
            return self.epoch
        if epoch_id not in self.former:
            raise EpochError("this unit's kit does not have that epoch")
        return self.former[epoch_id]

    def find_signing_keys(self, unit: str) -> frozenset[bytes]:
        """The public signing keys, 32 bytes each, that ``unit`` had in any known epoch."""
        return frozenset(
            member.signing_key
            for epoch in (self.epoch, *self.former.values())
            for member in epoch.roster.members
            if member.unit == unit
        )

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
    holder = read_holder(kit, unit, keys, now)
    return Material(side, holder, keys.hpke, read_former(kit))


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
