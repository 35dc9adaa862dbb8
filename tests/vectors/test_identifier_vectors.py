"""The published and own vectors of docs/spec/identifiers.md, and python-stdnum beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import ric, uscc

from libmatch.check_digits import (
    credit_code_check,
    organisation_check,
    resident_check,
    travel_document_check,
)
from libmatch.errors import IdentifierError, IdentifierRule
from libmatch.identifiers import Kind, parse_column, parse_identifier
from libmatch.refusals import Refusal

HERE = Path(__file__).parent
IDENTIFIERS = json.loads((HERE / "identifiers.json").read_text("utf-8"))
CHECK_DIGITS = json.loads((HERE / "check_digits.json").read_text("utf-8"))
ALGORITHMS: dict[str, tuple[Callable[[str], str], int]] = {
    "mod_11_2": (resident_check, 11),
    "mod_31_3": (credit_code_check, 31),
    "organisation": (organisation_check, 11),
    "mod_10_731": (travel_document_check, 10),
}
Case = dict[str, Any]


def of_class(name: str) -> list[Any]:
    cases = [case for case in IDENTIFIERS["cases"] if case["class"] == name]
    return [pytest.param(case, id=case["id"]) for case in cases]


def asked(case: Case) -> dict[str, Any]:
    kind = Kind(case["stated_kind"]) if "stated_kind" in case else None
    return {"today": date.fromisoformat(IDENTIFIERS["today"]), "kind": kind}


@pytest.mark.parametrize("case", of_class("success"))
def test_accepted_text_gives_kind_idn_birth_date_and_sex(case: Case) -> None:
    identifier = parse_identifier(case["text"], **asked(case))
    birth = identifier.birth_date
    assert (identifier.kind, identifier.idn) == (case["kind"], case["idn"])
    assert (birth.isoformat() if birth else None, identifier.sex) == (
        case["birth_date"],
        case["sex"],
    )


@pytest.mark.parametrize("case", of_class("parse"))
def test_refused_text_breaks_the_named_rule(case: Case) -> None:
    with pytest.raises(IdentifierError) as refused:
        parse_identifier(case["text"], **asked(case))
    assert refused.value.rule == case["rule"]
    assert refused.value.message_zh == Refusal[case["refusal"]].error().message_zh


@pytest.mark.parametrize("case", of_class("success") + of_class("parse"))
def test_column_of_one_agrees_with_the_vector(case: Case) -> None:
    column = parse_column([case["text"]], **asked(case))
    if case["class"] == "success":
        assert (column.kinds[0], column.idns[0]) == (case["kind"], case["idn"].encode())
    else:
        assert column.rejected == [(0, case["rule"])]


def test_every_rule_and_every_refusal_has_a_vector() -> None:
    cases = IDENTIFIERS["cases"]
    declared = {IdentifierRule.SEX_MISMATCH, IdentifierRule.BIRTH_MISMATCH}  # of check_declared
    assert {case.get("rule") for case in cases} >= set(IdentifierRule) - declared
    assert {case.get("refusal") for case in cases} >= {r.name for r in Refusal} - {"NONE"}


@pytest.mark.parametrize("case", CHECK_DIGITS["cases"], ids=lambda case: str(case["body"]))
def test_check_character_comes_from_the_published_sum(case: Case) -> None:
    compute, modulus = ALGORITHMS[case["algorithm"]]
    assert [v * w for v, w in zip(case["values"], case["weights"], strict=True)] == case["products"]
    assert (sum(case["products"]), case["sum"] % modulus) == (case["sum"], case["remainder"])
    assert compute(case["body"]) == case["check"]


@pytest.mark.parametrize("case", of_class("success"))
def test_stdnum_computes_the_same_check_character(case: Case) -> None:
    idn = case["idn"]
    if case["kind"] == Kind.CREDIT_CODE:
        assert uscc.calc_check_digit(idn[:17]) == idn[17]
    elif len(idn) == 18:
        assert ric.calc_check_digit(idn) == idn[17]
