"""A party's own keys, made on its own machine: files of its kit, and the public card for the authority."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libmatch.errors import KeyFileError
from libmatch.identity import Identity
from libmatch.keyfile import protect, read_public, unprotect
from libmatch.keys import SigningKey
from libmatch.kit import PURPOSE as PARTY_PURPOSE
from libmatch.kit import PartyKeys, read_file
from libmatch.manifest import Role
from services.authority.cards import LogCard, PartyCard, fingerprint
from services.authority.certificates import CA_PURPOSE
from services.authority.custodian import AUTHORITY_PURPOSE, SHARE_PURPOSE
from services.authority.requests import NewTlsKey, new_tls_key
from services.chassis.owner_files import OWNER_ONLY, PUBLIC, replace, write_new

LOG_PURPOSE = "log-key"
PARTY_CARD, LOG_CARD = "party.json", "log.json"
PURPOSES = {
    PARTY_PURPOSE: "单位或纪委的签名与解密密钥",
    LOG_PURPOSE: "比对服务的日志密钥",
    AUTHORITY_PURPOSE: "保管人的授权密钥",
    SHARE_PURPOSE: "保管人的密钥份额",
    CA_PURPOSE: "证书机构的密钥",
}


@dataclass(frozen=True)
class KeyFile:
    """What a key file says without its passphrase. ``public`` is what its purpose defines."""

    purpose: str
    public: bytes

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public)


def new_party(kit: Path, unit: str, display_name: str, roles: Role, passphrase: str) -> PartyCard:
    """The card of new keys in ``kit/keys/party.key``, kept beside it as ``kit/party.json``.

    Raises EncodingError, CeremonyError, KeyFileError, FileExistsError.
    """
    keys = PartyKeys.generate()
    card = PartyCard.make(unit, display_name, roles, keys)
    data = keys.protect(passphrase)
    write_new(_keys_folder(kit) / "party.key", data)
    write_new(kit / PARTY_CARD, card.encode(), mode=PUBLIC)
    return card


def new_log(kit: Path, passphrase: str) -> LogCard:
    """The card of the matcher's new log key in ``kit/keys/log.key``, kept as ``kit/log.json``."""
    key = SigningKey.generate()
    data = protect(key.reveal(), passphrase, purpose=LOG_PURPOSE, public=key.public_key)
    card = LogCard.make(key)
    write_new(_keys_folder(kit) / "log.key", data)
    write_new(kit / LOG_CARD, card.encode(), mode=PUBLIC)
    return card


def new_tls(folder: Path, identity: Identity) -> NewTlsKey:
    """The new key in ``folder/key.pem`` and its request in ``folder/request.pem``."""
    made = new_tls_key(identity)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(folder / "key.pem", made.private_key, mode=OWNER_ONLY)
    write_new(folder / "request.pem", made.request, mode=PUBLIC)
    return made


def read_key_file(path: Path) -> KeyFile:
    """What ``path`` is a key for. Raises KeyFileError where it is no key file of this system."""
    data = read_file(path, "the key file")
    for purpose in PURPOSES:
        try:
            return KeyFile(purpose, read_public(data, purpose=purpose))
        except KeyFileError:
            continue
    raise KeyFileError("not a key file of this system, or truncated")


def change_passphrase(path: Path, old: str, new: str) -> None:
    """Return when ``path`` holds the same key under another passphrase. Raises KeyFileError."""
    known, data = read_key_file(path), read_file(path, "the key file")
    secret = unprotect(data, old, purpose=known.purpose)
    replace(path, protect(secret, new, purpose=known.purpose, public=known.public))


def _keys_folder(kit: Path) -> Path:
    folder = kit / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
