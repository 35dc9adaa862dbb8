"""SQLite: one file, one process that writes, one writer connection.

The library that ships with the system may be older than 3.51.3, whose WAL-reset bug can corrupt a file when
two connections write or checkpoint at the same instant. So there is one connection that writes and
checkpoints (the caller has a lock for it), and a lock file keeps other processes out; readers are read-only
and never checkpoint.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from services.chassis.db.engine import PATIENCE_S, READERS, DatabaseError, Trouble

_BUSY_TIMEOUT_MS = 10_000
_CONFLICTS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FAILURES = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    }
)


class SqliteEngine:
    """The file at ``path``. Raises DatabaseError where another process writes it or others can read it."""

    def __init__(self, path: Path, read_only: bool) -> None:
        self.path = path
        self._lock_file: int | None = None
        try:
            _check_file(path, may_create=not read_only)
            if not read_only:
                self._lock_file = _take_lock(path)
                _create_file(path)
        except OSError as error:
            raise DatabaseError(f"{error.filename}: {error.strerror}") from None
        self._readers = _engine(path, "ro", "BEGIN", READERS)
        self._writer = None if read_only else _engine(path, "rw", "BEGIN IMMEDIATE", 1)
        try:
            self._try()
        except BaseException:
            self.close()
            raise

    @property
    def where(self) -> str:
        return str(self.path)

    def _try(self) -> None:
        try:
            engine = self._writer or self._readers
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar()
        except sa.exc.DBAPIError as error:
            raise DatabaseError(
                f"{self.path}: not a usable SQLite database ({self.code(error)})"
            ) from None

    @contextmanager
    def writing(self, _name: str, _patience_s: float) -> Iterator[sa.Connection]:
        assert self._writer is not None
        with self._writer.connect() as connection:
            yield connection

    def reading(self) -> sa.Connection:
        return self._readers.connect()

    def trouble(self, error: sa.exc.DBAPIError, *, writing: bool) -> Trouble:
        # The primary code is the low byte of an extended one (SQLITE_BUSY_SNAPSHOT and so on).
        code = int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF
        if code in _CONFLICTS:
            return Trouble.CONFLICT
        if code == sqlite3.SQLITE_FULL:
            return Trouble.FULL
        # In a reader's connection "readonly" is a write where none may be.
        if code in _FAILURES or (writing and code == sqlite3.SQLITE_READONLY):
            return Trouble.FAILED
        return Trouble.OTHER

    def code(self, error: sa.exc.DBAPIError) -> str:
        return str(getattr(error.orig, "sqlite_errorname", type(error.orig).__name__))

    def erase(self, connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        try:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = cursor.fetchone()
        except sqlite3.Error as error:
            raise sa.exc.OperationalError("VACUUM", None, error) from None
        finally:
            cursor.close()
        if busy is None or busy[0]:
            raise DatabaseError("erase: the journal is being read; try again")
        _sync_journal(self.path)

    def close(self) -> None:
        """Ends all connections, the writer last (its end checkpoints the journal), then the lock."""
        self._readers.dispose()
        if self._writer is not None:
            self._writer.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _check_file(path: Path, *, may_create: bool) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise DatabaseError(f"{path.parent}: no such folder") from None
        if not may_create:
            raise DatabaseError(f"{path}: no such database") from None
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DatabaseError(f"{path}: others can read this database; run: chmod 600 {path}")


def _create_file(path: Path) -> None:
    # Before SQLite does it with the umask; its journal files inherit this mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _take_lock(path: Path) -> int:
    lock_path = path.with_name(path.name + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DatabaseError(f"{path}: in use by another process") from None
    return descriptor


def _sync_journal(path: Path) -> None:
    """SQLite does not sync a truncation: a power failure could bring the journal back with all its pages."""
    descriptor = os.open(path.with_name(path.name + "-wal"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _engine(path: Path, mode: str, begin: str, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _connect(path, mode),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=PATIENCE_S,
        hide_parameters=True,  # an error of the driver must not repeat values
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    event.listen(engine, "connect", _pragmas(mode))
    return engine


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=_BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,  # BEGIN is ours (the event above), never the driver's
        check_same_thread=False,
    )


def _pragmas(mode: str) -> Callable[[DBAPIConnection, ConnectionPoolEntry], None]:
    writer = (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",  # a receipt means synced, not only written
        "PRAGMA secure_delete=ON",  # what is withdrawn or purged is overwritten
        # A batch of 2048 rows dirties some 3,700 pages (15 MiB) of random indexes: with the defaults (2 MiB
        # and 4 MiB) they spill in mid-transaction, and every commit checkpoints and writes them twice. Later
        # batches dirty the same pages: a journal of 256 MiB saves half of the bytes (0.3 s to read it again).
        "PRAGMA cache_size=-65536",
        "PRAGMA wal_autocheckpoint=64000",
    )
    both = (
        "PRAGMA foreign_keys=ON",
        "PRAGMA trusted_schema=OFF",
        "PRAGMA cell_size_check=ON",
        "PRAGMA temp_store=MEMORY",  # no plaintext in temporary files
    )
    reader = ("PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0")

    def apply(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in both + (writer if mode == "rw" else reader):
            cursor.execute(pragma)
        cursor.close()

    return apply
