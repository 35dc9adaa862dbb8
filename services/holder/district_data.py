"""The district's own data (``services.process.district_data``), as a unit's settings name it."""

from __future__ import annotations

from services.holder.config import UnitSettings
from services.process.district_data import DistrictData, read_district_data

__all__ = ["DistrictData", "open_district_data"]


def open_district_data(settings: UnitSettings) -> DistrictData:
    """The data that the settings name, else those shipped. Raises ConfigError, RuleDataError."""
    return read_district_data(settings.units, settings.campaigns)
