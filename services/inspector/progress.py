"""How far a case has come by what its units reported. Pure; the gate decides by its own rules and clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from libmatch.records import Side
from libmatch.reports import Stage

VERDICTS = frozenset({Stage.COMPLIANT, Stage.NOT_COMPLIANT})
Party = tuple[str, Side]


@dataclass(frozen=True)
class Step:
    """What a unit reported on a case; ``at_us`` is its own time in microseconds UTC."""

    case_id: bytes
    unit: str
    side: Side
    seq: int
    stage: Stage
    at_us: int


def latest_steps(steps: Iterable[Step], parties: Collection[Party]) -> tuple[Step, ...]:
    """The latest step of each of ``parties`` that reported, in the order of the steps (R40).

    ``steps`` are of one case, in the order of acceptance. Notes say nothing of the stage. A verdict voids
    what was posted before it. What is taken down after the end stays completed.
    """
    latest: dict[Party, Step] = {}
    for step in steps:
        party = (step.unit, step.side)
        if party not in parties or step.stage is Stage.NOTE:
            continue
        if step.stage in VERDICTS:
            latest.clear()
        before = latest.get(party)
        if before and (before.stage, step.stage) == (Stage.COMPLETED, Stage.TAKEN_DOWN):
            continue
        latest.pop(party, None)
        latest[party] = step
    return tuple(latest.values())
