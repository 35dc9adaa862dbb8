"""Reports against vectors of a second implementation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libmatch.records import Side
from libmatch.reports import Report, Stage, make_copies
from libmatch.suites import get_suite, verify_signature
from tests.vectors.make_report_vectors import FILE, make

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def test_the_file_is_what_its_maker_makes() -> None:
    assert make() == VECTORS


@pytest.mark.parametrize("case", VECTORS["reports"], ids=lambda case: f"suite-{case['suite']}")
def test_report_is_the_published_one(case: dict[str, Any]) -> None:
    suite, signature = get_suite(case["suite"]), bytes.fromhex(case["signature"])
    sealed = [(name, bytes.fromhex(body)) for name, body in case["sealed"].items()]
    report = Report(
        bytes.fromhex(case["epoch"]),
        bytes.fromhex(case["case_id"]),
        case["unit"],
        Side(case["side"]),
        case["seq"],
        Stage(case["stage"]),
        case["at_us"],
        make_copies(suite, sealed),
        signature,
    )
    assert report.signed_bytes().hex() == case["signed"]
    assert report.digest(suite).hex() == case["digest"]
    assert verify_signature(bytes.fromhex(case["public_key"]), report.signed_bytes(), signature)
    assert {name: report.seal_info(name).hex() for name, _ in sealed} == case["seal_info"]
    assert report.encode().hex() == case["stored"]
    assert Report.decode(bytes.fromhex(case["stored"])) == report
