"""The diagram of a matter in the documents is the one of the code."""

from __future__ import annotations

from pathlib import Path

from services.rules.matter_diagram import to_mermaid

FLOWS = Path(__file__).resolve().parents[2] / "docs" / "flows.md"


def test_the_drawn_matter_is_the_table_of_the_code() -> None:
    assert f"```mermaid\n{to_mermaid().rstrip()}\n```" in FLOWS.read_text("utf-8")
