from pathlib import Path

import pytest

from libmatch.errors import KeyFileError
from libmatch.identity import Identity
from libmatch.keyfile import unprotect
from libmatch.keys import SigningKey
from libmatch.kit import read_party_keys
from libmatch.manifest import Role
from services.authority.cards import read_log_card, read_party_card
from services.authority.party import (
    LOG_PURPOSE,
    change_passphrase,
    new_log,
    new_party,
    new_tls,
    read_key_file,
)
from tests.ceremony import PASSPHRASE

NEW = "another passphrase"


def test_a_partys_card_belongs_to_its_key_file(tmp_path: Path) -> None:
    card = new_party(tmp_path, "caizheng", "区财政局", Role.REGISTRY, PASSPHRASE)
    keys = read_party_keys(tmp_path, PASSPHRASE)

    assert read_party_card(tmp_path / "party.json") == card
    assert card.member.signing_key == keys.signing.public_key
    assert card.member.hpke_key == keys.hpke.public_key
    assert (tmp_path / "keys" / "party.key").stat().st_mode & 0o777 == 0o600


def test_existing_keys_are_not_overwritten(tmp_path: Path) -> None:
    new_party(tmp_path, "caizheng", "区财政局", Role.REGISTRY, PASSPHRASE)
    before = (tmp_path / "keys" / "party.key").read_bytes()

    with pytest.raises(FileExistsError):
        new_party(tmp_path, "caizheng", "区财政局", Role.REGISTRY, PASSPHRASE)
    assert (tmp_path / "keys" / "party.key").read_bytes() == before


def test_a_short_passphrase_leaves_no_key_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        new_party(tmp_path, "caizheng", "区财政局", Role.REGISTRY, "short")
    assert not (tmp_path / "keys").exists()


def test_the_log_key_is_what_its_card_says(tmp_path: Path) -> None:
    card = new_log(tmp_path, PASSPHRASE)
    data = (tmp_path / "keys" / "log.key").read_bytes()

    assert read_log_card(tmp_path / "log.json") == card
    assert SigningKey(unprotect(data, PASSPHRASE, purpose=LOG_PURPOSE)).public_key == card.log_key
    assert read_key_file(tmp_path / "keys" / "log.key").public == card.log_key


def test_a_changed_passphrase_opens_the_same_key(tmp_path: Path) -> None:
    new_party(tmp_path, "caizheng", "区财政局", Role.REGISTRY, PASSPHRASE)
    path, before = tmp_path / "keys" / "party.key", read_party_keys(tmp_path, PASSPHRASE)
    shown = read_key_file(path)

    change_passphrase(path, PASSPHRASE, NEW)

    assert read_party_keys(tmp_path, NEW) == before
    assert read_key_file(path) == shown
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyFileError):
        read_party_keys(tmp_path, PASSPHRASE)


@pytest.mark.parametrize(("old", "new"), [("wrong passphrase", NEW), (PASSPHRASE, "short")])
def test_a_refused_change_leaves_the_file_as_it_was(tmp_path: Path, old: str, new: str) -> None:
    new_log(tmp_path, PASSPHRASE)
    before = (tmp_path / "keys" / "log.key").read_bytes()

    with pytest.raises(KeyFileError):
        change_passphrase(tmp_path / "keys" / "log.key", old, new)
    assert (tmp_path / "keys" / "log.key").read_bytes() == before


def test_what_is_no_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"not a key")

    with pytest.raises(KeyFileError):
        read_key_file(tmp_path / "x")
    with pytest.raises(KeyFileError):
        read_key_file(tmp_path / "missing")


def test_a_tls_key_is_its_owners_alone(tmp_path: Path) -> None:
    new_tls(tmp_path / "tls", Identity("fuling", "unit", "caizheng"))

    assert (tmp_path / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        new_tls(tmp_path / "tls", Identity("fuling", "unit", "caizheng"))
