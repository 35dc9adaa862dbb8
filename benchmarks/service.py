"""A real matcher process over mutual TLS for measures, and what it and its caller took of wall and CPU."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Measure, Timing
from tests.chassis_pki import Pki
from tests.district import District, make_district
from tests.matcher_process import MatcherProcess

_EXTRA = "intake = {records_per_day = 1000000000}"
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def running_matcher(name: str) -> Iterator[tuple[MatcherProcess, District]]:
    """A matcher of a new district on an empty SQLite store, in a folder that is removed afterwards."""
    with bench_folder(name) as folder:
        district = make_district(now=datetime.now(UTC))
        with MatcherProcess(folder / "matcher", district, Pki(folder / "pki"), extra=_EXTRA) as one:
            yield one, district


@contextmanager
def bench_folder(name: str) -> Iterator[Path]:
    """A folder of this run alone: another run deletes nothing under it."""
    base = Path("build/bench").absolute()
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=base) as folder:
        yield Path(folder)


def time_both(matcher: MatcherProcess, work: Callable[[], object]) -> Timing:
    """One run of ``work``: the wall, and the CPU time of this process and the matcher's together."""
    wall, cpu = time.perf_counter(), time.process_time() + _cpu_seconds(matcher)
    work()
    seconds = time.perf_counter() - wall
    return Timing(seconds, time.process_time() + _cpu_seconds(matcher) - cpu)


def by_the_wall(
    name: str,
    size: int,
    ours: Timing,
    reference: str,
    reference_s: float,
    aim: str,
    peak_mib: int,
    *,
    least_ratio: float | None = None,
    least_rate: int | None = None,
) -> Measure:
    """A measure whose rate and ratio are of the wall on both cores: a sync of the disk takes no CPU.

    ``reference_s``: seconds that the reference took for the same ``size``.
    """
    return Measure(
        name=name,
        size=size,
        seconds=round(ours.seconds, 4),
        cpu_seconds=round(ours.cpu_seconds, 4),
        rate=round(size / ours.seconds),
        peak_mib=peak_mib,
        reference=reference,
        ratio=round(reference_s / ours.seconds, 2),
        aim=aim,
        least_ratio=least_ratio,
        least_rate=least_rate,
    )


def peak_mib(matcher: MatcherProcess) -> int:
    """The most memory that the matcher's process ever had, MiB."""
    status = Path(f"/proc/{matcher.pid}/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def _cpu_seconds(matcher: MatcherProcess) -> float:
    fields = Path(f"/proc/{matcher.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS  # utime, stime
