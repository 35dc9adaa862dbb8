"""What the service refuses to start with, each in one line that says what must be replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.errors import EpochError, KeyFileError, LibmatchError, ManifestError
from libmatch.kit import PartyKeys
from services.chassis.config import ConfigError
from services.chassis.identity import Identity
from services.inspector.material import check_identity, open_keys
from tests.district import INSPECTOR, NOW, PASSPHRASE, District


@pytest.fixture
def kit(tmp_path: Path, district: District) -> Path:
    district.write_kit(tmp_path / "kit", INSPECTOR)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return tmp_path / "kit"


def start(kit: Path, unit: str = INSPECTOR, *, days: int = 0) -> PartyKeys:
    return open_keys(kit, kit.parent / "passphrase", unit, NOW + timedelta(days=days))


def test_the_kit_of_the_commission_is_taken(kit: Path, district: District) -> None:
    assert start(kit) == district.inspector


def _with_other_keys(kit: Path, district: District, keys: PartyKeys) -> None:
    (kit / "keys" / "party.key").write_bytes(keys.protect(PASSPHRASE))


def _wrong_passphrase(kit: Path, district: District) -> None:
    (kit.parent / "passphrase").write_text("something else", encoding="utf-8")


def _no_key_file(kit: Path, district: District) -> None:
    (kit / "keys" / "party.key").unlink()


def _other_hpke_key(kit: Path, district: District) -> None:
    own = district.inspector
    _with_other_keys(kit, district, replace(own, hpke=PartyKeys.generate().hpke))


def _other_signing_key(kit: Path, district: District) -> None:
    own = district.inspector
    _with_other_keys(kit, district, replace(own, signing=PartyKeys.generate().signing))


def _forged_roster(kit: Path, district: District) -> None:
    (kit / "epoch" / "roster").write_bytes(district.forge_roster().encode())


def _untrusted_manifest(kit: Path, district: District) -> None:
    (kit / "epoch" / "authorities").write_text("00" * 32 + "\n" + "11" * 32, encoding="ascii")


def _revoked(kit: Path, district: District) -> None:
    district.revoke(INSPECTOR).write_epoch(kit)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (_wrong_passphrase, KeyFileError, "passphrase"),
        (_no_key_file, KeyFileError, "key file"),
        (_other_hpke_key, KeyFileError, "not the inspector key of the manifest"),
        (_other_signing_key, KeyFileError, "not the one that the roster names"),
        (_forged_roster, ManifestError, "signatures"),
        (_untrusted_manifest, ManifestError, "signatures"),
        (_revoked, ManifestError, "active inspector"),
    ],
)
def test_material_that_does_not_hold_together_is_refused_in_one_line(
    kit: Path,
    district: District,
    spoil: Callable[[Path, District], None],
    error: type[LibmatchError],
    words: str,
) -> None:
    spoil(kit, district)
    with pytest.raises(error, match=words) as caught:
        start(kit)
    assert "\n" not in str(caught.value)


def test_an_epoch_that_ended_or_has_not_begun_is_refused(kit: Path) -> None:
    for days in (-2, 366):
        with pytest.raises(EpochError):
            start(kit, days=days)


def test_a_unit_that_is_no_inspector_is_refused(kit: Path) -> None:
    with pytest.raises(ManifestError, match="reg-a as an active inspector"):
        start(kit, "reg-a")


def test_a_passphrase_file_that_others_can_read_is_refused(kit: Path) -> None:
    (kit.parent / "passphrase").chmod(0o644)
    with pytest.raises(ConfigError):
        start(kit)


def test_a_certificate_of_somebody_else_is_refused() -> None:
    check_identity(Identity("fuling", "inspector"))
    for other in (
        Identity("fuling", "matcher"),
        Identity("fuling", "officer", "zhang"),
        Identity("fuling", "inspector", "zhang"),
    ):
        with pytest.raises(ConfigError):
            check_identity(other)
