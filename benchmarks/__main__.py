"""Runs the measures and writes ``build/bench/report.json``: ``python -m benchmarks [--full]``.

One core unless a measure says otherwise. Each module of measures runs in a process of its own, so that
``peak_mib`` is its own and one that fails loses nothing of the others; then the exit code is 1. Ratios
are to a reference of the same run: absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine

MODULES = (
    *("identifiers", "sealing", "joining", "peers"),
    *("uploading", "gate", "bulk", "loading", "growth"),
)
_SIZES = (100_000, 1_000_000)
_FULL = (10_000, 100_000, 1_000_000, 10_000_000)
_VERDICTS = {True: "met", False: "MISSED", None: ""}


def main() -> int:
    """0 when no module failed; what an aim misses, or a machine cannot do, is in the report."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--full", action="store_true", help="from 10,000 to 10,000,000 rows")
    parser.add_argument("--only", choices=MODULES, action="append", help="these modules alone")
    parser.add_argument("--out", type=Path, default=Path("build/bench/report.json"))
    parser.add_argument("--child", choices=MODULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _run_child(options.child, _FULL if options.full else _SIZES)
        return 0
    report: dict[str, Any] = {"machine": describe_machine(), "measures": [], "failed": []}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for name in options.only or MODULES:
        if not _run_parent(name, report["measures"], full=options.full):
            report["failed"].append(name)
        options.out.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    print(f"written: {options.out}")
    if report["failed"]:
        print(f"failed: {', '.join(report['failed'])}", file=sys.stderr)
    return 1 if report["failed"] else 0


def _run_child(name: str, sizes: tuple[int, ...]) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    for measure in module.measure(sizes):
        print(json.dumps({"module": name, **measure.to_json()}, ensure_ascii=False), flush=True)


def _run_parent(name: str, found: list[dict[str, Any]], *, full: bool) -> bool:
    """Whether the module ended well; what it measured before it failed is in ``found`` all the same."""
    command = [sys.executable, "-m", "benchmarks", "--child", name, *(["--full"] if full else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603  # itself
        assert child.stdout is not None  # it is a pipe
        for line in child.stdout:
            if line.startswith('{"module"'):  # libraries may print, too
                found.append(json.loads(line))
                print(_show(found[-1]), flush=True)
    return child.returncode == 0


def _show(measure: dict[str, Any]) -> str:
    title = f"{measure['name']:64} {measure['size']:>11,}"
    if "not_measured" in measure:
        return f"{title}  not measured: {measure['not_measured']}"
    figures = f"{measure['rate']:>11,} /s {measure['peak_mib']:>6} MiB {measure['ratio']:>8} x"
    aim = f"{_VERDICTS[measure['met']]:6} {measure['aim']}"
    return f"{title} {figures}  {aim}\n    beside {measure['reference']}"


if __name__ == "__main__":
    sys.exit(main())
