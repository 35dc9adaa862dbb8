"""Opened cases that ended before anybody was told, counted and erased by an officer's decision (R65).

A case whose records were withdrawn before its notices left concerned nobody: its people count as people
who did not match, and what was opened goes when the days of a declaration are over. A case that units were
told of is a matter and is kept with it. The line of the matcher's list stays: it names nobody, and its
numbers have no gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

import structlog

from libmatch.china_time import china_day
from services.chassis.db import Database, DatabaseError
from services.chassis.identity import Identity
from services.inspector.release import check_reason
from services.inspector.store import retention as store
from services.inspector.store.retention import EndedCase
from services.inspector.store.trail import Trail
from services.process.retention import MOST_AT_ONCE, DueCount, Purged, other_total
from services.rules.access import require_reason
from services.rules.retention import Category, HeldRecord, is_due
from services.rules.ruleset import RuleSet, RuleSets

WHAT_ZH = "已撤回且从未发出通知的比中内容"


class PurgeCases:
    """``services.process.retention.Purge`` of 纪委's workstation."""

    def __init__(
        self,
        database: Database,
        rules: RuleSets,
        now: Callable[[], datetime],
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._database = database
        self._rules = rules
        self._now = now
        self._most_at_once = most_at_once

    def count_due(self) -> Sequence[DueCount]:
        """How many cases are due, if any."""
        days = self._rules.on(china_day(self._now())).unmatched_declared_days
        count = len(self._database.read(self._find))
        return (DueCount(WHAT_ZH, count, f"撤回后已满{days}天（R65）"),) if count else ()

    def run(self, caller: Identity, total: int, reason: str) -> Purged:
        """Erases the cases that are due, at most ``most_at_once``, each with its line of the trail.

        Raises RuleViolation R63 without a reason, Conflict where not ``total`` are due by now; then nothing
        is erased.
        """
        trail = Trail(self._now(), caller, "case.purge", check_reason(require_reason(reason)))

        def run(session: store.Transaction) -> Purged:
            due = self._find(session)
            if len(due) != total:
                raise other_total(len(due))
            now = due[: self._most_at_once]
            store.erase_cases(session, [case.number for case in now])
            for case in now:
                trail.write(session, case.case_id.hex(), "erased")
            return Purged(len(now), len(due) - len(now))

        purged = self._database.run_tx("case.purge", run)
        return replace(purged, traces_left=purged.purged > 0 and not self._erase_traces())

    def _find(self, session: store.Transaction) -> list[EndedCase]:
        today = china_day(self._now())
        rules = self._rules.on(today)
        return [case for case in store.find_ended(session) if _is_due(case, rules, today)]

    def _erase_traces(self) -> bool:
        """Whether the database's files hold nothing of it any more."""
        try:
            self._database.erase_traces()
        except DatabaseError as error:
            structlog.get_logger().warning("purge.traces-left", cause=str(error))
            return False
        return True


def _is_due(case: EndedCase, rules: RuleSet, today: date) -> bool:
    held = HeldRecord(
        reference=case.case_id.hex(),
        unit=case.approving_unit,
        category=Category.DECLARED,
        subject=case.official,
        fields_zh=(),
        ended_on=china_day(case.ended_at),
        held_for="抽查、线索或争议办理中" if case.in_use else "",
    )
    return is_due(held, rules, today)
