"""Runs the measures and writes ``build/bench/report.json``: ``python -m benchmarks [--full]``.

One core unless a measure says otherwise. Each module of measures runs in a process of its own, so that
``peak_mib`` is its own. Ratios are to a reference of the same run: absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

MODULES = ("identifiers", "sealing", "joining")
_SIZES = (100_000, 1_000_000)
_FULL = (10_000, 100_000, 1_000_000, 10_000_000)


def main() -> int:
    """0 when every measure was taken."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--full", action="store_true", help="from 10,000 to 10,000,000 rows")
    parser.add_argument("--only", choices=MODULES, help="one module of measures")
    parser.add_argument("--out", type=Path, default=Path("build/bench/report.json"))
    parser.add_argument("--child", choices=MODULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _run_child(options.child, _FULL if options.full else _SIZES)
        return 0
    measures = []
    for name in [options.only] if options.only else MODULES:
        measures += _run_parent(name, full=options.full)
    report = {"machine": _machine(), "measures": measures}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    print(f"written: {options.out}")
    return 0


def _run_child(name: str, sizes: tuple[int, ...]) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    for measure in module.measure(sizes):
        print(json.dumps(measure.to_json(), ensure_ascii=False), flush=True)


def _run_parent(name: str, *, full: bool) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks", "--child", name, *(["--full"] if full else [])]
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603  # itself
        assert child.stdout is not None  # it is a pipe
        for line in child.stdout:
            measure = json.loads(line)
            found.append(measure)
            print(
                f"{measure['name']:58} {measure['size']:>12,} rows  {measure['rate']:>12,} /s  "
                f"{measure['ratio']:>8} x  {measure['peak_mib']:>6} MiB",
                flush=True,
            )
    if child.returncode:
        raise SystemExit(child.returncode)
    return found


def _machine() -> dict[str, Any]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
