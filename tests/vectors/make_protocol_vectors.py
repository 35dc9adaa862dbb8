"""Writes protocol.json: ``python -m tests.vectors.make_protocol_vectors``.

Everything but the capsules is computed by ``second_implementation``; capsules are HPKE ciphertexts, random
by nature, made once. Keys are derived from the labels below, so that no secret is stored anywhere.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libmatch.keys import HpkePrivateKey, SigningKey, seal_to
from libmatch.manifest import Manifest
from tests.vectors import second_implementation as second

FILE = Path(__file__).with_name("protocol.json")
SOURCE = "docs/spec/protocol.md; computed by tests/vectors/second_implementation.py"
IDENTIFIERS = [
    (1, "11010119900307775X", "spec section 4"),
    (1, "810000199408230021", "a residence permit of Hong Kong"),
    (2, "911344199001011230", "the 18-digit foreign permanent resident form"),
    (3, "E12345678", "a passport"),
    (4, "91350100M000100Y43", "GB 32100-2015"),
]
FIXED_KEYS = {
    1: "6aaea6e91123b83a47e7b612a590643c5c114b7a0660b47c7ecbab43ad6829fe",
    2: "cee7ddc18690a8f34a913967d5387c42d0dfe61e5df8c7229e2b660f1fd4abe3",
}


def derive(label: str, size: int = 32) -> bytes:
    """Reproducible bytes of a label, so that nobody mistakes them for secrets."""
    return hashlib.shake_256(b"libmatch test vectors: " + label.encode()).digest(size)


def inspector_key() -> HpkePrivateKey:
    return HpkePrivateKey(derive("inspector", 96))


def unit_key(unit: str) -> SigningKey:
    return SigningKey(derive(f"signing key of {unit}"))


def manifest_of(suite: int) -> Manifest:
    shares = [derive("share 1"), derive("share 2")]
    commitments = tuple(
        second.h(suite, second.enc("share", second.u(1, i), s)) for i, s in enumerate(shares, 1)
    )
    return Manifest(
        suite=suite,
        mode=1,
        epoch=7,
        salt=derive("salt"),
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_after=datetime(2027, 1, 1, tzinfo=UTC),
        norm=1,
        kinds=(1, 2, 3, 4),
        bucket=64,
        commitments=commitments,
        inspector_key=inspector_key().public_key,
        log_key=SigningKey(derive("log")).public_key,
        previous=derive("previous epoch"),
    )


def hexed(values: dict[str, bytes]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


def token_cases() -> list[dict[str, Any]]:
    return [
        {
            "class": "success",
            "source": f"{SOURCE}; {note}",
            "suite": suite,
            "epoch_key": FIXED_KEYS[suite],
            "kind": kind,
            "idn": idn,
            **hexed(second.halves(suite, bytes.fromhex(FIXED_KEYS[suite]), kind, idn)),
        }
        for suite in (1, 2)
        for kind, idn, note in IDENTIFIERS
    ]


def epoch_case(suite: int) -> dict[str, Any]:
    manifest = manifest_of(suite)
    epoch = second.h(suite, manifest.encode())
    k, k_e = second.epoch_key(suite, epoch, [derive("share 1"), derive("share 2")])
    return {
        "class": "success",
        "source": SOURCE,
        "suite": suite,
        "shares": [derive("share 1").hex(), derive("share 2").hex()],
        "commitments": [c.hex() for c in manifest.commitments],
        "manifest": manifest.encode().hex(),
        "E": epoch.hex(),
        "K": k.hex(),
        "K_e": k_e.hex(),
    }


def batch_case(suite: int, side: int) -> dict[str, Any]:
    """Three rows; the first and the last are about the persons of the opposite batch's rows 0 and 2."""
    manifest, unit = manifest_of(suite), {1: "unit-a", 2: "unit-b"}[side]
    epoch = second.h(suite, manifest.encode())
    _, k_e = second.epoch_key(suite, epoch, [derive("share 1"), derive("share 2")])
    b = second.header(epoch, side, unit, 1, 3)
    people = [(1, "11010119900307775X"), (3, f"E1234567{side}"), (4, "91350100M000100Y43")]
    rows: list[dict[str, Any]] = []
    plaintexts: list[bytes] = []
    rids: list[bytes] = []
    for i, (kind, idn) in enumerate(people):
        payload = second.u(1, kind) + second.lp(idn.encode()) + f"side {side} row {i}".encode()
        plaintexts.append(second.pad(payload, 64))
        rids.append(derive(f"rid {side} {i}", 16))
    fresh = derive(f"fresh {side}")
    s = second.prf(suite, fresh, second.enc("s", b, second.h(suite, b"".join(plaintexts))))
    for i, (kind, idn) in enumerate(people):
        half = second.halves(suite, k_e, kind, idn)
        row = second.seal_row(suite, b, side, s, i, rids[i], half, plaintexts[i])
        rows.append(
            {
                "kind": kind,
                "idn": idn,
                "rid": rids[i].hex(),
                "plaintext": plaintexts[i].hex(),
                **hexed(half),
                **hexed(row),
            }
        )
    root = second.root(suite, [bytes.fromhex(row["leaf"]) for row in rows])
    capsule = seal_to(inspector_key().public_key, s, b)
    signed = second.enc("sign", second.h(suite, b), capsule, root)
    return {
        "class": "success",
        "source": SOURCE,
        "suite": suite,
        "side": side,
        "unit": unit,
        "header": b.hex(),
        "bh": second.h(suite, b).hex(),
        "fresh": fresh.hex(),
        "s": s.hex(),
        "rows": rows,
        "root": root.hex(),
        "capsule": capsule.hex(),
        "signature": unit_key(unit).sign(signed).hex(),
        "digest": second.h(suite, signed).hex(),
    }


def main() -> None:
    vectors = {
        "tokens": token_cases(),
        "epochs": [epoch_case(suite) for suite in (1, 2)],
        "batches": [batch_case(suite, side) for suite in (1, 2) for side in (1, 2)],
    }
    FILE.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
