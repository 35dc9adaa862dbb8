"""services.chassis.schema on PostgreSQL: all migrations or none, one process at a time, no endless wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from services.chassis.db import Database, DatabaseError, database
from services.chassis.schema import migrate

_FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("kept", sa.Column("n", sa.Integer, primary_key=True))
"""


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "0001_first.py").write_text(_FIRST, encoding="utf-8")
    return folder


@pytest.fixture
def opened(postgresql_url: str) -> Iterator[Database]:
    with Database(postgresql_url) as opened:
        yield opened


def _write_second(versions: Path, *statements: str) -> None:
    lines = [f"    op.execute({statement!r})" for statement in statements]
    head = (
        "from alembic import op",
        'revision, down_revision = "0002", "0001"',
        "def upgrade():",
    )
    (versions / "0002_second.py").write_text("\n".join([*head, *lines]), encoding="utf-8")


def _tables(opened: Database) -> set[str]:
    with opened.writer_connection() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_failing_migration_leaves_nothing(versions: Path, opened: Database) -> None:
    _write_second(versions, "CREATE TABLE half (n integer)", "no sql")
    with pytest.raises(sa.exc.ProgrammingError):
        migrate(opened, versions)
    assert _tables(opened) == set()
    _write_second(versions, "CREATE TABLE whole (n integer)")
    migrate(opened, versions)
    assert _tables(opened) == {"alembic_version", "kept", "whole"}


def test_processes_that_start_together_migrate_once(
    versions: Path, opened: Database, postgresql_url: str
) -> None:
    _write_second(versions, "CREATE TABLE second (n integer)", "INSERT INTO second VALUES (1)")
    with Database(postgresql_url) as other:
        threads = [
            threading.Thread(target=migrate, args=(one, versions)) for one in (opened, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        rows = "SELECT count(*) FROM second"
        assert other.read(lambda s: s.execute(sa.text(rows)).scalar_one()) == 1


def test_a_table_that_stays_in_use_ends_the_wait_and_nothing_is_changed(
    versions: Path, opened: Database, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(opened, versions)
    _write_second(versions, "ALTER TABLE kept ADD COLUMN more integer")
    monkeypatch.setattr(database, "PATIENCE_S", 0.2)
    reading, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        session.execute(sa.text("SELECT count(*) FROM kept")).all()
        reading.set()
        go_on.wait(20)

    with Database(postgresql_url, read_only=True) as reader:
        thread = threading.Thread(target=lambda: reader.read(hold))
        thread.start()
        assert reading.wait(10)
        with pytest.raises(DatabaseError, match="55P03"):
            migrate(opened, versions)
        go_on.set()
        thread.join(10)
    migrate(opened, versions)
    with opened.writer_connection() as connection:
        names = [column["name"] for column in sa.inspect(connection).get_columns("kept")]
    assert names == ["n", "more"]
