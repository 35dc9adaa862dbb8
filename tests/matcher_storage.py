"""Where a matcher of the tests keeps its database, and what another process finds there when it died.

An empty migrated database is made once a process and copied: to migrate anew would take most of the time.
"""

from __future__ import annotations

import functools
import itertools
import shutil
import tempfile
from pathlib import Path

from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from tests.postgresql import PostgresqlServer


class FileStorage:
    """SQLite files. A death leaves them as they are at that instant, and what came later is lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._generation = 0
        self._path.parent.mkdir(parents=True)
        self._path.write_bytes(_empty_file())
        self._path.chmod(0o600)

    @property
    def where(self) -> str:
        """The URL for the next process."""
        return f"sqlite:///{self._path}"

    @property
    def _path(self) -> Path:
        return self._folder / f"process-{self._generation}" / "matcher.db"

    def keep(self) -> None:
        """The file and its journal, as of now; the shared memory beside them is the process's own."""
        target = self._folder / f"process-{self._generation + 1}"
        if target.exists():
            return  # a process that is dead does nothing more, whatever its code would try
        target.mkdir()
        for name in ("matcher.db", "matcher.db-wal"):
            if (self._path.parent / name).exists():
                shutil.copy(self._path.parent / name, target / name)

    def move_on(self) -> None:
        """The next process gets what was kept."""
        self._generation += 1

    def tidy(self) -> None:
        """The dead process's files go; they are closed by now."""
        shutil.rmtree(self._folder / f"process-{self._generation - 1}")

    def close(self) -> None:
        """Nothing: the folder is its owner's."""


class ServerStorage:
    """A database of a PostgreSQL server: what a dead process did not commit, the server rolls back."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        template = _template(server)
        name = f"{template}_{next(_numbers(server))}"
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        self.where = server.url(name)

    def keep(self) -> None:
        """Nothing: the server has it."""

    def move_on(self) -> None:
        """Nothing: the next process finds the same database."""

    def tidy(self) -> None:
        """Nothing."""

    def close(self) -> None:
        self._server.drop_database(self.where)


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matcher.db"
        with Database(f"sqlite:///{path}") as database:
            migrate(database, VERSIONS)
        return path.read_bytes()


@functools.cache
def _template(server: PostgresqlServer) -> str:
    """The name of an empty migrated database of ``server``."""
    name = "matcher_template"
    with Database(server.create_database(name)) as database:
        migrate(database, VERSIONS)
    return name


@functools.cache
def _numbers(server: PostgresqlServer) -> itertools.count[int]:
    del server
    return itertools.count(1)


Storage = FileStorage | ServerStorage
