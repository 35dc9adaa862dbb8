"""Former epochs of a unit's kit: what others sent in them is still verified, nothing new is made in them.

``libmatch keys install`` leaves them as ``epoch-<hex8>`` beside the epoch in force.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from libmatch.errors import LibmatchError
from libmatch.kit import read_authorities, read_file
from libmatch.manifest import Epoch, SignedDocument, open_epoch


def read_former(kit: Path) -> dict[bytes, Epoch]:
    """Epoch id → epoch, of those that the same authority signed; the rest is left out with a warning.

    Raises KeyFileError or ManifestError where the authority itself cannot be read.
    """
    trusted, former = read_authorities(kit), {}
    for folder in sorted(kit.glob("epoch-*")):
        try:
            manifest, roster = (
                SignedDocument.decode(read_file(folder / name, f"the former {name}"))
                for name in ("manifest", "roster")
            )
            epoch = open_epoch(manifest, roster, trusted)
        except LibmatchError as error:
            structlog.get_logger().warning("epoch.left-out", folder=folder.name, why=str(error))
            continue
        former[epoch.epoch_id] = epoch
    return former
