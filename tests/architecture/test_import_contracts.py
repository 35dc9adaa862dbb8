"""The import contracts in pyproject.toml hold, and each one bites: a planted violation breaks it.

The violation is planted in a copy of the tree, because the linter reads files; nothing is run there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]

# contract id → (file of the copy, line to plant in it). Files that do not exist are made: what is denied
# by default is denied to modules that nobody has thought of.
VIOLATIONS: dict[str, list[tuple[str, str]]] = {
    "library-below-services": [
        ("libmatch/batch.py", "import services.chassis.config"),
        ("libmatch/client/gate.py", "import services.chassis.client"),
        ("libmatch/merkle.py", "import tests.district"),
    ],
    "services-without-demo": [
        ("services/matcher/submit.py", "import demo.people"),
        ("services/chassis/db/rows.py", "from tests import district"),
    ],
    "grpc": [
        ("libmatch/kit.py", "import grpc"),
        ("libmatch/records.py", "import google.protobuf"),
        ("services/registry/another_use_case.py", "import grpc"),
        ("services/beneficiary/store.py", "from google.protobuf import message"),
        ("services/authority/sign.py", "import grpc"),
    ],
    "stubs": [
        ("libmatch/records.py", "from libmatch.stubs.core.v1 import core_pb2"),
        ("services/registry/another_use_case.py", "import libmatch.stubs.core.v1.core_pb2"),
        ("services/beneficiary/store.py", "from libmatch.stubs.core.v1 import core_pb2"),
    ],
    "client": [
        ("libmatch/kit.py", "import libmatch.client"),
        ("services/registry/another_use_case.py", "from libmatch.client import MatcherClient"),
        ("services/registry/rpc.py", "from libmatch.client.messages import head_to_pb"),
    ],
    "channel": [
        ("libmatch/notices.py", "import libmatch.channel"),
        ("services/registry/another_use_case.py", "from libmatch.channel import open_channel"),
        ("services/inspector/peers.py", "from libmatch.status import error_from_rpc"),
    ],
    "transport": [
        (
            "services/registry/another_use_case.py",
            "from services.chassis.client import open_channel",
        ),
        ("services/beneficiary/store.py", "from services.chassis.authz import caller"),
        ("services/authority/sign.py", "import services.chassis.tls"),
    ],
    "database": [
        ("libmatch/client/state.py", "import sqlalchemy"),
        ("services/registry/another_use_case.py", "from sqlmodel import Session"),
        ("services/registry/rpc.py", "import sqlmodel"),
    ],
    "state-file": [
        ("libmatch/kit.py", "import sqlite3"),
        ("services/matcher/another_use_case.py", "import sqlite3"),
    ],
    "postgresql": [
        ("services/matcher/store/rows.py", "import psycopg"),
        ("libmatch/kit.py", "import psycopg"),
    ],
    "tables": [
        ("services/registry/rpc.py", "import services.registry.tables"),
        ("services/beneficiary/another_use_case.py", "from services.beneficiary import tables"),
    ],
    "rpc": [("services/registry/another_use_case.py", "import services.registry.rpc")],
    "unseal": [
        ("services/registry/another_use_case.py", "import libmatch.unseal"),
        ("services/matcher/another_use_case.py", "from libmatch.unseal import unseal_pair"),
        ("services/authority/sign.py", "from libmatch import unseal"),
        ("libmatch/notices.py", "import libmatch.unseal"),
    ],
    "keys": [
        ("services/matcher/another_use_case.py", "from libmatch.keys import SigningKey"),
        ("services/chassis/db/rows.py", "from libmatch.tokens import derive_token"),
        ("services/chassis/audit.py", "import libmatch.kit"),
    ],
    "plaintext": [
        ("services/matcher/another_use_case.py", "import libmatch.identifiers"),
        ("services/authority/sign.py", "from libmatch.payloads import ItemPayload"),
        ("services/chassis/db/rows.py", "from libmatch import relations"),
    ],
    "matcher": [
        ("services/matcher/another_use_case.py", "from libmatch.seal import seal_batch"),
        ("libmatch/batch.py", "import libmatch.keys"),  # through another module that it may import
        ("libmatch/auditlog.py", "from libmatch.identifiers import Identifier"),
        ("services/matcher/another_use_case.py", "import services.rules.declaration"),
    ],
    "bulk": [
        ("libmatch/bulk/columns.py", "import libmatch.keys"),
        ("libmatch/bulk/join.py", "import libmatch.accel.tokens"),  # which imports keys
        ("libmatch/accel/hash_join.py", "from libmatch.identifiers import Identifier"),
    ],
    "bulk-engine": [
        ("services/matcher/another_use_case.py", "import duckdb"),
        ("libmatch/bulk/join.py", "import duckdb"),
    ],
    "bulk-spark": [
        ("libmatch/bulk/join.py", "import pyspark"),
        ("services/matcher/another_use_case.py", "from pyspark.sql import SparkSession"),
    ],
    "chassis": [
        ("services/chassis/audit.py", "import services.registry.entries"),
        ("services/chassis/guard.py", "from libmatch.stubs.core.v1 import core_pb2"),
        ("services/chassis/db/rows.py", "import libmatch.matching"),
        ("libmatch/status.py", "import libmatch.batch"),  # through what it may import
    ],
    "services-apart": [
        ("services/registry/another_use_case.py", "import services.beneficiary"),
        ("services/matcher/another_use_case.py", "import services.inspector"),
        ("services/inspector/peers.py", "from services.matcher import tables"),
        ("services/authority/sign.py", "import services.registry"),
    ],
    "holder": [
        ("services/matcher/another_use_case.py", "import services.holder"),
        ("services/inspector/another_use_case.py", "import services.holder"),
    ],
    "holder-below": [("services/holder/another_use_case.py", "import services.registry")],
    "process": [("services/matcher/another_use_case.py", "import services.process")],
    "process-below": [("services/process/another_step.py", "import services.holder")],
    "command-line-on-top": [
        ("services/registry/another_use_case.py", "import services.cli"),
        ("services/chassis/observe.py", "from services import cli"),
    ],
    "stores-without-keys": [
        ("services/registry/store.py", "from libmatch.seal import seal_batch"),
        ("services/beneficiary/store.py", "import libmatch.keys"),
    ],
    "rules-pure": [
        ("services/rules/units.py", "import services.registry.store"),
        ("services/rules/another_rule.py", "from services.chassis.db import DateTime"),
        ("services/rules/another_rule.py", "from libmatch.tokens import derive_token"),
        ("services/rules/another_rule.py", "import sqlmodel"),
        ("services/rules/violation.py", "import grpc"),
        ("services/rules/deadlines.py", "import time"),
    ],
}
PLANTED = [(name, *plant) for name, plants in VIOLATIONS.items() for plant in plants]


def _contracts() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]}


def _lint(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LINT, *arguments], cwd=tree, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the linter reads."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("libmatch", "services"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copy / package, ignore=ignore)
    return copy


def test_contracts_hold(tree: Path) -> None:
    result = _lint(tree)
    assert result.returncode == 0, result.stdout


def test_linter_sees_every_module() -> None:
    """A folder that is no package is invisible to the linter, and so are imports of it."""
    folders = {
        path.parent
        for package in ("libmatch", "services")
        for path in (ROOT / package).rglob("*.py")
        if path.parent.name != "versions"  # Alembic's revisions: run by name, imported by nobody
    }
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_contract_has_a_planted_violation() -> None:
    assert set(VIOLATIONS) == _contracts()


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_planted_violation_breaks_its_contract(
    tree: Path, contract: str, file: str, line: str
) -> None:
    path = tree / file
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes((before or b"") + f"\n{line}\n".encode())
        result = _lint(tree, "--contract", contract)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout
    assert Path(file).with_suffix("").as_posix().replace("/", ".") in result.stdout
