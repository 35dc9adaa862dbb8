"""How a step is made: who, whether the rules allow it, and everything that is kept with it at once.

One transaction holds the step, its report to the others and its trail; a step that is refused leaves only
a line of the trail. Of two people at once one wins, the other is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError, Conflict, NotFound
from services.holder.material import Material
from services.holder.matters.telling import Telling
from services.holder.store import matters as store
from services.holder.store.matters import Case, Transaction
from services.process.entries import Entry
from services.process.folding import stage_of
from services.process.store.trail import Trail
from services.rules.matter import apply
from services.rules.matter_facts import Actor, Matter
from services.rules.matter_steps import Step
from services.rules.roles import Action
from services.rules.roles import Role as ActorRole
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_NEXT = timedelta(microseconds=1)

ActorOf = Callable[[Identity, Action], Actor]
"""Who a caller is when he does something; RuleViolation where he may not."""


@dataclass(frozen=True, repr=False)
class Moment:
    """What a step is made from: the transaction, the case as it is, who acts, and when."""

    session: Transaction
    case: Case
    actor: Actor
    at: datetime

    @property
    def matter(self) -> Matter:
        return self.case.matter


MakeStep = Callable[[Moment], Step]


@dataclass(frozen=True)
class Doing:
    """Who does what, by which right. ``name``: as the trail has it."""

    caller: Identity
    name: str
    action: Action


class StepWriter:
    """Writes the steps of one unit on one side, in somebody's transaction."""

    def __init__(self, material: Material, rules: RuleSets, now: Callable[[], datetime]) -> None:
        self._material = material
        self._rules = rules
        self._now = now
        self.telling = Telling(material, rules)

    def write(self, session: Transaction, case: Case, actor: Actor, make: MakeStep) -> None:
        """Appends the step that ``make`` gives, with its report. Raises RuleViolation."""
        matter, material = case.matter, self._material
        # Another unit's clock may run ahead; a step comes behind all that it was made from.
        at = max(self._now(), (matter.changed_at or matter.notified_at) + _NEXT)
        step = make(Moment(session, case, actor, at))
        apply(matter, step, actor, at, self._rules.get(matter.rules_version))
        self.telling.keep_parties(session, case)
        seq = store.next_seq(session, matter.matter_id, material.unit, material.side)
        entry = Entry(matter.matter_id, material.side, seq, at, actor, step)
        store.add_entry(session, entry, self._rules)
        self.telling.report(session, entry, stage_of(step, matter))

    def write_own(self, session: Transaction, case: Case, step: Step) -> None:
        """Appends a step of the service itself. Raises RuleViolation."""
        system = Actor("system", "", self._material.unit, ActorRole.SYSTEM)
        self.write(session, case, system, lambda _: step)


class ActOnMatters:
    """Lets people make steps, one at a time for each case."""

    def __init__(
        self,
        database: Database,
        writer: StepWriter,
        rules: RuleSets,
        actor_of: ActorOf,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._writer = writer
        self._rules = rules
        self._actor_of = actor_of
        self._now = now

    def run(self, doing: Doing, case_id: bytes, version: int | None, make: MakeStep) -> None:
        """Makes the step that ``make`` gives, if the case is still as ``version`` (None: any) says.

        Raises RuleViolation; NotFound for a case that is not held; Conflict where it has changed.
        """
        trail = Trail(self._now(), doing.caller, doing.name, case_id.hex())

        def run(session: Transaction) -> None:
            case = store.read_case(session, case_id, self._rules)
            if case is None:
                raise NotFound("no such matter", "没有这个编号的事项。")
            if version is not None:
                _require_version(case.matter, version)
            self._writer.write(session, case, actor, make)
            trail.write(session)

        try:
            actor = self._actor_of(doing.caller, doing.action)
            self._database.run_tx("matters.act", run)
        except (RuleViolation, ChassisError) as refusal:
            outcome = refusal.rule if isinstance(refusal, RuleViolation) else refusal.reason
            self._database.run_tx(
                "matters.refused", lambda session: trail.write(session, f"refused {outcome}")
            )
            raise


def _require_version(matter: Matter, version: int) -> None:
    if version != matter.version:
        raise Conflict(
            "the matter has changed since it was read; read it again",
            "该事项刚刚已有新的办理记录，请重新查看最新情况后再办理。",
            reason="MATTER_CHANGED",
            details={"version": str(matter.version)},
        )
