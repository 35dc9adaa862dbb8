"""Takes up again what an older kit could not do: at every start, and when a newer roster is followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.inspector.store.batches import Batches
from services.inspector.store.cases import Cases
from services.inspector.store.hits import Hits


class Requeue:
    """Batches and hits of units that were unknown; notices to units that had no valid key."""

    def __init__(
        self, batches: Batches, hits: Hits, cases: Cases, now: Callable[[], datetime]
    ) -> None:
        self._batches = batches
        self._hits = hits
        self._cases = cases
        self._now = now

    def run(self) -> None:
        """Return when all of it is due again. Doing it once more changes nothing."""
        self._batches.requeue(self._now())
        self._hits.requeue(self._now())
        self._cases.requeue()
