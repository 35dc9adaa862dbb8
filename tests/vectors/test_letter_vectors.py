"""Letters against vectors of a second implementation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libmatch.consistency import (
    Claim,
    Details,
    LetterKeys,
    Route,
    derive_consistency_key,
    derive_pair,
    fill_slots,
    find_claims,
)
from libmatch.identifiers import Identifier, Kind
from libmatch.keys import EpochKey
from libmatch.letters import Letter, ack_bytes, sealed_size
from libmatch.suites import get_suite, verify_signature
from tests.vectors.make_letter_vectors import FILE, make
from tests.vectors.make_protocol_vectors import derive

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
CASES = pytest.mark.parametrize(
    "case", VECTORS["letters"], ids=lambda case: f"suite-{case['suite']}"
)


def identifier(pair: list[Any]) -> Identifier:
    return Identifier(Kind(pair[0]), pair[1])


def test_the_file_is_what_its_maker_makes() -> None:
    assert make() == VECTORS


@CASES
def test_body_is_the_published_one(case: dict[str, Any]) -> None:
    suite = get_suite(case["suite"])
    key = derive_consistency_key(suite, EpochKey(bytes.fromhex(case["epoch_key"])))
    assert key.reveal().hex() == case["consistency_key"]
    route = Route(case["sender"], case["recipient"], case["seq"])
    keys = LetterKeys(suite, key, route, bytes.fromhex(case["salt"]))
    slots: list[Claim | None] = [None] * 32
    for claim in case["claims"]:
        official = identifier(claim["official"])
        pair = derive_pair(suite, key, official, identifier(case["declarer"]))
        details = Details(pair, *claim["told"])
        assert pair.hex() == claim["pair"]
        assert keys.tag(official).hex() == claim["tag"]
        assert keys.open_key(claim["position"], official).hex() == claim["open_key"]
        assert details.encode().hex() == claim["details"]
        assert Details.decode(details.encode()) == details
        slots[claim["position"]] = Claim(official, details)
    fillers = iter(
        [bytes.fromhex(case["salt"])]
        + [derive(f"filler {i}", 432) for i, slot in enumerate(slots) if slot is None]
    )
    body = fill_slots(suite, key, route, slots, lambda _: next(fillers))
    assert suite.h(body).hex() == case["body_hash"]
    assert case["sealed_size"] == sealed_size(1)
    own = [identifier(claim["official"]) for claim in case["claims"]]
    assert list(find_claims(suite, key, route, body, own)) == [slot for slot in slots if slot]


@CASES
def test_letter_is_the_published_one(case: dict[str, Any]) -> None:
    suite, epoch = get_suite(case["suite"]), bytes.fromhex(case["epoch"])
    sealed = derive(case["sealed_label"], case["sealed_size"])
    who = (case["sender"], case["recipient"], case["seq"])
    letter = Letter(epoch, *who, sealed, bytes.fromhex(case["signature"]))
    assert letter.seal_info().hex() == case["seal_info"]
    assert letter.signed_bytes(suite).hex() == case["signed"]
    assert letter.digest(suite).hex() == case["digest"]
    assert verify_signature(
        bytes.fromhex(case["public_key"]), bytes.fromhex(case["signed"]), letter.signature
    )
    assert suite.h(letter.encode()).hex() == case["stored_hash"]
    assert Letter.decode(letter.encode()) == letter
    assert ack_bytes(epoch, case["recipient"], 7).hex() == case["ack"]
