"""What was done about items that were not compliant: each is to become a lead (R41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.process.folding import Folded
from services.rules.matter_steps import TakeMeasure


@dataclass(frozen=True)
class Measure:
    """A measure of a case, and the id of its lead if one is recorded here (else b"")."""

    case_id: bytes
    approving_unit: str
    kind: str
    decided_on: date
    lead_to: str
    lead_reference: str
    lead_on: date
    lead_id: bytes = b""


def measures_in(folded: Folded) -> Iterator[Measure]:
    """The measures of a matter that have effect, in order."""
    for place, entry in enumerate(folded.entries):
        if isinstance(entry.step, TakeMeasure) and place not in folded.refusals:
            taken = entry.step.measure
            yield Measure(
                folded.matter.matter_id,
                folded.matter.approving_unit,
                f"{taken.kind}{taken.detail}",
                taken.decided_on,
                taken.lead_to,
                taken.lead_reference,
                taken.lead_on,
            )
