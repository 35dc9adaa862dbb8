"""What the documents point at exists: files, sections, tests, modules and rules."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "protos/*.md")
    for path in ROOT.glob(pattern)
    if path.is_file()
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
# Not demo/: it writes files of that name. Not libmatch/1/: the prefix of every encoding.
_PATH = re.compile(r"(?!libmatch/\d)(?:libmatch|services|protos|tests|docs)/[\w./*-]+")
_TEST = re.compile(r"(?:test_\w+|Test[A-Z]\w+)")
_LAST_RULE = 65  # of the requirements


each_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)


def _prose(path: Path) -> str:
    """The document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@cache
def _anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as forges make them."""
    headings = re.findall(r"^#+ +(.+?) *$", _prose(path), flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(text.replace(" ", "-") for text in kept)


@cache
def _test_names() -> frozenset[str]:
    """The names of all test functions and classes."""
    return frozenset(
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


def _broken_links(path: Path) -> list[str]:
    broken = []
    for link in _LINK.findall(_prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    return broken


def _missing_names(path: Path) -> list[str]:
    """Paths and tests that the document names in code spans and that do not exist."""
    missing = []
    for span in _CODE.findall(_prose(path)):
        absent = _PATH.fullmatch(span) and not any(ROOT.glob(span.rstrip("/")))
        if absent or (_TEST.fullmatch(span) and span not in _test_names()):
            missing.append(span)
    return missing


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    assert _broken_links(path) == []


@each_document
def test_named_files_and_tests_exist(path: Path) -> None:
    assert _missing_names(path) == []


@each_document
def test_cited_rules_are_rules(path: Path) -> None:
    cited = {int(number) for number in re.findall(r"\bR(\d+)\b", _prose(path))}
    assert all(1 <= number <= _LAST_RULE for number in cited)


def test_python_of_the_readme_compiles() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for block in re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        compile(block, "README.md", "exec")


def test_what_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](nothing.md)\n", encoding="utf-8")
    assert _broken_links(page) == ["#three", "nothing.md"]
    page.write_text("`test_nothing_of_the_kind` `docs/nothing.md` `docs`\n", encoding="utf-8")
    assert _missing_names(page) == ["test_nothing_of_the_kind", "docs/nothing.md"]
