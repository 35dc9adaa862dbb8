"""How somebody does something with a draw or a lead: who, by which right, in one transaction with its trail.

What is refused leaves a line of the trail, with the rule's number, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from libmatch.sampling import SampleError
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError
from services.process.store.trail import Trail, Transaction
from services.rules.matter_facts import Actor
from services.rules.roles import Action, require
from services.rules.violation import RuleViolation

T = TypeVar("T")

ActorOf = Callable[[Identity, Action], Actor]
"""Who a caller is when he does something; RuleViolation where he may not."""

LookReason = Callable[[str], str]
"""The reason of a look as the trail keeps it (R63). Raises RuleViolation or InvalidRequest."""


@dataclass(frozen=True)
class Doing:
    """Who does what, by which right, and to what. ``name``: as the trail has it.

    ``reason``: why, where the rules ask for one (R63); else None.
    """

    caller: Identity
    name: str
    action: Action
    subject: bytes = b""
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class Moment:
    """What something is done in: the transaction with its line of the trail, who acts, and when."""

    session: Transaction
    actor: Actor
    trail: Trail

    @property
    def at(self) -> datetime:
        return self.trail.at


@dataclass(frozen=True)
class Acting:
    """Lets people do things in one service's database."""

    database: Database
    actor_of: ActorOf
    look_reason: LookReason
    now: Callable[[], datetime]

    def run(
        self,
        doing: Doing,
        fn: Callable[[Moment], T],
        rule: str,
        check: Callable[[], None] = lambda: None,
        tell: Callable[[T], str] = lambda _: "ok",
    ) -> T:
        """What ``fn`` returns, committed with its trail. Raises what it, ``check`` and ``actor_of`` raise.

        ``check`` runs before, outside of the transaction: it may read by itself. ``tell`` says in the
        trail how it ended. A draw that does not hold is a violation of ``rule``. ``fn`` may run twice.
        """
        trail = Trail(self.now(), doing.caller, doing.name, doing.subject.hex())

        def run(session: Transaction) -> T:
            told = replace(trail, reason=why)
            result = fn(Moment(session, actor, told))
            told.write(session, tell(result))
            return result

        try:
            actor = self.actor_of(doing.caller, doing.action)
            require((actor.role,), doing.action)  # a unit's own system is an actor, too
            why = "" if doing.reason is None else self.look_reason(doing.reason)
            check()
            return self.database.run_tx(f"process.{doing.name}", run)
        except SampleError as refusal:
            self._leave(trail, rule)
            raise RuleViolation(rule, str(refusal), refusal.message_zh) from None
        except RuleViolation as refusal:
            self._leave(trail, refusal.rule)
            raise
        except ChassisError as refusal:
            self._leave(trail, refusal.reason)
            raise

    def _leave(self, trail: Trail, why: str) -> None:
        self.database.run_tx("process.refused", lambda s: trail.write(s, f"refused {why}"))
