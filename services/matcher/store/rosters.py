"""The newest roster of each epoch that the matcher ever followed, so that none is rolled back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.errors import ManifestError
from libmatch.manifest import Roster
from libmatch.suites import Suite
from services.chassis import audit
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.matcher.tables import RosterSeen, table_of

_SEEN = table_of(RosterSeen)


class Rosters:
    """Remembers, and refuses a roster that is older or another of the same version."""

    def __init__(self, database: Database, own: Identity) -> None:
        self._database = database
        self._own = own

    def newest(self, epoch: bytes) -> int:
        """The version of the newest roster of ``epoch`` that any process followed; 0 for none."""
        query = sa.select(_SEEN.c.version).where(_SEEN.c.epoch == epoch)
        return int(self._database.read(lambda session: session.scalar(query)) or 0)

    def remember(self, suite: Suite, roster: Roster, at: datetime) -> None:
        """Keep ``roster`` as the newest of its epoch. Raises ManifestError; then nothing is kept."""
        digest = suite.h(roster.encode())

        def write(session: Session) -> None:
            seen = session.get(RosterSeen, roster.epoch_id)
            if seen is not None and seen.version == roster.version and seen.digest == digest:
                return
            if seen is not None and seen.version >= roster.version:
                raise ManifestError(
                    f"roster version {seen.version} was followed before; an older one, or another "
                    "of the same version, is not"
                )
            row = RosterSeen(epoch=roster.epoch_id, version=roster.version, digest=digest)
            session.merge(row)
            audit.record(
                session,
                at=at,
                actor=self._own,
                action="roster.follow",
                subject=f"version {roster.version}",
            )

        self._database.run_tx("remember-roster", write)
