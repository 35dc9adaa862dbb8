"""The same faults below a registry's and 纪委's own database: an entry and a round are whole or not there."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path

import pytest

from libmatch.records import Side
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.refusals import ChassisError
from services.chassis.schema import migrate
from services.inspector.states import ReleasePolicy
from services.registry.app import VERSIONS
from tests.district import District, make_district, person
from tests.faults import FAULTS, Fault, Saboteur, must_be_explained
from tests.inspector_bench import InspectorBench, item, relative
from tests.sqlite_vfs import watched
from tests.unit.services.registry.conftest import Registry
from tests.unit.services.registry.sheets_of_declarations import row, sheet

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


def entry(number: int) -> bytes:
    """A sheet with one official more, and a relative."""
    return sheet(row(person(number), official=person(500_000 + number)))


@pytest.mark.campaign
@pytest.mark.parametrize("fault", ["full", "write", "sync"])
def test_a_registry_keeps_an_entry_whole_or_not_at_all(
    tmp_path: Path, fault: str, long: bool
) -> None:
    saboteur = Saboteur()
    settings = DatabaseSettings(path=tmp_path / "registry.db")
    with watched(tmp_path, saboteur), Database(settings) as database:
        migrate(database, VERSIONS)
        registry = Registry(database)
        for nth in itertools.count(1, 1 if long else 6):
            before = len(registry.listed()), registry.pending()
            with saboteur.armed(FAULTS[fault], nth):
                refused = refusal_of(registry, entry(nth))
            if refused is not None:
                must_be_explained(refused)
                assert (len(registry.listed()), registry.pending()) == before
            registry.take(entry(nth))
            assert (len(registry.listed()), registry.pending()) == (before[0] + 1, before[1] + 2)
            if not saboteur.struck:
                break
        assert nth > 1
        registry.trail()  # verifies its chain of hashes


def refusal_of(registry: Registry, data: bytes) -> ChassisError | None:
    try:
        registry.take(data)
    except ChassisError as error:
        return error
    return None


def prepare(folder: Path, district: District) -> None:
    """A round of 纪委's ahead: batches to test, hits to open, notices to release."""
    with InspectorBench(folder, district, ReleasePolicy.IMMEDIATE) as bench:
        bench.submit("reg-a", REG, [relative(person(1)), relative(person(2))])
        bench.submit("ben-a", BEN, [item(person(1)), item(person(2))])


def outcome(bench: InspectorBench) -> object:
    """Cases, and how many notices each unit got."""
    cases = {(case.key.person, case.key.approving_unit, case.status) for case in bench.cases()}
    mail = Counter(
        {side: len(bench.mailbox(unit, side)) for unit, side in (("reg-a", REG), ("ben-a", BEN))}
    )
    return cases, mail


@pytest.mark.campaign
@pytest.mark.parametrize("fault", ["full", "write", "sync"])
def test_a_round_of_the_inspector_that_fails_is_finished_by_the_next(
    tmp_path: Path, fault: str, long: bool
) -> None:
    district = make_district()
    prepare(tmp_path / "ready", district)
    shutil.copytree(tmp_path / "ready", tmp_path / "whole")
    with InspectorBench(tmp_path / "whole", district, ReleasePolicy.IMMEDIATE) as bench:
        bench.pull()
        expected = outcome(bench)
    assert expected[1].total() > 0  # type: ignore[index]
    step = 1 if long else {"sync": 5}.get(fault, 40)
    for nth in itertools.count(1, step):
        if not fails_and_recovers(tmp_path, district, FAULTS[fault], nth, expected):
            assert nth > 1
            return


def fails_and_recovers(
    folder: Path, district: District, fault: Fault, nth: int, expected: object
) -> bool:
    """Whether the fault struck in a round; the round after it must end as one without a fault."""
    saboteur, home = Saboteur(), folder / f"round-{nth}"
    shutil.copytree(folder / "ready", home)
    with (
        watched(home, saboteur),
        InspectorBench(home, district, ReleasePolicy.IMMEDIATE) as bench,
    ):
        with saboteur.armed(fault, nth):
            try:
                bench.pull()
            except ChassisError as error:
                must_be_explained(error)
        bench.pull()
        assert outcome(bench) == expected
    shutil.rmtree(home)
    return bool(saboteur.struck)
