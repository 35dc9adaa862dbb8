"""Several processes over one database: none admits anybody by an older roster than another follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.chassis.identity import Identity
from services.chassis.refusals import Overloaded, Refused
from services.matcher.epoch import EpochFolder
from services.matcher.store.rosters import Rosters
from tests.district import make_district
from tests.matcher_bench import MATCHER, Bench

DISTRICT = make_district(registry=["reg-a"], beneficiary=["ben-a"])
UNIT = Identity("fuling", "unit", "reg-a")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


@pytest.fixture
def other(bench: Bench, tmp_path: Path) -> EpochFolder:
    """The folder of a second process over the database of the first."""
    DISTRICT.write_epoch(tmp_path / "other")
    rosters = Rosters(bench.database, MATCHER)
    return EpochFolder(tmp_path / "other", rosters.remember, bench.clock, rosters.newest)


def test_one_that_is_behind_admits_nobody_until_it_follows(
    bench: Bench, other: EpochFolder, tmp_path: Path
) -> None:
    other.admit(UNIT, "Intake")
    revoked = DISTRICT.revoke("reg-a")
    bench.follow(revoked)
    with pytest.raises(Refused):
        bench.use.epochs.admit(UNIT, "Intake")
    bench.clock.moment += timedelta(seconds=1)
    with pytest.raises(Overloaded, match="newer roster") as refusal:
        other.admit(UNIT, "Intake")
    assert refusal.value.retry_after_s == 5

    revoked.write_epoch(tmp_path / "other")
    with pytest.raises(Refused):
        other.admit(UNIT, "Intake")


def test_the_database_is_asked_once_a_second_and_not_on_every_call(
    bench: Bench, tmp_path: Path
) -> None:
    asked: list[bytes] = []

    def newest(epoch: bytes) -> int:
        asked.append(epoch)
        return 1

    rosters = Rosters(bench.database, MATCHER)
    epochs = EpochFolder(tmp_path / "kit", rosters.remember, bench.clock, newest)
    for _ in range(3):
        epochs.admit(UNIT, "Intake")
    assert asked == [DISTRICT.manifest.epoch_id]
    bench.clock.moment += timedelta(seconds=1)
    epochs.admit(UNIT, "Intake")
    assert len(asked) == 2
