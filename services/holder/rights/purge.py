"""What a unit must erase, counted and then erased by a person's decision (R65).

Due are records that are withdrawn, never matched, and whose days are over (``services.rules.retention``),
and the copies of postings whose time on portals is over (R46, R48). What still must be matched is never
due: while the matcher has a record, or may have it, or a notice waits that nobody could open, it stays.
What matched is part of a matter and is kept with it; the trail is never touched.

Nothing is erased by itself: the responsible leader decides, with the number that he saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.chassis.db import Database, DatabaseError
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict
from services.holder.accounts import Accounts
from services.holder.reasons import check_reason
from services.holder.rights.records import EndedRecord, PersonRecords
from services.holder.store import matters as matter_store
from services.holder.store import rights as store
from services.holder.store.matters import Transaction
from services.holder.store.rights import PublicCopy
from services.holder.store.trail import Trail
from services.rules.access import require_reason
from services.rules.china_time import china_day
from services.rules.notice_export import period_of
from services.rules.publication import PublicationClock
from services.rules.retention import Category, HeldRecord, is_due
from services.rules.ruleset import RuleSet, RuleSets

MOST_AT_ONCE = 5000
"""Records of one run: a line of the trail each, in one transaction of a few seconds."""

COPY_ZH = "公示内容副本"


@dataclass(frozen=True)
class DueCount:
    """How much of a kind is due, and what ends it."""

    what_zh: str
    count: int
    ground_zh: str


@dataclass(frozen=True)
class Purged:
    """What a run erased, and what is left for the next; ``traces_left``: copies in files in use."""

    purged: int
    left: int
    traces_left: bool = False


@dataclass(frozen=True)
class _Due:
    records: tuple[EndedRecord, ...]
    copies: tuple[PublicCopy, ...]

    @property
    def total(self) -> int:
        return len(self.records) + len(self.copies)

    def first(self, most: int) -> _Due:
        records = self.records[:most]
        return _Due(records, self.copies[: most - len(records)])


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
        counts = Counter(record.category for record in due.records)
        found = [
            DueCount(category.value, counts[category], _ground(category, rules))
            for category in Category
        ]
        found.append(
            DueCount(COPY_ZH, len(due.copies), "公示期满，网上公示和异议期限已过（R46、R48）")
        )
        return tuple(one for one in found if one.count)

    def run(self, caller: Identity, total: int, reason: str) -> Purged:
        """Erases what is due, at most ``most_at_once``, each with its line of the trail.

        Raises RuleViolation R63 without a reason, Conflict where not ``total`` are due by now; then nothing
        is erased.
        """
        trail = Trail(self._now(), caller, "purge", reason=check_reason(require_reason(reason)))

        def run(session: Transaction) -> Purged:
            due = self._find(session)
            if due.total != total:
                raise _other_total(due.total)
            now = due.first(self._most_at_once)
            self._erase(session, now, trail)
            return Purged(now.total, due.total - now.total)

        purged = self._database.run_tx("rights.purge", run)
        return replace(purged, traces_left=purged.purged > 0 and not self._erase_traces())

    def _erase(self, session: Transaction, due: _Due, trail: Trail) -> None:
        refs = [record.ref for record in due.records]
        self._records.erase(session, refs)
        store.delete_records(session, refs)
        store.delete_public_copies(session, [copy.notice_id for copy in due.copies])
        for ref in refs:
            replace(trail, subject=ref.hex()).write(session, "erased")
        for copy in due.copies:
            replace(trail, subject=copy.case_id.hex()).write(session, "public copy erased")

    def _erase_traces(self) -> bool:
        """Whether the database's files hold nothing of it any more."""
        try:
            self._database.erase_traces()
        except DatabaseError as error:
            structlog.get_logger().warning("purge.traces-left", cause=str(error))
            return False
        return True

    def _find(self, session: Transaction) -> _Due:
        now = self._now()
        records = tuple(self._due_records(session, self._rules.on(china_day(now)), now))
        copies = (c for c in store.read_public_copies(session) if self._is_over(session, c, now))
        return _Due(records, tuple(copies))

    def _due_records(
        self, session: Transaction, rules: RuleSet, now: datetime
    ) -> Iterable[EndedRecord]:
        ended = self._records.find_ended(session)
        notices = store.find_notices(session, [record.ref for record in ended])
        unfinished = store.find_unfinished(session)
        unopened = "有尚未打开的比中通知" if store.has_unopened(session) else ""
        for record in ended:
            sent = "撤回尚未送达比对平台" if record.ref in unfinished else ""
            held = HeldRecord(
                reference=record.ref.hex(),
                unit=self._accounts.unit,
                category=record.category,
                subject=record.person,
                fields_zh=(),
                ended_on=china_day(record.ended_at),
                matched=record.ref in notices,
                held_for=sent or unopened,
            )
            if is_due(held, rules, china_day(now)):
                yield record

    def _is_over(self, session: Transaction, copy: PublicCopy, now: datetime) -> bool:
        """Whether the time of that posting is over, on portals and for objections."""
        case = matter_store.read_case(session, copy.case_id, self._rules)
        if case is None:
            return False
        matter, rules = case.matter, self._rules.get(case.matter.rules_version)
        postings = [one for one in matter.postings if one.digest == copy.digest]
        if not postings:
            return False  # its step may still take effect when an earlier one arrives
        stops = tuple(objection.suspension for objection in matter.objections)
        period = period_of([PublicationClock(postings[-1], stops, rules)], now, rules)
        return period.expires_at + timedelta(days=rules.objection_days_after_end) <= now


def _ground(category: Category, rules: RuleSet) -> str:
    if category is Category.DECLARED:
        return f"未比中，撤回后已满{rules.unmatched_declared_days}天（R65）"
    return f"未比中，撤回后已满{rules.unmatched_item_days}天（R65）"


def _other_total(total: int) -> Conflict:
    return Conflict(
        "another number is due by now; look again",
        f"到期数量有变化（现为{total}条），请重新查看到期情况后再确认清除。",
        reason="DUE_CHANGED",
        details={"total": str(total)},
    )


def total_of(due: Sequence[DueCount]) -> int:
    """How much is due over all kinds: what a purge names."""
    return sum(one.count for one in due)
