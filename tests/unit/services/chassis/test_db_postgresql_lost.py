"""services.chassis.db on a real PostgreSQL: conflicts, lost sessions and lost answers are told honestly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import Session

from services.chassis.db import (
    Database,
    DatabaseError,
)
from services.chassis.refusals import StorageFailed
from tests.postgresql import PostgresqlServer, server_folder
from tests.unit.services.chassis.postgresql_rows import (
    add_row,
    make_tables,
    numbers_in,
    refused_by,
)


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    with Database(postgresql_url) as database:
        make_tables(database)
        yield database


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_conflict_is_run_again(database: Database, code: str) -> None:
    calls: list[int] = []

    def body(session: Session) -> None:
        calls.append(1)
        if len(calls) < 3:
            refused_by(code)(session)
        add_row(session, 7)

    database.run_tx("conflict", body)
    assert len(calls) == 3
    assert numbers_in(database) == [7]


def _end_sessions(server: PostgresqlServer, database: Database) -> None:
    name = database.where.rpartition("/")[2]
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )


def test_sessions_that_ended_meanwhile_are_made_anew(
    database: Database, postgresql_server: PostgresqlServer
) -> None:
    database.run_tx("one", lambda session: add_row(session, 1))
    assert numbers_in(database) == [1]
    _end_sessions(postgresql_server, database)
    database.run_tx("two", lambda session: add_row(session, 2))
    _end_sessions(postgresql_server, database)
    assert numbers_in(database) == [1, 2]


def test_a_session_lost_in_mid_transaction_kept_nothing_and_is_run_again(
    database: Database, postgresql_server: PostgresqlServer
) -> None:
    calls: list[int] = []

    def body(session: Session) -> None:
        calls.append(1)
        add_row(session, 1)
        if len(calls) == 1:
            _end_sessions(postgresql_server, database)
        add_row(session, 2)

    database.run_tx("lost", body)
    assert len(calls) == 2
    assert numbers_in(database) == [1, 2]


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
                through.run_tx("add", lambda session: add_row(session, 1))
            wire.cut = ""
            assert failure.value.retry_after_s > 0
            assert numbers_in(through) == kept
            through.run_tx("more", lambda session: add_row(session, 2))  # and it goes on
    assert numbers_in(database) == [*kept, 2]


def test_a_server_that_stops_is_unavailable_and_then_there_again() -> None:
    with (
        server_folder() as folder,
        PostgresqlServer(folder) as server,
        Database(server.create_database("x")) as database,
    ):
        make_tables(database)
        database.run_tx("add", lambda session: add_row(session, 1))
        server.stop_at_once()
        with pytest.raises(StorageFailed, match="nothing was kept"):
            database.run_tx("add", lambda session: add_row(session, 2))
        with pytest.raises(StorageFailed):
            numbers_in(database)
        with pytest.raises(DatabaseError, match=r"postgresql:///.*/x: .*No such file"):
            Database(server.url("x"))
        server.start()
        assert numbers_in(database) == [1]
        database.run_tx("add", lambda session: add_row(session, 3))
        assert numbers_in(database) == [1, 3]
