"""What ``libmatch beneficiary show-list`` shows of a list, by how far it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.cli.beneficiary_lists import show_content
from services.cli.peers.lists import ListedPersonLine, ListLine

WAITING = ListLine(
    bytes(16), "LIST_KIND_PRE", "LIST_STATE_WAITING", bytes(32), 1, "gong", 1, "", 0, "", 0, ""
)
PERSON = ListedPersonLine(
    *("MZ-001", "", "临时救助", 120_000, "某村", "2026-10-05", ""), "王某", "受益人", "5001…"
)
EMPTY = ListedPersonLine("MZ-001", "", "", None, "", "", "")


def shown(line: ListLine, person: ListedPersonLine, capsys: pytest.CaptureFixture[str]) -> str:
    show_content(line, [person])
    return capsys.readouterr().out


def test_R25_a_list_that_waits_shows_all_that_is_signed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(WAITING, PERSON, capsys)
    assert all(word in text for word in ("MZ-001", "临时救助", "1200.00", "王某"))


def test_a_list_that_no_longer_waits_says_where_its_content_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_force = replace(WAITING, state="LIST_STATE_IN_FORCE")
    text = shown(in_force, EMPTY, capsys)
    assert "MZ-001" in text
    assert "姓名" not in text
    assert "libmatch beneficiary list" in text


def test_a_withdrawal_shows_its_items_alone(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(replace(WAITING, kind="LIST_KIND_WITHDRAWAL"), EMPTY, capsys)
    assert "MZ-001" in text
    assert "姓名" not in text
