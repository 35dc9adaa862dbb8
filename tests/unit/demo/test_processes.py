"""Services as child processes of the demo, with small programs in the place of services."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.clock import MovedClock
from demo.failure import DemoFailure
from demo.processes import ROOT, Processes, Program

READY = """
    import json, signal, threading
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    def main(argv, now):
        print("a line that is not JSON")
        print(json.dumps({"event": "ready", "address": "127.0.0.1:" + argv[1]}), flush=True)
        stop.wait()
        return 0
"""
DEAF = READY.replace("lambda *_: stop.set()", "signal.SIG_IGN")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "logs").mkdir()
    yield tmp_path
    assert not _alive(tmp_path), "a service outlived its test"


def _program(folder: Path, name: str, code: str = READY, config: str = "7401") -> Program:
    module = f"service_{name}"
    (folder / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return Program(name, module, Path(config), {"PYTHONPATH": str(folder), "LIBMATCH_X": "1"})


def _alive(folder: Path) -> list[int]:
    """Processes whose environment names ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if str(folder).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return [pid for pid in found if pid != os.getpid()]


def test_the_ready_line_tells_where_a_service_listens(folder: Path) -> None:
    with Processes(folder / "logs", MovedClock(folder / "clock")) as processes:
        programs = [_program(folder, "a"), _program(folder, "b", config="7402")]
        assert [p.address for p in processes.start(programs)] == [
            "127.0.0.1:7401",
            "127.0.0.1:7402",
        ]
    assert processes.exit_codes == {"a": 0, "b": 0}


def test_a_service_that_does_not_start_names_its_log(folder: Path) -> None:
    broken = _program(folder, "a", "import sys; sys.exit('no key')")
    with (
        Processes(folder / "logs", MovedClock(folder / "clock")) as processes,
        pytest.raises(DemoFailure) as failure,
    ):
        list(processes.start([_program(folder, "b"), broken]))
    assert failure.value.log == folder / "logs" / "a.stderr"
    assert "no key" in failure.value.log.read_text("utf-8")
    assert "退出码 1" in failure.value.message_zh


def test_a_service_that_ends_by_itself_is_noticed(folder: Path) -> None:
    with Processes(folder / "logs", MovedClock(folder / "clock")) as processes:
        (process,) = processes.start([_program(folder, "a", READY.replace("stop.wait()", "pass"))])
        process.finish(time.monotonic() + 10)
        with pytest.raises(DemoFailure, match="意外退出"):
            processes.check()


def test_a_killed_service_starts_again_with_the_same_logs(folder: Path) -> None:
    with Processes(folder / "logs", MovedClock(folder / "clock")) as processes:
        list(processes.start([_program(folder, "a")]))
        program = processes.kill("a")
        assert "a" not in processes.names
        (again,) = processes.start([program])
        processes.check()
        assert again.stdout.read_text("utf-8").count("ready") == 2


def test_a_service_lives_by_the_demo_s_clock(folder: Path) -> None:
    code = READY.replace("stop.wait()", "stop.wait(); print(now().isoformat(), flush=True)")
    clock = MovedClock(folder / "clock")
    with Processes(folder / "logs", clock) as processes:
        (process,) = processes.start([_program(folder, "a", code)])
        clock.move_to(datetime.now(UTC) + timedelta(days=400))
    told = datetime.fromisoformat(process.stdout.read_text("utf-8").splitlines()[-1])
    assert abs(told - clock()) < timedelta(minutes=1)
    assert told > datetime.now(UTC) + timedelta(days=399)


def test_an_error_in_the_block_leaves_no_service_behind(folder: Path) -> None:
    processes = Processes(folder / "logs", MovedClock(folder / "clock"))

    def fail() -> None:
        with processes:
            list(processes.start([_program(folder, "a")]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert processes.exit_codes == {"a": 0}


class _Interrupting(Mapping[str, str]):
    """Settings whose reading is interrupted by Ctrl-C: in the middle of a start."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    def __getitem__(self, key: str) -> str:
        return self._settings[key]

    def __iter__(self) -> Iterator[str]:
        signal.raise_signal(signal.SIGINT)
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)


def test_an_interrupt_in_the_middle_of_a_start_waits_until_the_service_is_known(
    folder: Path,
) -> None:
    program = _program(folder, "a")
    program = replace(program, settings=_Interrupting(program.settings))
    processes = Processes(folder / "logs", MovedClock(folder / "clock"))

    def start() -> None:
        with processes:
            list(processes.start([program]))

    with pytest.raises(KeyboardInterrupt):
        start()
    assert list(processes.exit_codes) == ["a"]


def test_a_service_that_does_not_listen_to_sigterm_is_killed(folder: Path) -> None:
    with Processes(folder / "logs", MovedClock(folder / "clock"), stop_s=0.3) as processes:
        list(processes.start([_program(folder, "a", DEAF)]))
    assert processes.exit_codes == {"a": -signal.SIGKILL}


def test_settings_of_somebody_else_do_not_reach_a_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBMATCH_MATCHER__LOG__LEVEL", "debug")
    code = READY.replace("print(", "import os; print(sorted(os.environ)); print(", 1)
    with Processes(folder / "logs", MovedClock(folder / "clock")) as processes:
        (process,) = processes.start([_program(folder, "a", code)])
        told = process.stdout.read_text("utf-8")
    assert "LIBMATCH_X" in told
    assert "LIBMATCH_MATCHER__LOG__LEVEL" not in told


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
def test_services_end_even_where_the_demo_is_killed(folder: Path) -> None:
    program = _program(folder, "a")
    code = f"""
        from pathlib import Path
        import signal
        from demo.clock import MovedClock
        from demo.processes import Processes, Program
        settings = {dict(program.settings)!r}
        clock = MovedClock(Path({str(folder / "clock")!r}))
        with Processes(Path({str(folder / "logs")!r}), clock) as processes:
            list(processes.start([Program("a", "service_a", Path("7401"), settings)]))
            print("started", flush=True)
            signal.pause()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        assert _alive(folder)
        parent.kill()
    ends_at = time.monotonic() + 10
    while _alive(folder) and time.monotonic() < ends_at:
        time.sleep(0.02)
