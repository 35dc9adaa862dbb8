"""The operations document walks the whole way: it names each command of the process, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.cli.nouns import load_noun

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
PROCESS = (
    *("registry", "beneficiary", "matters", "statements", "consistency", "draws", "leads"),
    *("figures", "accounts", "rights", "inspector"),
)
SPANS = [span for line in TEXT.splitlines() for span in re.findall(r"`([^`]+)`", line)]


@pytest.mark.parametrize("noun", PROCESS)
def test_every_command_of_the_process_is_named(noun: str) -> None:
    words = {word for span in SPANS for word in re.findall(r"[a-z]+(?:-[a-z]+)*", span)}
    assert [name for name in load_noun(noun).commands if name not in words] == []


@pytest.mark.parametrize("noun", PROCESS)
def test_every_command_that_is_named_exists(noun: str) -> None:
    command = re.compile(rf"(?:libmatch )?{noun} ([a-z]+(?:-[a-z]+)*)")
    named = {found[1] for span in SPANS if (found := command.match(span)) is not None}
    assert named <= set(load_noun(noun).commands)
