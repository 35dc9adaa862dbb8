"""What people see of matters: lists with due days, and one matter with every step. Looks are in the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound
from services.holder.material import Material
from services.holder.matters.acting import ActorOf
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.store import matters as store
from services.holder.store.matters import Case, Transaction
from services.holder.store.trail import Trail
from services.rules.china_time import china_day
from services.rules.matter_dues import due_on, find_overdue
from services.rules.matter_facts import Matter, State
from services.rules.publication import Place, PublicationClock
from services.rules.roles import Action
from services.rules.ruleset import RuleSets


@dataclass(frozen=True, repr=False)
class Shown:
    """A matter as people see it. ``names``: the roster's display name of each of its units."""

    case: Case
    facts: CaseFacts | None
    names: dict[str, str]
    clocks: dict[Place, PublicationClock]
    due_on: date | None
    seen_at: datetime
    not_believed: int

    @property
    def matter(self) -> Matter:
        return self.case.matter

    @property
    def overdue(self) -> bool:
        """Whether the due day is over in China (R39)."""
        return self.due_on is not None and self.due_on < china_day(self.seen_at)


class ShowMatters:
    """The matters of one unit and side."""

    def __init__(
        self,
        database: Database,
        material: Material,
        rules: RuleSets,
        actor_of: ActorOf,
        facts: FactsOf,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._material = material
        self._rules = rules
        self._actor_of = actor_of
        self._facts = facts
        self._now = now

    def list(self, caller: Identity, states: Sequence[State], *, overdue: bool) -> list[Shown]:
        """The matters in ``states`` (all for none), oldest first; overdue ones, the latest first."""
        self._actor_of(caller, Action.READ_HITS)
        now = self._now()
        trail = Trail(now, caller, "list-matters")

        def run(session: Transaction) -> list[Shown]:
            trail.write(session)
            cases = store.read_cases(session, states, self._rules)
            if overdue:
                by_id = {case.matter.matter_id: case for case in cases}
                late = find_overdue((case.matter for case in cases), now, self._rules.get)
                cases = [by_id[matter.matter_id] for matter in late]
            return [self._show(session, case, now) for case in cases]

        return self._database.run_tx("matters.list", run)

    def get(self, caller: Identity, case_id: bytes) -> Shown:
        """One matter. Raises NotFound, RuleViolation for who may not look."""
        self._actor_of(caller, Action.READ_HITS)
        now = self._now()
        trail = Trail(now, caller, "show-matter", case_id.hex())

        def run(session: Transaction) -> Shown:
            trail.write(session)
            return self._read(session, case_id, now)

        return self._database.run_tx("matters.show", run)

    def after_step(self, case_id: bytes) -> Shown:
        """The matter for who has just made a step of it; the step is in the trail."""
        now = self._now()
        return self._database.read(lambda session: self._read(session, case_id, now))

    def _read(self, session: Transaction, case_id: bytes, now: datetime) -> Shown:
        case = store.read_case(session, case_id, self._rules)
        if case is None:
            raise NotFound("no such matter", "没有这个编号的事项。")
        return self._show(session, case, now)

    def _show(self, session: Transaction, case: Case, now: datetime) -> Shown:
        matter = case.matter
        rules = self._rules.get(matter.rules_version)
        roster = self._material.epoch.roster
        return Shown(
            case,
            self._facts(session, case.notice_id),
            {member.unit: member.display_name for member in roster.members},
            dict(matter.clocks(rules)),
            due_on(matter, rules),
            now,
            store.count_problems(session, matter.matter_id),
        )
