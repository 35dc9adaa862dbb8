"""PostgreSQL: several processes over one database, which write one after another.

Writers queue on one advisory lock of the session, taken *before* BEGIN, so that a transaction's snapshot is
not older than what the one before it committed: nobody waits in vain and nothing is rolled back under load.
The transaction is SERIALIZABLE all the same, and repeated where the server refuses it, so that no match hangs
on everybody's taking the lock. Why, and what was ruled out: docs/decisions/0012.

A pooler that hands sessions out by transaction (PgBouncer's transaction mode) breaks the lock: not supported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
import structlog
from psycopg import errors, sql
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from services.chassis.db.engine import PATIENCE_S, READERS, DatabaseError, Trouble
from services.chassis.db.postgresql_address import Address
from services.chassis.deadline import remaining_s
from services.chassis.refusals import DeadlinePassed

_LOCK = int.from_bytes(
    b"libmatch"
)  # advisory locks are per database, and one database is one service's
_BEGIN_WRITING = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_OLDEST_SERVER = 14_00_00
_ERASE_PATIENCE_S = 10.0

_LINK = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",  # ms; a dead network is found out in this time, not in libpq's two hours
    "keepalives_idle": "30",
    "gssencmode": "disable",
    "client_encoding": "utf8",
}
# On the server's side too: the session of a machine that vanished must not keep the writers' lock for hours.
# Idle for an hour in a transaction: a process that hangs. Loading a history may join for minutes in between.
_SESSION = (
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 "
    "-c idle_in_transaction_session_timeout=3600000 -c jit=off -c client_min_messages=warning"
)

_BY_STATE = {
    "40001": Trouble.CONFLICT,  # serialization_failure
    "40P01": Trouble.CONFLICT,  # deadlock_detected
    "53100": Trouble.FULL,  # disk_full
    "53300": Trouble.LOST,  # too_many_connections
    "55P03": Trouble.LATE,  # lock_not_available: lock_timeout
    "57014": Trouble.LATE,  # query_canceled: statement_timeout
    "57P03": Trouble.LOST,  # cannot_connect_now
    "58030": Trouble.FAILED,  # io_error
    "XX001": Trouble.FAILED,  # data_corrupted
    "XX002": Trouble.FAILED,  # index_corrupted
}
_READ_ONLY = "25006"  # the server was made a standby under us

_CHECK = """
    SELECT current_setting('synchronous_commit'), current_setting('fsync'),
        current_setting('full_page_writes'), current_setting('libmatch.accept_data_loss', true),
        pg_encoding_to_char(encoding), 'a' < 'B'
    FROM pg_database WHERE datname = current_database()
"""


class PostgresqlEngine:
    """The database at ``address``. Raises DatabaseError where it does not answer or would lose data."""

    def __init__(self, address: Address, read_only: bool) -> None:
        self.where = address.where
        self._readers = _engine(address, _BEGIN_READING, READERS, writing=False)
        self._writer = None if read_only else _engine(address, _BEGIN_WRITING, 1, writing=True)
        try:
            with (self._writer or self._readers).connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except sa.exc.DBAPIError as error:
            self.close()
            raise DatabaseError(f"{self.where}: {self._why(error)}") from None
        except BaseException:
            self.close()
            raise

    def _why(self, error: sa.exc.DBAPIError) -> str:
        """What libpq says of a connection that was refused; it names hosts and users, never a password."""
        if error.orig is None or getattr(error.orig, "sqlstate", None) is not None:
            return self.code(error)
        return " ".join(str(error.orig).split())

    @contextmanager
    def writing(self, name: str, patience_s: float) -> Iterator[sa.Connection]:
        assert self._writer is not None
        with self._writer.connect() as connection:
            _take_turn(connection, name, patience_s)
            try:
                yield connection
            finally:
                _end_turn(connection)

    def reading(self) -> sa.Connection:
        return self._readers.connect()

    def trouble(self, error: sa.exc.DBAPIError, *, writing: bool) -> Trouble:
        state = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or (state is None and _is_operational(error)):
            return Trouble.LOST
        if state == _READ_ONLY and writing:
            return Trouble.LOST
        return _BY_STATE.get(str(state), Trouble.OTHER)

    def code(self, error: sa.exc.DBAPIError) -> str:
        return f"{type(error.orig).__name__} {getattr(error.orig, 'sqlstate', None) or ''}".strip()

    def erase(self, connection: sa.Connection) -> None:
        """VACUUM FULL of every table: what no transaction can see any more is in no file of a table or index.

        Takes each table from its readers for a moment. WAL, its archive and standbys are not reached.
        """
        driver = _driver(connection)
        _wait_for_old_snapshots(driver)
        tables = driver.execute(
            "SELECT relname FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        ).fetchall()
        try:
            driver.execute(f"SET lock_timeout = {round(_ERASE_PATIENCE_S * 1000)}")
            for (table,) in tables:
                driver.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(table)))
        except errors.LockNotAvailable:
            raise DatabaseError("erase: a table is being read; try again") from None
        except psycopg.Error as error:
            raise sa.exc.DBAPIError.instance(
                "VACUUM", None, error, psycopg.Error, connection_invalidated=driver.closed
            ) from None

    def close(self) -> None:
        self._readers.dispose()
        if self._writer is not None:
            self._writer.dispose()


def _is_operational(error: sa.exc.DBAPIError) -> bool:
    return isinstance(error.orig, psycopg.OperationalError)


def _driver(connection: sa.Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _take_turn(connection: sa.Connection, name: str, patience_s: float) -> None:
    """Holds the writers' lock; nothing began yet, so a connection that died in the pool is made anew."""
    wait = (
        f"SET lock_timeout = {max(1, round(patience_s * 1000))}; SELECT pg_advisory_lock({_LOCK})"
    )
    for fresh in (False, True):
        try:
            _driver(connection).execute(wait)
            return
        except errors.LockNotAvailable:
            raise DeadlinePassed(
                f"{name}: writes of other processes took all the time; nothing was kept"
            ) from None
        except psycopg.Error as error:
            connection.invalidate()
            if fresh:
                raise sa.exc.DBAPIError.instance(
                    "pg_advisory_lock", None, error, psycopg.Error, connection_invalidated=True
                ) from None


def _end_turn(connection: sa.Connection) -> None:
    """Lets the next writer go on; where that cannot be said, ends the session, and with it the lock."""
    if connection.invalidated:
        return
    try:
        connection.rollback()
        _driver(connection).execute(f"SELECT pg_advisory_unlock({_LOCK})")
    except (psycopg.Error, sa.exc.DBAPIError):
        connection.invalidate()


def _wait_for_old_snapshots(driver: psycopg.Connection) -> None:
    """Returns when no transaction of this role can still see what was deleted before."""
    older = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s"
    )
    begun = driver.execute("SELECT clock_timestamp()").fetchone()
    ends_at = time.monotonic() + _ERASE_PATIENCE_S
    while driver.execute(older, begun).fetchone() != (0,):
        if time.monotonic() > ends_at:
            raise DatabaseError("erase: the former state is being read; try again")
        time.sleep(0.05)


def _engine(address: Address, begin: str, connections: int, *, writing: bool) -> sa.Engine:
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: _connect(address, writing=writing),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=PATIENCE_S,
        pool_recycle=3600,  # so that a changed password, role or certificate is found out within the hour
        hide_parameters=True,
        use_native_hstore=False,
    )
    event.listen(engine, "begin", lambda connection: _begin(connection, begin))
    event.listen(engine, "handle_error", _conceal(writing=writing))
    if writing:
        event.listen(engine, "connect", _check)
        event.listen(engine, "commit", _commit_unhurried)
    return engine


def _connect(address: Address, *, writing: bool) -> psycopg.Connection:
    which_server: dict[str, Any] = {"target_session_attrs": "read-write" if writing else "any"}
    given = _LINK | which_server | address.parameters
    return psycopg.connect(
        **given,
        password=address.password,
        application_name="libmatch",
        options=_SESSION,
        autocommit=True,  # BEGIN is ours (the event above), never the driver's
    )


def _begin(connection: sa.Connection, begin: str) -> None:
    left = remaining_s()
    if left is not None:
        begin += f"; SET LOCAL statement_timeout = {max(1, round(left * 1000))}"
    connection.exec_driver_sql(begin)


def _commit_unhurried(connection: sa.Connection) -> None:
    # A timeout while COMMIT waits for a synchronous standby is a mere warning, and the receipt too early.
    if remaining_s() is not None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _conceal(*, writing: bool) -> Callable[[ExceptionContext], None]:
    """A handler that takes the server's words out of errors: its messages and details repeat values."""

    def handle(context: ExceptionContext) -> None:
        error, wrapped = context.original_exception, context.sqlalchemy_exception
        state = getattr(error, "sqlstate", None)
        if state is None:
            return  # libpq's own words about a connection
        error.args = (f"SQLSTATE {state}",)
        if wrapped is not None:
            wrapped.args = (f"({type(error).__name__}) SQLSTATE {state}",)
        if writing and state == _READ_ONLY:
            context.is_disconnect = True

    return handle


def _check(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, psycopg.Connection)
    try:
        _refuse_unsafe(connection)
    except BaseException:
        connection.close()  # the pool does not
        raise


def _refuse_unsafe(connection: psycopg.Connection) -> None:
    """Refuses a server on which a receipt would not mean kept, or texts would stand in another order."""
    if connection.info.server_version < _OLDEST_SERVER:
        raise DatabaseError("the database server is older than PostgreSQL 14")
    row = connection.execute(_CHECK).fetchone()
    assert row is not None
    synchronous, fsync, full_pages, accept, encoding, linguistic = row
    if synchronous not in ("on", "remote_apply"):
        raise DatabaseError(
            f"synchronous_commit is {synchronous}: a receipt would not mean that anything was kept; "
            "set it to on"
        )
    unsafe = [
        name
        for name, value in (("fsync", fsync), ("full_page_writes", full_pages))
        if value != "on"
    ]
    if unsafe and accept != "on":
        raise DatabaseError(
            f"{' and '.join(unsafe)} off: the server loses data when its machine stops"
        )
    if unsafe:
        structlog.get_logger().warning("db.data_loss_accepted", off=unsafe)
    if encoding != "UTF8" or linguistic:
        raise DatabaseError(
            "the database needs ENCODING 'UTF8' and the collation of bytes: "
            "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )
