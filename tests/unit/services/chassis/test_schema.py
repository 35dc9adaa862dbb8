"""services.chassis.schema: all migrations or none, never backwards, every table STRICT."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.chassis.db import Database, DatabaseError, UtcDateTime
from services.chassis.schema import migrate, schema_differences, write_revision

_TRAIL = """
from services.chassis.migrations.trail import create_trail
revision, down_revision = "0001", None
def upgrade():
    create_trail()
"""


class _Tables(SQLModel, registry=registry()):
    pass


class _Kind(StrEnum):
    PLAIN = "plain"


class _Row(_Tables, table=True):
    __tablename__ = "row"
    __table_args__ = (sa.UniqueConstraint("name", "size"), {"sqlite_strict": True})

    rid: bytes = Field(primary_key=True)
    name: str = Field(index=True)
    size: int
    share: float
    done: bool
    day: date | None
    kind: _Kind
    at: datetime = Field(sa_type=UtcDateTime)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "the versions 100%"
    folder.mkdir()
    (folder / "0001_trail.py").write_text(_TRAIL, encoding="utf-8")
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def _open(path: Path) -> Database:
    return Database(f"sqlite:///{path}")


def _tables(database: Database) -> set[str]:
    with database.writer_connection() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_migrating_twice_changes_nothing(versions: Path, path: Path) -> None:
    with _open(path) as database:
        migrate(database, versions)
        migrate(database, versions)
        assert _tables(database) == {"audit", "alembic_version"}


def test_written_revision_brings_the_database_to_the_tables(versions: Path) -> None:
    assert any("row" in difference for difference in schema_differences(versions, _Tables.metadata))
    written = write_revision(versions, _Tables.metadata, "add rows")
    assert written.name == "0002_add_rows.py"
    assert schema_differences(versions, _Tables.metadata) == []


def test_written_revision_needs_neither_sqlmodel_nor_this_chassis(versions: Path) -> None:
    text = write_revision(versions, _Tables.metadata, "add rows").read_text(encoding="utf-8")
    assert "sqlmodel" not in text
    assert "services" not in text


def test_usual_types_live_in_strict_tables(versions: Path, path: Path) -> None:
    write_revision(versions, _Tables.metadata, "add rows")
    with _open(path) as database:
        migrate(database, versions)
        with database.writer_connection() as connection:
            rows = connection.exec_driver_sql("PRAGMA table_info(row)").all()
    types = {name: kind for _, name, kind, *_ in rows}
    assert types == {
        "rid": "BLOB", "name": "TEXT", "size": "INTEGER", "share": "REAL", "done": "INTEGER",
        "day": "TEXT", "kind": "TEXT", "at": "INTEGER",
    }  # fmt: skip


def test_difference_of_a_column_s_type_is_found(versions: Path) -> None:
    written = write_revision(versions, _Tables.metadata, "add rows")
    text = written.read_text(encoding="utf-8").replace("'size', sa.Integer()", "'size', sa.Text()")
    written.write_text(text, encoding="utf-8")
    assert any(
        "size" in difference for difference in schema_differences(versions, _Tables.metadata)
    )


def test_table_that_is_not_strict_is_found(versions: Path) -> None:
    written = write_revision(versions, _Tables.metadata, "add rows")
    text = written.read_text(encoding="utf-8").replace("sqlite_strict=True", "")
    written.write_text(text, encoding="utf-8")
    assert "table row is not STRICT" in schema_differences(versions, _Tables.metadata)


def test_database_of_a_newer_release_is_refused_untouched(versions: Path, path: Path) -> None:
    newer = write_revision(versions, _Tables.metadata, "add rows")
    with _open(path) as database:
        migrate(database, versions)
        newer.unlink()
        with pytest.raises(DatabaseError, match=r"revision 0002.* newer release"):
            migrate(database, versions)
        assert "row" in _tables(database)


def test_failing_migration_leaves_nothing(versions: Path, path: Path) -> None:
    (versions / "0002_broken.py").write_text(
        "from alembic import op\n"
        'revision, down_revision = "0002", "0001"\n'
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (a INTEGER) STRICT')\n"
        "    op.execute('no sql')\n",
        encoding="utf-8",
    )
    with _open(path) as database:
        with pytest.raises(sa.exc.OperationalError):
            migrate(database, versions)
        assert _tables(database) == set()
