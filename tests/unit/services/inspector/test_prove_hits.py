"""One path proves a whole run of hits, and never more than what is in the log."""

from __future__ import annotations

import hashlib
import random

import pytest

from libmatch.auditlog import Checkpoint, encode_hit_leaf, hash_entry, log_hash
from libmatch.errors import ServiceError
from libmatch.merkle import compute_root, prove_position
from services.inspector.matcher import HitSummary
from services.inspector.prove_hits import ProveHits, cut_subtrees
from services.inspector.side_by_side import crew
from services.inspector.states import DisputeKind


class MemoryLog:
    """A log of leaf hashes, which counts the paths that it gives."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.asked: list[int] = []
        self.failing: dict[int, ServiceError] = {}

    def advance(self) -> Checkpoint:
        return Checkpoint(
            "libmatch/fuling/log", len(self.leaves), compute_root(log_hash, self.leaves)
        )

    def fetch_path(self, leaf_index: int, tree_size: int) -> list[bytes]:
        self.asked.append(leaf_index)
        if leaf_index in self.failing:
            raise self.failing[leaf_index]
        return prove_position(log_hash, self.leaves[:tree_size], leaf_index)

    def evidence(self) -> tuple[str, str]:
        return "", ""


def hit_at(leaf_index: int) -> HitSummary:
    hit_id = hashlib.sha256(b"%d" % leaf_index).digest()
    return HitSummary(leaf_index + 1, hit_id, leaf_index, leaf_index, True)


def leaf(hit: HitSummary) -> bytes:
    return hash_entry(encode_hit_leaf(hit.hit_id, hit.found_at_us))


def log_of(size: int) -> MemoryLog:
    return MemoryLog([leaf(hit_at(index)) for index in range(size)])


def prove(log: MemoryLog, hits: list[HitSummary]) -> dict[int, DisputeKind]:
    with crew() as hands:
        return ProveHits(log).run(hands, hits, log.advance())


def test_runs_are_cut_into_complete_subtrees() -> None:
    for trial in range(300):
        choose = random.Random(trial)
        chosen = sorted(choose.sample(range(64), choose.randint(1, 64)))
        hits = [hit_at(index) for index in chosen]
        choose.shuffle(hits)
        pieces = list(cut_subtrees(hits))
        assert [hit.leaf_index for piece in pieces for hit in piece] == chosen
        for piece in pieces:
            first, size = piece[0].leaf_index, len(piece)
            assert size & (size - 1) == 0
            assert first % size == 0
            assert [hit.leaf_index for hit in piece] == list(range(first, first + size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 200])
def test_every_hit_in_the_log_is_proved(size: int) -> None:
    log = log_of(size)
    for start in range(0, size, max(1, size // 5)):
        assert prove(log, [hit_at(index) for index in range(start, size)]) == {}


def test_a_long_run_needs_few_paths() -> None:
    log = log_of(1000)
    assert prove(log, [hit_at(index) for index in range(3, 1000)]) == {}
    assert len(log.asked) < 20


def test_just_the_hits_that_are_not_in_the_log_fail() -> None:
    for trial in range(60):
        choose = random.Random(trial)
        size = choose.randint(1, 40)
        log, hits = log_of(size), [hit_at(index) for index in range(size)]
        false = set(choose.sample(range(size), choose.randint(1, size)))
        for index in false:
            log.leaves[index] = hashlib.sha256(b"other").digest()
        expected = {hits[index].number: DisputeKind.NOT_LOGGED for index in false}
        assert prove(log, hits) == expected


def test_swapped_and_shifted_hits_fail() -> None:
    log, (a, b) = log_of(8), (hit_at(2), hit_at(3))
    swapped = [
        HitSummary(a.number, a.hit_id, a.found_at_us, b.leaf_index, True),
        HitSummary(b.number, b.hit_id, b.found_at_us, a.leaf_index, True),
    ]
    assert set(prove(log, swapped)) == {a.number, b.number}


def test_a_hit_beyond_the_log_fails_without_a_question() -> None:
    log = log_of(4)
    assert prove(log, [hit_at(4), hit_at(9)]) == dict.fromkeys((5, 10), DisputeKind.NOT_LOGGED)
    assert log.asked == []


def test_a_path_that_is_not_given_is_withheld_for_its_leaf_alone() -> None:
    log = log_of(8)
    log.failing[4] = ServiceError("INTERNAL", "INTERNAL", "internal error", "")
    assert prove(log, [hit_at(index) for index in range(8)]) == {}  # the run begins at another leaf
    assert prove(log, [hit_at(index) for index in range(4, 8)]) == {5: DisputeKind.WITHHELD}


def test_an_outage_ends_the_proving() -> None:
    log = log_of(8)
    log.failing[0] = ServiceError("UNAVAILABLE", "", "no connection", "")
    with pytest.raises(ServiceError):
        prove(log, [hit_at(index) for index in range(8)])
