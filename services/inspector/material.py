"""纪委's own keys, checked against the epoch before anything starts.

Each refusal is one line that says what must be replaced.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from libmatch.errors import KeyFileError, ManifestError
from libmatch.kit import PartyKeys, read_epoch, read_party_keys
from libmatch.manifest import Epoch, Role
from services.chassis.config import ConfigError, read_secret
from services.chassis.identity import Identity

ROLE = "inspector"


def check_identity(own: Identity) -> None:
    """Return if the certificate is 纪委's. Raises ConfigError."""
    if (own.role, own.name, own.login) != (ROLE, "", ""):
        raise ConfigError([f"the certificate is of {own}, not of the inspector of a district"])


def open_keys(kit: Path, passphrase_file: Path, unit: str, now: datetime) -> PartyKeys:
    """The keys in ``kit``, which are those that manifest and roster name, in an epoch in force.

    Raises ConfigError for the passphrase file; KeyFileError (wrong passphrase, other keys), ManifestError
    (not trusted, not enrolled), EpochError or EncodingError.
    """
    keys = read_party_keys(kit, _read_passphrase(passphrase_file))
    epoch = read_epoch(kit)
    check_keys(epoch, unit, keys)
    epoch.manifest.check_time(now)
    return keys


def check_keys(epoch: Epoch, unit: str, keys: PartyKeys) -> None:
    """Return if the epoch's records are sealed to ``keys`` and its units trust their signature.

    Raises ManifestError or KeyFileError.
    """
    members = {member.unit: member for member in epoch.roster.with_role(Role.INSPECTOR)}
    if unit not in members:
        raise ManifestError(f"the roster does not list {unit} as an active inspector")
    if keys.hpke.public_key != epoch.manifest.inspector_key:
        raise KeyFileError("the key in the kit is not the inspector key of the manifest")
    if keys.signing.public_key != members[unit].signing_key:
        raise KeyFileError("the signing key in the kit is not the one that the roster names")


def _read_passphrase(path: Path) -> str:
    try:
        return read_secret(path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: a passphrase file is UTF-8 text"]) from None
