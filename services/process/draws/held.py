"""A draw as a service holds it: what was planned, said and found so far. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto

from libmatch.sampling import Draw, draw_sample
from services.rules.checks import Check, CheckResult, Quota, results_due_on
from services.rules.ruleset import RuleSet

DRAW_ID_SIZE = 16


class DrawState(Enum):
    """How far a draw has come."""

    COMMITTING = auto()
    REVEALING = auto()
    CHECKING = auto()
    FINISHED = auto()
    VOID = auto()


@dataclass(frozen=True, repr=False)
class HeldDraw:
    """One draw. ``quota`` has the items that it is made from; ``replaces`` is another draw's id or None.

    ``moved_at``: when a party last did its part, or the draw was planned.
    """

    draw_id: bytes
    quota: Quota
    draw: Draw
    planned_by: str
    planned_at: datetime
    moved_at: datetime
    replaces: bytes | None = None
    voided_at: datetime | None = None
    finished_at: datetime | None = None
    results: tuple[CheckResult, ...] = ()

    @property
    def state(self) -> DrawState:
        if self.voided_at is not None:
            return DrawState.VOID
        if self.finished_at is not None:
            return DrawState.FINISHED
        if self.draw.uncommitted:
            return DrawState.COMMITTING
        return DrawState.REVEALING if self.draw.unrevealed else DrawState.CHECKING

    @property
    def is_drawn(self) -> bool:
        """Whether the seed is known, so that it is known what is checked."""
        return self.state in (DrawState.CHECKING, DrawState.FINISHED)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parties that are awaited: to commit while any has not, then to reveal."""
        return self.draw.uncommitted or self.draw.unrevealed

    @property
    def drawn(self) -> tuple[bytes, ...]:
        """What is checked, in the order of choice; empty while it is not known."""
        return draw_sample(self.draw, self.quota.population) if self.is_drawn else ()

    @property
    def check(self) -> Check:
        """What is checked, with the results so far."""
        return Check(self.quota, self.drawn, self.results)

    def due_on(self, rules: RuleSet) -> date:
        """The last day on which its results are in time."""
        return results_due_on(self.quota.year, rules)
