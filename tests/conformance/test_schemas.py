"""Every service's revisions make its tables, which keep what they get, in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from services.beneficiary.app import VERSIONS as BENEFICIARY
from services.beneficiary.tables import Tables as BeneficiaryTables
from services.chassis import audit
from services.chassis.db import Database, UtcDateTime
from services.chassis.schema import migrate, schema_differences
from services.inspector.app import VERSIONS as INSPECTOR
from services.inspector.tables import Tables as InspectorTables
from services.matcher.app import VERSIONS as MATCHER
from services.matcher.tables import Tables as MatcherTables
from services.registry.app import VERSIONS as REGISTRY
from services.registry.tables import Tables as RegistryTables
from tests.district import NOW

SERVICES = {
    "beneficiary": (BENEFICIARY, BeneficiaryTables.metadata),
    "inspector": (INSPECTOR, InspectorTables.metadata),
    "matcher": (MATCHER, MatcherTables.metadata),
    "registry": (REGISTRY, RegistryTables.metadata),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    with Database(url) as database:
        yield database


@pytest.mark.parametrize("service", SERVICES)
def test_revisions_and_tables_agree(service: str, database: Database) -> None:
    assert schema_differences(*SERVICES[service], database) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_column_gives_back_what_it_got(service: str, database: Database) -> None:
    versions, metadata = SERVICES[service]
    migrate(database, versions)
    kept = {table: {c.name: _value(c) for c in table.columns} for table in metadata.sorted_tables}

    def write(session: Session) -> None:
        for table, row in kept.items():
            session.execute(table.insert().values(row))
        audit.record(session, at=NOW, actor="test", action="keep", subject="all")

    database.run_tx("keep", write)
    database.read(audit.verify_trail)
    for table, row in kept.items():
        rows = database.read(lambda session, t=table: session.execute(t.select()).mappings().all())  # type: ignore[misc]
        assert [dict(found) for found in rows] == [row], table.name


def _value(column: sa.Column[Any]) -> object:
    """Hard for its type, and the same for a column and what it refers to."""
    match column.type:
        case UtcDateTime():
            return NOW
        case sa.Enum(enum_class=kind) if kind is not None:
            return next(iter(kind))
        case sa.BigInteger():
            return 3_000_000_001  # more than 32 bits
    return {
        sa.Integer: 1,
        sa.Boolean: True,
        sa.Date: date(2026, 2, 28),
        sa.LargeBinary: bytes(range(256)),
    }.get(type(column.type), "张三‘é’\U00020000 \\%:x")


APPEND_ONLY = {
    "beneficiary": {"audit", "check_result", "lead_entry", "matter_entry"},
    "inspector": {"audit", "check_result", "lead_entry"},
    "matcher": {"audit"},
    "registry": {"audit", "check_result", "lead_entry", "matter_entry"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_append_only_tables_refuse_to_change_or_delete_a_row(
    service: str, database: Database
) -> None:
    migrate(database, SERVICES[service][0])
    postgresql = database.where.startswith("postgresql:")
    with database.writer_connection() as connection:
        tables = sa.MetaData()
        tables.reflect(connection, only=sorted(APPEND_ONLY[service]))
        for table in tables.tables.values():
            connection.execute(table.insert().values({c.name: _some(c) for c in table.columns}))
            changed = {column.name: column for column in table.columns}
            attempts: list[sa.Executable] = [table.update().values(changed), table.delete()]
            attempts += [sa.text(f"TRUNCATE {table.name}")] if postgresql else []
            for attempt in attempts:
                with (
                    connection.begin_nested(),
                    pytest.raises(sa.exc.IntegrityError),
                    connection.begin_nested(),
                ):
                    connection.execute(attempt)


def _some(column: sa.Column[Any]) -> object:
    match column.type:
        case sa.LargeBinary():
            return b"x"
        case sa.Integer():
            return 1
        case sa.Boolean():
            return False
        case sa.Date():
            return date(2026, 1, 1)
    return "x"
