"""The gate over mutual TLS: one question after another, several at once, and a thousand records a call.

Every answer is committed, synced and in the audit log before it is given; SQLite. Beside it, in the same run
and over the same channel: an almost empty call, GetManifest, which passes the same TLS and guard, touches no
database, and answers with two short documents that the process holds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.measuring import Measure, Timing
from benchmarks.service import by_the_wall, peak_mib, running_matcher, time_both
from benchmarks.uploading import seal_random
from libmatch.accel.rows import get_rows
from libmatch.clearances import MAX_RIDS, ClearanceStatus
from libmatch.client import MatcherClient
from libmatch.records import MAX_ROWS, RID_SIZE, Side, cut
from libmatch.stubs.matcher.v1 import matcher_pb2 as pb
from tests.matcher_process import MatcherProcess

_UNIT = "ben-a"
_MOST = 1_000_000  # records that stand in the store
_CALLS, _QUESTIONS = 300, 60
_CALLERS = 6
_RUNS = 3


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """Four measures on a store of the largest of ``sizes`` up to 1,000,000 records, all of one unit."""
    standing = max(size for size in sizes if size <= _MOST)
    with running_matcher("gate") as (matcher, district):
        rows, rids = get_rows(1), []
        declared = seal_random(district, "reg-a", Side.REGISTRY, 1, rows)
        list(matcher.unit("reg-a").submit_many([declared]))
        for seq in range(1, standing // MAX_ROWS + 1, 50):
            last = min(seq + 50, standing // MAX_ROWS + 1)
            batches = [
                seal_random(district, _UNIT, Side.BENEFICIARY, one, rows)
                for one in range(seq, last)
            ]
            list(matcher.unit(_UNIT).submit_many(batches))
            for batch in batches:
                rids += cut(batch.columns.rid, RID_SIZE)
        _report_capsules(matcher, standing // MAX_ROWS + 1)
        yield from _measure_calls(matcher, rids)


def _measure_calls(matcher: MatcherProcess, rids: list[bytes]) -> Iterator[Measure]:
    unit = matcher.unit(_UNIT)
    empty = partial(matcher.intake(_UNIT).GetManifest, pb.GetManifestRequest())
    ask_one, ask_many = partial(_ask, unit, rids, 1), partial(_ask, unit, rids, MAX_RIDS)
    for name, callers in (("one by one", 1), (f"{_CALLERS} at once", _CALLERS)):
        reference = _fastest(matcher, empty, _CALLS, callers)
        ours = _fastest(matcher, ask_one, _CALLS, callers)
        text = f"an almost empty call (GetManifest), {name}: {_per_call(reference)}"
        aim = "<= 1.5x an empty call"
        title, least = f"gate, {name}, wall", 1 / 1.5
        yield _as_measure(title, _CALLS, ours, text, reference, aim, matcher, least_ratio=least)
    for name, callers in (("one call after another", 1), (f"{_CALLERS} calls at once", _CALLERS)):
        reference = _fastest(matcher, empty, _QUESTIONS, callers)
        ours = _fastest(matcher, ask_many, _QUESTIONS, callers)
        text = f"as many almost empty calls, {name}"
        title, aim = f"gate, {MAX_RIDS} records a call, {name}, wall", ">= 200,000 answers/s"
        answers = _QUESTIONS * MAX_RIDS
        yield _as_measure(title, answers, ours, text, reference, aim, matcher, least_rate=200_000)


def _as_measure(
    name: str,
    size: int,
    ours: Timing,
    text: str,
    reference: Timing,
    aim: str,
    matcher: MatcherProcess,
    *,
    least_ratio: float | None = None,
    least_rate: int | None = None,
) -> Measure:
    least = {"least_ratio": least_ratio, "least_rate": least_rate}
    peak = peak_mib(matcher)
    return by_the_wall(name, size, ours, text, reference.seconds, aim, peak, **least)  # type: ignore[arg-type]


def _per_call(timing: Timing) -> str:
    wall, cpu = (round(1000 * one / _CALLS, 2) for one in (timing.seconds, timing.cpu_seconds))
    return f"{wall} ms of the wall, {cpu} ms of CPU a call"


def _fastest(
    matcher: MatcherProcess, call: Callable[[], object], calls: int, callers: int
) -> Timing:
    """The run with the least wall of some: so many calls in all, by so many callers."""

    def run() -> None:
        with ThreadPoolExecutor(callers) as pool:
            for done in [pool.submit(call) for _ in range(calls)]:
                done.result()

    run()  # connects, and warms both ends up
    timings = [time_both(matcher, run) for _ in range(_RUNS)]
    return min(timings, key=lambda timing: timing.seconds)


def _ask(unit: MatcherClient, rids: list[bytes], count: int) -> None:
    at = random.randrange(len(rids) - count)  # noqa: S311  # which ones, is no secret
    answer = unit.check_clearance(rids[at : at + count])
    assert answer.clearances[0].status is ClearanceStatus.CLEAR


def _report_capsules(matcher: MatcherProcess, batches: int) -> None:
    review = matcher.review()
    for first in range(1, batches + 1, 500):
        numbers = range(first, min(first + 500, batches + 1))
        results = [pb.CapsuleResult(number=number, opens=True) for number in numbers]
        review.ReportCapsules(pb.ReportCapsulesRequest(results=results))
