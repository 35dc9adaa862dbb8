"""How a list of hits differs from what the matcher listed before. Pure.

Numbers are gap-free from 1: a gap means a hit that 纪委 is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.inspector.disputes import MATCHER, Dispute
from services.inspector.matcher import HitSummary
from services.inspector.states import DisputeKind


@dataclass(frozen=True)
class Changes:
    """How a list differs from what was known."""

    new: tuple[HitSummary, ...] = ()
    withdrawn: tuple[int, ...] = ()
    disputes: tuple[Dispute, ...] = ()


def compare(known: Mapping[int, HitSummary], listed: Sequence[HitSummary]) -> Changes:
    """What the list adds and takes back, and where it contradicts what was known before.

    ``listed`` ascends by number. A withdrawn hit never becomes live again: its record was erased.
    """
    new, withdrawn, odd = [], [], list(_runs(known, listed))
    ids = {hit.hit_id for hit in known.values()}
    for hit in listed:
        before = known.get(hit.number)
        if before is None and hit.hit_id not in ids:
            new.append(hit)
            ids.add(hit.hit_id)
        elif before is None or replace(hit, live=before.live) != before or hit.live > before.live:
            odd.append(_contradiction(str(hit.number)))
        elif before.live and not hit.live:
            withdrawn.append(hit.number)
    return Changes(tuple(new), tuple(withdrawn), tuple(odd))


def _runs(known: Mapping[int, HitSummary], listed: Sequence[HitSummary]) -> Iterator[Dispute]:
    """Numbers that are missing, a dispute for each run: never shown, or shown before and not now."""
    shown = {hit.number for hit in listed}
    lost = sorted(number for number in known if number not in shown)
    yield from (_contradiction(str(number)) for number in lost)
    expected = 1
    for number in sorted(shown | set(lost)):
        if number > expected:
            run = str(expected) if number - 1 == expected else f"{expected}-{number - 1}"
            yield Dispute(DisputeKind.GAP, (MATCHER,), detail=run)
        expected = number + 1


def _contradiction(detail: str) -> Dispute:
    return Dispute(DisputeKind.CONTRADICTION, (MATCHER,), detail=detail)
