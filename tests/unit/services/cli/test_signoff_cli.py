"""What people type to sign declarations off: numbers that name a content, words of the forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from libmatch.errors import InputError
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers.signoff import SeenLine, VersionLine
from services.cli.signoff import find_seen, parse_number, show_number

SEEN = SeenLine(bytes(range(16)), bytes(range(32)), 3)


def line(seen: SeenLine) -> VersionLine:
    texts = (
        *("official", "post_text", "change", "state", "next", "signer", "post", "lacks"),
        *("handed_back", "effective_from", "due_on", "reported_on"),
    )
    values: dict[str, Any] = dict.fromkeys(texts, "")
    values |= {"number": 1, "relatives": 1, "unknown_ids": 0, "overdue_ids": 0}
    return VersionLine(seen=seen, mine=True, late=False, **values)


def test_number_names_the_content_that_was_seen() -> None:
    assert parse_number(show_number(SEEN)) == (SEEN.ref, 3, "000102030405")
    assert find_seen([f" {show_number(SEEN)} "], [line(SEEN)]) == [SEEN]


@pytest.mark.parametrize(
    "now",
    [
        SeenLine(SEEN.ref, SEEN.digest, 4),
        SeenLine(SEEN.ref, bytes(32), 3),
        SeenLine(bytes(16), SEEN.digest, 3),
    ],
)
def test_version_that_changed_or_went_since_it_was_seen_is_not_taken(now: SeenLine) -> None:
    with pytest.raises(InputError):
        find_seen([show_number(SEEN)], [line(now)])


@pytest.mark.parametrize("number", ["", "ab", "ab.1.x", f"{'a' * 32}.x.000102030405", "..", "a.1"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(InputError):
        parse_number(number)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sign"], "编号"),
        (["place", "x", "--post", "科长"], "科所站室党员干部"),
        (["import", "x.csv", "--change", "调动"], "工作岗位调整"),
    ],
)
def test_wrong_words_end_with_one_line_of_chinese_before_anything_is_called(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "no.toml"
    assert main(["registry", *words, "--config", str(config)]) == Exit.REFUSED
    assert said in capsys.readouterr().err
