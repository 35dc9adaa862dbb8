from pathlib import Path

import pytest

from tests.ceremony import Ceremony, begin_ceremony, hold_ceremony


@pytest.fixture(scope="session")
def _drafted(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    return begin_ceremony(tmp_path_factory.mktemp("drafted"))


@pytest.fixture(scope="session")
def _held(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    return hold_ceremony(tmp_path_factory.mktemp("held"))


@pytest.fixture
def draft(_drafted: Ceremony, tmp_path: Path) -> Ceremony:
    """A ceremony before anybody signed: the test's own copy."""
    return _drafted.copy(tmp_path / "draft")


@pytest.fixture
def held(_held: Ceremony, tmp_path: Path) -> Ceremony:
    """A ceremony with both signatures: the test's own copy."""
    return _held.copy(tmp_path / "held")
