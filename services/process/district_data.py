"""The district's own data for the rules: its units (R7), its deadlines (R57 to R60), readings (R62)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.chassis.config import ConfigError
from services.rules.deadlines import Campaign, Step, last_day, load_campaigns, packaged_campaigns
from services.rules.ruleset import RuleSet, RuleSets, packaged_rulesets
from services.rules.units import UnitTree, load_units, packaged_units


@dataclass(frozen=True)
class DistrictData:
    """What rules need to know of the district. ``campaigns``: oldest first."""

    units: UnitTree
    campaigns: tuple[Campaign, ...]
    rulesets: RuleSets

    def rules(self, on: date) -> RuleSet:
        """The readings in force on that day. RuleViolation R62 where none are yet."""
        return self.rulesets.on(on)

    def last_day(self, step: Step, unit: str, on: date) -> date | None:
        """The last day in time of the newest campaign that asks ``step`` of ``unit``; None without one."""
        for campaign in reversed(self.campaigns):
            for deadline in campaign.deadlines:
                if deadline.step is step and unit in deadline.concerns(self.units):
                    return last_day(deadline, self.rules(on))
        return None


def read_district_data(units: Path | None, campaigns: Path | None) -> DistrictData:
    """The data in two TOML files, else those shipped. Raises ConfigError, RuleDataError."""
    if units is None or campaigns is None:
        tree = packaged_units()
        return DistrictData(tree, packaged_campaigns(tree), packaged_rulesets())
    tree = load_units(_read(units))
    return DistrictData(tree, load_campaigns(_read(campaigns), tree), packaged_rulesets())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({type(error).__name__})"]) from None
