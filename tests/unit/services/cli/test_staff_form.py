"""Annex 4 as a file, and the offline look at a trail."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from libmatch.errors import InputError
from services.chassis.audit import record
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.staff_form import read_form, shown_rows, write_blank
from services.registry.app import VERSIONS
from tests.district import NOW


def filled(path: Path) -> Path:
    """A form filled as people do, with a picture beside it."""
    text = write_blank()
    for key, value in {
        "姓名": "丙某",
        "性别": "女",
        "出生年月": "1980-07",
        "照片": "丙某.jpg",
        "是否责任领导": "否",
        "是否工作人员": "是",
    }.items():
        assert f'\n"{key}" = ""' in text
        text = text.replace(f'\n"{key}" = ""', f'\n"{key}" = "{value}"', 1)
    (path / "丙某.jpg").write_bytes(b"picture")
    form = path / "表.toml"
    form.write_text(text, encoding="utf-8")
    return form


def test_R32_blank_form_is_read_as_blank(tmp_path: Path) -> None:
    out = tmp_path / "空表.toml"
    assert main(["accounts", "form", "--out", str(out)]) == Exit.OK
    form = read_form(out)
    assert (form["name"], form["photo_digest"], "is_leader" in form) == ("", b"", False)
    assert main(["accounts", "form", "--out", str(out)]) == Exit.REFUSED  # never over a filled one


def test_R32_filled_form_is_read_with_the_digest_of_its_picture(tmp_path: Path) -> None:
    form = read_form(filled(tmp_path))
    assert (form["name"], form["sex"], form["born"]) == ("丙某", "女", "1980-07")
    assert (form["is_leader"], form["is_worker"]) == (False, True)
    assert form["photo_digest"] == hashlib.sha256(b"picture").digest()
    assert ("照片", "已登记") in shown_rows(form)
    assert ("是否工作人员", "是") in shown_rows(form)


def test_R32_same_form_as_json(tmp_path: Path) -> None:
    path = tmp_path / "表.json"
    path.write_text('{"姓名": "丙某", "家庭主要成员及社会关系": [{"年龄": 60}]}', encoding="utf-8")
    form = read_form(path)
    assert (form["name"], form["family"][0]["age"]) == ("丙某", 60)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"姓 名" = "丙某"', "附件4没有的栏目"),
        ('"姓名" = 7', "姓名"),
        ('"是否工作人员" = "也许"', "是否工作人员"),
        ('[["家庭主要成员及社会关系"]]\n"年龄" = "六十"', "年龄"),
        ('"家庭主要成员及社会关系" = 1', "家庭主要成员"),
        ("姓名：丙某", "格式不正确"),
    ],
)
def test_R32_form_that_cannot_be_read_is_refused_by_its_heading(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "表.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_form(path)
    assert told in caught.value.message_zh


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """A database with three entries by two people."""
    path = tmp_path / "registry.db"
    with Database(DatabaseSettings(path=path)) as database:
        migrate(database, VERSIONS)
        for login, subject in (("li", "account:li"), ("wang", "account:li"), ("wang", "x")):
            actor = f"spiffe://fuling/clerk/reg-a/{login}"
            database.run_tx(
                "entry",
                lambda session, a=actor, s=subject: record(  # type: ignore[misc]
                    session, at=NOW, actor=a, action="show-account", subject=s, reason="年度核对"
                ),
            )
    return path


def test_R63_untouched_trail_is_verified_with_its_head(
    trail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--database", str(trail)]) == Exit.OK
    shown = capsys.readouterr().out
    assert "共3条" in shown
    head = shown.split("末端：")[1].strip()
    assert main(["audit", "verify", "--database", str(trail), "--head", head]) == Exit.OK
    longer = head.replace("3:", "4:")
    assert main(["audit", "verify", "--database", str(trail), "--head", longer]) == Exit.TRUST
    assert main(["audit", "verify", "--database", str(trail), "--head", "x"]) == Exit.REFUSED


def test_R63_altered_trail_is_found(trail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(trail)) as file:
        file.execute("DROP TRIGGER audit_no_update")
        file.execute("UPDATE audit SET reason = '别的' WHERE seq = 2")
        file.commit()
    assert main(["audit", "verify", "--database", str(trail)]) == Exit.TRUST
    assert "entry 2" in capsys.readouterr().err


def test_R63_trail_is_shown_by_subject_and_by_person(
    trail: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["audit", "show", "--database", str(trail), "--subject", "account:li"]) == Exit.OK
    assert "共2条" in capsys.readouterr().out
    assert main(["audit", "show", "--database", str(trail), "--actor", "wang"]) == Exit.OK
    shown = capsys.readouterr().out
    assert "共2条" in shown
    assert "年度核对" in shown


def test_R63_file_that_is_no_database_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.db"
    other.touch(mode=0o600)
    other.write_bytes(b"not a database at all" * 99)
    for path in (other, tmp_path / "missing.db"):
        assert main(["audit", "verify", "--database", str(path)]) == Exit.REFUSED
        assert len(capsys.readouterr().err.splitlines()) == 1
