"""The demo's clock: real time, moved forward by a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.clock import MovedClock

_A_MINUTE = timedelta(minutes=1)


def test_without_a_file_it_is_real_time(tmp_path: Path) -> None:
    assert abs(MovedClock(tmp_path / "clock")() - datetime.now(UTC)) < _A_MINUTE


def test_everybody_who_reads_the_file_is_moved(tmp_path: Path) -> None:
    moment = datetime.now(UTC) + timedelta(days=400)
    MovedClock(tmp_path / "clock").move_to(moment)
    found = MovedClock(tmp_path / "clock")()
    assert moment <= found < moment + _A_MINUTE


def test_time_is_not_set_back(tmp_path: Path) -> None:
    clock = MovedClock(tmp_path / "clock")
    clock.move_to(datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(ValueError, match="set back"):
        clock.move_to(datetime.now(UTC) + timedelta(days=1))
