"""Reads the matcher's list of hits and holds it against what it said before.

The whole list, whenever the log grew: a cursor would show neither a hit that lost a record since, nor one
that was left out, nor a past that was changed. A line is about 60 bytes, so that ten thousand hits are ten
calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from libmatch.auditlog import Checkpoint
from libmatch.errors import EncodingError
from services.inspector.disputes import MATCHER, Dispute
from services.inspector.listing import compare
from services.inspector.matcher import HitSummary, Review
from services.inspector.states import DisputeKind
from services.inspector.store.checkpoints import Checkpoints
from services.inspector.store.disputes import Disputes
from services.inspector.store.hits import Hits


@dataclass(frozen=True)
class Listed:
    """What one reading came to."""

    withdrawn: int = 0
    disputes: int = 0


class ListHits:
    """The list of one matcher, under the log of one key."""

    def __init__(
        self,
        review: Review,
        hits: Hits,
        disputes: Disputes,
        checkpoints: Checkpoints,
        log_key: bytes,
        now: Callable[[], datetime],
    ) -> None:
        self._review = review
        self._hits = hits
        self._disputes = disputes
        self._checkpoints = checkpoints
        self._log_key = log_key
        self._now = now

    def run(self, seen: Checkpoint) -> Listed:
        """What changed; nothing is asked where the log has not grown since the last list."""
        if self._checkpoints.is_listed(self._log_key, seen.size):
            return Listed()
        try:
            listed = list(self._read())
        except EncodingError:
            dispute = Dispute(DisputeKind.LISTING, (MATCHER,), detail="比中")
            return Listed(disputes=self._disputes.add([dispute], self._now()))
        changes = compare(self._hits.read_known(), listed)
        place = (self._log_key, seen.size)
        return Listed(len(changes.withdrawn), self._hits.apply(changes, place, self._now()))

    def _read(self) -> Iterator[HitSummary]:
        after = 0
        while page := self._review.list_hits(after):
            yield from page
            after = page[-1].number
