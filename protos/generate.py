"""Generates ``libmatch/stubs`` from ``protos``: ``python -m protos.generate [OUT]``.

``-I libmatch/stubs=protos`` maps this folder onto the package, so that the stubs import without path
tricks. Every folder becomes a package, because the import linter sees nothing else. The result is
committed; tests generate it again and compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def generate(out: Path) -> None:
    """Write the stubs of every .proto below ``protos`` into ``out``/libmatch/stubs."""
    sources = sorted((ROOT / "protos").rglob("*.proto"))
    names = [f"libmatch/stubs/{path.relative_to(ROOT / 'protos')}" for path in sources]
    out.mkdir(parents=True, exist_ok=True)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    scripts = Path(sys.executable).parent
    options = [f"--{plugin}_out={out}" for plugin in ("python", "grpc_python", "mypy", "mypy_grpc")]
    options += [f"--plugin={scripts / f'protoc-gen-{plugin}'}" for plugin in ("mypy", "mypy_grpc")]
    includes = [f"-Ilibmatch/stubs={ROOT / 'protos'}", f"-I{well_known}"]
    if protoc.main(["protoc", *includes, *options, *names]):
        raise SystemExit("protoc failed")
    for name in names:
        for folder in (out / name).parents[:3]:  # v1, the service's, stubs
            (folder / "__init__.py").touch()


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
