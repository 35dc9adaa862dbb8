"""The way of a declaration, of a list and of a case through its service's store, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libmatch.records import Side
from services.beneficiary.app import VERSIONS as BENEFICIARY
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.inspector.states import ReleasePolicy
from services.registry.app import VERSIONS as REGISTRY
from tests.district import make_district, person
from tests.inspector_bench import InspectorBench, item, relative
from tests.unit.services.beneficiary.conftest import Unit
from tests.unit.services.beneficiary.conftest import row as item_row
from tests.unit.services.beneficiary.conftest import sheet as item_sheet
from tests.unit.services.registry.conftest import Registry
from tests.unit.services.registry.sheets_of_declarations import row, sheet


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path / 'x.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as database:
        yield database


def test_a_declaration_is_entered_changed_and_withdrawn(database: Database) -> None:
    migrate(database, REGISTRY)
    registry = Registry(database)
    first = sheet(row(person(1)), row(person(2), "李小某", "子女"))
    assert registry.take(first).new == 3
    assert registry.take(first).unchanged == 3
    assert registry.pending() == 3
    assert set(registry.statuses()) == {"王某", "李某", "李小某"}
    (official,) = registry.listed()
    assert registry.withdraw(official.official.ref, registry.ref_of("李小某")) == 1
    assert registry.pending() == 2
    assert [entry.seq for entry in registry.trail()] == list(range(1, len(registry.trail()) + 1))


def test_a_list_is_taken_changed_and_withdrawn(database: Database) -> None:
    migrate(database, BENEFICIARY)
    unit = Unit(database)
    more = {"金额（元）": "30000000.01"}  # in fen more than 32 bits
    assert unit.take(item_sheet(item_row(), item_row(person(2), name="赵某"))).new == 2
    changed = item_sheet(item_row() | more, item_row(person(2), name="赵某") | more)
    assert unit.take(changed).changed == 2
    (listed,) = unit.listed()
    assert listed.item.amount_fen == 3_000_000_001
    assert {name for _, name in unit.statuses()} == {"李某", "赵某"}
    unit.withdraw(listed.item.item_ref)
    assert unit.pending() == 0


def test_hits_become_cases_and_notices(url: str, tmp_path: Path) -> None:
    district = make_district(registry=["reg-a"], beneficiary=["ben-a"])
    with InspectorBench(tmp_path, district, ReleasePolicy.IMMEDIATE, url) as bench:
        bench.submit("reg-a", Side.REGISTRY, [relative(person(n)) for n in (1, 2)])
        bench.submit("ben-a", Side.BENEFICIARY, [item(person(n)) for n in (1, 2, 3)])
        first, second = bench.pull(), bench.pull()
        assert (first.tested.batches, first.opened.hits) == (2, 2)
        assert (second.tested.batches, second.opened.hits) == (0, 0)
        assert len(bench.cases()) == 2
