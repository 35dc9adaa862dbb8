"""Three hits that a lying matcher has for 纪委."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libmatch.records import Side
from services.inspector.states import ReleasePolicy
from tests.district import District, make_district, person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a",))


@pytest.fixture
def bench(tmp_path: Path, district: District) -> Iterator[InspectorBench]:
    """Three hits that 纪委 has not seen yet; notices would leave at once."""
    with InspectorBench(tmp_path, district, ReleasePolicy.IMMEDIATE) as bench:
        people = [person(n) for n in range(1, 4)]
        bench.submit("reg-a", REG, [relative(who) for who in people])
        bench.submit("ben-a", BEN, [item(who) for who in people])
        yield bench
