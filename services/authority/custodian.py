"""One custodian's folder: his authority key, his shares, what he signed and whom he trusts.

::

    authority.key             Ed25519 authority key (purpose "authority-key")
    shares/epoch-<n>.key      his share of the matching key of epoch n (purpose "key-share")
    signed/…                  every manifest and roster that he signed: he signs no second one in their place
    authorities               the authority keys of both custodians, as he first confirmed them

The folder stays on his machine. Nothing of it but public cards, signatures and sealed shares leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libmatch.encoding import dec, enc, u8, u16, u64, uint
from libmatch.errors import EncodingError, KeyFileError
from libmatch.identity import Identity
from libmatch.keyfile import protect, read_public, unprotect
from libmatch.keys import Share, SigningKey
from libmatch.kit import read_file
from libmatch.suites import get_suite
from services.authority.cards import CommitmentCard, check_name, fingerprint
from services.authority.errors import CeremonyError
from services.chassis.owner_files import make_private_folder, write_new

AUTHORITY_PURPOSE = "authority-key"
SHARE_PURPOSE = "key-share"
_MAX_CUSTODIANS = 9


@dataclass(frozen=True)
class Custodian:
    """Who the custodian of ``folder`` is: number from 1, name, public authority key (32 bytes)."""

    folder: Path
    number: int
    name: str
    authority_key: bytes

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.authority_key)

    def unlock(self, passphrase: str) -> SigningKey:
        """The authority key. Raises KeyFileError."""
        data = _read_key_file(self.folder)
        return SigningKey(unprotect(data, passphrase, purpose=AUTHORITY_PURPOSE))

    def share_path(self, epoch: int) -> Path:
        """Where the share of that epoch lies."""
        return self.folder / "shares" / f"epoch-{epoch}.key"

    def read_share(self, epoch: int, passphrase: str) -> Share:
        """The share of epoch number ``epoch``. Raises KeyFileError."""
        data = read_file(self.share_path(epoch), f"the custodian's share of epoch {epoch}")
        return Share(unprotect(data, passphrase, purpose=SHARE_PURPOSE))


def init_custodian(folder: Path, number: int, name: str, passphrase: str) -> Custodian:
    """The new custodian in the new folder ``folder``. Raises CeremonyError, KeyFileError, FileExistsError."""
    if not 1 <= number <= _MAX_CUSTODIANS:
        raise CeremonyError("custodians count from 1", "保管人编号从 1 开始（1 或 2）")
    key = SigningKey.generate()
    public = enc("custodian", u8(number), check_name(name).encode(), key.public_key)
    data = protect(key.reveal(), passphrase, purpose=AUTHORITY_PURPOSE, public=public)
    make_private_folder(folder)
    for part in ("shares", "signed"):
        (folder / part).mkdir(mode=0o700)
    write_new(folder / "authority.key", data)
    return Custodian(folder, number, name, key.public_key)


def open_custodian(folder: Path) -> Custodian:
    """The custodian whose folder it is, without the passphrase. Raises KeyFileError."""
    public = read_public(_read_key_file(folder), purpose=AUTHORITY_PURPOSE)
    try:
        number, name, key = dec("custodian", public, 3)
        return Custodian(folder, uint(number, 1), name.decode("utf-8"), key)
    except (EncodingError, UnicodeDecodeError):
        raise KeyFileError("authority.key: the key file was altered") from None


def new_share(
    custodian: Custodian, passphrase: str, district: str, epoch: int, suite: int
) -> CommitmentCard:
    """The signed commitment to a new share of epoch number ``epoch``; the share stays in the folder.

    Raises CeremonyError, KeyFileError, ManifestError (suite), FileExistsError where there is one.
    """
    if not 1 <= epoch < 1 << 63:
        raise CeremonyError("epochs count from 1", "周期编号从 1 开始")
    Identity(district, "matcher")  # refuses what is no trust domain
    signing, share = custodian.unlock(passphrase), Share.generate()
    commitment = share.commit(get_suite(suite), custodian.number)
    facts = (custodian.number, custodian.name, district, epoch, suite)
    card = CommitmentCard(*facts, commitment, custodian.authority_key).signed_by(signing)
    public = enc("share-public", u64(epoch), u16(suite), u8(custodian.number), commitment)
    data = protect(share.reveal(), passphrase, purpose=SHARE_PURPOSE, public=public)
    write_new(custodian.share_path(epoch), data)
    return card


def _read_key_file(folder: Path) -> bytes:
    return read_file(folder / "authority.key", "the custodian's authority key")
