"""``libmatch audit`` on a file that is no service's database."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.exits import Exit
from services.cli.main import main


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
