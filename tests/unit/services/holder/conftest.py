"""A bench for each test: one unit, one in-memory matcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chassis_pki import Pki
from tests.district import District, make_district
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.services.holder.bench import Bench


@pytest.fixture(scope="session")
def district() -> District:
    return make_district()


@pytest.fixture
def matcher(district: District) -> MemoryMatcher:
    return MemoryMatcher(district)


@pytest.fixture
def bench(tmp_path: Path, pki: Pki, district: District, matcher: MemoryMatcher) -> Iterator[Bench]:
    with serving(matcher, pki.issue("spiffe://fuling/matcher")) as (_, address):
        bench = Bench(tmp_path / "unit", pki, district, address)
        yield bench
        bench.stop()
