import os
from pathlib import Path

import pytest

from services.chassis.owner_files import make_private_folder, replace, write_new


def test_a_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"secret")

    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_new(path, b"first")

    with pytest.raises(FileExistsError) as refused:
        write_new(path, b"second")

    assert refused.value.filename == str(path)
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


def test_without_hard_links_a_file_is_still_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "key", b"first")

    with pytest.raises(FileExistsError):
        write_new(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "key", b"secret")
    assert os.listdir(tmp_path) == []


def test_replacing_leaves_the_new_content_and_nothing_else(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"old")
    replace(tmp_path / "key", b"new")

    assert (tmp_path / "key").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["key"]


def test_a_folder_with_content_is_not_taken_over(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    make_private_folder(tmp_path / "a" / "b")

    (tmp_path / "a" / "b" / "file").touch()
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "a" / "b")
