"""A service's own database: one writing process, one writer connection, transactions as functions.

SQLite through SQLAlchemy. The library that ships with the system may be older than 3.51.3, whose
WAL-reset bug can corrupt a file when two connections write or checkpoint at the same instant. So
there is one connection that writes and checkpoints, behind a lock of this process, and a lock file
keeps other processes out; readers are read-only and never checkpoint.

``postgresql+psycopg://`` is refused today; the interface is made so that it can be added.
"""

from __future__ import annotations

import fcntl
import os
import random
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlmodel import Session

from services.chassis.config import DatabaseSettings
from services.chassis.deadline import remaining_s
from services.chassis.refusals import DeadlinePassed, Overloaded, StorageFull

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUSY_TIMEOUT_MS = 10_000
_PATIENCE_S = 30.0
_READERS = 8
_ATTEMPTS = 5
_RETRIED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class DatabaseError(Exception):
    """A database that a service must not use; the message says why and what to do."""


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a datetime without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as integer microseconds since 1970 UTC; comes back in UTC.

    Raises ValueError for a naive datetime: a time without a zone is not a moment.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(
        self,
        value: int | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# STRICT tables know INTEGER, REAL, TEXT and BLOB only; these are the names that the usual types get.
@compiles(sa.String, "sqlite")
@compiles(sa.Enum, "sqlite")
@compiles(sa.Date, "sqlite")
@compiles(sa.JSON, "sqlite")
def _as_text(_type: Any, _compiler: Any, **_: Any) -> str:
    return "TEXT"


@compiles(sa.Float, "sqlite")
def _as_real(_type: Any, _compiler: Any, **_: Any) -> str:
    return "REAL"


@compiles(sa.Boolean, "sqlite")
@compiles(sa.BigInteger, "sqlite")
@compiles(sa.SmallInteger, "sqlite")
def _as_integer(_type: Any, _compiler: Any, **_: Any) -> str:
    return "INTEGER"


def insert_many(session: Session, table: sa.Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Inserts ``rows``, in the table's order of columns, within ``session``'s transaction.

    Through the driver's own executemany: SQLAlchemy's handling of a dictionary a row takes a third of the
    CPU time of a submission. So values are the driver's: bytes, text, integers, null.
    """
    if rows:
        connection = session.connection()
        connection.exec_driver_sql(str(table.insert().compile(connection)), list(rows))


class Database:
    """The database of one service. Close it, or use it as a context manager.

    Raises DatabaseError where another process writes the file, where others can read it, or where
    the URL names a database that is not built in. ``read_only`` takes no lock and never writes.
    """

    def __init__(self, where: DatabaseSettings | str, *, read_only: bool = False) -> None:
        self.path = _sqlite_path(where)
        self.read_only = read_only
        self._lock = threading.Lock()
        self._in_transaction = threading.local()
        self._lock_file: int | None = None
        try:
            _check_file(self.path, may_create=not read_only)
            if not read_only:
                self._lock_file = _take_lock(self.path)
                _create_file(self.path)
        except OSError as error:
            raise DatabaseError(f"{error.filename}: {error.strerror}") from None
        self._readers = _engine(self.path, "ro", "BEGIN", _READERS)
        self._writer = None if read_only else _engine(self.path, "rw", "BEGIN IMMEDIATE", 1)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            engine = self._writer or self._readers
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar()
        except sa.exc.DBAPIError as error:
            code = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
            raise DatabaseError(f"{self.path}: not a usable SQLite database ({code})") from None

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        """What ``fn`` returns, after one committed and synced transaction.

        ``fn`` may run twice, so it has no effect but through its session. On an exception nothing
        is kept. Raises StorageFull where the disk is full; ``name`` goes to the log.
        """
        if self._writer is None:
            raise DatabaseError(f"{name}: the database was opened read-only")
        self._refuse_nesting(name)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._writing(name):
                    return self._attempt(self._writer, fn)
            except sa.exc.OperationalError as error:
                _raise_if_full(error)
                if _error_code(error) not in _RETRIED or attempt == _ATTEMPTS:
                    raise
                structlog.get_logger().warning("db.retry", transaction=name, attempt=attempt)
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311  # jitter
        raise AssertionError("unreachable")

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Holds the writer's lock; gives up when the caller is no longer there to hear."""
        left = remaining_s()
        patience_s = _PATIENCE_S if left is None else min(left, _PATIENCE_S)
        if not self._lock.acquire(timeout=patience_s):
            raise DeadlinePassed(f"{name}: other writes took all the time; nothing was kept")
        try:
            yield
        finally:
            self._lock.release()

    def read(self, fn: Callable[[Session], T]) -> T:
        """What ``fn`` returns from one consistent snapshot; a write in it raises."""
        self._refuse_nesting("read")
        return self._attempt(self._readers, fn)

    def _attempt(self, engine: sa.Engine, fn: Callable[[Session], T]) -> T:
        self._in_transaction.here = True
        try:
            # Not expired on commit: rows that leave the transaction stay readable.
            with Session(engine, expire_on_commit=False) as session, session.begin():
                return fn(session)
        except sa.exc.TimeoutError:  # the pool of readers
            raise Overloaded("all database connections are busy") from None
        finally:
            self._in_transaction.here = False

    def _refuse_nesting(self, name: str) -> None:
        # The writer's lock is not re-entrant, and a nested read would see the old state.
        if getattr(self._in_transaction, "here", False):
            raise RuntimeError(f"{name}: already inside a transaction of this thread")

    def erase_traces(self) -> None:
        """Returns when what was deleted is in neither the database file nor its journal.

        Deleting overwrites (``secure_delete``), but a page that was split before may have left a copy, and
        the journal keeps former pages until it is used again. Rewrites the whole file, so it takes as much
        disk again for a moment, and no other write runs meanwhile. Raises StorageFull; DatabaseError where
        readers did not let the journal go.
        """
        if self._writer is None:
            raise DatabaseError("erase: the database was opened read-only")
        self._refuse_nesting("erase")
        with self._writing("erase"):
            connection = self._writer.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("VACUUM")
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                cursor.close()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                    raise StorageFull("the server's storage is full; nothing was kept") from None
                raise DatabaseError(f"erase: {error.sqlite_errorname}") from None
            finally:
                connection.close()
        if busy:
            raise DatabaseError("erase: the journal is being read; try again")

    def writer_connection(self) -> sa.Connection:
        """The writer's connection, for migrations before the service starts."""
        if self._writer is None:
            raise DatabaseError("the database was opened read-only")
        return self._writer.connect()

    def close(self) -> None:
        """Ends all connections, the writer last (its end checkpoints the journal), then the lock."""
        self._readers.dispose()
        if self._writer is not None:
            with self._lock:
                self._writer.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sqlite_path(where: DatabaseSettings | str) -> Path:
    if isinstance(where, DatabaseSettings):
        if where.path is not None:
            return where.path.absolute()
        where = where.url or ""
    try:
        url = sa.make_url(where)
    except sa.exc.ArgumentError:
        raise DatabaseError("the database url is not one") from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        # Scheme only: a URL may carry a password.
        raise DatabaseError(f"{url.get_backend_name()}: only SQLite files are supported so far")
    return Path(url.database).absolute()


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


def _engine(path: Path, mode: str, begin: str, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _connect(path, mode),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_PATIENCE_S,
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


def _error_code(error: sa.exc.DBAPIError) -> int:
    # The primary code is the low byte of an extended one (SQLITE_BUSY_SNAPSHOT and so on).
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def _raise_if_full(error: sa.exc.DBAPIError) -> None:
    if _error_code(error) == sqlite3.SQLITE_FULL:
        raise StorageFull("the server's storage is full; nothing was kept") from None
