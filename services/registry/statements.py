"""Officials of the unit explain their matters once a year, at the meeting of their kind (R49, R50).

A worker or the leader records it. Each matter that was explained is told to 纪委 as a report of its case,
so that 区委组织部 can see how the statements of all units stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.reports import Stage
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.accounts import Accounts
from services.holder.material import Material
from services.holder.matters.sealing import Said, members_of, seal_said
from services.holder.store import matters as matter_store
from services.process.moments import to_us
from services.process.statements import Stated, StatementReport
from services.process.store.trail import Trail
from services.registry.store.statements import (
    OwnMatter,
    Transaction,
    add_statement,
    read_own_matters,
    read_statements,
)
from services.rules.matter_facts import Actor
from services.rules.roles import Action
from services.rules.ruleset import RuleSets
from services.rules.statements import (
    Meeting,
    Statement,
    StatementDue,
    ToExplain,
    count_statements,
    list_due,
    meetings_of,
    record_statement,
    visible_units,
)
from services.rules.violation import RuleViolation

_PARTY = ("中共党员", "中共预备党员", "中共正式党员", "中国共产党党员", "预备党员", "党员")


@dataclass(frozen=True, repr=False)
class Shown:
    """What an official owes for a year. ``explained``: each matter with the record that first has it."""

    due: StatementDue
    name: str
    meetings: tuple[Meeting, ...]
    overdue: bool
    explained: tuple[tuple[OwnMatter, Statement | None], ...]


@dataclass(frozen=True, repr=False)
class Held:
    """That an official explained matters: what a person enters."""

    official: bytes
    year: int
    meeting: Meeting
    held_on: date
    case_ids: frozenset[bytes]


@dataclass(frozen=True)
class YearlyStatements:
    """The statements of one unit. Also its ``services.process.statements.StatementBook``."""

    database: Database
    material: Material
    accounts: Accounts
    rules: RuleSets
    now: Callable[[], datetime]
    wake: Callable[[], None]

    def list_due(self, caller: Identity, year: int, reason: str) -> list[Shown]:
        """What officials owe, by year (0: every one) and official; the look is in the trail."""
        why = self.accounts.look_reason(reason)
        trail = Trail(self.now(), caller, "list-statements", reason=why)

        def run(session: Transaction) -> list[Shown]:
            trail.write(session)
            return [one for one in self._show(session) if year in (0, one.due.year)]

        return self.database.run_tx("statements.list", run)

    def record(self, caller: Identity, held: Held) -> Shown:
        """Keeps the statement; what is still owed for the year. RuleViolation R49."""
        trail = Trail(self.now(), caller, "record-statement", held.official.hex())

        def run(session: Transaction) -> Shown:
            self._record(session, actor, held)
            trail.write(session, f"{held.year} {len(held.case_ids)}")
            shown = self._show(session, held.official)
            return next(one for one in shown if one.due.year == held.year)

        try:
            actor = self.accounts.actor(caller, Action.RECORD_STATEMENT)
            shown = self.database.run_tx("statements.record", run)
        except RuleViolation as refused:
            self.accounts.refused(caller, "record-statement", refused)
            raise
        self.wake()
        return shown

    def count(self, caller: Identity) -> StatementReport:
        """How the unit's statements stand (R50)."""
        actor, unit = self.accounts.actor(caller, Action.READ_STATEMENTS), self.material.unit
        on = china_day(self.now())
        dues = [one.due for one in self.database.read(self._show)]
        figures = [count_statements(name, dues, on) for name in visible_units(actor, [unit])]
        return StatementReport(on, tuple(figures), {unit: self.material.display_name})

    # --- recording --------------------------------------------------------------------------------

    def _record(self, session: Transaction, actor: Actor, held: Held) -> None:
        unit = self.material.unit
        own = read_own_matters(session, held.official)
        if own and party_member(own[0].political) is None:
            raise _no_political()
        same = (s for s in read_statements(session, unit, held.official) if s.year == held.year)
        earlier = max(same, key=lambda one: len(one.matters), default=None)
        statement = Statement(
            official=held.official.hex(),
            unit=unit,
            year=held.year,
            meeting=held.meeting,
            held_on=held.held_on,
            matters=held.case_ids,
            recorded_by=actor.login,
            recorded_on=china_day(self.now()),
        )
        record_statement(statement, self._to_explain(own), earlier, actor)
        add_statement(session, statement)
        for case_id in sorted(held.case_ids - (earlier.matters if earlier else frozenset())):
            self._tell(session, case_id, held)

    def _tell(self, session: Transaction, case_id: bytes, held: Held) -> None:
        """Puts what was explained into a report of the case, for 纪委 alone."""
        material, at = self.material, self.now()
        seq = matter_store.next_seq(session, case_id, material.unit, material.side)
        head = (case_id, material.unit, material.side, seq, at)
        stated = Stated(*head, held.year, held.meeting, held.held_on)
        matter_store.add_entry(session, stated, self.rules)
        said = Said(case_id, seq, to_us(at), Stage.NOTE, stated.encode())
        matter_store.add_report(session, seal_said(material, said, members_of(material, ())))

    # --- showing ----------------------------------------------------------------------------------

    def _show(self, session: Transaction, official: bytes | None = None) -> list[Shown]:
        own = read_own_matters(session, official)
        statements = read_statements(session, self.material.unit, official)
        on = china_day(self.now())
        dues = list_due(self._to_explain(own), statements, self.rules.on(on))
        by_id = {one.case_id: one for one in own}
        return [_shown(due, by_id, statements, on) for due in dues]

    def _to_explain(self, own: Sequence[OwnMatter]) -> list[ToExplain]:
        unit = self.material.unit
        return [
            ToExplain(
                official=one.official.hex(),
                unit=unit,
                party_member=bool(party_member(one.political)),
                matter_id=one.case_id,
                known_on=one.known_on,
                live=one.live,
            )
            for one in own
        ]


def party_member(political: str) -> bool | None:
    """Whether 政治面貌 as declared says member of the Communist Party; None where it says nothing."""
    text = "".join(political.split())
    return text in _PARTY if text else None


def check_year(year: int) -> int:
    """The year of a statement. Raises InvalidRequest."""
    if not 2000 <= year <= 9999:
        raise InvalidRequest("a year has four digits", "年度应为四位数字，如2026。")
    return year


def _shown(
    due: StatementDue, by_id: dict[bytes, OwnMatter], statements: Sequence[Statement], on: date
) -> Shown:
    matters = sorted(
        (by_id[case_id] for case_id in due.missing | due.stated),
        key=lambda one: (one.known_on, one.case_id),
    )
    mine = [s for s in statements if (s.official, s.year) == (due.official, due.year)]
    political = party_member(matters[0].political)
    meetings = tuple(Meeting) if political is None else meetings_of(party_member=political)
    return Shown(
        due,
        matters[0].official_name,
        meetings,
        due.is_overdue(on),
        tuple((one, next((s for s in mine if one.case_id in s.matters), None)) for one in matters),
    )


def _no_political() -> RuleViolation:
    return RuleViolation(
        "R49",
        "the declaration does not say whether the official is a party member; correct it first",
        "该党员干部的申报没有填写政治面貌，无法确定应在哪种会议上说明，请先更正申报",
    )
