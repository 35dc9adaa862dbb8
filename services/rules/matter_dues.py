"""By when somebody must act on a matter, and which matters are late (R39, R41, R43, R48)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from libmatch.china_time import china_day
from services.rules.matter_facts import Matter, State
from services.rules.publication import Place
from services.rules.ruleset import RuleSet


def due_on(matter: Matter, rules: RuleSet) -> date | None:
    """The day by which somebody must act (R39, R41, R43, R48); None where nobody must."""
    outcome = matter.outcome
    match matter.state:
        case State.NOTIFIED | State.VERIFYING | State.DISPUTED:
            return _after(matter.notified_at, rules.verification_days)
        case State.OBJECTED:
            opened = min(o.received_at for o in matter.objections if o.closed_at is None)
            return _after(opened, rules.objection_verification_days)
        case State.NOT_COMPLIANT if outcome:
            return _after(outcome.signed_at, rules.measure_days)
        case State.COMPLIANT | State.PUBLISHING if outcome:
            since = _waiting_since(matter, outcome.signed_at, rules)
            return None if since is None else _after(since, rules.posting_days)
    return None


def is_overdue(matter: Matter, now: datetime, rules: RuleSet) -> bool:
    """Whether the day by which somebody must act is over in China (R39)."""
    due = due_on(matter, rules)
    return due is not None and due < china_day(now)


def find_overdue(
    matters: Iterable[Matter], now: datetime, rules_of: Callable[[str], RuleSet]
) -> tuple[Matter, ...]:
    """The overdue ones, the longest overdue first. ``rules_of``: the rules of a version (R62)."""
    dated = ((due_on(one, rules_of(one.rules_version)), one) for one in matters)
    late = [(due, one) for due, one in dated if due is not None and due < china_day(now)]
    return tuple(one for _, one in sorted(late, key=lambda pair: (pair[0], pair[1].matter_id)))


def find_unverified(matters: Iterable[Matter]) -> tuple[Matter, ...]:
    """Those without an outcome, whether overdue or not (R39 「全覆盖」); withdrawn ones need none."""
    return tuple(m for m in matters if m.state is not State.WITHDRAWN and m.outcome is None)


def _after(at: datetime, days: int) -> date:
    return china_day(at) + timedelta(days=days)


def _waiting_since(matter: Matter, compliant_at: datetime, rules: RuleSet) -> datetime | None:
    """Since when a place waits for its notice: the outcome, or a notice that was taken down early."""
    clocks = matter.clocks(rules)
    waiting = [compliant_at for place in Place if place not in clocks]
    for clock in clocks.values():
        down_at = clock.posting.taken_down_at
        if down_at is not None and not clock.is_complete(down_at):
            waiting.append(max(down_at, compliant_at))
    return min(waiting, default=None)
