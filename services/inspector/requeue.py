"""Takes up again what an older kit could not do: at every start, and when a newer roster is followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.inspector.store.assignments import Assignments
from services.inspector.store.batches import Batches
from services.inspector.store.cases import Cases
from services.inspector.store.hits import Hits
from services.inspector.store.reports import Reports


class Requeue:
    """Batches, hits and reports of units that were unknown; notices and assignments that did not go."""

    def __init__(
        self,
        batches: Batches,
        hits: Hits,
        cases: Cases,
        assignments: Assignments,
        reports: Reports,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._hits = hits
        self._cases = cases
        self._assignments = assignments
        self._reports = reports
        self._now = now

    def run(self) -> None:
        """Return when all of it is due again. Doing it once more changes nothing."""
        self._batches.requeue(self._now())
        self._hits.requeue(self._now())
        self._cases.requeue()
        self._assignments.requeue()
        self._reports.requeue()
