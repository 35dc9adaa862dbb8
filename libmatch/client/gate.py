"""The gate for whole items: an item is CLEAR when every person of it is, and every row was taken (R47)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from libmatch.auditlog import encode_gate_leaf
from libmatch.clearances import (
    MAX_RIDS,
    Clearance,
    ClearanceAnswer,
    ClearanceStatus,
    HoldReason,
    strictest,
)
from libmatch.client.logwatch import LogWatch
from libmatch.client.matcher import MatcherClient
from libmatch.client.state import State
from libmatch.errors import BatchError, EpochError
from libmatch.prepare import Holder
from libmatch.records import Side

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ItemClearance:
    """The gate's answer for the item ``ref``; only CLEAR, unexpired, lets an approval go on.

    ``expires_at`` is set with CLEAR. ``leaf_index`` is where the answer stands in the audit log, None for a
    reference of which nothing was submitted (the gate was then not asked). ``reasons`` are why persons of
    it are on HOLD, as far as the unit may know, in order of weight.
    """

    ref: str
    status: ClearanceStatus
    checked_at: datetime
    expires_at: datetime | None = None
    leaf_index: int | None = None
    reasons: tuple[HoldReason, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether the approval may go on (until ``expires_at``)."""
        return self.status is ClearanceStatus.CLEAR


def check_items(
    state: State,
    matcher: MatcherClient,
    watch: LogWatch,
    holder: Holder,
    refs: Sequence[str],
    now: Callable[[], datetime],
) -> dict[str, ItemClearance]:
    """The answer for each reference, in order; every answer was found in the audit log.

    Raises ServiceError, EpochError, and LogError for an answer that the log does not hold.
    """
    epoch, side = holder.epoch.epoch_id, Side.BENEFICIARY
    with state.transaction() as tx:
        rids = {ref: list(tx.live_records(epoch, side, ref).values()) for ref in refs}
        incomplete = {ref for ref in refs if tx.is_incomplete(epoch, side, ref)}
    answers: dict[str, ItemClearance] = {}
    for part in _questions(rids):
        answer = matcher.check_clearance([rid for ref in part for rid in rids[ref]])
        _check_answer(answer, watch, holder)
        by_rid = {clearance.rid: clearance for clearance in answer.clearances}
        for ref in part:
            persons = [_without_stale(by_rid[rid], now()) for rid in rids[ref]]
            answers[ref] = _combine(ref, answer, persons, incomplete=ref in incomplete)
    unknown = ClearanceStatus.NOT_SUBMITTED
    return {ref: answers.get(ref) or ItemClearance(ref, unknown, now()) for ref in refs}


def _questions(rids: Mapping[str, Sequence[bytes]]) -> Iterator[list[str]]:
    """References grouped so that no question names too many records and each stands in one question."""
    part: list[str] = []
    count = 0
    for ref, records in rids.items():
        if len(records) > MAX_RIDS:
            raise BatchError(f"an item of more than {MAX_RIDS} persons is checked in parts")
        if count + len(records) > MAX_RIDS:
            yield part
            part, count = [], 0
        if records:
            part.append(ref)
            count += len(records)
    if part:
        yield part


def _check_answer(answer: ClearanceAnswer, watch: LogWatch, holder: Holder) -> None:
    if answer.epoch != holder.epoch.epoch_id:
        raise EpochError("the gate answered in another epoch; install the manifest in force")
    answered = [(entry.rid, int(entry.status)) for entry in answer.clearances]
    entry = encode_gate_leaf(holder.unit, answer.checked_at_us, answered)
    watch.prove(watch.advance(), answer.leaf_index, entry)


def _without_stale(clearance: Clearance, now: datetime) -> Clearance:
    """The clearance itself; a CLEAR that has expired already is a HOLD (R47: stale is never CLEAR)."""
    if clearance.status is ClearanceStatus.CLEAR and _time(clearance.expires_at_us) <= now:
        return Clearance(clearance.rid, ClearanceStatus.HOLD)
    return clearance


def _combine(
    ref: str, answer: ClearanceAnswer, persons: Sequence[Clearance], *, incomplete: bool
) -> ItemClearance:
    statuses = [person.status for person in persons]
    if incomplete:  # a row of the item was refused: that person was never submitted
        statuses.append(ClearanceStatus.NOT_SUBMITTED)
    status = strictest(statuses)
    expires_at = None
    if status is ClearanceStatus.CLEAR:
        expires_at = _time(min(person.expires_at_us for person in persons))
    reasons = sorted({person.reason for person in persons if person.reason is not None})
    checked_at, leaf = _time(answer.checked_at_us), answer.leaf_index
    return ItemClearance(ref, status, checked_at, expires_at, leaf, tuple(reasons))


def _time(microseconds: int) -> datetime:
    return _EPOCH_START + timedelta(microseconds=microseconds)
