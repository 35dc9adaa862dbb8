"""One migrated database for all tests of this folder to copy: migrations take longer than the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.registry.app import VERSIONS


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    with Database(DatabaseSettings(path=path)) as database:
        migrate(database, VERSIONS)
    return path
