"""The protos are well formed, the committed stubs are theirs, and a breaking change is found. Offline."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
STUBS = Path("libmatch/stubs")


def _run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _image(protos: Path, out: Path) -> Path:
    """protoc's image of the protos in that folder, with comments and imports: what buf reads."""
    names = [STUBS / path.relative_to(protos) for path in sorted(protos.rglob("*.proto"))]
    result = _run(
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{STUBS}={protos}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={out}",
        *names,
    )
    assert result.returncode == 0, result.stderr
    return out


def _copy_with(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the protos in which one text of one file is another."""
    copy = tmp_path / "protos"
    for path in (ROOT / "protos").rglob("*.proto"):
        text = path.read_text("utf-8")
        target = copy / path.relative_to(ROOT / "protos")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target == copy / file:
            assert old in text
            text = text.replace(old, new)
        target.write_text(text, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _image(ROOT / "protos", tmp_path_factory.mktemp("image") / "protos.binpb")


def test_committed_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    result = _run(sys.executable, "-m", "protos.generate", tmp_path)
    assert result.returncode == 0, result.stderr
    fresh, committed = (
        {path.relative_to(root) for path in (root / STUBS).rglob("*.py*") if path.suffix != ".pyc"}
        for root in (tmp_path, ROOT)
    )
    assert fresh == committed, "run: make stubs"
    names = [str(path) for path in fresh]
    _, differ, errors = filecmp.cmpfiles(tmp_path, ROOT, names, shallow=False)
    assert (differ, errors) == ([], []), "run: make stubs"


def test_protos_are_clean(image: Path) -> None:
    result = _run(BIN / "buf", "lint", image, "--config", "protos/buf.yaml")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("uint64 tree_size = 4;", "uint64 treeSize = 4;", "lower_snake_case"),
        ("CLEARANCE_STATUS_PENDING", "PENDING", "prefixed"),
        ("returns (GetReceiptResponse)", "returns (core.v1.Receipt)", "GetReceiptResponse"),
        ("// The gate: nothing", "\n\nservice Bare {}\n// The gate: nothing", "comment"),
    ],
)
def test_lint_finds_a_planted_fault(tmp_path: Path, old: str, new: str, rule: str) -> None:
    protos = _copy_with(tmp_path, "matcher/v1/matcher.proto", old, new)
    planted = _image(protos, tmp_path / "planted.binpb")
    result = _run(BIN / "buf", "lint", planted, "--config", "protos/buf.yaml")
    assert result.returncode != 0
    assert rule in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("uint64 checked_at_us = 3;", "uint64 checked_at_us = 6;", True),
        ("uint64 checked_at_us = 3;", "string checked_at_us = 3;", True),
        ("  rpc GetReceipt(GetReceiptRequest) returns (GetReceiptResponse);\n", "", True),
        ("uint64 checked_at_us = 3;", "uint64 checked_at_us = 3;\n  string added = 6;", False),
    ],
)
def test_breaking_change_is_told_from_an_addition(
    image: Path, tmp_path: Path, old: str, new: str, found: bool
) -> None:
    changed = _image(
        _copy_with(tmp_path, "matcher/v1/matcher.proto", old, new), tmp_path / "changed.binpb"
    )
    result = _run(
        BIN / "buf", "breaking", changed, "--against", image, "--config", "protos/buf.yaml"
    )
    assert bool(result.returncode) is found, result.stdout + result.stderr
