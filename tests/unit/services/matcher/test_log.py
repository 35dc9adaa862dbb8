"""The log as its readers see it: every size is consistent with every later one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from libmatch.auditlog import Checkpoint, follow_checkpoint, log_hash, open_checkpoint
from libmatch.errors import LogError
from libmatch.records import Side
from services.chassis.refusals import InvalidRequest
from tests.district import make_district, person
from tests.matcher_bench import Bench

DISTRICT = make_district()
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def head(bench: Bench) -> Checkpoint:
    key = DISTRICT.manifest.log_key
    return open_checkpoint(bench.use.log.get_checkpoint(), "libmatch/fuling/log", key)


def test_an_empty_log_has_a_checkpoint(bench: Bench) -> None:
    assert head(bench) == Checkpoint("libmatch/fuling/log", 0, log_hash(b""))


def test_every_checkpoint_is_followed_to_every_later_one(bench: Bench) -> None:
    seen = [head(bench)]
    _, rids = bench.submit("reg-a", REG, [person(1), person(1), person(2)])
    seen.append(head(bench))
    bench.submit("ben-a", BEN, [person(1), person(2)])
    seen.append(head(bench))
    for _ in range(5):
        bench.use.gate.check("ben-a", rids)
        seen.append(head(bench))
    bench.withdraw("reg-a", REG, rids)
    seen.append(head(bench))
    assert [checkpoint.size for checkpoint in seen] == [0, 1, 5, 6, 7, 8, 9, 10, 11]
    for i, old in enumerate(seen):
        for new in seen[i:]:
            proof = bench.use.log.prove_consistency(old.size, new.size)
            assert follow_checkpoint(old, new, proof) == new


@pytest.mark.parametrize(("leaf", "size"), [(0, 0), (1, 1), (0, 2), (1 << 63, 1 << 64)])
def test_a_leaf_out_of_range_is_refused(bench: Bench, leaf: int, size: int) -> None:
    bench.submit("reg-a", REG, [person(1)])
    with pytest.raises(InvalidRequest):
        bench.use.log.prove_inclusion(leaf, size)


@pytest.mark.parametrize(("old", "new"), [(1, 0), (0, 2), (2, 2), (1 << 63, 1 << 63)])
def test_sizes_out_of_range_are_refused(bench: Bench, old: int, new: int) -> None:
    bench.submit("reg-a", REG, [person(1)])
    with pytest.raises(InvalidRequest):
        bench.use.log.prove_consistency(old, new)


def test_a_log_altered_in_the_database_is_not_followed(bench: Bench) -> None:
    for i in range(1, 6):
        bench.submit("reg-a", REG, [person(i)])
    remembered = head(bench)
    bench.database.close()
    with sqlite3.connect(bench.path) as connection:  # rewrites one leaf and all nodes above it
        nodes = {
            (level, position): node
            for level, position, node in connection.execute("SELECT * FROM log_node")
        }
        nodes[0, 2] = log_hash(b"another entry")
        nodes[1, 1] = log_hash(b"\1" + nodes[0, 2] + nodes[0, 3])
        nodes[2, 0] = log_hash(b"\1" + nodes[1, 0] + nodes[1, 1])
        connection.executemany(
            "UPDATE log_node SET hash = ? WHERE level = ? AND position = ?",
            [(node, *place) for place, node in nodes.items()],
        )
    connection.close()
    bench.open()
    bench.submit("reg-a", REG, [person(6)])
    new = head(bench)
    with pytest.raises(LogError):
        follow_checkpoint(
            remembered, new, bench.use.log.prove_consistency(remembered.size, new.size)
        )


def test_a_log_that_was_rolled_back_is_not_followed(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1)])
    bench.database.close()
    backup = bench.path.read_bytes()
    bench.open()
    bench.submit("reg-a", REG, [person(2)])
    remembered = head(bench)
    bench.database.close()
    bench.path.write_bytes(backup)
    bench.open()
    with pytest.raises(LogError, match="shorter"):
        follow_checkpoint(remembered, head(bench))
    bench.submit("reg-a", REG, [person(3)])
    with pytest.raises(LogError, match="contradict"):
        follow_checkpoint(remembered, head(bench))


def test_a_missing_node_is_said_and_not_guessed(bench: Bench) -> None:
    for i in range(1, 4):
        bench.submit("reg-a", REG, [person(i)])
    bench.database.close()
    with sqlite3.connect(bench.path) as connection:
        connection.execute("DELETE FROM log_node WHERE level = 1")
    connection.close()
    bench.open()
    with pytest.raises(LogError, match="lacks a node"):
        bench.use.log.get_checkpoint()
