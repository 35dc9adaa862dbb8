"""The gate for whole items: an item is CLEAR when every live person of it is (R47).

What is entered and not yet accepted by the matcher is PENDING, never CLEAR; an unknown item, and one whose
persons are all withdrawn, is NOT_SUBMITTED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libmatch.clearances import (
    MAX_RIDS,
    Clearance,
    ClearanceAnswer,
    ClearanceStatus,
    strictest,
)
from libmatch.errors import EpochError
from services.beneficiary.store import Store
from services.chassis.db import to_micros
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.matcher import Gate
from services.holder.states import RecordState
from services.holder.store.records import Standing
from services.holder.store.trail import Trail

MAX_ITEMS = 500

_Answers = Mapping[bytes, tuple[Clearance, ClearanceAnswer]]


@dataclass(frozen=True)
class ItemClearance:
    """The answer for one item. Times in microseconds UTC; ``expires_at_us`` is 0 unless CLEAR.

    ``leaf_index`` and ``tree_size``: where the gate's answer stands in the audit log; 0 where the gate
    was not asked.
    """

    item_ref: str
    status: ClearanceStatus
    checked_at_us: int
    expires_at_us: int = 0
    tree_size: int = 0
    leaf_index: int = 0


class CheckItems:
    """Asks the gate about the unit's own items. ``epoch``: the id of the epoch in force here."""

    def __init__(self, store: Store, gate: Gate, epoch: bytes, now: Callable[[], datetime]) -> None:
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
        standings = self._store.read_standings(set(item_refs), Trail(now, actor, "check-items"))
        accepted = (s for persons in standings.values() for s in persons if _is_accepted(s))
        answers = self._ask([s.rid for s in accepted if s is not None and s.rid is not None])
        now_us = to_micros(now)
        return [_judge(ref, standings.get(ref, ()), answers, now_us) for ref in item_refs]

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


def _judge(
    item_ref: str, persons: Iterable[Standing | None], answers: _Answers, now_us: int
) -> ItemClearance:
    statuses, given = [], []
    for standing in persons:
        found = answers.get(standing.rid or b"") if standing and _is_accepted(standing) else None
        statuses.append(_status_of(found, now_us))
        given += [found] if found else []
    status = strictest(statuses)
    if not given:
        return ItemClearance(item_ref, status, now_us)
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
    )


def _status_of(found: tuple[Clearance, ClearanceAnswer] | None, now_us: int) -> ClearanceStatus:
    if found is None:
        return ClearanceStatus.PENDING
    clearance, _ = found
    if clearance.status is ClearanceStatus.CLEAR and clearance.expires_at_us <= now_us:
        return ClearanceStatus.PENDING
    return clearance.status
