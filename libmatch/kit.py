"""The folder of files that a party gets and keeps: read it, write its parts (docs/operations.md).

::

    keys/party.key        signing and HPKE key, passphrase-protected (purpose "party-keys")
    epoch/authorities     hex public keys of the authority, one a line: the root of trust
    epoch/manifest        signed manifest        epoch/roster    signed roster
    epoch/share-1 …       key shares, each sealed to this party by one custodian (units only)

Reads files and nothing else; where the folder lies and what the passphrase is, the caller says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from libmatch.encoding import dec, enc
from libmatch.errors import EncodingError, KeyFileError, ManifestError, ShareError
from libmatch.keyfile import protect, unprotect
from libmatch.keys import HpkePrivateKey, Share, SigningKey, share_info
from libmatch.manifest import Epoch, SignedDocument, open_epoch
from libmatch.prepare import Holder

PURPOSE = "party-keys"


@dataclass(frozen=True)
class PartyKeys:
    """A party's two private keys: of a unit, or of 纪委."""

    signing: SigningKey
    hpke: HpkePrivateKey

    @classmethod
    def generate(cls) -> PartyKeys:
        """New keys from the operating system's randomness."""
        return cls(SigningKey.generate(), HpkePrivateKey.generate())

    def protect(self, passphrase: str) -> bytes:
        """The bytes of ``keys/party.key``; the public keys stay readable without the passphrase."""
        secret = enc("party-keys", self.signing.reveal(), self.hpke.reveal())
        public = enc("party-public", self.signing.public_key, self.hpke.public_key)
        return protect(secret, passphrase, purpose=PURPOSE, public=public)

    @classmethod
    def unprotect(cls, data: bytes, passphrase: str) -> PartyKeys:
        """The keys in ``keys/party.key``. Raises KeyFileError."""
        secret = unprotect(data, passphrase, purpose=PURPOSE)
        try:
            signing, hpke = dec("party-keys", secret, 2)
            return cls(SigningKey(signing), HpkePrivateKey(hpke))
        except EncodingError:
            raise KeyFileError("the key file does not hold a party's keys") from None


def read_file(path: Path, what: str) -> bytes:
    """The bytes of a file of the kit. Raises KeyFileError naming ``what`` is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{what} cannot be read: {path.name}: {error.strerror}") from None


def read_party_keys(folder: Path, passphrase: str) -> PartyKeys:
    """The keys of the party whose kit ``folder`` is. Raises KeyFileError."""
    data = read_file(folder / "keys" / "party.key", "the party's key file")
    return PartyKeys.unprotect(data, passphrase)


def read_authorities(folder: Path) -> frozenset[bytes]:
    """The trusted authority keys, 32 bytes each. Raises KeyFileError or ManifestError."""
    text = read_file(folder / "epoch" / "authorities", "the list of authority keys")
    try:
        keys = frozenset(bytes.fromhex(line) for line in text.decode("ascii").split())
    except ValueError:
        raise ManifestError("authorities: not hex public keys, one a line") from None
    if any(len(key) != 32 for key in keys):
        raise ManifestError("authorities: a public key has 32 bytes")
    return keys


def read_epoch(folder: Path) -> Epoch:
    """The verified manifest and roster. Raises KeyFileError, ManifestError, EncodingError."""
    manifest, roster = (
        SignedDocument.decode(read_file(folder / "epoch" / name, f"the {name}"))
        for name in ("manifest", "roster")
    )
    return open_epoch(manifest, roster, read_authorities(folder))


def read_shares(folder: Path, unit: str, epoch: Epoch, key: HpkePrivateKey) -> list[Share]:
    """All custodians' shares, opened. Raises ShareError naming a custodian whose share does not open."""
    shares = []
    for number in range(1, len(epoch.manifest.commitments) + 1):
        sealed = read_file(folder / "epoch" / f"share-{number}", f"the share of custodian {number}")
        opened = key.open(sealed, share_info(epoch.epoch_id, number, unit))
        if opened is None or len(opened) != Share.SIZE:
            raise ShareError(number)
        shares.append(Share(opened))
    return shares


def read_holder(folder: Path, unit: str, keys: PartyKeys, now: datetime) -> Holder:
    """The unit ready to derive, seal and submit.

    Raises KeyFileError, ManifestError, EpochError, ShareError, EncodingError or BatchError.
    """
    epoch = read_epoch(folder)
    shares = read_shares(folder, unit, epoch, keys.hpke)
    return Holder.enrol(unit, epoch, shares, keys.signing, now)
