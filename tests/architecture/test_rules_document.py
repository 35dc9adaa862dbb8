"""docs/rules.md has every rule with its tests, and every reading with its default as the code has it."""

from __future__ import annotations

import ast
import re
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from services.rules.ruleset import Reading, RuleSet

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "rules.md"
_LAST = 65  # of the requirements
_NUMBERS = range(1, _LAST + 1)


@cache
def _tested() -> frozenset[int]:
    """The rules that stand in a test's name: ``pytest -k R47`` runs these."""
    names = (
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )
    return frozenset(int(number) for name in names for number in re.findall(r"R(\d+)", name))


def _row(reading: Reading) -> str:
    return f"| {reading.rule} | `{reading.name}` | {_shown(reading.value)} | {reading.meaning_zh} |"


def _shown(value: bool | int | date | StrEnum) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def test_every_rule_has_a_test_of_its_number() -> None:
    assert set(_NUMBERS) - _tested() == set()


def test_every_rule_has_one_row() -> None:
    rows = re.findall(r"^\| R(\d+) \|(?! `)", RULES.read_text("utf-8"), flags=re.MULTILINE)
    assert [int(number) for number in rows] == list(_NUMBERS)


def test_every_reading_stands_there_with_its_default() -> None:
    rows = re.findall(r"^\| R\d+ \| `\w+` \|.*$", RULES.read_text("utf-8"), flags=re.MULTILINE)
    assert rows == [_row(reading) for reading in RuleSet().readings()]
