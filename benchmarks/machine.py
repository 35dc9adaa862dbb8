"""What machine and which versions the figures of a report belong to; no name of a host."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_FLAGS = ("sha_ni", "avx2", "avx512f", "avx512bw", "vaes", "asimd", "sha2")
_PACKAGES = ("blake3", "cryptography", "duckdb", "grpcio", "numba", "numpy", "psycopg", "pyspark")


def describe_machine() -> dict[str, Any]:
    """CPU, those of its flags that code here is written for, cores, memory, versions."""
    lines = (line.partition(":") for line in _read("/proc/cpuinfo"))
    fields = {name.strip(): value.strip() for name, _, value in lines}
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    memory = next((line.split()[1] for line in _read("/proc/meminfo")), "0")
    return {
        "cpu": fields.get("model name", platform.processor()),
        "family_model_stepping": [fields.get(name) for name in ("cpu family", "model", "stepping")],
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "memory_mib": int(memory) // 1024,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
