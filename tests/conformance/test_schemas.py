"""Every service's revisions make its tables, and hold its append-only tables, in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.beneficiary.app import VERSIONS as BENEFICIARY
from services.beneficiary.tables import Tables as BeneficiaryTables
from services.chassis.db import Database
from services.chassis.schema import migrate, schema_differences
from services.inspector.app import VERSIONS as INSPECTOR
from services.inspector.tables import Tables as InspectorTables
from services.matcher.app import VERSIONS as MATCHER
from services.matcher.tables import Tables as MatcherTables
from services.registry.app import VERSIONS as REGISTRY
from services.registry.tables import Tables as RegistryTables

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
