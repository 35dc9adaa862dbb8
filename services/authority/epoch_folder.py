"""The folder of one epoch as it travels between custodians: ``authorities``, ``manifest``, ``roster``.

A draft is the same folder with fewer signatures; everything in it is public. It is the folder ``epoch``
of a kit (``libmatch.kit``) without shares.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from libmatch.errors import EncodingError, ManifestError
from libmatch.kit import read_file
from libmatch.manifest import Epoch, Manifest, Roster, SignedDocument, open_epoch
from services.authority.errors import CeremonyError
from services.chassis.owner_files import PUBLIC, make_private_folder, replace, write_new

_KEY_SIZE = 32
AUTHORITIES, MANIFEST, ROSTER = "authorities", "manifest", "roster"


@dataclass(frozen=True)
class EpochFiles:
    """The three documents, decoded and in canonical form; signatures not checked yet."""

    authorities: frozenset[bytes]
    manifest: SignedDocument
    roster: SignedDocument

    @property
    def facts(self) -> tuple[Manifest, Roster]:
        """What the two documents say."""
        return Manifest.decode(self.manifest.body), Roster.decode(self.roster.body)

    def verified(self, trusted_keys: Collection[bytes]) -> Epoch:
        """The epoch, both documents signed by two of ``trusted_keys``. Raises ManifestError."""
        return open_epoch(self.manifest, self.roster, trusted_keys)


def read_epoch_files(folder: Path) -> EpochFiles:
    """The documents in ``folder``. Raises KeyFileError, ManifestError, EncodingError, CeremonyError."""
    manifest, roster = (
        SignedDocument.decode(read_file(folder / name, f"the {name}"))
        for name in (MANIFEST, ROSTER)
    )
    files = EpochFiles(read_authority_keys(folder / AUTHORITIES), manifest, roster)
    facts = files.facts
    # Another encoding of the same facts would be signed as something else than what was shown.
    if (facts[0].encode(), facts[1].encode()) != (manifest.body, roster.body):
        raise EncodingError("the manifest or roster is not in canonical form")
    if facts[1].epoch_id != facts[0].epoch_id:
        raise CeremonyError(
            "the roster belongs to another epoch than the manifest", "名册与清单不属于同一周期"
        )
    return files


def write_epoch_files(folder: Path, files: EpochFiles) -> None:
    """Return when the new folder ``folder`` holds the documents. Raises FileExistsError."""
    make_private_folder(folder)
    keys = encode_authority_keys(files.authorities)
    write_new(folder / AUTHORITIES, keys, mode=PUBLIC)
    write_new(folder / MANIFEST, files.manifest.encode(), mode=PUBLIC)
    write_new(folder / ROSTER, files.roster.encode(), mode=PUBLIC)


def save_signatures(folder: Path, files: EpochFiles) -> None:
    """Return when the two signed documents in ``folder`` are those of ``files``."""
    replace(folder / MANIFEST, files.manifest.encode(), mode=PUBLIC)
    replace(folder / ROSTER, files.roster.encode(), mode=PUBLIC)


def read_authority_keys(path: Path) -> frozenset[bytes]:
    """The authority keys in a file, one hex line each. Raises KeyFileError, ManifestError."""
    text = read_file(path, "the list of authority keys")
    try:
        keys = frozenset(bytes.fromhex(line) for line in text.decode("ascii").split())
    except ValueError:
        raise ManifestError("authorities: not hex public keys, one a line") from None
    if any(len(key) != _KEY_SIZE for key in keys):
        raise ManifestError("authorities: a public key has 32 bytes")
    return keys


def encode_authority_keys(keys: Collection[bytes]) -> bytes:
    """The file of authority keys: hex, one a line, in ascending order."""
    return "".join(f"{key.hex()}\n" for key in sorted(keys)).encode("ascii")
