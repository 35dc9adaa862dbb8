"""What clerks' commands have in common: problem files, references, amounts, multi-file exit codes."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from libmatch.errors import InputError, ServiceError
from services.cli.clerk import (
    import_files,
    moment_zh,
    parse_ref,
    show_table,
    tell_sync,
    write_problem_file,
    yuan,
)
from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers import ImportReport, SyncReport

TAKEN = ImportReport(3, 2, 0, 1, 2, 0, 0, (), (), b"")
REFUSED = ImportReport(3, 1, 1, 1, 1, 0, 0, ("第3行：有误。请改正",), ("提示",), b"xlsx")


@dataclass
class Client:
    """Answers each file in turn with a report or an error."""

    answers: list[ImportReport | ServiceError] = field(default_factory=list)

    def import_sheet(self, name: str, data: bytes, progress: Callable[[int], None]) -> ImportReport:
        progress(len(data))
        answer = self.answers.pop(0)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    def sync(self) -> SyncReport:
        return SyncReport(0, 0, 0, 0, 0)


def unusable() -> ServiceError:
    return ServiceError("INVALID_ARGUMENT", "INPUT", "no header row", "没有找到表头")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("一.xlsx", "二.xlsx")]
    for path in paths:
        path.write_bytes(b"content")
    return paths


def code_of(answers: list[ImportReport | ServiceError], files: list[Path]) -> int:
    try:
        import_files(Client(answers), files)
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def test_exit_code_is_zero_only_if_every_row_of_every_file_was_taken(files: list[Path]) -> None:
    assert code_of([TAKEN, TAKEN], files) == Exit.OK
    assert code_of([TAKEN, REFUSED], files) == Exit.PARTIAL
    assert code_of([unusable(), TAKEN], files) == Exit.PARTIAL
    assert code_of([unusable(), unusable()], files) == Exit.REFUSED


def test_unusable_file_is_named_and_does_not_keep_the_others_out(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code_of([unusable(), TAKEN], files)
    shown = capsys.readouterr()
    assert "一.xlsx：没有找到表头" in shown.err
    assert "二.xlsx：共2行，采纳2行" in shown.out  # headings are no rows to a clerk


def test_unreachable_service_ends_the_run(files: list[Path]) -> None:
    with pytest.raises(ServiceError):
        code_of([ServiceError("UNAVAILABLE", "", "", "")], files)


def test_refused_rows_are_told_and_written_beside_the_input(
    files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code_of([REFUSED, TAKEN], files)
    written = files[0].with_name("一.问题.xlsx")
    assert written.read_bytes() == b"xlsx"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    shown = capsys.readouterr().out
    assert "未采纳：第3行：有误。请改正" in shown
    assert "提示：提示" in shown


def test_problem_file_never_overwrites_one_that_somebody_may_edit(files: list[Path]) -> None:
    names = [write_problem_file(files[0], data).name for data in (b"1", b"2", b"3")]
    assert names == ["一.问题.xlsx", "一.问题2.xlsx", "一.问题3.xlsx"]
    assert files[0].with_name(names[0]).read_bytes() == b"1"


def test_waiting_batches_are_told_with_an_exit_code_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_sync(SyncReport(1, 20, 0, 0, 0))
    with pytest.raises(typer.Exit) as stop:
        tell_sync(SyncReport(0, 0, 0, 0, 2))
    assert stop.value.exit_code == Exit.SERVICE
    assert "还有2批待发送" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "abc", "zz" * 16, "00" * 15])
def test_reference_is_32_hex_digits(text: str) -> None:
    assert parse_ref("0f" * 16) == b"\x0f" * 16
    with pytest.raises(InputError) as refused:
        parse_ref(text)
    assert "32位" in refused.value.message_zh


def test_amounts_and_moments_read_as_clerks_write_them() -> None:
    assert [yuan(fen) for fen in (None, 0, 5, 120050)] == ["", "0.00", "0.05", "1200.50"]
    assert moment_zh(0) == ""
    assert moment_zh(1_780_000_000_000_000) == "2026-05-29 04:26"  # UTC+8


def test_data_that_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("表", ("列",), [("[red]某[/red]",)])
    assert "[red]某[/red]" in capsys.readouterr().out


def test_missing_configuration_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["registry", "list", "--config", str(tmp_path / "none.toml")])
    assert code == Exit.USAGE
    assert "none.toml" in capsys.readouterr().err


def test_a_number_in_a_table_is_whole_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    reference, texts = (
        "0123456789abcdef" * 2,
        ("已录入、待责任领导审核、待签署意见", "某单位某科室"),
    )
    show_table("名单", ("编号", "状态", "单位", "上一编号"), [(reference, *texts, reference)])
    shown = capsys.readouterr().out
    assert shown.count(reference) == 2
    assert "…" not in shown
