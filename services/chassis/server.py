"""Runs a service as a process: checks everything, says when it is ready, and ends cleanly.

A service's ``app.py`` gives ``run_service`` its settings class and a function that builds an ``App``;
the rest (settings, log, signals, exit codes; ``listener`` for the port) is the same for all. The clock
is handed in by whoever starts the process; no setting moves it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

import structlog

from libmatch.errors import LibmatchError
from services.chassis.config import ConfigError, ServiceSettings, load_settings
from services.chassis.db import DatabaseError
from services.chassis.errors import outcome_of
from services.chassis.identity import IdentityError
from services.chassis.listener import App, ListenError, RunningServer, Runtime, start
from services.chassis.observe import configure_logging
from services.chassis.refusals import StorageFailed, StorageFull
from services.chassis.tls import check_own_certificate, server_dns_name
from services.chassis.worker import Worker

__all__ = [
    "App",
    "ExitCode",
    "ListenError",
    "RunningServer",
    "Runtime",
    "Worker",
    "run_service",
    "start",
    "utc_now",
]

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


class ExitCode(IntEnum):
    """What the process ends with; scripts and service managers branch on it."""

    OK = 0
    FAILED = 1
    CONFIGURATION = 2
    LISTEN = 3
    DATABASE = 4
    FORCED = 5  # a call was still running when the grace was over


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def run_service(
    name: str,
    settings_class: type[SettingsT],
    build: Callable[[SettingsT, Runtime], App],
    argv: Sequence[str] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> int:
    """The exit code after running service ``name`` until SIGTERM or SIGINT; a second one hurries.

    ``--config PATH`` names the settings; ``--check`` ends after checking them. ``now``: the clock of all
    that the service decides and keeps. TLS has the machine's, whatever it says.
    """
    arguments = _parse(name, argv)
    os.umask(0o077)
    try:
        settings, runtime = _prepare(name, settings_class, arguments.config, now)
        if arguments.check:
            return ExitCode.OK
        return _run(name, settings, runtime, build)
    except Exception as error:  # noqa: BLE001  # the outermost edge of the process
        return _explain(name, error)


def _parse(name: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--config", type=Path, required=True, help="the settings, a TOML file")
    parser.add_argument("--check", action="store_true", help="check the settings and end")
    return parser.parse_args(argv)


def _prepare(
    name: str, settings_class: type[SettingsT], path: Path, now: Callable[[], datetime]
) -> tuple[SettingsT, Runtime]:
    settings = load_settings(settings_class, path, f"LIBMATCH_{name.upper()}")
    own = check_own_certificate(settings.tls, now)
    try:
        expected = server_dns_name(own.identity)
    except IdentityError as error:
        raise ConfigError([f"{settings.tls.certificate}: {error}"]) from None
    _check_folders(settings)
    if expected not in own.dns_names:
        raise ConfigError(
            [
                f"{settings.tls.certificate}: lacks the DNS name {expected}; "
                "clients would not accept this server"
            ]
        )
    return settings, Runtime(now, own.identity, own.not_after)


def _check_folders(settings: ServiceSettings) -> None:
    files = {"listen.port_file": settings.listen.port_file, "log.file": settings.log.file}
    problems = [
        f"{key}: {path.parent}: no such folder, or not ours to write"
        for key, path in files.items()
        if path is not None and not os.access(path.parent, os.W_OK | os.X_OK)
    ]
    if problems:
        raise ConfigError(problems)


def _run(
    name: str, settings: SettingsT, runtime: Runtime, build: Callable[[SettingsT, Runtime], App]
) -> int:
    configure_logging(settings.log, name, runtime.now)
    stop, hurry = _catch_signals()
    app = build(settings, runtime)
    try:
        running = start(app, settings, runtime)
    except BaseException:
        app.close()
        raise
    log = structlog.get_logger()
    _announce(name, running.address, settings.listen.port_file)
    log.info("ready", address=running.address, certificate_ends=runtime.certificate_ends)
    stop.wait()
    log.info("stopping")
    drained = running.stop(settings.limits.shutdown_grace_s, hurry)
    if settings.listen.port_file is not None:
        settings.listen.port_file.unlink(missing_ok=True)
    log.info("stopped", drained=drained)
    if not drained:
        # A thread that does not end would keep the process. Committed work is safe, the rest never was.
        os._exit(ExitCode.FORCED)
    return ExitCode.OK


def _catch_signals() -> tuple[threading.Event, threading.Event]:
    stop, hurry = threading.Event(), threading.Event()

    def on_signal(*_: object) -> None:
        (hurry if stop.is_set() else stop).set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop, hurry


def _announce(name: str, address: str, port_file: Path | None) -> None:
    if port_file is not None:
        written = port_file.with_name(port_file.name + ".new")
        written.write_text(address.rpartition(":")[2] + "\n", encoding="ascii")
        written.replace(port_file)
    print(json.dumps({"event": "ready", "service": name, "address": address}), flush=True)


_EXIT_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (ConfigError, ExitCode.CONFIGURATION),
    (LibmatchError, ExitCode.CONFIGURATION),
    (ListenError, ExitCode.LISTEN),
    (DatabaseError, ExitCode.DATABASE),
    (StorageFailed, ExitCode.DATABASE),
)


def _explain(name: str, error: Exception) -> int:
    """The exit code for ``error`` after saying on standard error what can be said of it."""
    for kind, code in _EXIT_CODES:
        if isinstance(error, kind):
            for line in str(error).splitlines():
                print(f"{name}: {line}", file=sys.stderr)
            return code
    if outcome_of(error).reason == StorageFull.reason:
        print(f"{name}: the disk is full", file=sys.stderr)
        return ExitCode.DATABASE
    structlog.get_logger().error("failed", exc_info=error)
    print(f"{name}: failed, see the log: {type(error).__name__}", file=sys.stderr)
    return ExitCode.FAILED
