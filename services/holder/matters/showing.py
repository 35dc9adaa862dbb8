"""What people see of matters: lists with due days, and one matter with every step. Looks are in the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libmatch.china_time import china_day
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound
from services.holder.material import Material
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.matters.looking import Look, Looks
from services.holder.store import matters as store
from services.holder.store.matters import Case, Transaction
from services.rules.matter_dues import due_on, find_overdue
from services.rules.matter_facts import Matter, State
from services.rules.publication import Place, PublicationClock
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
    unsent: int

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
        looks: Looks,
        facts: FactsOf,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._material = material
        self._rules = rules
        self._looks = looks
        self._facts = facts
        self._now = now

    def list(
        self, caller: Identity, states: Sequence[State], reason: str = "", *, overdue: bool
    ) -> list[Shown]:
        """The matters in ``states`` (all for none), oldest first; overdue ones, the latest first.

        RuleViolation for who may not look or says not why.
        """
        now = self._now()

        def read(session: Transaction) -> list[Shown]:
            cases = store.read_cases(session, states, self._rules)
            if overdue:
                by_id = {case.matter.matter_id: case for case in cases}
                late = find_overdue((case.matter for case in cases), now, self._rules.get)
                cases = [by_id[matter.matter_id] for matter in late]
            return [self._show(session, case, now) for case in cases]

        return self._looks.run(Look(caller, "list-matters", "", reason), now, read)

    def get(self, caller: Identity, case_id: bytes, reason: str = "") -> Shown:
        """One matter. Raises NotFound, RuleViolation for who may not look or says not why."""
        now = self._now()
        look = Look(caller, "show-matter", case_id.hex(), reason)
        return self._looks.run(look, now, lambda session: self._read(session, case_id, now))

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
            store.count_waiting(session, matter.matter_id),
        )
