"""Key material at start: everything that must not be worked with is refused, in one clear line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.errors import (
    EpochError,
    KeyFileError,
    LibmatchError,
    ManifestError,
    ShareError,
)
from libmatch.manifest import Role
from libmatch.records import Side
from services.chassis.config import ConfigError
from services.holder.material import Material, open_material
from tests.district import NOW, PASSPHRASE, District, make_district

UNIT = "reg-a"


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    make_district().write_kit(tmp_path / "kit", UNIT)
    write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    return tmp_path / "kit"


def write_passphrase(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def opened(kit: Path, side: Side = Side.REGISTRY, unit: str = UNIT) -> Material:
    return open_material(kit, kit.parent / "passphrase", unit, side, NOW)


def deliver(kit: Path, district: District) -> None:
    """A kit of another district in place of ours; the party's keys stay."""
    key = (kit / "keys" / "party.key").read_bytes()
    district.write_kit(kit, UNIT)
    (kit / "keys" / "party.key").write_bytes(key)


def test_good_kit_is_opened_with_a_trailing_line_end_in_the_passphrase(kit: Path) -> None:
    write_passphrase(kit.parent / "passphrase", PASSPHRASE + "\r\n")
    material = opened(kit)
    assert (material.unit, material.display_name) == (UNIT, "测试单位reg-a")


def test_wrong_passphrase_is_refused(kit: Path) -> None:
    write_passphrase(kit.parent / "passphrase", "not the right one")
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        opened(kit)


def test_passphrase_that_is_no_text_is_refused(kit: Path) -> None:
    (kit.parent / "passphrase").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        opened(kit)


def test_passphrase_that_others_can_read_is_refused(kit: Path) -> None:
    (kit.parent / "passphrase").chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        opened(kit)


@pytest.mark.parametrize("custodian", [1, 2])
def test_share_that_contradicts_its_commitment_names_the_custodian(
    tmp_path: Path, custodian: int
) -> None:
    good, other = make_district(), make_district()
    wrong = list(good.shares)
    wrong[custodian - 1] = other.shares[custodian - 1]
    replace(good, shares=tuple(wrong)).write_kit(tmp_path / "kit", UNIT)
    write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    with pytest.raises(ShareError, match=f"custodian {custodian} "):
        opened(tmp_path / "kit")


def test_share_of_another_epoch_does_not_open(kit: Path, tmp_path: Path) -> None:
    make_district().write_kit(tmp_path / "other", UNIT)
    share = (tmp_path / "other" / "epoch" / "share-2").read_bytes()
    (kit / "epoch" / "share-2").write_bytes(share)
    with pytest.raises(ShareError, match="custodian 2 "):
        opened(kit)


def changed(district: District, **fields: object) -> District:
    manifest = replace(district.manifest, **fields)  # type: ignore[arg-type]
    return replace(
        district, manifest=manifest, roster=replace(district.roster, epoch_id=manifest.epoch_id)
    )


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"norm": 2}, ManifestError, "norm 2 .* not implemented"),
        ({"suite": 2, "mode": 2}, ManifestError, "mode 2 is not implemented"),
        ({"not_after": NOW - timedelta(hours=1)}, EpochError, "the epoch has ended"),
        ({"not_before": NOW + timedelta(hours=1)}, EpochError, "not in force yet"),
        ({"bucket": 256}, ManifestError, "bucket"),
    ],
)
def test_epoch_that_cannot_be_worked_in_is_refused(
    tmp_path: Path, fields: dict[str, object], error: type[LibmatchError], words: str
) -> None:
    changed(make_district(), **fields).write_kit(tmp_path / "kit", UNIT)
    write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    with pytest.raises(error, match=words):
        opened(tmp_path / "kit")


def test_roster_without_this_unit_is_refused(kit: Path) -> None:
    with pytest.raises(ManifestError, match="does not list unit reg-z as enrolled"):
        opened(kit, unit="reg-z")


def test_revoked_unit_is_refused(tmp_path: Path) -> None:
    make_district().revoke(UNIT).write_kit(tmp_path / "kit", UNIT)
    write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    with pytest.raises(ManifestError, match="as enrolled"):
        opened(tmp_path / "kit")


def test_unit_of_the_other_side_is_refused(kit: Path) -> None:
    with pytest.raises(ManifestError, match="does not enrol unit reg-a as beneficiary"):
        opened(kit, Side.BENEFICIARY)


def test_kit_with_the_keys_of_a_stranger_is_refused(kit: Path) -> None:
    deliver(kit, make_district())
    with pytest.raises(LibmatchError):
        opened(kit)


def test_roster_of_another_epoch_is_refused(kit: Path, tmp_path: Path) -> None:
    make_district().write_kit(tmp_path / "other", UNIT)
    roster = (tmp_path / "other" / "epoch" / "roster").read_bytes()
    (kit / "epoch" / "roster").write_bytes(roster)
    with pytest.raises(ManifestError, match="authority signatures"):
        opened(kit)


def test_missing_share_is_named(kit: Path) -> None:
    (kit / "epoch" / "share-1").unlink()
    with pytest.raises(KeyFileError, match="share of custodian 1"):
        opened(kit)


def test_unit_with_both_roles_opens_on_both_sides(tmp_path: Path) -> None:
    district = make_district(both=("both-a",))
    assert district.roster.find("both-a").roles == Role.REGISTRY | Role.BENEFICIARY
    district.write_kit(tmp_path / "kit", "both-a")
    write_passphrase(tmp_path / "passphrase", PASSPHRASE)
    for side in Side:
        assert opened(tmp_path / "kit", side, "both-a").side is side
