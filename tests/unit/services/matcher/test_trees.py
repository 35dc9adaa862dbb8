"""Trees of batches are built once, right, and no more of them are held than there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.errors import LogError
from libmatch.merkle import root_from_path
from libmatch.records import Side
from libmatch.suites import Suite
from services.matcher.store.trees import Trees
from tests.district import make_district, person
from tests.matcher_bench import Bench

ROWS = 5


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, make_district()) as bench:
        for batch in range(4):
            people = [person(batch * ROWS + i) for i in range(ROWS)]
            bench.submit("reg-a", Side.REGISTRY, people)
        yield bench


class Counted:
    """A suite whose hash counts its calls."""

    def __init__(self, suite: Suite) -> None:
        self.calls = 0
        self._h = suite.h
        self.suite = replace(suite, h=self._hash)

    def _hash(self, message: bytes) -> bytes:
        self.calls += 1
        return self._h(message)


def test_every_path_leads_to_the_root_whatever_is_held(bench: Bench) -> None:
    trees, suite = Trees(capacity=2), bench.district.suite
    leaves = bench.database.read(
        lambda session: session.connection().exec_driver_sql("SELECT * FROM batch").mappings().all()
    )

    def prove(number: int, position: int) -> list[bytes]:
        return bench.database.read(lambda session: trees.prove(session, number, suite, position))

    for batch in [*leaves, *leaves]:
        for at in range(ROWS):
            leaf = batch["leaf_hashes"][32 * at : 32 * at + 32]
            path = prove(batch["number"], at)
            assert root_from_path(suite.h, leaf, at, ROWS, path) == batch["root"]
    assert len(trees) == 2


def test_a_tree_is_built_once_while_it_is_held(bench: Bench) -> None:
    trees, counted = Trees(capacity=2), Counted(bench.district.suite)

    def prove(number: int) -> int:
        before = counted.calls
        bench.database.read(lambda session: trees.prove(session, number, counted.suite, 1))
        return counted.calls - before

    built = ROWS - 1
    assert [prove(n) for n in (1, 1, 2, 1, 3, 1, 2)] == [built, 0, built, 0, built, 0, built]


def test_a_position_beyond_the_batch_is_refused(bench: Bench) -> None:
    trees = Trees()
    with pytest.raises(LogError):
        bench.database.read(lambda session: trees.prove(session, 1, bench.district.suite, ROWS))
