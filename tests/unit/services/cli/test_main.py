import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

from libmatch.errors import (
    EncodingError,
    EpochError,
    InputError,
    KeyFileError,
    LibmatchError,
    LogError,
    ServiceError,
    ShareError,
    UnsealError,
)
from services.chassis.config import ConfigError
from services.chassis.refusals import NotFound
from services.cli.exits import Exit
from services.cli.failures import explain
from services.cli.main import main
from services.cli.nouns import NOUNS
from services.cli.passphrase import read_passphrase


def plant(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """A noun ``inspector`` whose one command raises ``failure``."""
    module = ModuleType("services.cli.inspector")

    def register(app: typer.Typer) -> None:
        @app.command("inspector")
        def fail() -> None:
            """Fails."""
            raise failure

    module.register = register  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "services.cli.inspector", module)


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_help_names_every_noun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.OK

    shown = capsys.readouterr().out
    assert all(noun in shown for noun in NOUNS)


def test_help_of_compare_imports_no_service(tmp_path: Path) -> None:
    code = (
        "import sys; from services.cli.main import main; main(['compare', '--help']);"
        "heavy = {'grpc', 'sqlmodel', 'sqlalchemy', 'xlsxwriter', 'cryptography', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("args", [["nonsense"], ["--nonsense"], [], ["keys", "nonsense"]])
def test_a_wrong_command_line_is_told_in_a_few_lines(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == Exit.USAGE

    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "--help" in told


def test_a_missing_parameter_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new"]) == Exit.USAGE
    assert "缺少参数 套件" in capsys.readouterr().err
    assert main(["keys", "new", "kit", "--unti", "x"]) == Exit.USAGE
    assert "没有选项 --unti" in capsys.readouterr().err


def test_an_unforeseen_error_is_one_line_with_an_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plant(monkeypatch, RuntimeError("张三 11010119900307775X"))

    assert main(["inspector"]) == Exit.INTERNAL

    told = capsys.readouterr().err
    log = tmp_path / "state" / "libmatch" / "errors.jsonl"
    kept = log.read_text("utf-8")
    assert len(told.splitlines()) == 1
    assert json.loads(kept)["error_id"] in told
    assert "RuntimeError" in kept
    for text in (told, kept):
        assert "Traceback" not in text
        assert "张三" not in text
        assert "11010119900307775X" not in text
    assert log.stat().st_mode & 0o077 == 0


def test_an_unforeseen_error_is_told_even_where_no_log_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").touch()
    plant(monkeypatch, RuntimeError("x"))

    assert main(["inspector"]) == Exit.INTERNAL
    assert "编号" in capsys.readouterr().err


def test_a_missing_component_is_named_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, ModuleNotFoundError("No module named 'xlsxwriter'", name="xlsxwriter"))

    assert main(["inspector"]) == Exit.MISSING
    told = capsys.readouterr().err
    assert "xlsxwriter" in told
    assert "pip install" in told


def test_without_typer_there_is_still_one_clear_line() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; from services.cli.main import main;"
        "sys.exit(main(['compare']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == Exit.MISSING
    assert "typer" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_exit_code_of_a_noun_is_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, typer.Exit(Exit.PARTIAL))

    assert main(["inspector"]) == Exit.PARTIAL


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (typer.Abort(), Exit.INTERRUPTED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
        (SystemExit(5), 5),
    ],
)
def test_an_interrupted_run_says_so(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int
) -> None:
    plant(monkeypatch, failure)

    assert main(["inspector"]) == code


def failures() -> Iterator[tuple[BaseException, Exit, str]]:
    yield InputError("en", "请改正"), Exit.REFUSED, "请改正"
    yield KeyFileError("wrong passphrase"), Exit.TRUST, "口令不正确"
    yield ShareError(2), Exit.TRUST, "保管人 2"
    yield EpochError("ended"), Exit.TRUST, "清单"
    yield UnsealError("caizheng"), Exit.TRUST, "caizheng"
    yield LogError("fork"), Exit.TRUST, "日志"
    yield EncodingError("bytes"), Exit.TRUST, "格式"
    yield LibmatchError("else"), Exit.TRUST, "else"
    yield ServiceError("UNAVAILABLE", "", "en", "无法连接"), Exit.SERVICE, "无法连接"
    yield ServiceError("INTERNAL", "", "broken", ""), Exit.SERVICE, "broken"
    yield ConfigError(["a: is missing"]), Exit.USAGE, "a: is missing"
    yield NotFound("en", "没有找到"), Exit.REFUSED, "没有找到"
    yield OSError(errno.ENOSPC, "No space", "out.xlsx"), Exit.REFUSED, "out.xlsx：磁盘空间不足"
    yield FileExistsError(errno.EEXIST, "exists", "out.xlsx"), Exit.REFUSED, "不会覆盖"
    yield OSError("odd"), Exit.REFUSED, "OSError"
    yield MemoryError(), Exit.REFUSED, "内存不足"
    yield ModuleNotFoundError("x", name="services.cli.x"), Exit.MISSING, "services.cli.x"


@pytest.mark.parametrize(("failure", "code", "text"), list(failures()))
def test_each_failure_has_its_code_and_its_words(
    failure: BaseException, code: Exit, text: str
) -> None:
    told = explain(failure)

    assert told is not None
    assert told.code is code
    assert text in "\n".join(told.lines)


def test_an_unknown_failure_is_not_explained_away() -> None:
    assert explain(ValueError("x")) is None


def write_passphrase(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_passphrase_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    for data in ("口令 with spaces ", "口令 with spaces \n", "口令 with spaces \r\nrest"):
        path = write_passphrase(tmp_path / "p", data.encode())
        assert read_passphrase(path, "口令") == "口令 with spaces "


def test_a_passphrase_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        read_passphrase(write_passphrase(tmp_path / "p", b"long enough", 0o644), "口令")


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe\xfd", b"short"])
def test_a_passphrase_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError):
        read_passphrase(write_passphrase(tmp_path / "p", data), "口令", new=True)


def test_without_a_terminal_a_file_is_asked_for() -> None:
    with pytest.raises(InputError) as refused:
        read_passphrase(None, "口令")
    assert "--passphrase-file" in refused.value.message_zh


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["registry", "list"], "缺少参数 文件（--config）"),
        (["registry", "show", "x"], "缺少参数 文件（--config）"),
        (["registry", "lsit"], "没有命令 lsit"),
        (["regsitry"], "没有命令 regsitry"),
    ],
)
def test_a_wrong_command_line_is_told_as_it_is_typed(
    args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == Exit.USAGE
    assert told in capsys.readouterr().err
