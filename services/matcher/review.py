"""What 纪委 reports and counts. Lists and single pairs it reads straight from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from libmatch.records import Side
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.matcher.epoch import EpochFolder
from services.matcher.store.figures import Figures, FigureStore, UnitFigures
from services.matcher.store.reviews import Reviews

MAX_RESULTS = 1000  # capsules in one report


class Review:
    """Reports on capsules, and the figures."""

    def __init__(
        self,
        reviews: Reviews,
        figures: FigureStore,
        epochs: EpochFolder,
        now: Callable[[], datetime],
    ) -> None:
        self._reviews = reviews
        self._figures = figures
        self._epochs = epochs
        self._now = now

    def report_capsules(self, inspector: Identity, results: Mapping[int, bool]) -> None:
        """Keep which batches' capsules open. Raises InvalidRequest for too many, NotFound."""
        if len(results) > MAX_RESULTS:
            raise InvalidRequest(f"one report names at most {MAX_RESULTS} batches")
        self._reviews.report_capsules(results, inspector, self._now())

    def count(self) -> Figures:
        """The figures of the epoch; a member of the roster that did nothing yet is listed with zeros."""
        epoch = self._epochs.current()
        figures = self._figures.count(epoch.epoch_id)
        for member in epoch.roster.members:
            for side in Side:
                if member.active and member.may_submit(side):
                    figures.units.setdefault((member.unit, side), UnitFigures())
        return figures
