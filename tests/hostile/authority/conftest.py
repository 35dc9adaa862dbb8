"""A district after the ceremony, with what was handed out installed: each attack spoils its own copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.authority.install import install
from tests.ceremony import (
    UNIT,
    Ceremony,
    hold_ceremony,
)


@pytest.fixture(scope="module")
def _equipped(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    ceremony = hold_ceremony(tmp_path_factory.mktemp("equipped"))
    deliveries = ceremony.deliver()
    for unit in (UNIT, "minzheng"):
        install(ceremony.kit(unit), deliveries / unit, unit, ceremony.keys(unit))
    install(ceremony.kit("matcher"), deliveries / "_matcher", "", None)
    return ceremony


@pytest.fixture
def world(_equipped: Ceremony, tmp_path: Path) -> Ceremony:
    """A district after the ceremony, the test's own to spoil."""
    return _equipped.copy(tmp_path / "world")
