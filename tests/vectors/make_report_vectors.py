"""Writes reports.json: ``python -m tests.vectors.make_report_vectors``.

Computed by ``second_implementation``'s encoding and hashes, sharing no code with ``libmatch.reports``; keys
and sealed bytes are derived from labels. How a copy is sealed is fixed by the vectors of the protocol.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.make_protocol_vectors import derive
from tests.vectors.second_implementation import enc, u

FILE = Path(__file__).with_name("reports.json")
SOURCE = "docs/spec/reports.md; computed by tests/vectors/make_report_vectors.py"
AT_US = 1_780_304_400_000_000
_HASHES: dict[int, Callable[[bytes], bytes]] = {
    1: lambda data: hashlib.sha256(data).digest(),
    2: lambda data: blake3(data).digest(),
}


def report_case(suite: int) -> dict[str, Any]:
    """One report of the approving unit with copies for the declaring unit and 纪委."""
    h, key = _HASHES[suite], Ed25519PrivateKey.from_private_bytes(derive("ben-a"))
    epoch, case_id = derive("epoch"), derive("case", 16)
    sealed = {name: derive(f"to {name}", 1136 + 20) for name in ("jiwei", "reg-a")}
    copies = [part for name, body in sealed.items() for part in (name.encode(), h(body))]
    who = [case_id, b"ben-a", u(1, 2), u(8, 3)]
    signed = enc("report", epoch, *who, u(1, 1), u(8, AT_US), *copies)
    signature = key.sign(signed)
    return {
        "suite": suite,
        "public_key": key.public_key().public_bytes_raw().hex(),
        "epoch": epoch.hex(),
        "case_id": case_id.hex(),
        "unit": "ben-a",
        "side": 2,
        "seq": 3,
        "stage": 1,
        "at_us": AT_US,
        "sealed": {name: body.hex() for name, body in sealed.items()},
        "seal_info": {n: enc("report-to", epoch, *who, n.encode()).hex() for n in sealed},
        "signed": signed.hex(),
        "digest": h(signed).hex(),
        "signature": signature.hex(),
        "stored": enc("sealed-report", signed, signature, *sealed.values()).hex(),
    }


def make() -> dict[str, Any]:
    return {
        "class": "success",
        "source": SOURCE,
        "reports": [report_case(suite) for suite in _HASHES],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
