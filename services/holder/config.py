"""Settings of a unit's service: what registry and beneficiary share, which is all of them.

::

    unit = "caizheng"
    kit = "../kit"                    # the folder of keys and epoch (libmatch.kit)
    passphrase = "../passphrase"      # owner-only file
    sync_interval_s = 30.0            # how often it looks by itself
    audit_heads = "/mnt/audit/heads"  # the trail's end is remembered there daily (R63); another disk
    [listen]  [tls]  [database]  [log]  [limits]        # services.chassis.config
    [matcher]
    address = "10.0.0.5:7400"
    identity = "spiffe://fuling/matcher"
    [administrators]                  # without it every clerk of the unit may import and read
    system = "zhang"                  # three logins of clerks' certificates, three persons (R64)
    security = "wang"
    audit = "chen"

``units`` and ``campaigns`` name the district's own list of units (R7) and deadlines (R57 to R60); without
them those of the notice, as shipped, are used.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from services.chassis.config import PeerSettings, SecretFile, ServiceSettings
from services.holder.administrators import Administrators


class UnitSettings(ServiceSettings):
    """One instance: one unit on one side."""

    unit: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    kit: Path
    passphrase: SecretFile
    matcher: PeerSettings
    sync_interval_s: float = Field(default=30.0, ge=0.1, le=3600)
    administrators: Administrators | None = None
    audit_heads: Path | None = None
    units: Path | None = None
    campaigns: Path | None = None

    @model_validator(mode="after")
    def _deadlines_name_known_units(self) -> UnitSettings:
        if (self.units is None) != (self.campaigns is None):
            raise ValueError("units and campaigns are given together: the second names the first")
        return self
