"""The audit log's leaves, checkpoints and receipts against vectors of a second implementation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libmatch import auditlog
from libmatch.auditlog import Checkpoint, LogSigner, open_checkpoint, sign_checkpoint, sign_receipt
from libmatch.records import Side
from tests.vectors.make_log_vectors import FILE, make
from tests.vectors.make_protocol_vectors import derive

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
SIGNER = LogSigner(derive("log"))
SIZES = range(len(VECTORS["checkpoints"]))


def encode(fields: dict[str, Any]) -> bytes:
    f: dict[str, Any] = dict(fields)
    for name in ("digest", "hit_id", "notice_id", "case_id"):
        if name in f:
            f[name] = bytes.fromhex(f[name])
    match f["label"]:
        case "log-batch":
            origin = (Side(f["side"]), f["unit"], f["seq"], f["at_us"])
            return auditlog.encode_batch_leaf(f["digest"], *origin)
        case "log-withdrawal":
            origin = (Side(f["side"]), f["unit"], f["seq"], f["at_us"])
            return auditlog.encode_withdrawal_leaf(f["digest"], *origin)
        case "log-hit":
            return auditlog.encode_hit_leaf(f["hit_id"], f["at_us"])
        case "log-release":
            to = (f["unit"], Side(f["side"]), f["at_us"])
            return auditlog.encode_release_leaf(f["notice_id"], f["hit_id"], *to)
        case "log-ack":
            return auditlog.encode_ack_leaf(f["notice_id"], f["at_us"])
        case "log-assign":
            return auditlog.encode_assignment_leaf(f["hit_id"], f["case_id"], f["at_us"])
        case "log-report":
            step = (Side(f["side"]), f["seq"], f["stage"], f["at_us"], f["digest"])
            return auditlog.encode_report_leaf(f["case_id"], f["unit"], *step)
    answers = [(bytes.fromhex(one["rid"]), one["status"]) for one in f["answers"]]
    return auditlog.encode_gate_leaf(f["unit"], f["at_us"], answers)


def test_the_file_is_what_its_maker_makes() -> None:
    assert make() == VECTORS


@pytest.mark.parametrize("entry", VECTORS["entries"], ids=lambda entry: entry["fields"]["label"])
def test_leaf_is_the_published_one(entry: dict[str, Any]) -> None:
    data = encode(entry["fields"])
    assert data.hex() == entry["data"]
    assert auditlog.hash_entry(data).hex() == entry["leaf_hash"]


@pytest.mark.parametrize("size", SIZES)
def test_checkpoint_is_the_published_one(size: int) -> None:
    leaves = [bytes.fromhex(entry["leaf_hash"]) for entry in VECTORS["entries"]]
    nodes = auditlog.append_leaves(lambda *_: b"", 0, leaves)
    root = auditlog.read_root(lambda *at: nodes[at], size)
    expected, note = Checkpoint(VECTORS["origin"], size, root), VECTORS["checkpoints"][size]
    assert sign_checkpoint(expected, SIGNER) == note
    assert open_checkpoint(note, VECTORS["origin"], bytes.fromhex(VECTORS["log_key"])) == expected


def test_receipt_is_the_published_one() -> None:
    case = VECTORS["receipt"]
    receipt = sign_receipt(
        SIGNER,
        bytes.fromhex(case["epoch"]),
        Side(case["side"]),
        case["unit"],
        case["seq"],
        bytes.fromhex(case["digest"]),
        case["accepted_at_us"],
        case["leaf_index"],
    )
    assert receipt.signature.hex() == case["signature"]
