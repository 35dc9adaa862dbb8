"""Tells the matcher which case each opened hit belongs to: units may report on it from then on (R38).

Until a hit is assigned, and its case has come to its end, the gate holds the item (R47). Every call is
whole or nothing and may be repeated, so that a round cut off between the call and its note does it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from libmatch.errors import ServiceError
from services.inspector.disputes import MATCHER, Dispute
from services.inspector.matcher import Review, is_passing
from services.inspector.states import DisputeKind
from services.inspector.store.assignments import Assignments

_PIECE = 1000  # assignments of one call: the matcher's limit
# Refusals of one assignment of a call; any other is of the call itself, and nobody's dispute.
_OF_ONE = frozenset({"ALREADY_EXISTS", "NOT_FOUND", "INVALID_ARGUMENT"})


@dataclass(frozen=True)
class Assigned:
    """What one round of telling came to."""

    hits: int = 0
    disputes: int = 0


class Assign:
    """The hits that were opened, are live, and of which the matcher was not told yet."""

    def __init__(
        self, review: Review, assignments: Assignments, now: Callable[[], datetime]
    ) -> None:
        self._review = review
        self._assignments = assignments
        self._now = now

    def run(self) -> Assigned:
        """What was told just now. Raises ServiceError; then what was told before it is kept."""
        told = disputes = 0
        while piece := self._assignments.read_untold(_PIECE):
            try:
                refused = self._tell(piece)
            except ServiceError as error:
                if is_passing(error):
                    raise
                # It is tried again in every round; notices do not wait for it.
                structlog.get_logger().error("cases.not-assigned", reason=error.reason)
                break
            found = [Dispute(DisputeKind.ASSIGNMENT, (MATCHER,), hit_id) for hit_id in refused]
            disputes += self._assignments.keep(list(piece), found, self._now())
            told += len(piece) - len(refused)
        return Assigned(told, disputes)

    def _tell(self, case_of: Mapping[bytes, bytes]) -> list[bytes]:
        """The ids of the hits that the matcher refuses; all others of ``case_of`` are told."""
        try:
            self._review.assign_cases(case_of)
        except ServiceError as error:
            if error.status not in _OF_ONE:
                raise
            if len(case_of) == 1:
                return list(case_of)
            pairs = list(case_of.items())
            half = len(pairs) // 2
            return [*self._tell(dict(pairs[:half])), *self._tell(dict(pairs[half:]))]
        return []
