"""services.chassis.db on a real PostgreSQL: one writer at a time, whole transactions, honest errors."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from cryptography import x509
from sqlmodel import Session

from services.chassis.config import DatabaseSettings, TlsSettings
from services.chassis.db import (
    Database,
    DatabaseError,
    UtcDateTime,
    insert_many,
    postgresql,
    to_micros,
)
from services.chassis.db.postgresql_address import read_address
from services.chassis.deadline import set_remaining
from services.chassis.refusals import DeadlinePassed, StorageFailed, StorageFull
from tests.chassis_pki import Pki
from tests.postgresql import PostgresqlServer, server_folder

_METADATA = sa.MetaData()
_ROWS = sa.Table(
    "rows",
    _METADATA,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text),
    sa.Column("at", UtcDateTime),
    sa.Column("fen", sa.BigInteger),
    sa.Column("body", sa.LargeBinary),
    sa.Column("live", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("share", sa.Float),
)


def _make_tables(database: Database) -> None:
    with database.writer_connection() as connection:
        _METADATA.create_all(connection)
        connection.commit()


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    with Database(postgresql_url) as database:
        _make_tables(database)
        yield database


@pytest.fixture
def another(database: Database, postgresql_url: str) -> Iterator[Database]:
    """The same database as another process has it."""
    with Database(postgresql_url) as another:
        yield another


def _add(session: Session, n: int, text: str = "") -> None:
    session.execute(_ROWS.insert().values(n=n, text=text))


def _numbers(database: Database) -> list[int]:
    query = sa.select(_ROWS.c.n).order_by(_ROWS.c.n)
    return database.read(lambda session: list(session.execute(query).scalars()))


def _run(statement: str) -> Callable[[Session], object]:
    return lambda session: session.execute(sa.text(statement)).all()


def test_transaction_is_kept_whole_or_not_at_all(database: Database, another: Database) -> None:
    def half(session: Session) -> None:
        _add(session, 3)
        raise ValueError("stop")

    def both(session: Session) -> None:
        _add(session, 1)
        _add(session, 2)

    database.run_tx("add", both)
    with pytest.raises(ValueError, match="stop"):
        database.run_tx("half", half)
    assert _numbers(another) == [1, 2]


def test_transactions_are_serializable_and_reads_one_read_only_snapshot(database: Database) -> None:
    level = (
        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    )
    assert database.run_tx("look", _run(level)) == [("serializable", "off")]
    assert database.read(_run(level)) == [("repeatable read", "on")]

    def read(session: Session) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(_ROWS)
        before = session.execute(count).scalar_one()
        writer = threading.Thread(
            target=lambda: database.run_tx("add", lambda inner: _add(inner, 1))
        )
        writer.start()
        writer.join()
        return before, session.execute(count).scalar_one()

    assert database.read(read) == (0, 0)
    assert _numbers(database) == [1]
    with pytest.raises(sa.exc.InternalError):
        database.read(lambda session: _add(session, 2))


def test_a_writer_waits_for_those_of_other_processes_and_sees_what_they_kept(
    database: Database, another: Database
) -> None:
    holding, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        _add(session, 1)
        holding.set()
        go_on.wait(10)

    seen: list[list[int]] = []

    def look(session: Session) -> None:
        seen.append(list(session.execute(sa.select(_ROWS.c.n)).scalars()))

    threads = [threading.Thread(target=lambda: database.run_tx("hold", hold))]
    threads[0].start()
    assert holding.wait(10)
    threads.append(threading.Thread(target=lambda: another.run_tx("look", look)))
    threads[1].start()
    threads[1].join(0.2)
    assert not seen
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert seen == [[1]]  # its snapshot is from after its turn came


def _outcome(call: Callable[[], object], left_s: float) -> Exception | None:
    """What ``call`` raised in a thread that has ``left_s`` seconds."""
    raised: list[Exception] = []

    def run() -> None:
        set_remaining(left_s)
        try:
            call()
        except Exception as error:  # noqa: BLE001  # handed to the test's own thread
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return raised[0] if raised else None


def test_a_write_gives_up_its_place_when_the_caller_s_time_is_over(
    database: Database, another: Database
) -> None:
    with another.writer_connection():
        late = _outcome(lambda: database.run_tx("late", lambda s: _add(s, 1)), 0.1)
    assert isinstance(late, DeadlinePassed)
    assert _numbers(database) == []
    database.run_tx("in time", lambda session: _add(session, 2))
    assert _numbers(database) == [2]


@pytest.mark.parametrize("writing", [True, False])
def test_a_statement_ends_with_the_caller_s_time(database: Database, writing: bool) -> None:
    def slow() -> object:
        sleep = _run("SELECT pg_sleep(30)")
        return database.run_tx("slow", sleep) if writing else database.read(sleep)

    assert isinstance(_outcome(slow, 0.2), DeadlinePassed)


def _refused_by(server_code: str) -> Callable[[Session], None]:
    """A body that the server stops with that SQLSTATE."""

    def body(session: Session) -> None:
        _add(session, 1)
        raising = f"DO $$ BEGIN RAISE EXCEPTION '张三' USING ERRCODE = '{server_code}'; END $$"
        session.connection().exec_driver_sql(raising)

    return body


def test_full_disk_is_told_and_keeps_nothing(database: Database) -> None:
    with pytest.raises(StorageFull, match="nothing was kept"):
        database.run_tx("big", _refused_by("53100"))
    assert _numbers(database) == []


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_conflict_is_run_again(database: Database, code: str) -> None:
    calls: list[int] = []

    def body(session: Session) -> None:
        calls.append(1)
        if len(calls) < 3:
            _refused_by(code)(session)
        _add(session, 7)

    database.run_tx("conflict", body)
    assert len(calls) == 3
    assert _numbers(database) == [7]


def _end_sessions(server: PostgresqlServer, database: Database) -> None:
    name = database.where.rpartition("/")[2]
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )


def test_sessions_that_ended_meanwhile_are_made_anew(
    database: Database, postgresql_server: PostgresqlServer
) -> None:
    database.run_tx("one", lambda session: _add(session, 1))
    assert _numbers(database) == [1]
    _end_sessions(postgresql_server, database)
    database.run_tx("two", lambda session: _add(session, 2))
    _end_sessions(postgresql_server, database)
    assert _numbers(database) == [1, 2]


def test_a_session_lost_in_mid_transaction_kept_nothing_and_is_run_again(
    database: Database, postgresql_server: PostgresqlServer
) -> None:
    calls: list[int] = []

    def body(session: Session) -> None:
        calls.append(1)
        _add(session, 1)
        if len(calls) == 1:
            _end_sessions(postgresql_server, database)
        _add(session, 2)

    database.run_tx("lost", body)
    assert len(calls) == 2
    assert _numbers(database) == [1, 2]


class _Wire:
    """Between client and server: cuts the line at COMMIT, "before" it or "after" it was handed on."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._server = str(server / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self.cut = ""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            cutting = threading.Event()
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(*ends, cutting), daemon=True).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, asks: bool, cutting: threading.Event
    ) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(1 << 16):
                if asks and self.cut and b"COMMIT" in data:
                    cutting.set()
                    if self.cut == "before":
                        break
                if cutting.is_set() and not asks:
                    break
                target.sendall(data)
            for one in (source, target):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize(("cut", "kept"), [("before", []), ("after", [1])])
def test_a_commit_without_an_answer_is_told_as_neither_kept_nor_lost(
    cut: str, kept: list[int], database: Database, postgresql_server: PostgresqlServer
) -> None:
    with server_folder() as folder, closing(_Wire(folder, postgresql_server.folder)) as wire:
        name = database.where.rpartition("/")[2]
        with Database(f"postgresql://postgres@/{name}?host={folder}") as through:
            wire.cut = cut
            with pytest.raises(StorageFailed, match="whether it was kept is not known") as failure:
                through.run_tx("add", lambda session: _add(session, 1))
            wire.cut = ""
            assert failure.value.retry_after_s > 0
            assert _numbers(through) == kept
            through.run_tx("more", lambda session: _add(session, 2))  # and it goes on
    assert _numbers(database) == [*kept, 2]


def test_a_server_that_stops_is_unavailable_and_then_there_again() -> None:
    with (
        server_folder() as folder,
        PostgresqlServer(folder) as server,
        Database(server.create_database("x")) as database,
    ):
        _make_tables(database)
        database.run_tx("add", lambda session: _add(session, 1))
        server.stop_at_once()
        with pytest.raises(StorageFailed, match="nothing was kept"):
            database.run_tx("add", lambda session: _add(session, 2))
        with pytest.raises(StorageFailed):
            _numbers(database)
        with pytest.raises(DatabaseError, match=r"postgresql:///.*/x: .*No such file"):
            Database(server.url("x"))
        server.start()
        assert _numbers(database) == [1]
        database.run_tx("add", lambda session: _add(session, 3))
        assert _numbers(database) == [1, 3]


def test_errors_do_not_repeat_values(database: Database) -> None:
    database.run_tx("add", lambda session: _add(session, 7, "张三"))
    row = (7, "李四", None, None, None, None, None, None)
    bodies: list[Callable[[Session], object]] = [
        lambda session: _add(session, 7, "李四"),
        lambda session: insert_many(session, _ROWS, [row]),
        _run("SELECT CAST('李四' AS bigint)"),
    ]
    for body in bodies:
        with pytest.raises(sa.exc.DBAPIError) as failure:
            database.run_tx("add", body)
        told = f"{failure.value} {failure.value.orig!r}".replace("CAST('李四'", "")
        assert "李四" not in told
        assert "(7)" not in told
    with pytest.raises(sa.exc.IntegrityError):
        database.run_tx("add", bodies[1])


def test_many_rows_come_back_as_they_were(database: Database) -> None:
    at = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    rows: list[tuple[object, ...]] = [
        (
            n,
            "文" * n,
            to_micros(at),
            3_000_000_000 + n,
            bytes([n]),
            n % 2 == 0,
            date(2026, 1, n),
            n / 3,
        )
        for n in range(1, 20)
    ]
    rows.append((99, None, None, None, None, None, None, None))
    database.run_tx("many", lambda session: insert_many(session, _ROWS, rows))
    found = database.read(lambda s: s.execute(sa.select(_ROWS).order_by(_ROWS.c.n)).all())
    expected = [(*row[:2], row[2] and at, *row[3:]) for row in rows]
    assert [tuple(row) for row in found] == expected


def test_read_only_writes_nothing(database: Database, postgresql_url: str) -> None:
    database.run_tx("add", lambda session: _add(session, 1))
    with Database(postgresql_url, read_only=True) as reader:
        assert _numbers(reader) == [1]
        with pytest.raises(DatabaseError, match="read-only"):
            reader.run_tx("add", lambda session: _add(session, 2))
        with pytest.raises(DatabaseError, match="read-only"):
            reader.erase_traces()


def test_it_is_no_file(database: Database) -> None:
    with pytest.raises(DatabaseError, match="not a file"):
        _ = database.path


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("synchronous_commit = off", "synchronous_commit is off"),
        ("synchronous_commit = local", "synchronous_commit is local"),
        ("libmatch.accept_data_loss = off", "fsync and full_page_writes off"),
    ],
)
def test_a_server_that_may_lose_what_it_kept_is_refused(
    setting: str, problem: str, postgresql_url: str, postgresql_server: PostgresqlServer
) -> None:
    Database(postgresql_url).close()
    name = psycopg.conninfo.conninfo_to_dict(postgresql_url)["dbname"]
    postgresql_server.execute(f"ALTER DATABASE {name} SET {setting}")
    with pytest.raises(DatabaseError, match=problem):
        Database(postgresql_url)
    Database(postgresql_url, read_only=True).close()


def test_another_encoding_is_refused(postgresql_server: PostgresqlServer) -> None:
    postgresql_server.execute("CREATE DATABASE other TEMPLATE template0 ENCODING 'SQL_ASCII'")
    url = postgresql_server.url("other")
    with pytest.raises(DatabaseError, match="ENCODING 'UTF8' LOCALE 'C'"):
        Database(url)
    postgresql_server.drop_database(url)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:s3cret@/d?host=/run/x", "password"),
        ("postgresql://u@/d?host=/run/x&password=s3cret", "password"),
        ("postgresql://u@db.example.cn/d", "verify-full"),
        ("postgresql://u@db.example.cn/d?sslmode=require", "verify-full"),
        ("postgresql://u@db.example.cn/d?sslmode=verify-full", "sslrootcert"),
        ("postgresql://u@/d?host=/run/x,db.example.cn", "verify-full"),
        ("postgresql://u@/d", "lacks host"),
        ("postgresql://db.example.cn/d", "lacks user"),
        ("postgresql://u@/d?host=/run/x&options=-cfsync", "options"),
        ("postgresql://u@/d?host=/run/x&s3cret", "not one that PostgreSQL"),
        ("postgresql://u@/d?host=/run/x&port=s3cret", "port"),
    ],
)
def test_a_url_that_is_not_safe_is_refused_without_repeating_it(url: str, problem: str) -> None:
    with pytest.raises(DatabaseError, match=problem) as refusal:
        Database(url)
    assert "s3cret" not in str(refusal.value)


def test_a_proved_server_and_several_hosts_are_accepted() -> None:
    url = (
        "postgresql://u@one.example.cn,two.example.cn:5433/d?sslmode=verify-full&sslrootcert=/ca.pem"
        "&target_session_attrs=read-write"
    )
    address = read_address(url, None)
    assert address.where == "postgresql://one.example.cn,two.example.cn:,5433/d"
    assert "ca.pem" not in repr(address)


class _TlsFront:
    """TLS in front of a server's Unix socket, as the server itself would speak it."""

    def __init__(self, server: PostgresqlServer, own: TlsSettings) -> None:
        self._server = str(server.folder / ".s.PGSQL.5432")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.certificate, own.private_key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            assert client.recv(8)[4:] == (80877103).to_bytes(4)  # SSLRequest
            client.sendall(b"S")
            with self._context.wrap_socket(client, server_side=True) as secure:
                server.connect(self._server)
                while True:
                    ready = (
                        [secure] if secure.pending() else select.select([secure, server], [], [])[0]
                    )
                    source, target = (secure, server) if secure in ready else (server, secure)
                    if not (data := source.recv(1 << 16)):
                        return
                    target.sendall(data)

    def close(self) -> None:
        self._listener.close()


def test_over_a_network_the_server_proves_itself_and_the_password_is_a_file(
    tmp_path: Path, pki: Pki
) -> None:
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("s3cret\n", encoding="utf-8")
    own = pki.issue_raw([x509.DNSName("localhost")])
    with server_folder() as folder:
        rules = folder / "rules"
        rules.write_text("local all postgres trust\nlocal all keeper scram-sha-256\n", "ascii")
        rules.chmod(0o644)
        with (
            PostgresqlServer(folder, settings=[f"hba_file={rules}"]) as server,
            closing(_TlsFront(server, own)) as front,
        ):
            server.create_database("x")
            server.execute("CREATE ROLE keeper LOGIN PASSWORD 's3cret'")
            server.execute("ALTER DATABASE x OWNER TO keeper")

            def open_as(ca: Path, host: str = "localhost") -> Database:
                verified = f"sslmode=verify-full&sslrootcert={ca}"
                url = f"postgresql://keeper@{host}:{front.port}/x?{verified}"
                return Database(DatabaseSettings(url=url, password_file=password))

            with open_as(pki.ca) as database:
                _make_tables(database)
                assert database.read(_run("SELECT current_user")) == [("keeper",)]
            with pytest.raises(DatabaseError, match="certificate verify failed"):
                open_as(Pki(tmp_path / "other", "another authority").ca)
            with pytest.raises(DatabaseError, match="does not match host name"):
                open_as(pki.ca, "127.0.0.1")
            password.write_text("wr0ng", encoding="utf-8")
            with pytest.raises(DatabaseError, match="password authentication failed") as refusal:
                open_as(pki.ca)
            assert "wr0ng" not in str(refusal.value)


def _traces(server: PostgresqlServer, database: Database, secret: bytes) -> int:
    """How often ``secret`` is in the files of the database's tables and indexes."""
    server.execute("CHECKPOINT")
    name = database.where.rpartition("/")[2]
    ((oid,),) = server.execute(f"SELECT oid FROM pg_database WHERE datname = '{name}'")
    return sum(
        file.read_bytes().count(secret) for file in (server.data / "base" / str(oid)).iterdir()
    )


def test_R65_deleted_text_is_in_no_file_of_a_table_after_erasing(
    database: Database, postgresql_server: PostgresqlServer
) -> None:
    secret = "甲某某乙"
    texts = [(n, "某" * (n % 90) + secret, *[None] * 6) for n in range(1000)]
    database.run_tx("fill", lambda session: insert_many(session, _ROWS, texts))
    database.run_tx("edit", lambda s: s.execute(_ROWS.update().values(text=_ROWS.c.text + "x")))
    database.run_tx("purge", lambda s: s.execute(_ROWS.delete().where(_ROWS.c.n % 7 > 0)))
    database.run_tx("purge", lambda s: s.execute(_ROWS.update().values(text="nobody")))
    assert _traces(postgresql_server, database, secret.encode()) > 0
    database.erase_traces()
    assert _traces(postgresql_server, database, secret.encode()) == 0
    assert len(_numbers(database)) == len(range(0, 1000, 7))


def test_erasing_does_not_return_while_a_reader_holds_the_former_state(
    database: Database, another: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_ERASE_PATIENCE_S", 0.2)
    reading, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        session.execute(sa.text("SELECT count(*) FROM pg_class")).all()  # no table of ours
        reading.set()
        go_on.wait(10)

    thread = threading.Thread(target=lambda: another.read(hold))
    thread.start()
    assert reading.wait(10)
    with pytest.raises(DatabaseError, match="being read"):
        database.erase_traces()
    go_on.set()
    thread.join(10)
    database.erase_traces()
