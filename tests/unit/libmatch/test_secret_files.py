"""libmatch.secret_files: a secret that others can read is not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from libmatch.errors import KeyFileError
from libmatch.secret_files import read_passphrase, read_secret


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_passphrase_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_passphrase(write(tmp_path / "p", "口令 one two\r\n".encode())) == "口令 one two"


def test_passphrase_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="UTF-8"):
        read_passphrase(write(tmp_path / "p", b"\xff\xfe"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_secret_that_others_can_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "p", b"secret", mode)
    with pytest.raises(KeyFileError) as refusal:
        read_secret(path)
    assert f"chmod 600 {path}" in str(refusal.value)
    assert "secret\n" not in str(refusal.value)


def test_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="regular file"):
        read_secret(tmp_path)


def test_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_secret(tmp_path / "nothing")


def test_file_too_large_for_a_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="larger than"):
        read_secret(write(tmp_path / "p", bytes((1 << 20) + 1)))
