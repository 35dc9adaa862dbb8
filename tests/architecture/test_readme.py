"""The README's Python runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.integration.test_client import documented_example

ROOT = Path(__file__).resolve().parents[2]


def _blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def test_the_embedding_example_is_the_one_that_runs_against_a_real_matcher() -> None:
    assert documented_example() in _blocks()


def test_the_ten_lines_find_a_hit() -> None:
    lines = _blocks()[1]
    assert len([line for line in lines.splitlines() if line.strip()]) <= 12
    run = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "hit\n", "")
