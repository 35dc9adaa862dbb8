"""What a unit must erase, counted and then erased by a person's decision (R65).

Due are records that are withdrawn, never matched, and whose days are over (``services.rules.retention``).
What still must be matched is never due: while the matcher has a record, or may have it, or a notice waits
that nobody could open, it stays. So does what a random check or a lead is about. What matched is part of
a matter and is kept with it; the trail is never touched. (What was posted for portals goes by itself when
its time is over: ``services.holder.matters.posted``.)

Nothing is erased by itself: the responsible leader decides, with the number that he saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from libmatch.china_time import china_day
from services.chassis.db import Database, DatabaseError
from services.chassis.identity import Identity
from services.holder.accounts import Accounts
from services.holder.reasons import check_reason
from services.holder.rights.records import EndedRecord, PersonRecords
from services.holder.store import rights as store
from services.holder.store.matters import Transaction
from services.process.retention import MOST_AT_ONCE, DueCount, Purged, other_total
from services.process.store.trail import Trail
from services.process.store.under_check import find_under_check
from services.rules.access import require_reason
from services.rules.retention import Category, HeldRecord, is_due
from services.rules.ruleset import RuleSet, RuleSets


@dataclass(frozen=True)
class Reasons:
    """Why records stay though their time is over, by reference.

    ``unfinished``: the matcher has them or may get them. ``checked``: a draw or a lead is about them.
    ``unopened``: a notice waits, and nobody knows about whom.
    """

    unfinished: Collection[bytes]
    checked: Collection[bytes]
    unopened: bool

    def of(self, record: EndedRecord) -> str:
        """The reason in Chinese, "" where nothing keeps it."""
        if record.ref in self.unfinished:
            return "撤回尚未送达比对平台"
        if record.ref in self.checked or record.part_of in self.checked:
            return "抽查或问题线索办理中"
        return "有尚未打开的比中通知" if self.unopened else ""


class PurgeEnded:
    """What is due at one unit on one side."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        records: PersonRecords,
        rules: RuleSets,
        now: Callable[[], datetime],
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._records = records
        self._rules = rules
        self._now = now
        self._most_at_once = most_at_once

    def count_due(self) -> tuple[DueCount, ...]:
        """How much of each kind is due now; kinds of which nothing is due are left out."""
        rules = self._rules.on(china_day(self._now()))
        due = self._database.read(self._find)
        counts = Counter(record.category for record in due)
        return tuple(
            DueCount(category.value, counts[category], _ground(category, rules))
            for category in Category
            if counts[category]
        )

    def run(self, caller: Identity, total: int, reason: str) -> Purged:
        """Erases what is due, at most ``most_at_once``, each with its line of the trail.

        Raises RuleViolation R63 without a reason, Conflict where not ``total`` are due by now; then nothing
        is erased.
        """
        trail = Trail(self._now(), caller, "purge", reason=check_reason(require_reason(reason)))

        def run(session: Transaction) -> Purged:
            due = self._find(session)
            if len(due) != total:
                raise other_total(len(due))
            now = due[: self._most_at_once]
            self._erase(session, [record.ref for record in now], trail)
            return Purged(len(now), len(due) - len(now))

        purged = self._database.run_tx("rights.purge", run)
        return replace(purged, traces_left=purged.purged > 0 and not self._erase_traces())

    def _erase(self, session: Transaction, refs: Sequence[bytes], trail: Trail) -> None:
        self._records.erase(session, refs)
        store.delete_records(session, refs)
        for ref in refs:
            replace(trail, subject=ref.hex()).write(session, "erased")

    def _erase_traces(self) -> bool:
        """Whether the database's files hold nothing of it any more."""
        try:
            self._database.erase_traces()
        except DatabaseError as error:
            structlog.get_logger().warning("purge.traces-left", cause=str(error))
            return False
        return True

    def _find(self, session: Transaction) -> list[EndedRecord]:
        today = china_day(self._now())
        rules, ended = self._rules.on(today), self._records.find_ended(session)
        matched = store.find_notices(session, [record.ref for record in ended])
        reasons = Reasons(
            store.find_unfinished(session),
            find_under_check(session),
            store.has_unopened(session),
        )
        return [
            record
            for record in ended
            if is_due(self._held(record, record.ref in matched, reasons), rules, today)
        ]

    def _held(self, record: EndedRecord, matched: bool, reasons: Reasons) -> HeldRecord:
        return HeldRecord(
            reference=record.ref.hex(),
            unit=self._accounts.unit,
            category=record.category,
            subject=record.person,
            fields_zh=(),
            ended_on=china_day(record.ended_at),
            matched=matched,
            held_for=reasons.of(record),
        )


def _ground(category: Category, rules: RuleSet) -> str:
    if category is Category.DECLARED:
        return f"未比中，撤回后已满{rules.unmatched_declared_days}天（R65）"
    return f"未比中，撤回后已满{rules.unmatched_item_days}天（R65）"
