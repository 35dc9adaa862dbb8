"""Settings of the beneficiary service: those of every unit's service, and the district's own catalogue.

::

    catalogue = "decisions.toml"      # [[programme]] tables that stand before the packaged ones (R26, R27)
"""

from __future__ import annotations

from services.chassis.config import ConfigError, ExistingFile
from services.holder.config import UnitSettings
from services.rules.catalogue import Catalogue, load_catalogue, packaged_catalogue
from services.rules.violation import RuleDataError


class BeneficiarySettings(UnitSettings):
    """One instance of an approving unit."""

    catalogue: ExistingFile | None = None


def open_catalogue(settings: BeneficiarySettings) -> Catalogue:
    """The packaged catalogue behind the district's decisions. Raises ConfigError naming the entry."""
    packaged = packaged_catalogue()
    if settings.catalogue is None:
        return packaged
    try:
        decided = load_catalogue(settings.catalogue.read_text("utf-8"))
        return packaged.extended(decided.programmes)
    except UnicodeDecodeError:
        raise ConfigError([f"{settings.catalogue}: not UTF-8"]) from None
    except RuleDataError as error:
        raise ConfigError([f"{settings.catalogue}: {error}"]) from None
