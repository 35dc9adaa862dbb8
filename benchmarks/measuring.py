"""Times one piece of work: the fastest of several runs, on the wall and on the CPU, and its memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Timing:
    """The fastest run: seconds on the wall and on all CPUs."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Measure:
    """One row of the report. ``ratio``: reference's time for the same number of rows, divided by ours.

    ``rate``: rows a second of one core. ``peak_mib``: of the whole process so far. ``aim`` says in words
    what ``least_ratio`` and ``least_rate`` say in figures, where it binds at this size.
    """

    name: str
    size: int
    seconds: float
    cpu_seconds: float
    rate: int
    peak_mib: int
    reference: str
    ratio: float
    aim: str
    least_ratio: float | None = None
    least_rate: int | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none in figures at this size."""
        if self.least_ratio is None and self.least_rate is None:
            return None
        return self.ratio >= (self.least_ratio or 0) and self.rate >= (self.least_rate or 0)

    def to_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class NotMeasured:
    """What could not be measured here, and why: said in the report, never left out."""

    name: str
    size: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {"name": self.name, "size": self.size, "not_measured": self.reason}


def time_fastest(work: Callable[[], object], runs: int = 3) -> Timing:
    """The fastest of so many runs of ``work``."""
    best: Timing | None = None
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        timing = Timing(time.perf_counter() - wall, time.process_time() - cpu)
        if best is None or timing.cpu_seconds < best.cpu_seconds:
            best = timing
    assert best is not None  # runs is at least 1
    return best


def compare(
    name: str,
    size: int,
    ours: Timing,
    reference: str,
    per_row: float,
    aim: str,
    *,
    least_ratio: float | None = None,
    least_rate: int | None = None,
) -> Measure:
    """The measure of ``size`` rows; the reference takes ``per_row`` CPU seconds for one."""
    return Measure(
        name=name,
        size=size,
        seconds=round(ours.seconds, 4),
        cpu_seconds=round(ours.cpu_seconds, 4),
        rate=round(size / ours.cpu_seconds),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        reference=reference,
        ratio=round(per_row * size / ours.cpu_seconds, 2),
        aim=aim,
        least_ratio=least_ratio,
        least_rate=least_rate,
    )
