"""libmatch gives the bytes of protocol.json, intermediate values included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libmatch.batch import compute_token, hash_header, hash_record, hash_rows, signed_bytes
from libmatch.keys import EpochKey, Share, combine_shares
from libmatch.manifest import Manifest
from libmatch.merkle import compute_root
from libmatch.records import BatchHeader, Side
from libmatch.seal import hedge_secret, seal_rows
from libmatch.suites import get_suite, verify_signature
from libmatch.tokens import Halves, HalvesColumn, derive_column, derive_halves
from tests.vectors.make_protocol_vectors import FILE, inspector_key, unit_key

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_vector_of_the_protocol_text() -> None:
    """Spec section 4 prints these values; they do not come from any code of this project."""
    printed = {
        1: (
            "6aaea6e91123b83a47e7b612a590643c5c114b7a0660b47c7ecbab43ad6829fe",
            "ca929557b64fe01e093a8d37f9601672e505b2dbd15ad2195e03839fd24adaff",
            "ab3578d1d0d853cf73b71cd5ec39ab59b82ea1a6961dc4be63439b84aee62fe2",
        ),
        2: (
            "cee7ddc18690a8f34a913967d5387c42d0dfe61e5df8c7229e2b660f1fd4abe3",
            "14fd559a1082e88de3c5732f8c7aa82945e1b29b12131114f20787d4c1b4732e",
            "0feb8b80cb7d3ff50bb2a3f4f73981e2e53ee3fe1001554daa3e438cd7ce327c",
        ),
    }
    for number, (key, g_reg, token) in printed.items():
        halves = derive_halves(
            get_suite(number), EpochKey(bytes.fromhex(key)), 1, "11010119900307775X"
        )
        assert (halves.g_reg.hex(), halves.token.hex()) == (g_reg, token)


@pytest.mark.parametrize("case", VECTORS["tokens"], ids=lambda c: f"{c['suite']}-{c['idn']}")
def test_tokens(case: dict[str, Any]) -> None:
    suite, key = get_suite(case["suite"]), EpochKey(bytes.fromhex(case["epoch_key"]))
    halves = derive_column(suite, key, [case["kind"]], [case["idn"]])[0]
    for name in ("g_reg", "g_ben", "c_reg", "c_ben", "token"):
        assert getattr(halves, name).hex() == case[name], name
    assert compute_token(suite, halves.c_reg, halves.c_ben) == halves.token


@pytest.mark.parametrize("case", VECTORS["epochs"], ids=lambda c: f"suite-{c['suite']}")
def test_epochs(case: dict[str, Any]) -> None:
    suite, manifest = get_suite(case["suite"]), Manifest.decode(bytes.fromhex(case["manifest"]))
    assert manifest.encode().hex() == case["manifest"]
    assert manifest.epoch_id.hex() == case["E"]
    shares = [Share(bytes.fromhex(share)) for share in case["shares"]]
    commitments = [share.commit(suite, i).hex() for i, share in enumerate(shares, 1)]
    assert commitments == case["commitments"]
    key = combine_shares(suite, manifest.epoch_id, manifest.commitments, shares)
    assert key.reveal().hex() == case["K_e"]


@pytest.mark.parametrize("case", VECTORS["batches"], ids=lambda c: f"{c['suite']}-{c['side']}")
def test_batches(case: dict[str, Any]) -> None:
    suite, rows = get_suite(case["suite"]), case["rows"]
    header = BatchHeader.decode(bytes.fromhex(case["header"]))
    assert header.encode().hex() == case["header"]
    assert (header.side, header.unit) == (Side(case["side"]), case["unit"])
    assert hash_header(suite, header).hex() == case["bh"]
    plaintexts = [bytes.fromhex(row["plaintext"]) for row in rows]
    secret = hedge_secret(suite, header, bytes.fromhex(case["fresh"]), plaintexts)
    assert secret.hex() == case["s"]
    names = ("g_reg", "g_ben", "c_reg", "c_ben", "token")
    single = [Halves(*(bytes.fromhex(row[name]) for name in names)) for row in rows]
    halves = HalvesColumn.of_rows(single)
    rids = [bytes.fromhex(row["rid"]) for row in rows]
    columns = seal_rows(suite, header, secret, rids, halves, plaintexts)
    for position, expected in enumerate(rows):
        row = columns.row(position)
        for name in ("half", "com", "ct"):
            assert getattr(row, name).hex() == expected[name], name
        hh = hash_record(suite, hash_header(suite, header), row.rid, row.c_reg, row.c_ben)
        assert hh.hex() == expected["hh"]
    leaves = hash_rows(suite, header, columns)
    assert [leaf.hex() for leaf in leaves] == [row["leaf"] for row in rows]
    root = compute_root(suite.h, leaves)
    assert root.hex() == case["root"]
    message = signed_bytes(suite, header, bytes.fromhex(case["capsule"]), root)
    assert suite.h(message).hex() == case["digest"]
    public = unit_key(case["unit"]).public_key
    assert verify_signature(public, message, bytes.fromhex(case["signature"]))
    assert inspector_key().open(bytes.fromhex(case["capsule"]), header.encode()) == secret
