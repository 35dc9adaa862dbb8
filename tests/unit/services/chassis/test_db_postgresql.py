"""services.chassis.db on a real PostgreSQL: one writer at a time, whole transactions, rows as they were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.db import (
    Database,
    DatabaseError,
    insert_many,
    postgresql,
    to_micros,
)
from services.chassis.deadline import set_remaining
from services.chassis.refusals import DeadlinePassed, StorageFull
from tests.postgresql import PostgresqlServer
from tests.unit.services.chassis.postgresql_rows import (
    ROWS,
    add_row,
    make_tables,
    numbers_in,
    refused_by,
    run_statement,
)


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    with Database(postgresql_url) as database:
        make_tables(database)
        yield database


@pytest.fixture
def another(database: Database, postgresql_url: str) -> Iterator[Database]:
    """The same database as another process has it."""
    with Database(postgresql_url) as another:
        yield another


def test_transaction_is_kept_whole_or_not_at_all(database: Database, another: Database) -> None:
    def half(session: Session) -> None:
        add_row(session, 3)
        raise ValueError("stop")

    def both(session: Session) -> None:
        add_row(session, 1)
        add_row(session, 2)

    database.run_tx("add", both)
    with pytest.raises(ValueError, match="stop"):
        database.run_tx("half", half)
    assert numbers_in(another) == [1, 2]


def test_transactions_are_serializable_and_reads_one_read_only_snapshot(database: Database) -> None:
    level = (
        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    )
    assert database.run_tx("look", run_statement(level)) == [("serializable", "off")]
    assert database.read(run_statement(level)) == [("repeatable read", "on")]

    def read(session: Session) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(ROWS)
        before = session.execute(count).scalar_one()
        writer = threading.Thread(
            target=lambda: database.run_tx("add", lambda inner: add_row(inner, 1))
        )
        writer.start()
        writer.join()
        return before, session.execute(count).scalar_one()

    assert database.read(read) == (0, 0)
    assert numbers_in(database) == [1]
    with pytest.raises(sa.exc.InternalError):
        database.read(lambda session: add_row(session, 2))


def test_a_writer_waits_for_those_of_other_processes_and_sees_what_they_kept(
    database: Database, another: Database
) -> None:
    holding, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        add_row(session, 1)
        holding.set()
        go_on.wait(10)

    seen: list[list[int]] = []

    def look(session: Session) -> None:
        seen.append(list(session.execute(sa.select(ROWS.c.n)).scalars()))

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
        late = _outcome(lambda: database.run_tx("late", lambda s: add_row(s, 1)), 0.1)
    assert isinstance(late, DeadlinePassed)
    assert numbers_in(database) == []
    database.run_tx("in time", lambda session: add_row(session, 2))
    assert numbers_in(database) == [2]


@pytest.mark.parametrize("writing", [True, False])
def test_a_statement_ends_with_the_caller_s_time(database: Database, writing: bool) -> None:
    def slow() -> object:
        sleep = run_statement("SELECT pg_sleep(30)")
        return database.run_tx("slow", sleep) if writing else database.read(sleep)

    assert isinstance(_outcome(slow, 0.2), DeadlinePassed)


def test_full_disk_is_told_and_keeps_nothing(database: Database) -> None:
    with pytest.raises(StorageFull, match="nothing was kept"):
        database.run_tx("big", refused_by("53100"))
    assert numbers_in(database) == []


def test_errors_do_not_repeat_values(database: Database) -> None:
    database.run_tx("add", lambda session: add_row(session, 7, "张三"))
    row = (7, "李四", None, None, None, None, None, None)
    bodies: list[Callable[[Session], object]] = [
        lambda session: add_row(session, 7, "李四"),
        lambda session: insert_many(session, ROWS, [row]),
        run_statement("SELECT CAST('李四' AS bigint)"),
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
    database.run_tx("many", lambda session: insert_many(session, ROWS, rows))
    found = database.read(lambda s: s.execute(sa.select(ROWS).order_by(ROWS.c.n)).all())
    expected = [(*row[:2], row[2] and at, *row[3:]) for row in rows]
    assert [tuple(row) for row in found] == expected


def test_read_only_writes_nothing(database: Database, postgresql_url: str) -> None:
    database.run_tx("add", lambda session: add_row(session, 1))
    with Database(postgresql_url, read_only=True) as reader:
        assert numbers_in(reader) == [1]
        with pytest.raises(DatabaseError, match="read-only"):
            reader.run_tx("add", lambda session: add_row(session, 2))
        with pytest.raises(DatabaseError, match="read-only"):
            reader.erase_traces()


def test_it_is_no_file(database: Database) -> None:
    with pytest.raises(DatabaseError, match="not a file"):
        _ = database.path


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
    database.run_tx("fill", lambda session: insert_many(session, ROWS, texts))
    database.run_tx("edit", lambda s: s.execute(ROWS.update().values(text=ROWS.c.text + "x")))
    database.run_tx("purge", lambda s: s.execute(ROWS.delete().where(ROWS.c.n % 7 > 0)))
    database.run_tx("purge", lambda s: s.execute(ROWS.update().values(text="nobody")))
    assert _traces(postgresql_server, database, secret.encode()) > 0
    database.erase_traces()
    assert _traces(postgresql_server, database, secret.encode()) == 0
    assert len(numbers_in(database)) == len(range(0, 1000, 7))


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
