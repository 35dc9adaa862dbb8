"""Entries of the audit trail, written in the transaction of what they tell (R63)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlmodel import Session

from services.chassis import audit
from services.chassis.identity import Identity

Transaction: TypeAlias = Session
"""What use cases pass on without looking into it: everything of a step is in one of it."""


@dataclass(frozen=True)
class Trail:
    """Who does what, when, to which opaque ``subject`` and why; how it ends is told at the end."""

    at: datetime
    actor: Identity
    action: str
    subject: str = ""
    reason: str = ""

    def write(self, session: Transaction, outcome: str = "ok") -> None:
        """Appends the entry in ``session``'s transaction."""
        audit.record(
            session,
            at=self.at,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            reason=self.reason,
            outcome=outcome,
        )
