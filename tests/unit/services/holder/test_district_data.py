"""The district's own units and deadlines, as the settings name them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.chassis.config import ConfigError, DatabaseSettings, ListenSettings, PeerSettings
from services.holder.config import UnitSettings
from services.process.district_data import DistrictData, read_district_data
from services.rules.deadlines import Step
from services.rules.violation import RuleDataError
from tests.chassis_pki import Pki

DAY = date(2026, 6, 1)
UNITS = """
[[unit]]
name = "mawu"
display = "马武镇"
kind = "township"
valid_from = 2018-01-01

[[unit]]
name = "shiba"
display = "石坝村"
kind = "village"
parent = "mawu"
valid_from = 2018-01-01
"""
CAMPAIGNS = """
[[campaign]]
name = "2025"
display = "2025年申报"
[[campaign.deadline]]
step = "declarations"
due_on = 2025-08-20

[[campaign]]
name = "2026"
display = "2026年申报"
[[campaign.deadline]]
step = "declarations"
due_on = 2026-08-20
"""


def open_district_data(settings: UnitSettings) -> DistrictData:
    """As both services of a unit open it."""
    return read_district_data(settings.units, settings.campaigns)


def settings(
    folder: Path, pki: Pki, units: Path | None = None, campaigns: Path | None = None
) -> UnitSettings:
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("a passphrase", encoding="utf-8")
    return UnitSettings(
        unit="mawu",
        kit=folder,
        passphrase=passphrase,
        matcher=PeerSettings(address="127.0.0.1:1", identity="spiffe://fuling/matcher"),
        listen=ListenSettings(address="127.0.0.1:0"),
        tls=pki.issue("spiffe://fuling/unit/mawu"),
        database=DatabaseSettings(path=folder / "unit.db"),
        units=units,
        campaigns=campaigns,
    )


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_R7_without_files_the_data_are_those_of_the_notice(tmp_path: Path, pki: Pki) -> None:
    data = open_district_data(settings(tmp_path, pki))
    assert data.units.get("nongwei", DAY).display == "区农委"
    assert data.last_day(Step.DECLARATIONS, "nongwei", DAY) == date(2018, 8, 20)


def test_R58_newest_campaign_of_the_districts_own_file_sets_the_day(
    tmp_path: Path, pki: Pki
) -> None:
    units = written(tmp_path, "units.toml", UNITS)
    campaigns = written(tmp_path, "campaigns.toml", CAMPAIGNS)
    data = open_district_data(settings(tmp_path, pki, units=units, campaigns=campaigns))
    assert data.units.receiver("shiba", DAY).name == "mawu"
    assert data.last_day(Step.DECLARATIONS, "mawu", DAY) == date(2026, 8, 20)
    assert data.last_day(Step.ITEMS, "mawu", DAY) is None
    assert data.last_day(Step.DECLARATIONS, "shiba", DAY) is None  # it reports to the township


def test_units_without_campaigns_are_refused(tmp_path: Path, pki: Pki) -> None:
    with pytest.raises(ValidationError, match="given together"):
        settings(tmp_path, pki, units=written(tmp_path, "units.toml", UNITS))


def test_file_that_cannot_be_read_or_is_wrong_is_named(tmp_path: Path, pki: Pki) -> None:
    campaigns = written(tmp_path, "campaigns.toml", CAMPAIGNS)
    with pytest.raises(ConfigError, match="nowhere"):
        open_district_data(
            settings(tmp_path, pki, units=tmp_path / "nowhere.toml", campaigns=campaigns)
        )
    wrong = written(tmp_path, "wrong.toml", UNITS.replace("township", "townshipp"))
    with pytest.raises(RuleDataError):
        open_district_data(settings(tmp_path, pki, units=wrong, campaigns=campaigns))
