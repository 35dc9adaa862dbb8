"""services.cli compare: the files it reads and writes; nothing is overwritten, no half result is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.chassis.owner_files import write_new
from services.cli.exits import Exit
from services.cli.main import main
from tests.unit.services.cli.compared_tables import (
    ITEM,
    hits,
    item,
    number,
    sheet,
    table,
)


def test_without_a_hit_the_result_says_so(declarations: Path, tmp_path: Path) -> None:
    others = table(tmp_path / "others.csv", ITEM, [item("A-10001", "褚卫蒋", number(40))])
    out = tmp_path / "hits.xlsx"

    assert main(["compare", str(declarations), str(others), "--out", str(out)]) == Exit.OK
    assert hits(out) == []
    assert sheet(out)[2][0] == "没有比中"


def test_nothing_is_overwritten_unless_it_is_asked_for(
    declarations: Path, beneficiaries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "hits.xlsx"
    write_new(out, b"precious")
    args = ["compare", str(declarations), str(beneficiaries), "--out", str(out)]

    assert main(args) == Exit.REFUSED
    assert "不会覆盖" in capsys.readouterr().err
    assert out.read_bytes() == b"precious"
    assert main([*args, "--overwrite"]) == Exit.OK
    assert len(hits(out)) == 3


def test_an_existing_result_is_told_before_the_work(
    declarations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, unusable = tmp_path / "hits.xlsx", tmp_path / "unusable.csv"
    unusable.write_bytes(b"")
    write_new(tmp_path / "hits-待改正-受益1.xlsx", b"precious")

    code = main(["compare", str(declarations), str(unusable), "--out", str(out)])
    assert code == Exit.REFUSED
    assert "不会覆盖" in capsys.readouterr().err


def test_an_input_is_never_the_output(declarations: Path, beneficiaries: Path) -> None:
    before = declarations.read_bytes()
    args = ["compare", str(declarations), str(beneficiaries), "--overwrite"]

    assert main([*args, "--out", str(declarations)]) == Exit.REFUSED
    assert declarations.read_bytes() == before


@pytest.mark.parametrize("name", ["hits.csv", "missing/hits.xlsx"])
def test_a_result_that_cannot_be_written_is_refused_before_the_work(
    declarations: Path, beneficiaries: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name

    assert main(["compare", str(declarations), str(beneficiaries), "--out", str(out)]) == 3
    assert not out.exists()


@pytest.mark.parametrize(
    "data", [b"", b"<html><table><tr><td>x</td></tr></table></html>", b"a,b\n1,2\n"]
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_is_written(
    declarations: Path, tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    out = tmp_path / "hits.xlsx"

    assert main(["compare", str(declarations), str(tmp_path / "bad.csv"), "--out", str(out)]) == 3
    told = capsys.readouterr().err
    assert "受益 1" in told
    assert "Traceback" not in told
    assert not out.exists()


def test_a_missing_file_is_named(
    declarations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.xlsx"

    code = main(["compare", str(declarations), str(missing), "--out", str(tmp_path / "h.xlsx")])
    assert code == Exit.REFUSED
    assert "文件或文件夹不存在" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_result(
    declarations: Path,
    beneficiaries: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = table(
        tmp_path / "bad.csv", ITEM, [item("A-10001", "赵钱孙", number(11)), item("A-2", "甲", "1")]
    )
    before = sorted(os.listdir(tmp_path))
    calls: list[int] = []
    real = os.fsync

    def full_at_last(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 2:  # the file to correct and its folder are through
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_last)
    out = tmp_path / "hits.xlsx"

    assert main(["compare", str(declarations), str(bad), "--out", str(out)]) == Exit.REFUSED
    assert "磁盘空间不足" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == before
