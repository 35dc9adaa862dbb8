"""Settings of 纪委's workstation service.

::

    unit = "jiwei"                    # 纪委's name in the roster
    kit = "kit"                       # the folder of keys and epoch (libmatch.kit)
    passphrase = "passphrase"         # owner-only file
    release_policy = "two_officers"   # or "immediate"
    pull_interval_s = 30.0            # how often it looks by itself
    audit_heads = "/mnt/audit/heads"  # the trail's end is remembered there daily (R63); another disk
    [listen]  [tls]  [database]  [log]  [limits]        # services.chassis.config
    [matcher]
    address = "10.0.0.5:7400"
    identity = "spiffe://fuling/matcher"

``units`` and ``campaigns`` name the district's own list of units (R7) and deadlines (R57 to R60); without
them those of the notice, as shipped, are used. The units' services name the same files.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from services.chassis.config import PeerSettings, SecretFile, ServiceSettings
from services.inspector.states import ReleasePolicy


class Settings(ServiceSettings):
    """One instance a district. A change to ``immediate`` releases what was opened before as well."""

    unit: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    kit: Path
    passphrase: SecretFile
    matcher: PeerSettings
    release_policy: ReleasePolicy = ReleasePolicy.TWO_OFFICERS
    pull_interval_s: float = Field(default=30.0, ge=0.1, le=3600)
    units: Path | None = None
    campaigns: Path | None = None
    audit_heads: Path | None = None

    @model_validator(mode="after")
    def _deadlines_name_known_units(self) -> Settings:
        if (self.units is None) != (self.campaigns is None):
            raise ValueError("units and campaigns are given together: the second names the first")
        return self
