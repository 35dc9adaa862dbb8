"""Transactions as functions, the same for every database."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa
import structlog
from sqlmodel import Session

from services.chassis.config import DatabaseSettings
from services.chassis.db.engine import PATIENCE_S, DatabaseError, Engine, Trouble
from services.chassis.db.sqlite import SqliteEngine
from services.chassis.deadline import remaining_s
from services.chassis.refusals import (
    ChassisError,
    DeadlinePassed,
    Overloaded,
    StorageFailed,
    StorageFull,
)

T = TypeVar("T")

_ATTEMPTS = 5
_REPEATED = frozenset({Trouble.CONFLICT, Trouble.LOST})


class Database:
    """The database of one service. Close it, or use it as a context manager.

    Raises DatabaseError where the database must not be used: another process writes the SQLite file, others
    can read it, the PostgreSQL server does not sync what it commits, and the like. ``read_only`` takes no
    lock and never writes.
    """

    def __init__(self, where: DatabaseSettings | str, *, read_only: bool = False) -> None:
        self.read_only = read_only
        self._lock = threading.Lock()
        self._in_transaction = threading.local()
        self._engine = _open(where, read_only)

    @property
    def where(self) -> str:
        """Which database this is, for messages: never a password."""
        return self._engine.where

    @property
    def path(self) -> Path:
        """The SQLite file. Raises DatabaseError where it is another database."""
        if not isinstance(self._engine, SqliteEngine):
            raise DatabaseError(f"{self.where}: is not a file")
        return self._engine.path

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        """What ``fn`` returns, after one committed and synced transaction.

        ``fn`` may run twice, so it has no effect but through its session. On an exception nothing is kept;
        only a StorageFailed may mean that COMMIT itself failed, and says so: the same again shows what came
        of it. Raises StorageFull, DeadlinePassed, Overloaded; ``name`` goes to the log.
        """
        self._refuse_read_only(name)
        return self._repeat(name, lambda: self._writing(name), fn, writing=True)

    def read(self, fn: Callable[[Session], T]) -> T:
        """What ``fn`` returns from one consistent snapshot; a write in it raises."""
        return self._repeat("read", self._reading, fn, writing=False)

    def _repeat(
        self,
        name: str,
        turn: Callable[[], AbstractContextManager[sa.Connection]],
        fn: Callable[[Session], T],
        *,
        writing: bool,
    ) -> T:
        self._refuse_nesting(name)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with turn() as connection:
                    return self._attempt(name, connection, fn)
            except sa.exc.DBAPIError as error:
                trouble = self._engine.trouble(error, writing=writing)
                if trouble is Trouble.OTHER:
                    raise
                code = self._engine.code(error)
                if trouble not in _REPEATED or attempt == _ATTEMPTS:
                    raise _refusal(name, trouble, code) from None
            structlog.get_logger().warning("db.retry", transaction=name, attempt=attempt, why=code)
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311  # jitter
        raise AssertionError("unreachable")

    @contextmanager
    def _writing(self, name: str) -> Iterator[sa.Connection]:
        """The writer's connection; gives up when the caller is no longer there to hear."""
        begun = time.monotonic()
        left = remaining_s()
        patience_s = PATIENCE_S if left is None else min(left, PATIENCE_S)
        if not self._lock.acquire(timeout=patience_s):
            raise DeadlinePassed(f"{name}: other writes took all the time; nothing was kept")
        try:
            waited_s = time.monotonic() - begun
            with self._engine.writing(name, max(0.0, patience_s - waited_s)) as connection:
                yield connection
        finally:
            self._lock.release()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            connection = self._engine.reading()
        except sa.exc.TimeoutError:  # the pool of readers
            raise Overloaded("all database connections are busy") from None
        with connection as open_connection:
            yield open_connection

    def _attempt(self, name: str, connection: sa.Connection, fn: Callable[[Session], T]) -> T:
        self._in_transaction.here = True
        try:
            # Not expired on commit: rows that leave the transaction stay readable.
            with Session(connection, expire_on_commit=False) as session:
                session.begin()
                result = fn(session)
                session.flush()  # so that what fails from here on is COMMIT itself
                self._commit(name, session)
                return result
        finally:
            self._in_transaction.here = False

    def _commit(self, name: str, session: Session) -> None:
        try:
            session.commit()
        except sa.exc.DBAPIError as error:
            # Without an answer, or where the sync failed: what was written may be there all the same.
            if self._engine.trouble(error, writing=True) not in (Trouble.LOST, Trouble.FAILED):
                raise
            code = self._engine.code(error)
            structlog.get_logger().error("db.commit_unanswered", transaction=name, code=code)
            raise StorageFailed(
                "the database failed during COMMIT: whether it was kept is not known; "
                "repeat the same request, its answer tells"
            ) from None

    def _refuse_read_only(self, name: str) -> None:
        if self.read_only:
            raise DatabaseError(f"{name}: the database was opened read-only")

    def _refuse_nesting(self, name: str) -> None:
        # The writer's lock is not re-entrant, and a nested read would see the old state.
        if getattr(self._in_transaction, "here", False):
            raise RuntimeError(f"{name}: already inside a transaction of this thread")

    def erase_traces(self) -> None:
        """Returns when what was deleted is no longer in the database's own files.

        Deleting alone leaves copies: in pages that were split and in the journal (SQLite), in row versions
        (PostgreSQL). Rewrites the whole database, so it takes as much disk again for a moment, and no other
        write runs meanwhile. What it cannot reach: backups, and on PostgreSQL the WAL, its archive and
        standbys (docs/operations.md). Raises StorageFull; DatabaseError where readers hold the old state.
        """
        self._refuse_read_only("erase")
        self._refuse_nesting("erase")
        with self._explained("erase"), self._writing("erase") as connection:
            self._engine.erase(connection)

    @contextmanager
    def writer_connection(self) -> Iterator[sa.Connection]:
        """The writer's connection, for migrations before the service starts; nobody else writes meanwhile.

        What is not committed in it is not kept. Raises DatabaseError where the database fails.
        """
        self._refuse_read_only("the writer's connection")
        try:
            with self._explained("the writer's connection"), self._writing("migrate") as connection:
                yield connection
        except DeadlinePassed:
            raise DatabaseError(
                f"{self.where}: other writes took all the time; try again"
            ) from None

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Raises StorageFull or DatabaseError for what is no mistake of the statement."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            trouble = self._engine.trouble(error, writing=True)
            if trouble is Trouble.OTHER:
                raise
            if trouble is Trouble.FULL:
                raise _refusal(name, trouble, "") from None
            code = self._engine.code(error)
            raise DatabaseError(f"{self.where}: {name}: the database failed ({code})") from None

    def close(self) -> None:
        """Ends all connections; waits for a write that runs."""
        with self._lock:
            self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(where: DatabaseSettings | str, read_only: bool) -> Engine:
    settings = where if isinstance(where, DatabaseSettings) else DatabaseSettings(url=where)
    if settings.path is not None:
        return SqliteEngine(settings.path.absolute(), read_only)
    url = settings.url or ""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return SqliteEngine(_sqlite_path(url), read_only)
    if scheme in ("postgresql", "postgres"):
        # Late: only who uses it loads the driver.
        from services.chassis.db.postgresql import PostgresqlEngine
        from services.chassis.db.postgresql_address import read_address

        return PostgresqlEngine(read_address(url, settings.password_file), read_only)
    # Nothing of the URL: it may carry a password.
    raise DatabaseError("the database url begins with neither sqlite: nor postgresql:")


def _sqlite_path(url: str) -> Path:
    database = sa.make_url(url).database
    if not database or database == ":memory:":
        raise DatabaseError("sqlite: only files are supported")
    return Path(database).absolute()


def _refusal(name: str, trouble: Trouble, code: str) -> ChassisError:
    structlog.get_logger().error("db.failed", transaction=name, why=trouble.name, code=code)
    match trouble:
        case Trouble.CONFLICT:
            return Overloaded(f"{name}: other writes came in between each time; nothing was kept")
        case Trouble.FULL:
            return StorageFull("the server's storage is full; nothing was kept")
        case Trouble.LATE:
            return DeadlinePassed(f"{name}: the time was over; nothing was kept")
    return StorageFailed(f"{name}: the database does not answer; nothing was kept")
