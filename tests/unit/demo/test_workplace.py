"""The folder that a run writes into: nothing of anybody else's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.failure import DemoFailure
from demo.workplace import open_workplace


def test_an_earlier_run_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "build" / "demo"
    with open_workplace(out) as place:
        (place.district / "matcher").mkdir(parents=True)
        (place.sheets / "a.xlsx").write_bytes(b"1")
        place.report.write_text("{}", encoding="utf-8")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with open_workplace(out) as place:
        assert not place.district.exists()
        assert not place.report.exists()
        assert list(place.sheets.iterdir()) == []
    assert (out / "notes.txt").read_text("utf-8") == "mine"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with open_workplace(tmp_path) as place:
        assert place.logs.is_dir()


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "a.xlsx").write_bytes(b"1")
    with pytest.raises(DemoFailure, match="--out"), open_workplace(tmp_path):
        pass
    assert (tmp_path / "sheets" / "a.xlsx").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["sheets"]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_bytes(b"")
    with pytest.raises(DemoFailure, match="--out"), open_workplace(tmp_path / "demo"):
        pass


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_bytes(b"")
    with open_workplace(tmp_path / "demo") as place:
        place.results.rmdir()
        place.results.symlink_to(elsewhere)
    with open_workplace(tmp_path / "demo") as place:
        assert not place.results.is_symlink()
    assert (elsewhere / "kept").exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    first, second = open_workplace(tmp_path), open_workplace(tmp_path)
    with first, pytest.raises(DemoFailure, match="正在使用"), second:
        pass
