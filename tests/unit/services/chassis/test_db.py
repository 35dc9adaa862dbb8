"""services.chassis.db: one writer, whole transactions, nothing readable by others."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.config import DatabaseSettings
from services.chassis.db import Database, DatabaseError, UtcDateTime
from services.chassis.deadline import set_remaining
from services.chassis.refusals import DeadlinePassed, StorageFull

_METADATA = sa.MetaData()
_ROWS = sa.Table(
    "rows",
    _METADATA,
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("at", UtcDateTime),
    sqlite_strict=True,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a b%c.db"  # characters that a URL would change


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with Database(DatabaseSettings(path=path)) as database:
        with database.writer_connection() as connection:
            _METADATA.create_all(connection)
            connection.commit()
        yield database


def _add(session: Session, n: int, text: str = "") -> None:
    session.execute(_ROWS.insert().values(n=n, text=text))


def _numbers(database: Database) -> list[int]:
    query = sa.select(_ROWS.c.n).order_by(_ROWS.c.n)
    return database.read(lambda session: list(session.execute(query).scalars()))


def test_transaction_is_kept_whole(database: Database) -> None:
    def both(session: Session) -> str:
        _add(session, 1)
        _add(session, 2)
        return "done"

    assert database.run_tx("add", both) == "done"
    assert _numbers(database) == [1, 2]


def test_exception_keeps_nothing(database: Database) -> None:
    def half(session: Session) -> None:
        _add(session, 1)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        database.run_tx("half", half)
    assert _numbers(database) == []


def test_writer_is_set_up_for_durability_and_erasure(database: Database) -> None:
    with database.writer_connection() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "secure_delete",
                "foreign_keys",
                "temp_store",
            )
        }
    assert pragmas == {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1,
        "temp_store": 2,
    }  # fmt: skip


def test_transaction_that_begins_by_reading_holds_the_write_lock(database: Database) -> None:
    def body(session: Session) -> None:
        session.execute(sa.select(_ROWS)).all()
        other = sqlite3.connect(database.path, timeout=0, isolation_level=None)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    database.run_tx("read first", body)


def test_write_in_a_read_fails(database: Database) -> None:
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        database.read(lambda session: _add(session, 1))


def test_read_sees_one_snapshot(database: Database) -> None:
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


def test_threads_write_one_after_another_and_lose_nothing(database: Database) -> None:
    def work(start: int) -> None:
        for n in range(start, start + 20):
            database.run_tx("add", lambda session, n=n: _add(session, n))  # type: ignore[misc]

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 100, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _numbers(database) == list(range(100))


def test_busy_transaction_is_run_again(database: Database) -> None:
    calls = []

    def body(session: Session) -> None:
        calls.append(1)
        _add(session, 1)
        if len(calls) < 3:
            busy = sa.exc.OperationalError("x", {}, _busy())
            raise busy

    database.run_tx("add", body)
    assert len(calls) == 3
    assert _numbers(database) == [1]


def _busy() -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def test_transaction_in_a_transaction_is_a_mistake(database: Database) -> None:
    with pytest.raises(RuntimeError, match="already inside"):
        database.run_tx("outer", lambda _: database.run_tx("inner", lambda _: None))
    with pytest.raises(RuntimeError, match="already inside"):
        database.read(lambda _: database.read(lambda _: None))


def test_write_gives_up_when_the_caller_s_time_is_over(database: Database) -> None:
    holding, go_on = threading.Event(), threading.Event()

    def hold(_: Session) -> None:
        holding.set()
        go_on.wait(10)

    outcome: list[Exception] = []

    def late() -> None:
        set_remaining(0.05)
        try:
            database.run_tx("late", lambda session: _add(session, 1))
        except DeadlinePassed as error:
            outcome.append(error)

    threads = [threading.Thread(target=lambda: database.run_tx("hold", hold))]
    threads[0].start()
    assert holding.wait(5)
    threads.append(threading.Thread(target=late))
    threads[1].start()
    threads[1].join(5)
    go_on.set()
    threads[0].join(5)
    assert len(outcome) == 1
    assert _numbers(database) == []


def test_full_disk_is_told_and_keeps_nothing(database: Database) -> None:
    with database.writer_connection() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageFull, match="nothing was kept"):
        database.run_tx("big", lambda session: _add(session, 1, "x" * 100_000))
    assert _numbers(database) == []
    with database.writer_connection() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=100000")
    database.run_tx("big", lambda session: _add(session, 1, "x" * 100_000))
    assert _numbers(database) == [1]


def test_error_of_the_driver_does_not_repeat_values(database: Database) -> None:
    database.run_tx("add", lambda session: _add(session, 7, "张三"))
    with pytest.raises(sa.exc.IntegrityError) as failure:
        database.run_tx("add", lambda session: _add(session, 7, "张三"))
    assert "张三" not in str(failure.value)


def test_files_are_the_owner_s_alone(database: Database) -> None:
    database.run_tx("add", lambda session: _add(session, 1))
    files = list(database.path.parent.iterdir())
    assert len(files) == 4  # database, journal, its index, lock
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_deleted_text_is_not_left_in_the_files(path: Path, database: Database) -> None:
    database.run_tx("add", lambda session: _add(session, 1, "SECRET" * 50))
    database.run_tx("delete", lambda session: session.execute(_ROWS.delete()))
    database.close()
    assert b"SECRET" not in path.read_bytes()
    assert not path.with_name(path.name + "-wal").exists()


def test_database_that_others_can_read_is_refused(path: Path) -> None:
    path.touch(mode=0o644)
    path.chmod(0o644)
    with pytest.raises(DatabaseError, match="chmod 600"):
        Database(DatabaseSettings(path=path))


def test_second_writing_process_is_refused(database: Database) -> None:
    script = (
        "import sys; from services.chassis.db import *; from services.chassis.config import *\n"
        "try: Database(DatabaseSettings(path=sys.argv[1]))\n"
        "except DatabaseError as error: sys.exit(str(error))"
    )
    run = [sys.executable, "-c", script, str(database.path)]
    second = subprocess.run(run, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "in use by another process" in second.stderr


def test_killed_process_leaves_whole_transactions_only(database: Database) -> None:
    path = database.path
    database.close()
    script = (
        "import os, signal, sys; from services.chassis.db import *; import sqlalchemy as sa\n"
        "from services.chassis.config import *\n"
        "def add(session, n): session.execute(sa.text('INSERT INTO rows (n) VALUES (:n)'), {'n': n})\n"
        "def half(session): add(session, 2); os.kill(os.getpid(), signal.SIGKILL)\n"
        "database = Database(DatabaseSettings(path=sys.argv[1]))\n"
        "database.run_tx('whole', lambda session: add(session, 1)); database.run_tx('half', half)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Database(DatabaseSettings(path=path)) as again:
        assert _numbers(again) == [1]
        again.run_tx("more", lambda session: _add(session, 2))
        assert _numbers(again) == [1, 2]


def test_lock_ends_with_the_database(path: Path) -> None:
    Database(DatabaseSettings(path=path)).close()
    Database(DatabaseSettings(path=path)).close()


def test_read_only_takes_no_lock_and_writes_nothing(database: Database) -> None:
    database.run_tx("add", lambda session: _add(session, 1))
    with Database(DatabaseSettings(path=database.path), read_only=True) as reader:
        assert _numbers(reader) == [1]
        with pytest.raises(DatabaseError, match="read-only"):
            reader.run_tx("add", lambda session: _add(session, 2))


def test_read_only_does_not_create(path: Path) -> None:
    with pytest.raises(DatabaseError, match="no such database"):
        Database(DatabaseSettings(path=path), read_only=True)
    assert not path.exists()


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="none: no such folder"):
        Database(DatabaseSettings(path=tmp_path / "none" / "x.db"))


def test_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="Not a directory"):
        Database(DatabaseSettings(path=tmp_path / "file" / "x.db"))


def test_file_that_is_no_database_is_told(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(b"x" * 4096)
    with pytest.raises(DatabaseError, match="SQLITE_NOTADB"):
        Database(DatabaseSettings(path=path))
    path.unlink()
    Database(DatabaseSettings(path=path)).close()  # the refused one holds no lock


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://user:s3cret@host/x", "sqlite://", "sqlite:///:memory:", "nonsense"],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(DatabaseError) as refusal:
        Database(url)
    assert "s3cret" not in str(refusal.value)


def test_sqlite_url_is_a_path(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        assert database.path == tmp_path / "x.db"


def test_moment_comes_back_in_utc_to_the_microsecond(database: Database) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=8)))
    database.run_tx("add", lambda session: session.execute(_ROWS.insert().values(n=1, at=moment)))
    found = database.read(lambda session: session.execute(sa.select(_ROWS.c.at)).scalar_one())
    assert found == moment
    assert found.tzinfo is UTC


def test_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 1, 2)  # noqa: DTZ001
    with pytest.raises(sa.exc.StatementError, match="without a time zone"):
        database.run_tx(
            "add", lambda session: session.execute(_ROWS.insert().values(n=1, at=naive))
        )
