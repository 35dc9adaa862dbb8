"""The ends of an audit trail as they were, day by day, in a file outside the database (R63).

A trail that was cut off at its end still holds together; it no longer contains the end that this file
remembers. One line a day and one when the service stops, only ever appended::

    2026-06-01T00:00:03+00:00 1204:9f86d081884c7d65…

The file belongs where who can change the database cannot change it: another disk or host, or append-only
by the system. It holds no personal data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from libmatch.errors import LogError
from services.chassis.audit import Head, head
from services.chassis.config import ConfigError
from services.chassis.db import Database
from services.chassis.worker import Worker

CHECK_INTERVAL_S = 600.0
"""How often the service looks whether a day has passed."""

_DAY = timedelta(days=1)
_LONGEST_BYTES = 64 << 20  # a line a day is 40 kB a year; more is another file


@dataclass(frozen=True)
class Remembered:
    """A line: the end of the trail at a moment."""

    at: datetime
    head: Head


def keep_heads(
    stack: ExitStack, path: Path | None, database: Database, now: Callable[[], datetime]
) -> Sequence[Worker]:
    """The worker that keeps ``path``, none where it is None; the last line is written with ``stack``.

    Raises ConfigError where the file cannot be written or is no such file: found out at the start.
    """
    if path is None:
        return ()
    heads = AuditHeads(path, database, now)
    try:
        heads.remember_daily()
    except (OSError, LogError) as error:
        raise ConfigError([f"audit_heads: {path}: {error}"]) from None
    stack.callback(heads.remember_at_end)
    return (Worker("audit-heads", CHECK_INTERVAL_S, heads.remember_daily),)


class AuditHeads:
    """Writes the file of one service. One instance writes, as one process writes the database."""

    def __init__(self, path: Path, database: Database, now: Callable[[], datetime]) -> None:
        self._path = path
        self._database = database
        self._now = now

    def remember_daily(self) -> None:
        """Appends the end unless the last line is younger than a day. Raises OSError, LogError."""
        last = self._last()
        if last is None or self._now() - last.at >= _DAY:
            self.remember()

    def remember(self) -> None:
        """Appends the end as it is now, durably. Raises OSError."""
        line = Remembered(self._now(), self._database.read(head))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, _to_line(line).encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remember_at_end(self) -> None:
        """Appends the end while the service stops; a file that is gone keeps nothing from stopping."""
        try:
            self.remember()
        except OSError as error:
            structlog.get_logger().error("audit-heads.failed", cause=error.strerror)

    def _last(self) -> Remembered | None:
        if not self._path.exists():
            return None
        lines = read_heads(self._path)
        return lines[-1] if lines else None


def read_heads(path: Path) -> list[Remembered]:
    """The lines of the file, in their order. Raises LogError for one that is none; OSError."""
    if path.stat().st_size > _LONGEST_BYTES:
        raise LogError(f"{path}: too large for a file of audit heads")
    try:
        lines = path.read_text("ascii").splitlines()
        return [_parse(line) for line in lines]
    except ValueError:
        raise LogError(f"{path}: not a file of audit heads, or damaged") from None


def _to_line(remembered: Remembered) -> str:
    return f"{remembered.at.isoformat(timespec='seconds')} {remembered.head}\n"


def _parse(line: str) -> Remembered:
    at, _, text = line.partition(" ")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a moment has a time zone")
    return Remembered(moment, Head.parse(text))
