"""services.chassis.db: what was deleted is in no file any more (R65)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis.db import Database, DatabaseError

SECRET = "甲某某乙".encode()


def traces(folder: Path) -> int:
    """How often the secret is in the database's files."""
    return sum(path.read_bytes().count(SECRET) for path in folder.glob("x.db*"))


def test_R65_deleted_text_is_in_no_file_after_erasing(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        database.run_tx(
            "make",
            lambda s: s.execute(sa.text("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")),
        )
        rows = [{"name": "某" * (n % 90) + SECRET.decode() + "x" * (n % 700)} for n in range(4000)]
        insert = sa.text("INSERT INTO t (name) VALUES (:name)")
        database.run_tx("fill", lambda s: s.execute(insert, rows))
        database.run_tx("edit", lambda s: s.execute(sa.text("UPDATE t SET name = name || 'long'")))
        database.run_tx("purge", lambda s: s.execute(sa.text("DELETE FROM t WHERE id % 7 > 0")))
        database.run_tx("purge", lambda s: s.execute(sa.text("UPDATE t SET name = 'nobody'")))
        assert traces(tmp_path) > 0  # the journal alone keeps thousands
        database.erase_traces()
        assert traces(tmp_path) == 0
        count = database.read(lambda s: s.execute(sa.text("SELECT count(*) FROM t")).scalar_one())
        assert count == len(range(7, 4001, 7))


def test_database_opened_read_only_erases_nothing(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        database.run_tx("make", lambda s: s.execute(sa.text("CREATE TABLE t (id INTEGER)")))
        database.erase_traces()
    with (
        Database(f"sqlite:///{tmp_path / 'x.db'}", read_only=True) as reading,
        pytest.raises(DatabaseError, match="read-only"),
    ):
        reading.erase_traces()


def test_the_emptied_journal_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, int]] = []

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append((status.st_ino, status.st_size))

    with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        database.run_tx("make", lambda s: s.execute(sa.text("CREATE TABLE t (id INTEGER)")))
        monkeypatch.setattr(os, "fsync", fsync)
        database.erase_traces()
        assert synced == [((tmp_path / "x.db-wal").stat().st_ino, 0)]
