"""The matcher's settings, beside what every service has."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, Field

from services.chassis.config import SecretFile, Section, ServiceSettings


class IntakeSettings(Section):
    """What one unit may submit.

    ``records_per_day`` bounds probing: a guess is a signed, logged, counted record. ``hits_per_batch``
    bounds what two units that repeat one person can make the matcher store in a single transaction.
    """

    records_per_day: int = Field(default=500_000, ge=1)
    hits_per_batch: int = Field(default=200_000, ge=1)


class GateSettings(Section):
    """When the gate answers CLEAR, and for how long.

    Before ``opens_at`` (never, if unset) a record is PENDING until every active unit of the registry side
    has an accepted batch in this epoch. CLEAR is good for ``clear_valid_s``, never beyond the epoch.
    """

    opens_at: AwareDatetime | None = None
    clear_valid_s: int = Field(default=30 * 86400, ge=60, le=366 * 86400)


class Settings(ServiceSettings):
    """``kit`` is the folder with epoch/ and keys/log.key, ``passphrase`` the file that opens the key."""

    kit: Path
    passphrase: SecretFile
    intake: IntakeSettings = IntakeSettings()
    gate: GateSettings = GateSettings()
