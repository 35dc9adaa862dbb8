"""``libmatch audit`` on databases of either kind, and on what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis import audit
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.cli.exits import Exit
from services.cli.main import main
from services.matcher.app import VERSIONS
from tests.district import NOW


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_that_is_no_database_is_told_in_chinese(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(b"no database")
    path.chmod(mode)
    assert main(["audit", "verify", "--database", str(path)]) == Exit.REFUSED
    told = capsys.readouterr().err.replace(str(path), "")
    assert "须是服务的数据库文件" in told
    assert "database" not in told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_trail_is_verified_and_shown(
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "matcher.db"
    url = f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    with Database(url) as database:
        migrate(database, VERSIONS)
        database.run_tx(
            "look", lambda s: audit.record(s, at=NOW, actor="li", action="look", subject="no. 1")
        )
    where = str(path) if kind == "sqlite" else url
    assert main(["audit", "verify", "--database", where]) == Exit.OK
    assert "共1条" in capsys.readouterr().out
    assert main(["audit", "show", "--database", where]) == Exit.OK
    assert "look" in capsys.readouterr().out


def test_a_password_in_the_address_is_refused_and_not_repeated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = "postgresql://u:s3cret@/x?host=/run/postgresql"
    assert main(["audit", "verify", "--database", where]) == Exit.REFUSED
    told = capsys.readouterr().err
    assert "数据库不能打开" in told
    assert "s3cret" not in told
