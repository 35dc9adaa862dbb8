"""Looks at matters: who may, and why; each leaves a line in the trail, also one that is refused (R63)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError
from services.holder.matters.acting import ActorOf
from services.holder.store.matters import Transaction
from services.process.store.trail import Trail
from services.rules.roles import Action
from services.rules.violation import RuleViolation

Result = TypeVar("Result")

LookReason = Callable[[str], str]
"""The reason of a look as the trail keeps it; RuleViolation R63 where it says none and must."""


@dataclass(frozen=True)
class Look:
    """Who looks at what (``subject``: a case in hex, "" for many), and the reason as it was given."""

    caller: Identity
    what: str
    subject: str
    reason: str


class Looks:
    """Lets people look, one look in one transaction with its line of the trail."""

    def __init__(
        self,
        database: Database,
        actor_of: ActorOf,
        look_reason: LookReason,
    ) -> None:
        self._database = database
        self._actor_of = actor_of
        self._look_reason = look_reason

    def run(self, look: Look, at: datetime, read: Callable[[Transaction], Result]) -> Result:
        """What ``read`` gives. Raises what it raises, and RuleViolation for who may not look."""
        what = (look.caller, look.what, look.subject)
        try:
            self._actor_of(look.caller, Action.READ_HITS)
            trail = Trail(at, *what, self._look_reason(look.reason))

            def run(session: Transaction) -> Result:
                trail.write(session)
                return read(session)

            return self._database.run_tx(f"matters.{look.what}", run)
        except (RuleViolation, ChassisError) as refusal:
            # Without the reason that was given: it may be what was refused.
            refused = Trail(at, *what)
            why = refusal.rule if isinstance(refusal, RuleViolation) else refusal.reason
            self._database.run_tx(
                "matters.refused", lambda session: refused.write(session, f"refused {why}")
            )
            raise
