"""The gate for whole items: an item is CLEAR when its list counts and every live person of it is (R47).

What is entered and not yet accepted by the matcher is PENDING, never CLEAR, also a person who was added by
the actual list (R61). An unknown item, one whose persons are all withdrawn, one whose list nobody signed
(R25) and one without a proposed list (R61) is NOT_SUBMITTED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libmatch.china_time import china_day
from libmatch.clearances import (
    MAX_RIDS,
    Clearance,
    ClearanceAnswer,
    ClearanceStatus,
    HoldReason,
    strictest,
)
from libmatch.errors import EpochError
from services.beneficiary.entries import GateFacts
from services.beneficiary.store import Store
from services.chassis.db import to_micros
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.matcher import Gate
from services.holder.states import RecordState
from services.holder.store.records import Standing
from services.process.store.trail import Trail
from services.rules.gate import Hold
from services.rules.ruleset import RuleSet, RuleSets

MAX_ITEMS = 500

_Answers = Mapping[bytes, tuple[Clearance, ClearanceAnswer]]
_UNKNOWN = GateFacts((), has_pre=False, signed=False, waits=False)
_HOLDS = {
    ClearanceStatus.NOT_SUBMITTED: Hold.NOT_SUBMITTED,
    ClearanceStatus.PENDING: Hold.NOT_MATCHED,
}
_REASONS = {
    HoldReason.UNREADABLE: Hold.UNEXPLAINED,
    HoldReason.NOT_COMPLIANT: Hold.NOT_COMPLIANT,
    HoldReason.UNVERIFIED: Hold.TO_VERIFY,
    HoldReason.OBJECTION: Hold.OBJECTED,
    HoldReason.UNPUBLISHED: Hold.TO_PUBLISH,
}


@dataclass(frozen=True)
class ItemClearance:
    """The answer for one item. Times in microseconds UTC; ``expires_at_us`` is 0 unless CLEAR.

    ``leaf_index`` and ``tree_size``: where the gate's answer stands in the audit log; 0 where the gate
    was not asked. ``holds``: why it is not CLEAR, as far as that is known here; of nobody by name.
    """

    item_ref: str
    status: ClearanceStatus
    checked_at_us: int
    expires_at_us: int = 0
    tree_size: int = 0
    leaf_index: int = 0
    holds: tuple[Hold, ...] = ()


class CheckItems:
    """Asks the gate about the unit's own items. ``epoch``: the id of the epoch in force here.

    ``must_sign``: R25 is enforced.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        epoch: bytes,
        now: Callable[[], datetime],
        rules: RuleSets,
        *,
        must_sign: bool,
    ) -> None:
        self._rules = rules
        self._must_sign = must_sign
        self._store = store
        self._gate = gate
        self._epoch = epoch
        self._now = now

    def run(self, actor: Identity, item_refs: Sequence[str]) -> list[ItemClearance]:
        """The answers in the order of ``item_refs``, 1 to 500 of them.

        Raises InvalidRequest for another number, ServiceError where the gate is out of reach: no answer
        is ever made up here.
        """
        if not 1 <= len(item_refs) <= MAX_ITEMS:
            text = f"一次可查询1至{MAX_ITEMS}个事项。"
            raise InvalidRequest(f"ask about 1 to {MAX_ITEMS} items", text)
        now = self._now()
        found = self._store.read_gate_facts(set(item_refs), Trail(now, actor, "check-items"))
        accepted = (s for facts in found.values() for s in facts.persons if _is_accepted(s))
        answers = self._ask([s.rid for s in accepted if s is not None and s.rid is not None])
        rules = self._rules.on(china_day(now))
        return [
            self._judge(ref, found.get(ref, _UNKNOWN), answers, to_micros(now), rules)
            for ref in item_refs
        ]

    def _judge(
        self, item_ref: str, facts: GateFacts, answers: _Answers, now_us: int, rules: RuleSet
    ) -> ItemClearance:
        holds = dict(self._list_holds(facts, rules))
        statuses, given = [*holds.values()], []
        for standing in facts.persons:
            answer = _find(standing, answers)
            status = _status_of(answer, now_us)
            statuses.append(status)
            holds |= dict.fromkeys(_person_holds(status, answer), status)
            given += [answer] if answer else []
        status = strictest(statuses)
        why = tuple(hold for hold in Hold if hold in holds)
        if not given:
            return ItemClearance(item_ref, status, now_us, holds=why)
        newest = max((answer for _, answer in given), key=lambda answer: answer.tree_size)
        return ItemClearance(
            item_ref=item_ref,
            status=status,
            checked_at_us=min(answer.checked_at_us for _, answer in given),
            expires_at_us=min(clearance.expires_at_us for clearance, _ in given)
            if status is ClearanceStatus.CLEAR
            else 0,
            tree_size=newest.tree_size,
            leaf_index=newest.leaf_index,
            holds=why,
        )

    def _list_holds(
        self, facts: GateFacts, rules: RuleSet
    ) -> Iterator[tuple[Hold, ClearanceStatus]]:
        """What is wrong with the item's list, and what that makes of the item at best."""
        waits = self._must_sign and facts.waits
        if not facts.persons:
            yield Hold.UNSIGNED if waits else Hold.NO_PERSONS, ClearanceStatus.NOT_SUBMITTED
            return
        if rules.pre_required and not facts.has_pre:
            yield Hold.NO_PRE_LIST, ClearanceStatus.NOT_SUBMITTED
        if self._must_sign and not facts.signed:
            yield Hold.UNSIGNED, ClearanceStatus.NOT_SUBMITTED
        elif waits:
            yield Hold.ALTERED, ClearanceStatus.PENDING

    def _ask(self, rids: Sequence[bytes]) -> _Answers:
        answers: dict[bytes, tuple[Clearance, ClearanceAnswer]] = {}
        for start in range(0, len(rids), MAX_RIDS):
            answer = self._gate.check_clearance(rids[start : start + MAX_RIDS])
            if answer.epoch != self._epoch:
                raise EpochError("the gate answered for another epoch")
            answers |= {clearance.rid: (clearance, answer) for clearance in answer.clearances}
        return answers


def _is_accepted(standing: Standing | None) -> bool:
    return standing is not None and standing.state is RecordState.ACCEPTED


def _find(standing: Standing | None, answers: _Answers) -> tuple[Clearance, ClearanceAnswer] | None:
    return answers.get(standing.rid or b"") if standing and _is_accepted(standing) else None


def _person_holds(
    status: ClearanceStatus, answer: tuple[Clearance, ClearanceAnswer] | None
) -> set[Hold]:
    if status is ClearanceStatus.HOLD:
        reason = answer[0].reason if answer else None
        return {_REASONS[reason]} if reason is not None else set()
    return {_HOLDS[status]} if status in _HOLDS else set()


def _status_of(found: tuple[Clearance, ClearanceAnswer] | None, now_us: int) -> ClearanceStatus:
    if found is None:
        return ClearanceStatus.PENDING
    clearance, _ = found
    if clearance.status is ClearanceStatus.CLEAR and clearance.expires_at_us <= now_us:
        return ClearanceStatus.PENDING
    return clearance.status
