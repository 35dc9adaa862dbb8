"""The gate: nothing is approved that was not matched, verified and published (R47).

NOT_SUBMITTED: no live item of the caller has that record id; unknown, withdrawn and somebody else's are one
answer. HOLD, with as much of why as the caller may know: 纪委 cannot open the record's batch, or a live hit
is not verified compliant and published to the end in both places (``services.matcher.standing``). PENDING:
纪委 has not said yet that the batch opens, or a unit of the registry side has submitted nothing in this
epoch (until the day that the settings name). CLEAR: otherwise; dated, and asked again after it expires.
Every answer is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from libmatch.auditlog import encode_gate_leaf
from libmatch.clearances import (
    MAX_RIDS,
    Clearance,
    ClearanceAnswer,
    ClearanceStatus,
    HoldReason,
)
from libmatch.manifest import Epoch, Role
from libmatch.records import RID_SIZE
from services.chassis.db import to_micros
from services.chassis.refusals import InvalidRequest
from services.matcher.config import GateSettings
from services.matcher.epoch import EpochFolder
from services.matcher.standing import RulesOn, find_hold
from services.matcher.store.clearances import Clearances, Facts, Known

Verdict = tuple[ClearanceStatus, int, HoldReason | None]
"""Status, when CLEAR expires (microseconds UTC), why HOLD."""


class Gate:
    """Answers units about their own records."""

    def __init__(
        self,
        clearances: Clearances,
        epochs: EpochFolder,
        settings: GateSettings,
        rules_on: RulesOn,
        now: Callable[[], datetime],
    ) -> None:
        self._clearances = clearances
        self._epochs = epochs
        self._settings = settings
        self._rules_on = rules_on
        self._now = now

    def check(self, peer: str, rids: Sequence[bytes]) -> ClearanceAnswer:
        """The answers in the order of ``rids``; one leaf of the log for all of them.

        Raises InvalidRequest unless there are 1 to 1000 ids of 16 bytes, EpochError out of the epoch.
        """
        if not 1 <= len(rids) <= MAX_RIDS or any(len(rid) != RID_SIZE for rid in rids):
            raise InvalidRequest(f"one question names 1 to {MAX_RIDS} record ids of 16 bytes")
        epoch, at = self._epochs.in_force(), self._now()
        answered: list[Clearance] = []

        def decide(known: Known) -> bytes:
            expected = {member.unit for member in epoch.roster.with_role(Role.REGISTRY)}
            complete = self._is_open(at) or expected <= known.arrived
            expires_at_us = self._expiry_us(epoch, at)
            verdicts: dict[int, Verdict] = {}  # most records share one object of facts
            answered.clear()
            for rid in rids:
                facts = known.facts.get(rid)
                verdict = verdicts.get(id(facts))
                if verdict is None:
                    verdict = self._judge(facts, complete, expires_at_us, at)
                    verdicts[id(facts)] = verdict
                answered.append(Clearance(rid, *verdict))
            return encode_gate_leaf(peer, to_micros(at), [(c.rid, c.status) for c in answered])

        leaf = self._clearances.consult(epoch.epoch_id, peer, rids, decide)
        return ClearanceAnswer(
            epoch=epoch.epoch_id,
            checked_at_us=to_micros(at),
            tree_size=leaf + 1,  # the answer's own leaf is the last one of that tree
            leaf_index=leaf,
            clearances=tuple(answered),
        )

    def _judge(
        self, facts: Facts | None, complete: bool, expires_at_us: int, at: datetime
    ) -> Verdict:
        if facts is None:
            return ClearanceStatus.NOT_SUBMITTED, 0, None
        reason = self._find_hold(facts, at)
        if reason is not None:
            return ClearanceStatus.HOLD, 0, reason
        if facts.opens is None or not complete:
            return ClearanceStatus.PENDING, 0, None
        return ClearanceStatus.CLEAR, expires_at_us, None

    def _find_hold(self, facts: Facts, at: datetime) -> HoldReason | None:
        if facts.opens is False:
            return HoldReason.UNREADABLE
        return find_hold(facts.hits, at, self._rules_on)

    def _is_open(self, at: datetime) -> bool:
        return self._settings.opens_at is not None and at >= self._settings.opens_at

    def _expiry_us(self, epoch: Epoch, at: datetime) -> int:
        lapses = at + timedelta(seconds=self._settings.clear_valid_s)
        return to_micros(min(lapses, epoch.manifest.not_after))
