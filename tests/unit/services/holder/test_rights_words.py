"""The words of the trail for the person who asks (R63, R65): none is left in the programmers' language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.holder.rights.words import action_zh
from services.rules.roles import Action

SERVICES = Path(__file__).parents[4] / "services"
_NAMED = re.compile(r'(?:Trail|Doing|Look)\([^"\n]*"([a-z]+(?:-[a-z]+)*)"')
_CHINESE = re.compile(r"[^a-z]+")


def actions() -> set[str]:
    """What units' services write into their trails, as their code names it."""
    folders = ("beneficiary", "holder", "process", "registry")
    files = (path for folder in folders for path in (SERVICES / folder).rglob("*.py"))
    return {name for path in files for name in _NAMED.findall(path.read_text("utf-8"))}


def test_R65_every_action_of_a_units_trail_has_words() -> None:
    found = actions()
    assert {"sign", "take-matter", "list-leads"} <= found
    assert [name for name in sorted(found) if not _CHINESE.fullmatch(action_zh(name))] == []


@pytest.mark.parametrize("action", list(Action))
def test_R65_what_was_refused_for_want_of_a_role_has_words(action: Action) -> None:
    name = action.name.lower().replace("_", "-")
    assert _CHINESE.fullmatch(action_zh(name))
