"""A kit folder opens to a working unit, or says which file is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from libmatch.errors import EncodingError, KeyFileError, ManifestError, ShareError
from libmatch.keys import SigningKey, seal_to, share_info
from libmatch.kit import PartyKeys, read_epoch, read_holder, read_party_keys
from libmatch.manifest import Member, Role, Roster, SignedDocument
from tests.vectors.make_protocol_vectors import derive, manifest_of

PASSPHRASE = "correct horse battery"
NOW = manifest_of(1).not_before


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    manifest, keys = manifest_of(1), PartyKeys.generate()
    member = Member("unit-a", "某局", Role.REGISTRY, keys.signing.public_key, keys.hpke.public_key)
    roster = Roster(manifest.epoch_id, 1, (member,))
    custodians = [SigningKey.generate(), SigningKey.generate()]
    (tmp_path / "keys").mkdir()
    (tmp_path / "epoch").mkdir()
    (tmp_path / "keys" / "party.key").write_bytes(keys.protect(PASSPHRASE))
    for name, body in (("manifest", manifest.encode()), ("roster", roster.encode())):
        signatures = tuple((key.public_key, key.sign(body)) for key in custodians)
        (tmp_path / "epoch" / name).write_bytes(SignedDocument(body, signatures).encode())
    lines = "\n".join(key.public_key.hex() for key in custodians)
    (tmp_path / "epoch" / "authorities").write_text(lines)
    for i in (1, 2):
        info = share_info(manifest.epoch_id, i, "unit-a")
        sealed = seal_to(keys.hpke.public_key, derive(f"share {i}"), info)
        (tmp_path / "epoch" / f"share-{i}").write_bytes(sealed)
    return tmp_path


def test_a_whole_kit_opens(kit: Path) -> None:
    keys = read_party_keys(kit, PASSPHRASE)
    holder = read_holder(kit, "unit-a", keys, NOW)
    assert holder.epoch.manifest == manifest_of(1)


def test_a_wrong_passphrase_is_told(kit: Path) -> None:
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        read_party_keys(kit, PASSPHRASE + "!")


def test_a_share_of_another_unit_or_place_names_its_custodian(kit: Path) -> None:
    keys, one, two = (
        read_party_keys(kit, PASSPHRASE),
        *(kit / "epoch" / f"share-{i}" for i in (1, 2)),
    )
    second = two.read_bytes()
    two.write_bytes(one.read_bytes())
    with pytest.raises(ShareError, match="custodian 2"):
        read_holder(kit, "unit-a", keys, NOW)
    two.write_bytes(second)
    info = share_info(manifest_of(1).epoch_id, 1, "unit-a")
    one.write_bytes(seal_to(keys.hpke.public_key, b"x" * 32, info))
    with pytest.raises(ShareError, match="custodian 1"):
        read_holder(kit, "unit-a", keys, NOW)


@pytest.mark.parametrize("name", ["manifest", "roster", "authorities", "share-1"])
def test_a_missing_file_is_named(kit: Path, name: str) -> None:
    keys = read_party_keys(kit, PASSPHRASE)
    (kit / "epoch" / name).unlink()
    with pytest.raises(KeyFileError, match=name):
        read_holder(kit, "unit-a", keys, NOW)


def test_other_authorities_are_not_trusted(kit: Path) -> None:
    lines = "\n".join(SigningKey.generate().public_key.hex() for _ in range(2))
    (kit / "epoch" / "authorities").write_text(lines)
    with pytest.raises(ManifestError, match="signatures"):
        read_epoch(kit)
    (kit / "epoch" / "authorities").write_text("not hex")
    with pytest.raises(ManifestError, match="authorities"):
        read_epoch(kit)


def test_a_truncated_manifest_is_refused(kit: Path) -> None:
    path = kit / "epoch" / "manifest"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EncodingError):
        read_epoch(kit)
