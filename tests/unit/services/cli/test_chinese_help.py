"""Help pages are read by clerks: all of their words are Chinese, but names that are typed as they stand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.cli.chinese_help import speak_chinese
from services.cli.main import main
from services.cli.nouns import NOUNS, load_noun, root

_LIBRARYS_OWN = re.compile(
    r"usage|options\b|arguments|show this|commands|required|default|\[args\]|"
    r"<(list\[)?(str|int|float|path)|must|choose",
    re.IGNORECASE,
)


def pages() -> list[list[str]]:
    found: list[list[str]] = [[]]
    for noun in NOUNS:
        found.append([noun])
        found += [[noun, name] for name in getattr(load_noun(noun), "commands", {})]
    return found


@pytest.mark.parametrize("words", pages(), ids=" ".join)
def test_no_page_has_a_word_of_the_library(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("用法：libmatch")
    assert "显示本说明" in page
    assert not _LIBRARYS_OWN.findall(page)


def test_columns_are_aligned_as_they_are_seen_and_no_text_is_cut_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a Chinese character the width is two places; without spaces it must break all the same."""
    assert main(["matters", "outcome", "--help"]) == 0
    page = capsys.readouterr().out
    assert "  --grounds 依据        核查依据和结论  [必填]\n" in page
    assert "  --help                显示本说明\n" in page
    assert "异议不成立的不填，公示继续" in "".join(page.split())


def test_a_note_is_translated_only_in_the_brackets_at_the_end() -> None:
    command: Any = speak_chinese(root())
    context = command.make_context("libmatch", [], resilient_parsing=True)
    formatter = context.make_formatter()
    formatter.write_dl([("--a 名称", "the text says required  [default: required; required]")])
    assert formatter.getvalue().split(None, 2)[2] == (
        "the text says required  [默认：必填; 必填]\n"
    )
