"""Writes letters.json: ``python -m tests.vectors.make_letter_vectors``.

Computed by ``second_implementation``'s encoding and primitives, sharing no code with ``libmatch.letters`` and
``libmatch.consistency``; keys and random bytes are derived from labels. How a body is sealed is fixed by the
vectors of the protocol.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.make_protocol_vectors import FIXED_KEYS, derive
from tests.vectors.second_implementation import enc, h, prf, u

FILE = Path(__file__).with_name("letters.json")
SOURCE = "docs/spec/letters.md; computed by tests/vectors/make_letter_vectors.py"
SENDER, RECIPIENT, SEQ = "reg-a", "reg-b", 1_780_304_400_000_000
DECLARER = (1, "11010119900307775X")
CLAIMS = {  # position in the letter → B, and what is told of A
    3: ((1, "810000199408230021"), ("甲某", "测试局", "科长", "本人的兄弟姐妹")),
    30: ((3, "E12345678"), ("甲某", "测试局", "科长", "配偶")),
}


def letter_case(suite: int) -> dict[str, Any]:
    """One letter with two entries among 30 fillers."""
    epoch, salt = derive("epoch"), derive("letter salt")
    key = prf(suite, bytes.fromhex(FIXED_KEYS[suite]), enc("consistency"))
    who = [SENDER.encode(), RECIPIENT.encode(), u(8, SEQ)]
    letter_key = prf(suite, key, enc("consistency-letter", *who, salt))
    entries = [derive(f"filler {i}", 432) for i in range(32)]
    claims = []
    for position, ((kind, idn), texts) in CLAIMS.items():
        official = [u(1, kind), idn.encode()]
        persons = sorted([u(1, kind) + idn.encode(), u(1, DECLARER[0]) + DECLARER[1].encode()])
        pair = prf(suite, key, enc("consistency-pair", *persons))
        tag = prf(suite, letter_key, enc("consistency-official", *official))
        open_key = prf(suite, letter_key, enc("consistency-open", u(4, position), *official))
        told = [pair, *(text.encode() for text in texts)]
        room = 384 - len(enc("consistency-details", *told, b""))
        details = enc("consistency-details", *told, bytes(room))
        entries[position] = tag + AESGCM(open_key).encrypt(bytes(12), details, None)
        claims.append(
            {
                "position": position,
                "official": [kind, idn],
                "told": list(texts),
                "pair": pair.hex(),
                "tag": tag.hex(),
                "open_key": open_key.hex(),
                "details": details.hex(),
                "entry": entries[position].hex(),
            }
        )
    body, sealed = enc("letter-body", salt, b"".join(entries)), derive("sealed", 15_026)
    signing = Ed25519PrivateKey.from_private_bytes(derive("reg-a"))
    signed = enc("letter", epoch, *who, h(suite, sealed))
    return {
        "suite": suite,
        "epoch_key": FIXED_KEYS[suite],
        "consistency_key": key.hex(),
        "letter_key": letter_key.hex(),
        "epoch": epoch.hex(),
        "sender": SENDER,
        "recipient": RECIPIENT,
        "seq": SEQ,
        "salt": salt.hex(),
        "declarer": list(DECLARER),
        "claims": claims,
        "body_hash": h(suite, body).hex(),
        "sealed_label": "sealed",
        "sealed_size": len(body) + 1136,
        "seal_info": enc("letter-to", epoch, *who).hex(),
        "signed": signed.hex(),
        "digest": h(suite, signed).hex(),
        "public_key": signing.public_key().public_bytes_raw().hex(),
        "signature": signing.sign(signed).hex(),
        "stored_hash": h(
            suite, enc("sealed-letter", epoch, *who, sealed, signing.sign(signed))
        ).hex(),
        "ack": enc("letter-ack", epoch, RECIPIENT.encode(), u(8, 7)).hex(),
    }


def make() -> dict[str, Any]:
    return {
        "class": "success",
        "source": SOURCE,
        "fillers": 'shake_256("libmatch test vectors: filler <i>"), 432 bytes',
        "letters": [letter_case(suite) for suite in FIXED_KEYS],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
