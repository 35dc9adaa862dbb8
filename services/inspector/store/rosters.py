"""The newest roster of each epoch that was ever followed, so that none is rolled back."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session

from libmatch.errors import ManifestError
from libmatch.manifest import Roster
from services.chassis import audit
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.inspector.tables import RosterSeen


class Rosters:
    """Remembers, and refuses a roster that is older or another of the same version."""

    def __init__(self, database: Database, own: Identity) -> None:
        self._database = database
        self._own = own

    def remember(self, roster: Roster, at: datetime) -> None:
        """Keep ``roster`` as the newest of its epoch. Raises ManifestError; then nothing is kept."""
        digest = hashlib.sha256(roster.encode()).digest()

        def write(session: Session) -> None:
            seen = session.get(RosterSeen, roster.epoch_id)
            if seen is not None and (seen.version, seen.digest) == (roster.version, digest):
                return
            if seen is not None and seen.version >= roster.version:
                raise ManifestError(
                    f"roster version {seen.version} was followed before; an older one, or another "
                    "of the same version, is not"
                )
            new = RosterSeen(epoch=roster.epoch_id, version=roster.version, digest=digest)
            session.merge(new)
            subject = f"version {roster.version}"
            audit.record(session, at=at, actor=self._own, action="roster.follow", subject=subject)

        self._database.run_tx("roster.remember", write)
