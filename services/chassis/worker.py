"""Background work of a service: one step, again and again, until the service stops."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import structlog

_LONGEST_BACKOFF_S = 300.0


class Worker:
    """Runs ``step`` every ``interval_s`` seconds, at once after ``wake``, and never twice at a time.

    A step that raises is logged and retried with doubling, jittered pauses (at most five minutes);
    it must leave nothing half done, which a transaction per unit of work ensures.
    """

    def __init__(self, name: str, interval_s: float, step: Callable[[], None]) -> None:
        if interval_s <= 0:
            raise ValueError("a worker needs a positive interval")
        self.name = name
        self._interval_s = interval_s
        self._step = step
        self._signal = threading.Condition()
        self._awake = True  # the first step runs at start
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread; for the server alone."""
        self._thread = threading.Thread(target=self._run, name=f"worker-{self.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Lets the next step run now. Cheap, from any thread, also while a step is running."""
        with self._signal:
            self._awake = True
            self._signal.notify_all()

    def request_stop(self) -> None:
        """No step begins after this; one that is running goes on to its end."""
        with self._signal:
            self._stopping = True
            self._signal.notify_all()

    def join(self, timeout_s: float) -> bool:
        """True once the thread has ended, False where it is still in a step after ``timeout_s``."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    def _run(self) -> None:
        failures = 0
        while self._pause(self._pause_s(failures)):
            try:
                self._step()
                failures = 0
            except Exception:  # the edge: a worker outlives a failed step
                failures += 1
                log = structlog.get_logger()
                log.error("worker.failed", worker=self.name, failures=failures, exc_info=True)

    def _pause(self, seconds: float) -> bool:
        """Waits until woken or ``seconds`` have gone; False where the worker is to stop."""
        with self._signal:
            self._signal.wait_for(lambda: self._awake or self._stopping, timeout=seconds)
            self._awake = False
            return not self._stopping

    def _pause_s(self, failures: int) -> float:
        if not failures:
            return self._interval_s
        doubled = self._interval_s * float(1 << min(failures, 16))
        backoff = min(_LONGEST_BACKOFF_S, doubled)
        return backoff * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
