"""Proofs of RFC 6962 trees of every small size and shape, stored and in memory, under both hashes."""

from __future__ import annotations

import pytest

from libmatch.auditlog import append_leaves, log_hash
from libmatch.errors import LogError
from libmatch.merkle import (
    Hash,
    build_levels,
    compute_root,
    hash_leaf,
    hash_node,
    prove_position,
    read_consistency,
    read_inclusion,
    read_root,
    root_from_path,
    verify_consistency,
    verify_position,
)
from libmatch.suites import SUITES

SIZES = range(1, 34)  # past two powers of two, on both sides of each
LEAVES = [hash_leaf(log_hash, bytes([i])) for i in range(max(SIZES))]
NODES = append_leaves(lambda *_: b"", 0, LEAVES)
ROOTS = [compute_root(log_hash, LEAVES[:size]) for size in range(max(SIZES) + 1)]


def read(level: int, index: int) -> bytes:
    return NODES[level, index]


def recursive_root(h: Hash, leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hash_node(h, recursive_root(h, leaves[:k]), recursive_root(h, leaves[k:]))


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_root_is_the_recursive_definition(suite: int, size: int) -> None:
    h = SUITES[suite].h
    leaves = [hash_leaf(h, bytes([i])) for i in range(size)]
    assert compute_root(h, leaves) == recursive_root(h, leaves)


@pytest.mark.parametrize("size", SIZES)
def test_stored_nodes_give_the_same_root(size: int) -> None:
    assert read_root(log_hash, read, size) == ROOTS[size]


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_proved_the_same_way_from_memory_and_from_store(size: int) -> None:
    for index in range(size):
        path = read_inclusion(log_hash, read, index, size)
        assert path == prove_position(log_hash, LEAVES[:size], index)
        verify_position(log_hash, LEAVES[index], index, size, path, ROOTS[size])


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 33])
def test_a_path_proves_no_other_leaf_place_or_size(size: int) -> None:
    for index in range(size):
        path = read_inclusion(log_hash, read, index, size)
        for other in set(range(size)) - {index}:
            with pytest.raises(LogError):
                verify_position(log_hash, LEAVES[index], other, size, path, ROOTS[size])
            with pytest.raises(LogError):
                verify_position(log_hash, LEAVES[other], index, size, path, ROOTS[size])
        with pytest.raises(LogError):
            verify_position(log_hash, LEAVES[index], index, size, path, ROOTS[size - 1])


@pytest.mark.parametrize("size", [1, 2, 5, 8, 33])
def test_a_longer_shorter_or_altered_path_is_refused(size: int) -> None:
    path = read_inclusion(log_hash, read, 0, size)
    for bad in ([*path, bytes(32)], [bytes(32), *path], path[:-1], path[1:]):
        if bad != path:
            with pytest.raises(LogError):
                verify_position(log_hash, LEAVES[0], 0, size, bad, ROOTS[size])
    for i in range(len(path)):
        bad = [*path[:i], bytes(32), *path[i + 1 :]]
        with pytest.raises(LogError):
            verify_position(log_hash, LEAVES[0], 0, size, bad, ROOTS[size])


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_a_leaf_outside_the_tree_has_no_proof(index: int) -> None:
    with pytest.raises(LogError):
        prove_position(log_hash, LEAVES[:5], index)
    with pytest.raises(LogError):
        read_inclusion(log_hash, read, index, 5)
    with pytest.raises(LogError):
        root_from_path(log_hash, LEAVES[0], index, 5, [])


def test_a_tree_without_leaves_has_no_levels() -> None:
    with pytest.raises(LogError):
        build_levels(log_hash, [])


@pytest.mark.parametrize("new", SIZES)
def test_every_prefix_is_consistent(new: int) -> None:
    for old in range(new + 1):
        proof = read_consistency(log_hash, read, old, new)
        verify_consistency(log_hash, old, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 8), (6, 8), (8, 33), (31, 33)])
def test_an_altered_log_is_not_consistent(old: int, new: int) -> None:
    proof = read_consistency(log_hash, read, old, new)
    for changed in range(old):  # any leaf of the old tree rewritten behind its reader's back
        leaves = [*LEAVES[:changed], bytes(32), *LEAVES[changed + 1 :]]
        nodes = append_leaves(lambda *_: b"", 0, leaves)
        root = compute_root(log_hash, leaves[:new])
        lying = read_consistency(log_hash, lambda *at: nodes[at], old, new)  # noqa: B023
        for attempt in (proof, lying, [*proof, bytes(32)], proof[:-1]):
            with pytest.raises(LogError):
                verify_consistency(log_hash, old, ROOTS[old], new, root, attempt)


@pytest.mark.parametrize("old", [1, 4, 6])
def test_an_altered_consistency_proof_is_refused(old: int) -> None:
    proof = read_consistency(log_hash, read, old, 8)
    for i in range(len(proof)):
        bad = [*proof[:i], bytes(32), *proof[i + 1 :]]
        with pytest.raises(LogError):
            verify_consistency(log_hash, old, ROOTS[old], 8, ROOTS[8], bad)


def test_a_log_does_not_become_shorter() -> None:
    with pytest.raises(LogError):
        verify_consistency(log_hash, 5, ROOTS[5], 4, ROOTS[4], [])
    with pytest.raises(LogError):
        read_consistency(log_hash, read, 5, 4)


def test_two_roots_of_one_size_contradict_each_other() -> None:
    with pytest.raises(LogError):
        verify_consistency(log_hash, 5, ROOTS[5], 5, ROOTS[4], [])


def test_an_empty_log_has_one_root_only() -> None:
    with pytest.raises(LogError):
        verify_consistency(log_hash, 0, ROOTS[1], 5, ROOTS[5], [])
    with pytest.raises(LogError):
        verify_consistency(log_hash, 0, ROOTS[0], 5, ROOTS[5], [bytes(32)])


def test_a_proof_that_is_needed_is_demanded() -> None:
    with pytest.raises(LogError):
        verify_consistency(log_hash, 3, ROOTS[3], 5, ROOTS[5], [])
