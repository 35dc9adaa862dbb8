"""What the service does by itself: opens cases, completes publications, carries reports both ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from libmatch.china_time import china_day
from libmatch.errors import ConflictError, ServiceError
from libmatch.notices import HitNotice
from libmatch.records import Side
from libmatch.reports import Report
from services.chassis.db import Database
from services.holder.matcher import Matcher
from services.holder.material import Material
from services.holder.matters.acting import StepWriter
from services.holder.matters.facts import CaseFacts, FactsOf
from services.holder.matters.posted import any_over, purge_notices
from services.holder.matters.reading import UNBELIEVED, open_said
from services.holder.matters.sealing import members_of
from services.holder.store import matters as store
from services.holder.store import parties
from services.holder.store.matters import Case, Transaction, Waiting
from services.process.entries import Entry, History
from services.process.folding import is_party
from services.rules.matter_facts import Matter, Recipient, State
from services.rules.matter_steps import Because, Complete, Event, Inform, Step
from services.rules.ruleset import RuleSets

_LOST = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
_FIRST_DELAY = timedelta(minutes=1)
_LONGEST_DELAY = timedelta(days=1)


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
        case = self._take_in_parties(session, opened.matter_id)
        if case is not None and (step := self._first_step(case.matter, notice_id)) is not None:
            self._writer.write_own(session, case, step)

    def _take_in_parties(self, session: Transaction, case_id: bytes) -> Case | None:
        """The case as it is, once its parties are kept; None where it is not held."""
        case = store.read_case(session, case_id, self._rules)
        if case is not None:
            self._writer.telling.keep_parties(session, case)
        return case

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
        own = self._material.unit
        if matter.state is State.WITHDRAWN:
            return Because(Event.REVIVE, "再次收到比中通知")
        if self._material.side is Side.BENEFICIARY:
            return None
        has_copy = (Recipient.UNIT, own) not in matter.missing_receipts
        if has_copy and own in matter.declaring_units:
            return None
        return Inform(Recipient.UNIT, notice_id.hex())

    # --- what time and withdrawals bring ----------------------------------------------------------

    def keep_up(self) -> None:
        """Completes publications whose seven days are over in both places (R45), withdraws what the
        unit no longer declares or lists (R37), erases public copies whose time is over (R46)."""
        now = self._now()
        if self._database.read(lambda session: self._find_over(session, now)):
            self._database.run_tx("matters.complete", partial(self._complete, now))
        if self._database.read(self._find_baseless):
            self._database.run_tx("matters.withdraw", self._withdraw)
        if self._database.read(lambda session: any_over(session, self._rules, now)):
            self._database.run_tx(
                "matters.purge", lambda session: purge_notices(session, self._rules, now)
            )

    def _find_over(self, session: Transaction, now: datetime) -> list[Case]:
        return [
            case
            for case in store.read_cases(session, [State.PUBLISHING], self._rules)
            if case.matter.is_published_to_the_end(now, self._rules.get(case.matter.rules_version))
        ]

    def _complete(self, now: datetime, session: Transaction) -> None:
        for case in self._find_over(session, now):
            self._writer.write_own(session, case, Complete())

    def _find_baseless(self, session: Transaction) -> list[Case]:
        """The cases of which this unit is a party still, although it withdrew its record."""
        own = (self._material.unit, self._material.side)
        cases = (store.read_case(session, c, self._rules) for c in store.find_baseless(session))
        return [case for case in cases if case is not None and is_party(case.matter, *own)]

    def _withdraw(self, session: Transaction) -> None:
        step = Because(Event.WITHDRAW, "本单位已撤回所依据的记录")
        for case in self._find_baseless(session):
            self._writer.write_own(session, case, step)

    # --- reports ----------------------------------------------------------------------------------

    def exchange(self, *, again: bool = False) -> None:
        """Takes the others' steps in and sends the own ones; ``again``: also what is to wait longer.

        What the matcher refuses waits for another round. Raises ServiceError where it is lost.
        """
        now = self._now()
        try:
            self.fetch(now)
            self.tell_late(now)
            self.send(now, again=again)
        except ServiceError as error:
            if error.status in _LOST:
                raise
            structlog.get_logger().warning("reports.not-exchanged", status=error.status)

    def tell_late(self, now: datetime) -> int:
        """The number of parties that were told earlier own steps of a case just now (R36)."""
        untold = self._database.read(lambda session: parties.read_untold(session, now))
        for case_id, unit in untold:
            self._database.run_tx("matters.tell", partial(self._tell, case_id, unit, now))
        return len(untold)

    def _tell(self, case_id: bytes, unit: str, now: datetime, session: Transaction) -> None:
        case = store.read_case(session, case_id, self._rules)
        if case is not None and (case_id, unit) in parties.read_untold(session, now):
            at = max(now, case.matter.changed_at or case.matter.notified_at)
            self._writer.telling.tell(session, case, unit, at)

    def send(self, now: datetime, *, again: bool = False) -> int:
        """The number of own reports that the matcher took. One that must wait holds up its case alone.

        Raises ServiceError where the matcher is out of reach.
        """
        sent, held_up, at = 0, set(), None if again else now
        for waiting in self._database.read(lambda session: store.read_waiting(session, at)):
            if waiting.report.case_id in held_up:
                continue
            if self._send_one(waiting, now):
                sent += 1
            else:
                held_up.add(waiting.report.case_id)
        return sent

    def _send_one(self, waiting: Waiting, now: datetime) -> bool:
        if waiting.report.epoch != self._material.epoch.epoch_id:
            telling = self._writer.telling
            waiting = self._replace(waiting, lambda session: telling.reseal(session, waiting))
        try:
            self._matcher.report(waiting.report)
        except ServiceError as error:
            if error.status in _LOST:
                raise
            return self._not_taken(waiting, error, now)
        except ConflictError:
            if not waiting.resealed:
                return self._put_off(waiting, "ALREADY_EXISTS", now)
            # What the former epoch sealed under this number had arrived, and its answer was lost.
            structlog.get_logger().info("report.was-taken", case=waiting.report.case_id.hex())
        self._database.run_tx(
            "matters.sent", lambda session: store.settle_report(session, waiting.position, now)
        )
        return True

    def _not_taken(self, waiting: Waiting, error: ServiceError, now: datetime) -> bool:
        """Whether the matcher took it in the end, sealed to 纪委 alone where a recipient is no party."""
        units = [copy for copy in waiting.report.copies if copy.recipient not in self._inspectors()]
        if error.reason != "NOT_PARTY" or not units:
            return self._put_off(waiting, error.status, now)
        telling = self._writer.telling
        alone = self._replace(waiting, lambda session: telling.withhold(session, waiting, now))
        return self._send_one(alone, now)

    def _replace(self, waiting: Waiting, seal: Callable[[Transaction], None]) -> Waiting:
        """What waits in the place of ``waiting`` once ``seal`` has put it there."""

        def run(session: Transaction) -> Waiting:
            seal(session)
            return store.read_report(session, waiting.position)

        return self._database.run_tx("matters.reseal", run)

    def _inspectors(self) -> frozenset[str]:
        return frozenset(member.unit for member in members_of(self._material, ()))

    def _put_off(self, waiting: Waiting, status: str, now: datetime) -> bool:
        """False. The report is kept and tried again later: to skip it would leave a gap behind it."""
        delay = min(_FIRST_DELAY * 2 ** min(waiting.tries, 20), _LONGEST_DELAY)
        self._database.run_tx(
            "matters.put-off", lambda session: store.put_off(session, waiting, now + delay)
        )
        case = waiting.report.case_id.hex()
        structlog.get_logger().warning("report.not-taken", case=case, status=status)
        return False

    def fetch(self, now: datetime) -> int:
        """The number of reports of others that were taken in. Raises ServiceError."""
        after = self._database.read(store.last_received)
        reports = self._matcher.fetch_reports(self._material.side, after)
        return sum(self._take_in(number, report, now) for number, report in reports)

    def _take_in(self, number: int, report: Report, now: datetime) -> bool:
        try:
            said = open_said(self._material, self._rules, report, now)
        except UNBELIEVED as error:
            return self._keep(number, report, None, now, f"{type(error).__name__}: {error}"[:300])
        return self._keep(number, report, said, now)

    def _keep(
        self,
        number: int,
        report: Report,
        said: Entry | History | None,
        now: datetime,
        problem: str = "",
    ) -> bool:
        def run(session: Transaction) -> bool:
            told = problem if said is None else self._add_said(session, said)
            store.add_received(session, number, report, now, told)
            return not told

        believed = self._database.run_tx("matters.receive", run)
        if not believed:
            case = report.case_id.hex()
            structlog.get_logger().warning("report.not-believed", number=number, case=case)
        return believed

    def _add_said(self, session: Transaction, said: Entry | History) -> str:
        """Keeps the steps that are not held yet; why it keeps none of them, or ""."""
        repeated = said.entries if isinstance(said, History) else ()
        # Every unit's own clock says when the days are over (R45).
        told = {one.seq: one for one in (*repeated, said) if not _is_completion(one)}
        held = {seq: store.holds(session, one) for seq, one in told.items()}
        if None in held.values():
            return "another step of the same number is held"
        for seq, one in told.items():
            if not held[seq]:
                store.add_entry(session, one, self._rules)
        parties.mark_heard(session, said.case_id, said.unit)
        self._take_in_parties(session, said.case_id)
        return ""


def _is_completion(said: Entry | History) -> bool:
    return isinstance(said, Entry) and isinstance(said.step, Complete)
