"""The library's core stands alone: no service, no gRPC, no database, no socket, no clock of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EDGE = {"channel", "client", "status", "stubs"}  # these need the grpc extra
CORE = sorted(
    path
    for path in (ROOT / "libmatch").rglob("*.py")
    if path.relative_to(ROOT / "libmatch").parts[0].removesuffix(".py") not in EDGE
)
NEEDED = {"blake3", "cryptography", "numpy"}

# Everything outside the standard library, the library itself and its declared dependencies is unimportable
# in the process that runs this; so are sockets and databases.
ALONE = """
import importlib, importlib.abc, pkgutil, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if name in ("libmatch.stubs", "libmatch.client", "libmatch.channel", "libmatch.status"):
            raise ImportError(f"{name} needs an extra")
        if top in ("sqlite3", "_sqlite3", "grpc", "google", "numba", "duckdb", "pyspark", "sqlmodel"):
            raise ImportError(f"{name} is not the library's to import")
        if top in ("services", "demo"):
            raise ImportError(f"{name} is not the library's to import")
        return None

sys.meta_path.insert(0, Refuse())
import libmatch
for module in pkgutil.walk_packages(libmatch.__path__, "libmatch."):
    compiled = module.name.startswith("libmatch.accel.") and not module.name.endswith(".tokens")
    if module.name.split(".")[1] not in ("stubs", "client", "channel", "status") and not compiled:
        importlib.import_module(module.name)
for name in ("grpc", "services", "sqlmodel", "sqlite3", "google.protobuf"):
    assert name not in sys.modules, name
"""

WORK = """
import os
from datetime import UTC, date, datetime, timedelta
from libmatch.auditlog import LogSigner
from libmatch.batch import admit_batch
from libmatch.identifiers import parse_identifier
from libmatch.keys import Share
from libmatch.kit import PartyKeys
from libmatch.manifest import Epoch, Manifest, Member, Role, Roster
from libmatch.matching import match
from libmatch.merkle import prove_position
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.prepare import Holder
from libmatch.records import FlaggedPair, FlaggedRecord, RecordRef, Side
from libmatch.suites import get_suite
from libmatch.unseal import unseal_pair

now, suite = datetime(2026, 6, 1, tzinfo=UTC), get_suite(1)
shares = [Share.generate(), Share.generate()]
a, b, inspector = (PartyKeys.generate() for _ in range(3))
manifest = Manifest(
    suite=1, mode=1, epoch=1, salt=os.urandom(32), not_before=now, not_after=now + timedelta(days=1),
    norm=1, kinds=(1,), bucket=512, inspector_key=inspector.hpke.public_key,
    commitments=tuple(share.commit(suite, i) for i, share in enumerate(shares, 1)),
    log_key=LogSigner.generate().public_key)
members = (Member("a", "甲", Role.REGISTRY, a.signing.public_key, a.hpke.public_key),
           Member("b", "乙", Role.BENEFICIARY, b.signing.public_key, b.hpke.public_key))
epoch = Epoch(manifest, Roster(manifest.epoch_id, 1, members))
who = parse_identifier("110101900307775", today=date(2026, 6, 1))
other = parse_identifier("50010219620314002 4", today=date(2026, 6, 1))
payloads = {
    Side.REGISTRY: RelativePayload(who, "甲某", "配偶", other, "乙某", "某局", "科长"),
    Side.BENEFICIARY: ItemPayload(who, "甲某", "受益人", "X-1", "改厕", "补助", 1, "某村", None)}
flagged, records = {}, []
for unit, keys, side in (("a", a, Side.REGISTRY), ("b", b, Side.BENEFICIARY)):
    holder = Holder.enrol(unit, epoch, shares, keys.signing, now)
    (sealed,) = holder.prepare(side, [payloads[side]], 1)
    admitted = admit_batch(manifest, epoch.roster.find(unit), sealed.batch)
    records.append((RecordRef(side, unit, sealed.rids[0]), admitted.tokens[0]))
    batch = sealed.batch
    path = tuple(prove_position(suite.h, admitted.leaf_hashes, 0))
    flagged[side] = FlaggedRecord(
        batch.header, batch.capsule, batch.signature, 0, batch.columns.row(0), path)
assert len(match(records)) == 1
opened = unseal_pair(inspector.hpke, epoch, FlaggedPair(flagged[Side.REGISTRY], flagged[Side.BENEFICIARY]))
assert opened.relative.person == opened.item.person == who
print("opened")
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_core_imports_and_works_without_any_extra() -> None:
    result = _python(ALONE + WORK)
    assert (result.returncode, result.stdout) == (0, "opened\n"), result.stderr


def test_edge_does_not_import_without_its_extra() -> None:
    result = _python(ALONE + "import libmatch.client")
    assert result.returncode != 0
    assert "needs an extra" in result.stderr


def _imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


_ENGINES = {"duckdb_engine.py": {"duckdb"}, "spark_job.py": {"pyspark"}}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_imports_its_declared_dependencies_only(path: Path) -> None:
    imported = _imports(ast.parse(path.read_text("utf-8")))
    fast = {"llvmlite", "numba"} if path.parent.name == "accel" else set()
    bulk = _ENGINES.get(path.name, set())  # when it is used
    assert imported <= set(sys.stdlib_module_names) | NEEDED | fast | bulk | {"libmatch"}


# What would make the core less than pure: sockets, processes, databases, the clock, the environment.
_IMPURE_MODULES = {"asyncio", "http", "multiprocessing", "socket", "sqlite3", "ssl", "subprocess"}
_IMPURE_MODULES |= {"time", "urllib"}
_IMPURE_NAMES = {"environ", "getenv", "now", "today", "utcnow"}
# Spark is a process of its own, which gets this one's environment without what would move its files.
_ALLOWED = {"spark_engine.py": {"subprocess", "os.environ"}}


def _impurities(tree: ast.AST) -> set[str]:
    found = _imports(tree) & _IMPURE_MODULES
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _IMPURE_NAMES:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in ("datetime", "date", "os"):
                found.add(f"{owner}.{node.attr}")
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_core_has_no_socket_no_environment_and_no_clock(path: Path) -> None:
    found = _impurities(ast.parse(path.read_text("utf-8")))
    assert found == _ALLOWED.get(path.name, set())


@pytest.mark.parametrize(
    "code",
    [
        "import socket",
        "from urllib.request import urlopen",
        "import os\nos.environ['X']",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date\nprint(date.today)",
    ],
)
def test_impurity_is_found(code: str) -> None:
    assert _impurities(ast.parse(code))
