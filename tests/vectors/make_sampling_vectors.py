"""Writes sampling.json: ``python -m tests.vectors.make_sampling_vectors``.

Computed by ``second_implementation``'s encoding, hashlib and hmac, sharing no code with
``libmatch.sampling``; what parties would choose at random is derived from labels.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from tests.vectors.make_protocol_vectors import derive
from tests.vectors.second_implementation import enc, u

FILE = Path(__file__).with_name("sampling.json")
SOURCE = "docs/spec/sampling.md; computed by tests/vectors/make_sampling_vectors.py"
PARTIES = ["区委组织部", "区审计局", "区纪委"]  # ascending by code point, and so by UTF-8
TITLE = "R52 涪陵 2018"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def draw_of(title: str, items: list[bytes], percent: int, parties: list[str]) -> dict[str, Any]:
    """One whole draw with every intermediate value."""
    population = sha256(enc("draw-population", *sorted(items)))
    names = [party.encode() for party in parties]
    head = [title.encode(), u(1, percent), population, u(4, len(items)), b""]
    plan = sha256(enc("draw-plan", *head, *names))
    given = [(name, derive(f"nonce {name.hex()}"), derive(f"value {name.hex()}")) for name in names]
    reveals = [enc("seed-commit", plan, *reveal) for reveal in given]
    seed = sha256(enc("seed", *reveals))
    ranks = {item: hmac.new(seed, enc("draw", item), hashlib.sha256).digest() for item in items}
    ordered = sorted(items, key=lambda item: ranks[item])
    count = (len(items) * percent + 99) // 100
    return {
        "class": "success",
        "title": title,
        "percent": percent,
        "parties": parties,
        "items": [item.hex() for item in items],
        "population": population.hex(),
        "plan": plan.hex(),
        "reveals": [{"nonce": nonce.hex(), "value": value.hex()} for _, nonce, value in given],
        "commitments": [sha256(reveal).hex() for reveal in reveals],
        "seed": seed.hex(),
        "ranks": [ranks[item].hex() for item in items],
        "count": count,
        "drawn": [item.hex() for item in ordered[:count]],
    }


def make() -> dict[str, Any]:
    many = [derive(f"case {number}", 16) for number in range(37)]
    return {
        "source": SOURCE,
        "draws": [
            draw_of(TITLE, many, 10, PARTIES),
            draw_of("R51 区民政局 2018 申报", many[:11], 30, PARTIES[:2]),
            draw_of("one item", [b"\0"], 1, PARTIES[1:]),
            draw_of("all of them", many[:3], 100, PARTIES),
        ],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
