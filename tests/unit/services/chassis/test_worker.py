"""services.chassis.worker: a step that fails does not end the worker, and wake means now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.chassis.worker import Worker

_LONG_S = 3600.0


@contextmanager
def _running(step: Callable[[], None], interval_s: float = _LONG_S) -> Iterator[Worker]:
    worker = Worker("test", interval_s, step)
    worker.start()
    try:
        yield worker
    finally:
        worker.request_stop()
        assert worker.join(5)


def test_first_step_runs_at_start() -> None:
    ran = threading.Event()
    with _running(ran.set):
        assert ran.wait(5)


def test_wake_runs_the_next_step_now() -> None:
    steps = threading.Semaphore(0)
    with _running(lambda: steps.release()) as worker:
        assert steps.acquire(timeout=5)
        worker.wake()
        assert steps.acquire(timeout=5)


def test_wake_during_a_step_is_not_lost() -> None:
    steps, begun, go_on = threading.Semaphore(0), threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        assert go_on.wait(5)
        steps.release()

    with _running(step) as worker:
        assert begun.wait(5)
        worker.wake()
        go_on.set()
        assert steps.acquire(timeout=5)
        assert steps.acquire(timeout=5)


def test_failing_step_is_run_again() -> None:
    steps = threading.Semaphore(0)

    def step() -> None:
        steps.release()
        raise ValueError("broken")

    with _running(step, interval_s=0.01):
        for _ in range(3):
            assert steps.acquire(timeout=5)


def test_failing_step_backs_off() -> None:
    worker = Worker("test", 1.0, lambda: None)
    for failures, low, high in ((1, 1.0, 2.0), (3, 4.0, 8.0), (60, 150.0, 300.0)):
        assert low <= worker._pause_s(failures) <= high


def test_stop_does_not_wait_for_the_interval() -> None:
    ran = threading.Event()
    with _running(ran.set):
        assert ran.wait(5)


def test_join_tells_that_a_step_still_runs() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        go_on.wait(5)

    with _running(step) as worker:
        assert begun.wait(5)
        worker.request_stop()
        assert not worker.join(0.01)
        go_on.set()


def test_interval_must_be_positive() -> None:
    with pytest.raises(ValueError, match="interval"):
        Worker("test", 0, lambda: None)
