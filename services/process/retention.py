"""What is due to be erased and what was, in the services of units and of 纪委 alike (R65). Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.identity import Identity
from services.chassis.refusals import Conflict

MOST_AT_ONCE = 5000
"""Records of one run: a line of the trail each, in one transaction of a few seconds."""


@dataclass(frozen=True)
class DueCount:
    """How much of a kind is due, and what ends it."""

    what_zh: str
    count: int
    ground_zh: str


@dataclass(frozen=True)
class Purged:
    """What a run erased, and what is left for the next; ``traces_left``: copies in files in use."""

    purged: int
    left: int
    traces_left: bool = False


class Purge(Protocol):
    """Counts what is due, and erases it when somebody says so who saw the number."""

    def count_due(self) -> Sequence[DueCount]:
        """How much of each kind is due now; kinds of which nothing is due are left out."""
        ...

    def run(self, caller: Identity, total: int, reason: str) -> Purged:
        """Erases what is due. Raises Conflict where not ``total`` are due by now."""
        ...


def other_total(total: int) -> Conflict:
    """The refusal to erase another number than was seen."""
    return Conflict(
        "another number is due by now; look again",
        f"到期数量有变化（现为{total}条），请重新查看到期情况后再确认清除（规则R65）。",
        reason="DUE_CHANGED",
        details={"total": str(total)},
    )


def total_of(due: Sequence[DueCount]) -> int:
    """How much is due over all kinds: what a purge names."""
    return sum(one.count for one in due)
