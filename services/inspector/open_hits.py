"""Opens all listed hits, some side by side, and keeps what became of them piece by piece.

A piece is one transaction: a kill in the middle loses at most the work on the hits of one piece, which the
next round does again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from libmatch.auditlog import Checkpoint
from services.inspector.open_hit import OpenHit, leave_unproved
from services.inspector.prove_hits import ProveHits
from services.inspector.side_by_side import Crew
from services.inspector.store.hits import Hits

_PIECE = 200


@dataclass(frozen=True)
class Opened:
    """What one round of opening came to. ``waiting``: all that wait for a newer kit."""

    hits: int = 0
    disputes: int = 0
    waiting: int = 0


class OpenHits:
    """The hits that were listed and not opened yet."""

    def __init__(
        self, hits: Hits, prove: ProveHits, open_hit: OpenHit, now: Callable[[], datetime]
    ) -> None:
        self._hits = hits
        self._prove = prove
        self._open_hit = open_hit
        self._now = now

    def count_waiting(self) -> int:
        """The number of hits that wait for a newer kit."""
        return self._hits.count_waiting()

    def is_idle(self) -> bool:
        """Whether there is nothing to open."""
        return not self._hits.read_listed(0, 1)

    def run(self, crew: Crew, checkpoint: Checkpoint) -> Opened:
        """What opened just now. Raises ServiceError; then what opened before it is kept."""
        after = opened = disputes = 0
        while piece := self._hits.read_listed(after, _PIECE):
            failed = self._prove.run(crew, piece, checkpoint)
            proved = [hit for hit in piece if hit.number not in failed]
            outcomes, error = crew.run(self._open_hit.run, proved)
            outcomes += [leave_unproved(h, failed[h.number]) for h in piece if h.number in failed]
            kept = self._hits.keep(outcomes, self._now())
            opened, disputes = opened + kept.opened, disputes + kept.disputes
            if error is not None:
                raise error
            after = piece[-1].number
        return Opened(opened, disputes, self._hits.count_waiting())
