"""A workstation over a real matcher, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.inspector.states import ReleasePolicy
from tests.district import District, make_district
from tests.inspector_bench import InspectorBench


@pytest.fixture(scope="session")
def district() -> District:
    """Two units that declare, two that approve, one that does both."""
    return make_district(
        registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), both=("dual",)
    )


@pytest.fixture
def bench(tmp_path: Path, district: District) -> Iterator[InspectorBench]:
    """Cases wait for two officers."""
    with InspectorBench(tmp_path, district) as bench:
        yield bench


@pytest.fixture
def prompt(tmp_path: Path, district: District) -> Iterator[InspectorBench]:
    """Notices leave at once."""
    with InspectorBench(tmp_path, district, ReleasePolicy.IMMEDIATE) as bench:
        yield bench
