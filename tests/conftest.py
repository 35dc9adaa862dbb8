"""Fixtures that tests of several areas share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chassis_pki import Pki
from tests.postgresql import postgresql_server, postgresql_url

__all__ = ["postgresql_server", "postgresql_url"]  # fixtures for every test

_BYTECODE = Path(__file__).resolve().parents[1] / "build" / "bytecode"


def pytest_configure(config: pytest.Config) -> None:
    """Where Python is told to write no bytecode beside its sources, it goes to ``build/bytecode``.

    Hundreds of services are started here: without bytecode each compiles all that it imports anew.
    """
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode, sys.pycache_prefix = False, str(_BYTECODE)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(_BYTECODE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long``: the sizes of a campaign instead of those of every run."""
    parser.addoption("--long", action="store_true", help="tests of a campaign at their full length")


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """A program that runs within a test may set the process's umask; the next test has the one of before."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether this run is a campaign (``make campaign``)."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The authority of one district, for this test process."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def settings_folder(tmp_path: Path) -> Path:
    """An empty owner-only folder for a service's settings and data."""
    folder = tmp_path / "service"
    folder.mkdir(mode=0o700)
    return folder
