"""The epochs in 纪委's kit: the one in force, and former ones whose hits are still to be worked on.

::

    kit/epoch/              authorities, manifest, roster: the epoch in force
    kit/epoch-<hex8>/       a former one, as ``libmatch keys install`` leaves it

A newer roster is followed without a restart: verified, and never an older one. Revoked members stay in it,
so that what they signed still opens. Another epoch is taken up by a restart, on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from libmatch.errors import EncodingError, KeyFileError, LibmatchError, ManifestError
from libmatch.kit import read_authorities, read_epoch, read_file
from libmatch.manifest import Epoch, Member, Roster, SignedDocument, open_epoch

Stamp = tuple[int, int, int]
Remember = Callable[[Roster], None]
"""Keeps a roster as the newest of its epoch; raises ManifestError for a rollback."""


class Epochs:
    """The epochs of one kit. ``follow`` is for one thread; ``find`` and ``current`` for any.

    Raises KeyFileError, ManifestError or EncodingError where the epoch in force cannot be used.
    """

    def __init__(self, kit: Path, remember: Remember) -> None:
        self._kit = kit
        self._remember = remember
        self._stamp = self._look()
        self.current = self._read()
        self._former = _read_former(kit, self.current)

    def find(self, epoch_id: bytes) -> Epoch | None:
        """The epoch of that id, or None where the kit does not have it."""
        current = self.current
        return current if epoch_id == current.epoch_id else self._former.get(epoch_id)

    def follow(self) -> bool:
        """True where a newer roster was taken up just now. One that cannot be used is logged once."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp, log = stamp, structlog.get_logger()
        try:
            new = self._read(self.current.epoch_id)
        except (KeyFileError, ManifestError, EncodingError) as error:
            log.error("roster.refused", why=str(error), kept=self.current.roster.version)
            return False
        taken = new.roster.version != self.current.roster.version
        self.current = new
        log.info("roster.followed", version=new.roster.version)
        return taken

    def _read(self, expected: bytes | None = None) -> Epoch:
        epoch = read_epoch(self._kit)
        if expected is not None and epoch.epoch_id != expected:
            raise ManifestError("another epoch was installed; it is taken up by a restart")
        self._remember(epoch.roster)
        return epoch

    def _look(self) -> Stamp | None:
        try:
            status = (self._kit / "epoch" / "roster").stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def find_member(epoch: Epoch | None, unit: str) -> Member | None:
    """The member of that name, revoked or not; None where the roster has none, or is none."""
    members = epoch.roster.members if epoch else ()
    return next((member for member in members if member.unit == unit), None)


def _read_former(kit: Path, current: Epoch) -> dict[bytes, Epoch]:
    """Those former epochs that the same authority signed and whose records open with the same key."""
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
        if epoch.manifest.inspector_key == current.manifest.inspector_key:
            former[epoch.epoch_id] = epoch
    return former
