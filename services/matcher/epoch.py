"""The epoch in force, from the matcher's kit folder; a newer roster is followed without a restart.

::

    epoch/authorities     hex public keys of the authority, one a line: the root of trust
    epoch/manifest        signed manifest        epoch/roster    signed roster

The matcher enrols nobody: a roster counts only with two signatures of the authority, for the manifest's
epoch, and in a higher version than any that was followed before. Whatever fails is logged and the roster
in force stays. A new epoch (another manifest) is taken up by a restart, on purpose and not in passing.

Several processes over one database have a folder each. One whose roster is older than what another follows
admits nobody until its folder has the newer one: a revoked unit must not get in by the other door.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from libmatch.errors import EncodingError, ManifestError
from libmatch.manifest import (
    Epoch,
    Member,
    Role,
    Roster,
    SignedDocument,
    open_manifest,
    open_roster,
)
from libmatch.suites import Suite, get_suite
from services.chassis.identity import Identity
from services.chassis.refusals import Overloaded, Refused

Stamp = tuple[int, int, int]
Remember = Callable[[Suite, Roster, datetime], None]
"""Keeps a roster as the newest of its epoch; raises ManifestError for a rollback."""
Newest = Callable[[bytes], int]
"""The version of the newest roster of an epoch that any process over the database follows."""

_UNIT_ROLES = Role.REGISTRY | Role.BENEFICIARY
_LOOK_EVERY = timedelta(seconds=1)  # so long a process may not know of another's newer roster


@dataclass(frozen=True)
class _Loaded:
    epoch: Epoch
    document: SignedDocument
    stamp: Stamp | None


class EpochFolder:
    """Manifest and roster of ``folder``, verified. Cheap to ask on every call; safe from any thread.

    Raises ManifestError, EpochError or EncodingError where the folder holds no usable epoch.
    """

    def __init__(
        self,
        folder: Path,
        remember: Remember,
        now: Callable[[], datetime],
        newest: Newest | None = None,
    ) -> None:
        self._roster_path = folder / "epoch" / "roster"
        self._remember = remember
        self._newest = newest
        self._seen: tuple[datetime, int] | None = None  # when it was looked, what was there
        self._now = now
        self._lock = threading.Lock()
        self._trusted = _read_authorities(folder / "epoch" / "authorities")
        self.manifest_document = SignedDocument.decode(_read(folder / "epoch" / "manifest"))
        self.manifest = open_manifest(self.manifest_document, self._trusted)
        self.suite = get_suite(self.manifest.suite)
        self._loaded = self._open(_stamp(self._roster_path))

    def current(self) -> Epoch:
        """The epoch with the roster in force."""
        return self._follow().epoch

    def documents(self) -> tuple[SignedDocument, SignedDocument]:
        """Manifest and roster as the authority signed them."""
        return self.manifest_document, self._follow().document

    def in_force(self) -> Epoch:
        """The epoch, if it is in force now. Raises EpochError before its begin and after its end."""
        self.manifest.check_time(self._now())
        return self.current()

    def admit(self, caller: Identity, service: str) -> None:
        """Return if the roster lists ``caller`` as active. Raises Refused: a certificate is not enough."""
        del service  # the access table says which roles may call it
        roster = self.current().roster
        self._refuse_behind(roster)
        if caller.role == "inspector":
            listed = any(roster.with_role(Role.INSPECTOR))
        else:
            listed = any(member.unit == caller.name for member in roster.with_role(_UNIT_ROLES))
        if not listed:
            raise Refused(
                "the roster does not list the caller as active",
                "本单位不在当前花名册中，或已被停用，请联系管理员。",
                reason="ROSTER",
            )

    def member(self, unit: str) -> Member:
        """The active member of that name. Raises Refused."""
        for member in self.current().roster.with_role(_UNIT_ROLES):
            if member.unit == unit:
                return member
        raise Refused("the roster does not list the unit as active", reason="ROSTER")

    def _refuse_behind(self, own: Roster) -> None:
        """Raises Overloaded while another process follows a newer roster than ``own``."""
        if self._newest is None:
            return
        now = self._now()
        if self._seen is None or abs(now - self._seen[0]) >= _LOOK_EVERY:
            self._seen = now, self._newest(own.epoch_id)
            if self._seen[1] > own.version:
                structlog.get_logger().error("roster.behind", own=own.version, newest=self._seen[1])
        if self._seen[1] > own.version:
            raise Overloaded(
                "another process of the matcher follows a newer roster than this one",
                "服务器的花名册正在更新，请稍后重试。",
                retry_after_s=5.0,
            )

    def _follow(self) -> _Loaded:
        stamp = _stamp(self._roster_path)
        if stamp == self._loaded.stamp:
            return self._loaded
        with self._lock:
            if stamp != self._loaded.stamp:
                self._loaded = self._take_up(stamp)
            return self._loaded

    def _take_up(self, stamp: Stamp | None) -> _Loaded:
        log, before = structlog.get_logger(), self._loaded
        try:
            loaded = self._open(stamp)
        except (ManifestError, EncodingError) as error:
            log.error("roster.refused", why=str(error), kept=before.epoch.roster.version)
            # The stamp is kept: a bad file is logged once and not on every call.
            return _Loaded(before.epoch, before.document, stamp)
        log.info("roster.followed", version=loaded.epoch.roster.version)
        return loaded

    def _open(self, stamp: Stamp | None) -> _Loaded:
        document = SignedDocument.decode(_read(self._roster_path))
        roster = open_roster(document, self._trusted, self.manifest)
        self._remember(self.suite, roster, self._now())
        return _Loaded(Epoch(self.manifest, roster), document, stamp)


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from None


def _read_authorities(path: Path) -> frozenset[bytes]:
    try:
        keys = frozenset(bytes.fromhex(line) for line in _read(path).decode("ascii").split())
    except ValueError:
        raise ManifestError(f"{path}: not hex public keys, one a line") from None
    if any(len(key) != 32 for key in keys):
        raise ManifestError(f"{path}: a public key has 32 bytes")
    return keys
