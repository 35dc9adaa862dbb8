"""services.chassis.server as a real process: what it says at start, and how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from services.chassis.config import ServiceSettings, TlsSettings
from services.chassis.refusals import ServiceError
from services.chassis.server import ExitCode, ListenError, run_service
from tests.chassis_echo import SERVER, build, calling, serving
from tests.chassis_pki import Pki

_ROOT = Path(__file__).parents[4]
_UNIT = "spiffe://fuling/unit/a"


def _write(folder: Path, tls: TlsSettings, address: str = "127.0.0.1:0", more: str = "") -> Path:
    path = folder / "echo.toml"
    path.write_text(
        f'[listen]\naddress = "{address}"\nport_file = "port"\n'
        f'[tls]\ncertificate = "{tls.certificate}"\nprivate_key = "{tls.private_key}"\n'
        f'ca = "{tls.ca}"\n[database]\npath = "echo.db"\n[log]\nfile = "echo.log"\n{more}',
        encoding="utf-8",
    )
    return path


def _start(config: Path, open_files: int = 0) -> subprocess.Popen[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    return subprocess.Popen(
        [sys.executable, "-m", "tests.chassis_echo", "--config", str(config)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit if open_files else None,
    )


@contextmanager
def _process(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running process and its address; killed at the end if it still runs."""
    process = _start(config)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)["address"]
    finally:
        process.kill()
        process.communicate()


def _failure(config: Path, open_files: int = 0) -> tuple[int, str]:
    """Exit code and standard error of a process that does not get to run."""
    process = _start(config, open_files)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return process.returncode, errors


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Path], tuple[int, str]]]:
    """Exit code and standard error of ``--check``, in this process for speed."""
    umask = os.umask(0o022)

    def run(config: Path) -> tuple[int, str]:
        code = run_service("echo", ServiceSettings, build, ["--config", str(config), "--check"])
        return code, capsys.readouterr().err

    yield run
    os.umask(umask)


Check = Callable[[Path], tuple[int, str]]


@pytest.fixture
def config(settings_folder: Path, pki: Pki) -> Path:
    return _write(settings_folder, pki.issue(SERVER))


@pytest.fixture(scope="module")
def unit(pki: Pki) -> TlsSettings:
    return pki.issue(_UNIT)


def test_ready_line_and_port_file_name_the_real_port(config: Path, unit: TlsSettings) -> None:
    with _process(config) as (process, address):
        assert (config.parent / "port").read_text() == address.rpartition(":")[2] + "\n"
        with calling(address, unit) as channel:
            assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == ExitCode.OK
    assert not (config.parent / "port").exists()


def test_sigterm_during_a_call_lets_it_finish_and_refuses_new_ones(
    config: Path, unit: TlsSettings
) -> None:
    with _process(config) as (process, address), calling(address, unit) as channel:
        answer: list[bytes] = []
        sleep = channel.unary_unary("/test.Echo/Sleep")
        assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"
        sleeping = threading.Thread(target=lambda: answer.append(sleep(b"1")))
        sleeping.start()
        threading.Event().wait(0.4)
        process.send_signal(signal.SIGTERM)
        threading.Event().wait(0.2)
        with pytest.raises(ServiceError, match="UNAVAILABLE"):
            channel.unary_unary("/test.Echo/Echo")(b"x")
        sleeping.join(30)
        assert answer == [b"slept"]
        assert process.wait(30) == ExitCode.OK


def test_call_that_outlasts_the_grace_does_not_hold_the_process(
    settings_folder: Path, pki: Pki, unit: TlsSettings
) -> None:
    more = "[limits]\nshutdown_grace_s = 0.3\n"
    config = _write(settings_folder, pki.issue(SERVER), more=more)
    with _process(config) as (process, address), calling(address, unit) as channel:
        failure: list[Exception] = []

        def sleep() -> None:
            try:
                channel.unary_unary("/test.Echo/Sleep")(b"20", timeout=60)
            except ServiceError as error:
                failure.append(error)

        sleeping = threading.Thread(target=sleep)
        sleeping.start()
        threading.Event().wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == ExitCode.FORCED
        sleeping.join(10)
        assert failure


def test_more_connections_than_open_files_are_told_at_start(
    settings_folder: Path, pki: Pki
) -> None:
    config = _write(settings_folder, pki.issue(SERVER), more="[limits]\nmax_connections = 5000\n")
    code, errors = _failure(config, open_files=1000)
    assert code == ExitCode.CONFIGURATION
    assert "limits.max_connections: 5000 need 5192 open files; this process may have 1000" in errors


def test_second_process_on_the_port_is_refused_and_the_first_goes_on(
    config: Path, pki: Pki, unit: TlsSettings, tmp_path: Path
) -> None:
    with _process(config) as (_, address):
        code, errors = _failure(_write(tmp_path, pki.issue(SERVER), address))
        assert code == ExitCode.LISTEN
        assert f"{address}: cannot listen here" in errors
        with calling(address, unit) as channel:
            assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"


def test_second_process_on_the_database_is_refused(config: Path) -> None:
    with _process(config):
        code, errors = _failure(config)
    assert code == ExitCode.DATABASE
    assert "echo.db: in use by another process" in errors


def test_killed_process_is_replaced_on_the_same_port_and_database(
    config: Path, pki: Pki, unit: TlsSettings
) -> None:
    with _process(config) as (process, address), calling(address, unit) as channel:
        channel.unary_unary("/test.Echo/Echo")(b"x")
        process.kill()
        process.wait(10)
    text = config.read_text(encoding="utf-8").replace("127.0.0.1:0", address)
    config.write_text(text, encoding="utf-8")
    with _process(config) as (process, again), calling(again, unit) as channel:
        assert again == address
        assert channel.unary_unary("/test.Echo/Echo")(b"x") == b"x"


def test_settings_are_told_wrong_all_at_once_before_a_port_opens(
    config: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        config.read_text(encoding="utf-8") + '[limits]\nmax_concurent = 3\nmax_deadline_s = "x"\n'
    )
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("LIBMATCH_ECHO__LISTEN__ADDRES", "127.0.0.1:1")
    code, errors = check(config)
    assert code == ExitCode.CONFIGURATION
    assert 'limits.max_concurent: unknown key (did you mean "max_concurrent"?)' in errors
    assert "limits.max_deadline_s" in errors
    assert "environment variable LIBMATCH_ECHO__LISTEN__ADDRES: unknown key" in errors
    assert not (config.parent / "echo.db").exists()


def test_folder_that_is_not_there_is_told_before_a_port_opens(
    settings_folder: Path, pki: Pki, check: Check
) -> None:
    config = _write(settings_folder, pki.issue(SERVER))
    text = config.read_text(encoding="utf-8").replace('"echo.log"', '"none/echo.log"')
    config.write_text(text, encoding="utf-8")
    code, errors = check(config)
    assert code == ExitCode.CONFIGURATION
    assert "log.file: " in errors
    assert "none: no such folder" in errors


def _expired(pki: Pki) -> TlsSettings:
    return pki.issue(SERVER, valid=timedelta(minutes=-1))


def _nameless(pki: Pki) -> TlsSettings:
    return pki.issue_raw([x509.UniformResourceIdentifier(SERVER)])


@pytest.mark.parametrize(
    ("issue", "text"),
    [(_expired, "expired on"), (_nameless, "lacks the DNS name matcher.fuling.libmatch")],
)
def test_own_certificate_that_cannot_serve_is_told_at_start(
    settings_folder: Path, pki: Pki, check: Check, issue: Any, text: str
) -> None:
    code, errors = check(_write(settings_folder, issue(pki)))
    assert code == ExitCode.CONFIGURATION
    assert text in errors


def test_check_ends_without_opening_anything(config: Path, check: Check) -> None:
    assert check(config) == (ExitCode.OK, "")
    assert not (config.parent / "echo.db").exists()


def test_files_of_the_process_are_the_owner_s(config: Path) -> None:
    with _process(config):
        modes = {
            path.name: oct(path.stat().st_mode & 0o777)
            for path in config.parent.iterdir()
            if path != config
        }
    assert set(modes.values()) == {"0o600"}, modes


def test_port_of_a_plain_program_is_refused_too(pki: Pki, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with (
            pytest.raises(ListenError, match="cannot listen here"),
            serving(pki.issue(SERVER), tmp_path, address=address),
        ):
            pass


def test_port_is_free_again_after_the_end(pki: Pki, unit: TlsSettings, tmp_path: Path) -> None:
    tls = pki.issue(SERVER)
    with serving(tls, tmp_path) as first, calling(first.address, unit) as channel:
        channel.unary_unary("/test.Echo/Echo")(b"x")
    with serving(tls, tmp_path, address=first.address) as second:
        assert second.address == first.address
