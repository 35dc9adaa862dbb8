"""What the service does by itself: opens cases, completes publications, carries reports both ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from libmatch.errors import (
    BatchError,
    ConflictError,
    EncodingError,
    EpochError,
    ManifestError,
    ServiceError,
)
from libmatch.notices import HitNotice
from libmatch.records import Side
from libmatch.reports import Report
from libmatch.suites import verify_signature
from services.chassis.db import Database
from services.holder.matcher import Matcher
from services.holder.material import Material
from services.holder.matters.acting import StepWriter
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.matters.sealing import open_copy
from services.holder.store import matters as store
from services.holder.store.matters import Transaction, Waiting
from services.process.entries import Entry, decode_entry
from services.rules.china_time import china_day
from services.rules.matter_facts import Matter, Recipient, State
from services.rules.matter_steps import Because, Complete, Conclude, Event, Inform, Step
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_LOST = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
_UNBELIEVED = (BatchError, EncodingError, EpochError, ManifestError, RuleViolation)


class MatterRounds:
    """The matters of one unit and side, as they change without anybody of the unit."""

    def __init__(
        self,
        database: Database,
        material: Material,
        matcher: Matcher,
        rules: RuleSets,
        writer: StepWriter,
        facts: FactsOf,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._material = material
        self._matcher = matcher
        self._rules = rules
        self._writer = writer
        self._facts = facts
        self._now = now

    # --- opening ----------------------------------------------------------------------------------

    def open_case(
        self, session: Transaction, notice_id: bytes, notice: HitNotice, at: datetime
    ) -> None:
        """Keeps the case of a notice that fits the unit's own record, in the notice's transaction.

        The declaring unit has its copy with that (R36). A case that was withdrawn begins anew (R37).
        """
        facts = self._facts(session, notice_id)
        if facts is None or not self._is_enrolled(facts):
            structlog.get_logger().warning("matter.not-opened", notice=notice_id.hex())
            return
        opened = self._matter_of(notice.case_id, facts, at)
        store.save_opened(session, notice_id, opened)
        store.refresh_state(session, opened.matter_id, self._rules)
        case = store.read_case(session, opened.matter_id, self._rules)
        if case is not None and (step := self._first_step(case.matter, notice_id)) is not None:
            self._writer.write_own(session, case, step)

    def _is_enrolled(self, facts: CaseFacts) -> bool:
        enrolled = {member.unit for member in self._material.epoch.roster.members}
        return {facts.approving_unit, facts.declaring_unit} <= enrolled

    def _matter_of(self, case_id: bytes, facts: CaseFacts, at: datetime) -> Matter:
        return Matter(
            matter_id=case_id,
            rules_version=self._rules.on(china_day(at)).version,
            approving_unit=facts.approving_unit,
            official_unit=facts.declaring_unit,
            village_unit=facts.approving_unit,
            official_name=facts.official,
            notified_at=at,
        )

    def _first_step(self, matter: Matter, notice_id: bytes) -> Step | None:
        if matter.state is State.WITHDRAWN:
            return Because(Event.REVIVE, "再次收到比中通知")
        copied = (Recipient.UNIT, self._material.unit) not in matter.missing_receipts
        if self._material.side is Side.BENEFICIARY or copied:
            return None
        return Inform(Recipient.UNIT, notice_id.hex())

    # --- what time and withdrawals bring ----------------------------------------------------------

    def keep_up(self) -> None:
        """Completes publications whose seven days are over in both places (R45), withdraws what the
        unit no longer declares or lists (R37)."""
        publishing = self._database.read(
            lambda session: store.read_cases(session, [State.PUBLISHING], self._rules)
        )
        if publishing:
            self._database.run_tx("matters.complete", self._complete)
        if self._database.read(store.find_baseless):
            self._database.run_tx("matters.withdraw", self._withdraw)

    def _complete(self, session: Transaction) -> None:
        for case in store.read_cases(session, [State.PUBLISHING], self._rules):
            try:
                self._writer.write_own(session, case, Complete())
            except RuleViolation:
                continue  # not over yet: the next round asks again

    def _withdraw(self, session: Transaction) -> None:
        step = Because(Event.WITHDRAW, "本单位已撤回所依据的记录")
        for case_id in store.find_baseless(session):
            case = store.read_case(session, case_id, self._rules)
            if case is not None:
                self._writer.write_own(session, case, step)

    # --- reports ----------------------------------------------------------------------------------

    def exchange(self) -> None:
        """Takes the others' steps in and sends the own ones.

        What the matcher refuses waits for the next round. Raises ServiceError where it is lost.
        """
        now = self._now()
        try:
            self.fetch(now)
            self.send(now)
        except ServiceError as error:
            if error.status in _LOST:
                raise
            structlog.get_logger().warning("reports.not-exchanged", status=error.status)

    def send(self, now: datetime) -> int:
        """The number of own reports that the matcher took. One that must wait holds up its case alone.

        Raises ServiceError where the matcher is out of reach.
        """
        sent, held_up = 0, set()
        for waiting in self._database.read(store.read_waiting):
            if waiting.report.case_id in held_up:
                continue
            if self._send_one(waiting, now):
                sent += 1
            else:
                held_up.add(waiting.report.case_id)
        return sent

    def _send_one(self, waiting: Waiting, now: datetime) -> bool:
        try:
            self._matcher.report(waiting.report)
        except ServiceError as error:
            if error.status in _LOST:
                raise
            return self._not_sent(waiting, error.status)
        except ConflictError:
            return self._not_sent(waiting, "ALREADY_EXISTS")
        self._database.run_tx(
            "matters.sent", lambda session: store.settle_report(session, waiting.position, now)
        )
        return True

    @staticmethod
    def _not_sent(waiting: Waiting, status: str) -> bool:
        """False. The report is kept and tried again: to skip it would leave a gap behind it."""
        case = waiting.report.case_id.hex()
        structlog.get_logger().warning("report.not-taken", case=case, status=status)
        return False

    def fetch(self, now: datetime) -> int:
        """The number of steps of others that were taken in. Raises ServiceError."""
        after = self._database.read(store.last_received)
        reports = self._matcher.fetch_reports(self._material.side, after)
        return sum(self._take_in(number, report, now) for number, report in reports)

    def _take_in(self, number: int, report: Report, now: datetime) -> bool:
        try:
            entry = self._open(report)
        except _UNBELIEVED as error:
            return self._keep(number, report, None, now, f"{type(error).__name__}: {error}"[:300])
        return self._keep(number, report, entry, now)

    def _keep(
        self, number: int, report: Report, entry: Entry | None, now: datetime, problem: str = ""
    ) -> bool:
        def run(session: Transaction) -> bool:
            told = problem
            if entry is not None and store.has_entry(session, entry):
                told = "another step of the same number is held"
            store.add_received(session, number, report, now, told)
            # Every unit's own clock says when the days are over (R45).
            if entry is not None and not told and not isinstance(entry.step, Complete):
                store.add_entry(session, entry, self._rules)
            return not told

        believed = self._database.run_tx("matters.receive", run)
        if not believed:
            case = report.case_id.hex()
            structlog.get_logger().warning("report.not-believed", number=number, case=case)
        return believed

    def _open(self, report: Report) -> Entry:
        """The step in the report, if its sender made it. Raises one of ``_UNBELIEVED``."""
        material = self._material
        entry = decode_entry(open_copy(material, report))
        head = (report.case_id, report.unit, report.side, report.seq, report.at_us)
        told = (entry.case_id, entry.actor.unit, entry.side, entry.seq, entry.at_us)
        if head != told:
            raise EncodingError("the report holds a step of another number, time or party")
        if isinstance(entry.step, Conclude):
            key = material.epoch.roster.find(report.unit).signing_key
            outcome = entry.step.outcome(entry.actor, entry.at)
            outcome.verify(entry.case_id, partial(verify_signature, key))
        return entry
