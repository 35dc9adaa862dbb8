"""Entries of the audit trail, written in the transaction of what they tell (R63)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from services.chassis import audit
from services.chassis.identity import Identity


@dataclass(frozen=True)
class Trail:
    """Who does what, when and why; about which opaque subject and how it ends, is told at the end."""

    at: datetime
    actor: Identity
    action: str
    reason: str = ""

    def write(self, session: Session, subject: str = "", outcome: str = "ok") -> None:
        """Appends one entry in ``session``'s transaction."""
        audit.record(
            session,
            at=self.at,
            actor=self.actor,
            action=self.action,
            subject=subject,
            reason=self.reason,
            outcome=outcome,
        )
