"""The log's tree and its key ids against published values (RFC 6962, C2SP signed-note)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from libmatch import auditlog, merkle
from libmatch.auditlog import log_hash

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("rfc6962.json").read_text("utf-8"))
ENTRIES = [bytes.fromhex(entry) for entry in VECTORS["entries"]]
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaf_hashes"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
NODES = auditlog.append_leaves(lambda *_: b"", 0, LEAVES)


def read(level: int, index: int) -> bytes:
    return NODES[level, index]


def path_of(case: dict[str, Any], name: str) -> list[bytes]:
    return [bytes.fromhex(node) for node in case[name]]


@pytest.mark.parametrize("index", range(8))
def test_leaf_hash_is_the_published_one(index: int) -> None:
    assert auditlog.hash_entry(ENTRIES[index]) == LEAVES[index]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert auditlog.read_root(read, 0).hex() == VECTORS["empty_root"]
    assert merkle.compute_root(log_hash, []).hex() == VECTORS["empty_root"]


@pytest.mark.parametrize("size", range(1, 9))
def test_root_of_every_size_is_the_published_one(size: int) -> None:
    assert merkle.compute_root(log_hash, LEAVES[:size]) == ROOTS[size - 1]
    assert auditlog.read_root(read, size) == ROOTS[size - 1]


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda c: f"{c['index']}-of-{c['size']}")
def test_inclusion_proof_is_the_published_one(case: dict[str, Any]) -> None:
    index, size, path = case["index"], case["size"], path_of(case, "path")
    assert auditlog.read_inclusion(read, index, size) == path
    assert merkle.prove_position(log_hash, LEAVES[:size], index) == path
    merkle.verify_position(log_hash, LEAVES[index], index, size, path, ROOTS[size - 1])


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda c: f"{c['old']}-to-{c['new']}")
def test_consistency_proof_is_the_published_one(case: dict[str, Any]) -> None:
    old, new, proof = case["old"], case["new"], path_of(case, "proof")
    assert auditlog.read_consistency(read, old, new) == proof
    merkle.verify_consistency(log_hash, old, ROOTS[old - 1], new, ROOTS[new - 1], proof)


@pytest.mark.parametrize("case", VECTORS["note_keys"], ids=lambda c: c["name"])
def test_note_key_id_is_the_published_one(case: dict[str, Any]) -> None:
    kind, key = base64.b64decode(case["key"])[:1], base64.b64decode(case["key"])[1:]
    assert kind == b"\x01"
    assert auditlog.hash_note_key(case["name"], key).hex() == case["id"]
