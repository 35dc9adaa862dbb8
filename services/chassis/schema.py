"""Migrations of a service's database, run by the service itself when it starts.

Each service keeps its revisions in ``migrations/versions``; the environment is shared. Expand, then
contract: a revision must leave the previous release able to run until it is replaced. There is no way back:
a revision has no ``downgrade``; who must go back restores the backup that was made before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlmodel import AutoString

from services.chassis.db import Database, DatabaseError, UtcDateTime

_ENVIRONMENT = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"


def migrate(database: Database, versions_dir: Path) -> None:
    """Brings ``database`` to the newest revision in ``versions_dir``: all steps or none.

    Raises DatabaseError where the database is newer than this code, or where a table stays in use.
    """
    config = _config(versions_dir)
    with database.writer_connection() as connection:
        _refuse_newer(database, connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _config(versions_dir: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions_dir.absolute()).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")  # a folder's name may have spaces
    return config


def _refuse_newer(database: Database, connection: sa.Connection, script: ScriptDirectory) -> None:
    current = MigrationContext.configure(connection).get_current_heads()
    for revision in current:
        try:
            script.get_revision(revision)
        except CommandError:
            raise DatabaseError(
                f"{database.where}: is at revision {revision}, which this release does not know; "
                "it was written by a newer release. Install that one, or restore a backup"
            ) from None


def write_revision(versions_dir: Path, metadata: sa.MetaData, message: str) -> Path:
    """The path of a new revision file with what ``metadata`` has and the revisions have not.

    For developers. Read the file before committing it: a rename looks like a drop and an add.
    """
    versions_dir.mkdir(parents=True, exist_ok=True)
    count = len(list(versions_dir.glob("[0-9]*.py")))
    with tempfile.TemporaryDirectory() as folder, _scratch(Path(folder)) as database:
        migrate(database, versions_dir)
        config = _config(versions_dir)
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        with database.writer_connection() as connection:
            config.attributes |= {
                "connection": connection,
                "metadata": metadata,
                "options": {"include_object": _is_own, "render_item": _render},
            }
            revision = command.revision(
                config,
                message,
                autogenerate=True,
                rev_id=f"{count + 1:04d}",
                version_path=str(versions_dir.absolute()),
            )
    assert revision is not None
    assert not isinstance(revision, list)
    return Path(revision.path)


def schema_differences(
    versions_dir: Path, metadata: sa.MetaData, empty: Database | None = None
) -> list[str]:
    """What the revisions and ``metadata`` disagree about, and SQLite tables that are not STRICT.

    For a service's test, in which it must be empty. ``empty``: a database to try it in; else one in SQLite.
    """
    if empty is not None:
        return _differences(empty, versions_dir, metadata)
    with tempfile.TemporaryDirectory() as folder, _scratch(Path(folder)) as database:
        return _differences(database, versions_dir, metadata)


def _differences(database: Database, versions_dir: Path, metadata: sa.MetaData) -> list[str]:
    migrate(database, versions_dir)
    with database.writer_connection() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _is_own, "compare_type": _type_differs}
        )
        found = [str(difference) for difference in compare_metadata(context, metadata)]
        return found + (_not_strict(connection) if connection.dialect.name == "sqlite" else [])


def _scratch(folder: Path) -> Database:
    return Database(f"sqlite:///{folder / 'scratch.db'}")


def _is_own(item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """False for the audit trail, whose table is the chassis's own (``migrations.trail``)."""
    del item, reflected, other
    return not (kind == "table" and name == "audit")


def _render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Plain SQLAlchemy for types of ours and SQLModel's: a revision must outlive both."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, sa.String | AutoString):
        return "sa.Text()"
    return False


def _type_differs(
    context: MigrationContext,
    inspected_column: Any,
    metadata_column: Any,
    inspected_type: Any,
    metadata_type: Any,
) -> bool:
    """True where the two types have different names in DDL: VARCHAR and TEXT are one in SQLite."""
    del inspected_column, metadata_column
    dialect = context.dialect
    return str(inspected_type.compile(dialect)) != str(metadata_type.compile(dialect))


def _not_strict(connection: sa.Connection) -> list[str]:
    rows = connection.exec_driver_sql("PRAGMA table_list").mappings()
    return [
        f"table {row['name']} is not STRICT"
        for row in rows
        if row["schema"] == "main"
        and row["type"] == "table"
        and not row["strict"]
        and not row["name"].startswith("sqlite_")
        and row["name"] != _VERSION_TABLE
    ]
