"""纪委's answer to a doubt about a hit, given at the unit's own service by an officer (R36)."""

from __future__ import annotations

from collections.abc import Callable

from services.chassis.identity import Identity
from services.holder.matters.acting import ActOnMatters, ActorOf, Doing
from services.rules.matter_facts import Actor
from services.rules.matter_steps import Because, Event
from services.rules.roles import Action, Role
from services.rules.violation import RuleViolation


def officers_of(unit: str) -> ActorOf:
    """Who an officer's certificate makes its holder in the matters of ``unit``: 纪委, nobody else."""

    def actor_of(identity: Identity, action: Action) -> Actor:
        if identity.role != "officer" or action is not Action.RELEASE_HITS:
            raise RuleViolation(
                "R36",
                "an officer of 纪委 confirms a hit; ask one",
                "“确认比对无误”由区纪委工作人员办理，须使用其证书",
            )
        return Actor(identity.name, identity.name, unit, Role.INSPECTOR)

    return actor_of


class ConfirmMatches:
    """Lets officers confirm. ``act`` knows them by ``officers_of``."""

    def __init__(self, act: ActOnMatters, wake: Callable[[], None]) -> None:
        self._act = act
        self._wake = wake

    def run(self, caller: Identity, case_id: bytes, reason: str) -> None:
        """The hit is right, and verification begins anew. Raises RuleViolation, NotFound."""
        step = Because(Event.CONFIRM, reason)
        doing = Doing(caller, "confirm-match", Action.RELEASE_HITS)
        self._act.run(doing, case_id, None, lambda _: step)
        self._wake()
