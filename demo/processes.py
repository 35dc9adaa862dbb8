"""The services of the district as child processes: started, watched, killed, ended.

Each has two files in the folder of logs, ``<name>.stdout`` and ``<name>.stderr``; a restart appends. They
are in sessions of their own, so that Ctrl-C reaches the demo alone, which then ends them in order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from demo.clock import MovedClock
from demo.failure import DemoFailure

ROOT = Path(__file__).resolve().parents[1]
_READY_S = 120.0  # a loaded machine starts a dozen interpreters slowly
_STOP_S = 40.0  # a service's own grace is 20 s
_POLL_S = 0.02
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """What to run: a service's module with its settings; ``settings`` override those by environment."""

    name: str
    module: str
    config: Path
    settings: Mapping[str, str]


class Process:
    """One running service. ``address`` is where it listens, once ``wait_ready`` returned."""

    def __init__(self, program: Program, logs: Path, clock: MovedClock) -> None:
        self.program = program
        self.stdout = logs / f"{program.name}.stdout"
        self.stderr = logs / f"{program.name}.stderr"
        self.address = ""
        self._told = self.stdout.stat().st_size if self.stdout.exists() else 0
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self._child = subprocess.Popen(
                _command(program, clock),
                cwd=ROOT,
                env=make_environment(program.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._child.poll()

    def wait_ready(self) -> None:
        """Return when it listens. Raises DemoFailure where it ends before, or takes too long."""
        ends_at = time.monotonic() + _READY_S
        while not (address := self._announced()):
            if self.exit_code is not None:
                raise self.failure(f"启动失败，退出码 {self.exit_code}")
            if time.monotonic() > ends_at:
                raise self.failure(f"{_READY_S:.0f} 秒内没有启动完成")
            time.sleep(_POLL_S)
        self.address = address

    def _announced(self) -> str:
        """The address of the ready line, "" while there is none."""
        with self.stdout.open("rb") as stream:
            stream.seek(self._told)
            lines = stream.read().split(b"\n")[:-1]
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict) and told.get("event") == "ready":
                return str(told["address"])
        return ""

    def failure(self, what_zh: str) -> DemoFailure:
        """The error that says what happened to this service and where its log is."""
        return DemoFailure(f"服务 {self.program.name}：{what_zh}", self.stderr)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is closed."""
        self._child.kill()
        self._child.wait()

    def terminate(self) -> None:
        """Asks it to end; ``finish`` waits."""
        if self.exit_code is None:
            self._child.send_signal(signal.SIGTERM)

    def finish(self, ends_at: float) -> int:
        """Its exit code; it is killed at ``ends_at`` (monotonic)."""
        try:
            return self._child.wait(max(0.0, ends_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            return self._child.returncode


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and the like take effect after the block. For the main thread."""
    arrived: list[int] = []
    handlers = {one: signal.getsignal(one) for one in _INTERRUPTS}
    caught = [one for one, handler in handlers.items() if handler is not signal.SIG_IGN]
    for one in caught:
        signal.signal(one, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for one in caught:
            signal.signal(one, handlers[one])
    for number in arrived:
        signal.raise_signal(number)


def _command(program: Program, clock: MovedClock) -> list[str]:
    child = [sys.executable, "-m", "demo.child", str(os.getpid()), str(clock.path), program.module]
    return [*child, "--config", str(program.config)]


def make_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, with ``settings`` and no other settings of services or of their callers."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("LIBMATCH_")}
    return {**ours, "PYTHONUTF8": "1", **settings}


class Processes:
    """All services of one run; none outlives the block. One that takes ``stop_s`` to end is killed.

    Start them from the main thread: the kernel ends a child with the thread that made it (``demo.child``).
    """

    def __init__(self, logs: Path, clock: MovedClock, stop_s: float = _STOP_S) -> None:
        self._logs = logs
        self._clock = clock
        self._stop_s = stop_s
        self._running: dict[str, Process] = {}
        self.exit_codes: dict[str, int] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(self.names)

    @property
    def names(self) -> list[str]:
        """The services that were started and not ended, in order of start."""
        return list(self._running)

    def __getitem__(self, name: str) -> Process:
        return self._running[name]

    def start(self, programs: Iterable[Program]) -> Iterator[Process]:
        """Starts all of them at once, and gives each as it gets ready. Raises DemoFailure."""
        started = []
        for program in programs:
            with _uninterrupted():  # else a child could be there that nobody knows of
                started.append(Process(program, self._logs, self._clock))
                self._running[program.name] = started[-1]
        for process in started:
            process.wait_ready()
            yield process

    def stop(self, names: Iterable[str]) -> None:
        """Ends these services side by side; their exit codes are in ``exit_codes``."""
        ending = [self._running[name] for name in list(names)]
        try:
            for process in ending:
                process.terminate()
            ends_at = time.monotonic() + self._stop_s
            for process in ending:
                self.exit_codes[process.program.name] = process.finish(ends_at)
        finally:
            for process in ending:  # a second Ctrl-C: no more patience
                process.kill()
                del self._running[process.program.name]

    def check(self) -> None:
        """Return while all run. Raises DemoFailure naming one that ended by itself."""
        for process in self._running.values():
            if process.exit_code is not None:
                raise process.failure(f"意外退出，退出码 {process.exit_code}")

    def kill(self, name: str) -> Program:
        """Kills a service the hard way; its program, to start it again."""
        process = self._running[name]
        process.kill()
        del self._running[name]
        return process.program
