"""What 纪委 reports, assigns and counts. Lists and single pairs it reads straight from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from libmatch.records import WORD, Side
from libmatch.reports import CASE_ID_SIZE
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, InvalidRequest
from services.matcher.epoch import EpochFolder
from services.matcher.store.cases import Cases
from services.matcher.store.figures import Figures, FigureStore, UnitFigures
from services.matcher.store.reviews import Reviews

MAX_RESULTS = 1000  # capsules in one report
MAX_ASSIGNMENTS = 1000  # hits in one call


class Review:
    """Reports on capsules, the hits of each case, and the figures."""

    def __init__(
        self,
        reviews: Reviews,
        cases: Cases,
        figures: FigureStore,
        epochs: EpochFolder,
        now: Callable[[], datetime],
    ) -> None:
        self._reviews = reviews
        self._cases = cases
        self._figures = figures
        self._epochs = epochs
        self._now = now

    def report_capsules(self, inspector: Identity, results: Mapping[int, bool]) -> None:
        """Keep which batches' capsules open. Raises InvalidRequest for too many, NotFound."""
        if len(results) > MAX_RESULTS:
            raise InvalidRequest(f"one report names at most {MAX_RESULTS} batches")
        self._reviews.report_capsules(results, inspector, self._now())

    def assign_cases(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep which case each hit belongs to: (hit id, case id); all of them or none.

        Raises InvalidRequest (number or length), NotFound, Conflict.
        """
        if not 1 <= len(pairs) <= MAX_ASSIGNMENTS:
            raise InvalidRequest(f"one call assigns 1 to {MAX_ASSIGNMENTS} hits")
        if any(len(hit) != WORD or len(case) != CASE_ID_SIZE for hit, case in pairs):
            raise InvalidRequest("a hit id has 32 bytes and a case id 16")
        case_of = dict(pairs)
        if any(case_of[hit] != case for hit, case in pairs):
            raise Conflict("a hit belongs to one case", "同一比中结果只能归入一个事项。")
        self._cases.assign(case_of, self._now())

    def count(self) -> Figures:
        """The figures of the epoch; a member of the roster that did nothing yet is listed with zeros."""
        epoch = self._epochs.current()
        figures = self._figures.count(epoch.epoch_id)
        for member in epoch.roster.members:
            for side in Side:
                if member.active and member.may_submit(side):
                    figures.units.setdefault((member.unit, side), UnitFigures())
        return figures
