"""Uploads under way: a unit's next batch may come while the one before it is being committed.

Numbers are gap-free, so a batch is taken to the store only behind those before it. Of one process alone: a
batch whose predecessor goes to another process is refused with the number expected, and sent again.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from libmatch.records import Side
from services.chassis.deadline import remaining_s
from services.chassis.refusals import DeadlinePassed

_AHEAD = 16  # numbers beyond the one expected; of calls at once a unit has fewer
_OVERTAKEN_S = (
    0.25  # how long a predecessor that was sent first is waited for: calls overtake each other
)
_PATIENCE_S = 30.0

Line = tuple[str, Side]


@dataclass(eq=False)
class Arrival:
    """One upload. ``offered``: it has its place in the line to the store."""

    seq: int
    offered: bool = False


class Arrivals:
    """What is under way, by unit and side. Safe from any thread."""

    def __init__(self, overtaken_s: float = _OVERTAKEN_S) -> None:
        self._overtaken_s = overtaken_s
        self._changed = threading.Condition()
        self._under_way: defaultdict[Line, list[Arrival]] = defaultdict(list)

    def expected(self, line: Line, seq: int, stored: Callable[[], int]) -> int:
        """The next number that may begin, for one that wants to be ``seq``; ``stored``: the store's next.

        Waits a moment for the number before ``seq`` where that is a near one.
        """
        ends_at = time.monotonic() + self._overtaken_s
        while True:
            # Before the store is asked: what ends in between is stored by then.
            numbers = self._numbers(line)
            expected = first = stored()
            while expected in numbers:
                expected += 1
            left = ends_at - time.monotonic()
            if seq <= expected or seq > first + _AHEAD or left <= 0:
                return expected
            with self._changed:
                self._changed.wait(left)

    def _numbers(self, line: Line) -> set[int]:
        with self._changed:
            return {arrival.seq for arrival in self._under_way.get(line, ())}

    @contextmanager
    def upload(self, line: Line, seq: int) -> Iterator[Arrival]:
        """Number ``seq`` is under way during the block."""
        arrival = Arrival(seq)
        with self._changed:
            self._under_way[line].append(arrival)
            self._changed.notify_all()
        try:
            yield arrival
        finally:
            with self._changed:
                self._under_way[line].remove(arrival)
                if not self._under_way[line]:
                    del self._under_way[line]
                self._changed.notify_all()

    @contextmanager
    def in_order(self, line: Line, arrival: Arrival) -> Iterator[None]:
        """The block runs when all lower numbers under way have gone before; then ``arrival`` has too.

        Raises DeadlinePassed where they do not in the time that the caller has.
        """
        left = remaining_s()
        patience_s = _PATIENCE_S if left is None else min(left, _PATIENCE_S)
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_first(line, arrival), patience_s):
                raise DeadlinePassed("the batches before this one did not come")
        try:
            yield
        finally:
            with self._changed:
                arrival.offered = True
                self._changed.notify_all()

    def _is_first(self, line: Line, arrival: Arrival) -> bool:
        return all(
            other.offered or other.seq >= arrival.seq for other in self._under_way.get(line, ())
        )
