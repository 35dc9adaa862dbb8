"""Writes log.json: ``python -m tests.vectors.make_log_vectors``.

Computed by ``second_implementation``'s encoding and hashlib, sharing no code with ``libmatch.auditlog``; the
keys are derived from labels, so that no secret is stored anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.make_protocol_vectors import derive
from tests.vectors.second_implementation import enc, u

FILE = Path(__file__).with_name("log.json")
SOURCE = "docs/spec/log.md; computed by tests/vectors/make_log_vectors.py"
ORIGIN = "libmatch/fuling/log"
AT_US = 1_780_304_400_000_000


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:]))


def entries() -> list[tuple[dict[str, Any], bytes]]:
    """Every kind of leaf: its fields, and its data."""
    digest, hit, notice = derive("digest"), derive("hit"), derive("notice", 16)
    rids = [derive(f"rid {i}", 16) for i in range(2)]
    of_unit = [u(1, 1), b"reg-a", u(8, 7), u(8, AT_US)]
    submitted = {"digest": digest.hex(), "side": 1, "unit": "reg-a", "seq": 7, "at_us": AT_US}
    released = {"notice_id": notice.hex(), "hit_id": hit.hex(), "unit": "ben-a", "side": 2}
    answers = [{"rid": rids[0].hex(), "status": 3}, {"rid": rids[1].hex(), "status": 4}]
    gate = [rids[0] + u(1, 3), rids[1] + u(1, 4)]
    case = derive("case", 16)
    reported = {"case_id": case.hex(), "unit": "ben-a", "side": 2, "seq": 3, "stage": 1}
    step = [case, b"ben-a", u(1, 2), u(8, 3), u(1, 1), u(8, AT_US), digest]
    return [
        ({"label": "log-batch", **submitted}, enc("log-batch", digest, *of_unit)),
        ({"label": "log-withdrawal", **submitted}, enc("log-withdrawal", digest, *of_unit)),
        (
            {"label": "log-hit", "hit_id": hit.hex(), "at_us": AT_US},
            enc("log-hit", hit, u(8, AT_US)),
        ),
        (
            {"label": "log-release", **released, "at_us": AT_US},
            enc("log-release", notice, hit, b"ben-a", u(1, 2), u(8, AT_US)),
        ),
        (
            {"label": "log-ack", "notice_id": notice.hex(), "at_us": AT_US},
            enc("log-ack", notice, u(8, AT_US)),
        ),
        (
            {"label": "log-gate", "unit": "ben-a", "at_us": AT_US, "answers": answers},
            enc("log-gate", b"ben-a", u(8, AT_US), *gate),
        ),
        (
            {"label": "log-assign", "hit_id": hit.hex(), "case_id": case.hex(), "at_us": AT_US},
            enc("log-assign", hit, case, u(8, AT_US)),
        ),
        (
            {"label": "log-report", **reported, "at_us": AT_US, "digest": digest.hex()},
            enc("log-report", *step),
        ),
    ]


def checkpoint_of(key: Ed25519PrivateKey, leaves: list[bytes]) -> str:
    root = base64.b64encode(root_of(leaves)).decode()
    text = f"{ORIGIN}\n{len(leaves)}\n{root}\n"
    public = key.public_key().public_bytes_raw()
    key_id = sha256(ORIGIN.encode() + b"\n\x01" + public)[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"


def receipt_case(key: Ed25519PrivateKey) -> dict[str, Any]:
    epoch, digest = derive("epoch"), derive("digest")
    numbers = (u(8, 7), digest, u(8, AT_US), u(8, 0))
    signed = enc("receipt", epoch, u(1, 1), b"reg-a", *numbers)
    return {
        "epoch": epoch.hex(),
        "side": 1,
        "unit": "reg-a",
        "seq": 7,
        "digest": digest.hex(),
        "accepted_at_us": AT_US,
        "leaf_index": 0,
        "signed": signed.hex(),
        "signature": key.sign(signed).hex(),
    }


def make() -> dict[str, Any]:
    key = Ed25519PrivateKey.from_private_bytes(derive("log"))
    made = entries()
    leaves = [sha256(b"\0" + data) for _, data in made]
    return {
        "class": "success",
        "source": SOURCE,
        "origin": ORIGIN,
        "log_key": key.public_key().public_bytes_raw().hex(),
        "entries": [
            {"fields": fields, "data": data.hex(), "leaf_hash": leaf.hex()}
            for (fields, data), leaf in zip(made, leaves, strict=True)
        ],
        "checkpoints": [checkpoint_of(key, leaves[:size]) for size in range(len(leaves) + 1)],
        "receipt": receipt_case(key),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
