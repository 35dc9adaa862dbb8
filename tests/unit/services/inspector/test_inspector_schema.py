"""The revisions make what the tables say."""

from __future__ import annotations

import stat
from pathlib import Path

from services.chassis.schema import schema_differences
from services.inspector.app import VERSIONS
from services.inspector.tables import Tables
from tests.inspector_bench import InspectorBench


def test_revisions_and_tables_agree() -> None:
    assert schema_differences(VERSIONS, Tables.metadata) == []


def test_the_database_is_its_owners_alone(bench: InspectorBench) -> None:
    bench.pull()
    for path in Path(bench.path.parent).glob("inspector.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
