"""Sends the outbox in order, and keeps the receipts.

A message is sent as it was stored, until a receipt for just this content is here. What the matcher
refuses for good stops the line: to skip it would leave a gap, to seal it anew could match twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from libmatch.auditlog import verify_receipt
from libmatch.errors import LibmatchError, LogError, ServiceError
from libmatch.records import Batch, Receipt, Withdrawal
from services.chassis.refusals import WrongState
from services.holder.matcher import Matcher
from services.holder.material import Material
from services.holder.states import MessageKind, MessageState
from services.holder.store.outbox import Outbox, OutboxEntry

# Answers that the same bytes will get again. Everything else may pass by itself: an outage, a
# unit that is not enrolled at the matcher yet.
_FINAL = frozenset(
    {"INVALID_ARGUMENT", "ALREADY_EXISTS", "FAILED_PRECONDITION", "DATA_LOSS", "OUT_OF_RANGE"}
)


class OutboxStopped(WrongState):
    """The matcher refused a message for good; it and those behind it are kept and not sent."""

    reason = "OUTBOX_STOPPED"


@dataclass(frozen=True)
class Sent:
    """What one round of sending came to. ``waiting``: messages that are still without a receipt."""

    batches: int = 0
    records: int = 0
    withdrawn: int = 0
    waiting: int = 0


class Courier:
    """Carries the outbox of one unit and side to the matcher."""

    def __init__(self, outbox: Outbox, matcher: Matcher, material: Material) -> None:
        self._outbox = outbox
        self._matcher = matcher
        self._material = material

    def run(self) -> Sent:
        """What was sent, until the outbox is empty or the matcher is out of reach.

        Raises OutboxStopped where the matcher refuses, or gives a receipt that does not hold.
        """
        batches = records = withdrawn = 0
        while entry := self._outbox.find_next():
            if entry.state is MessageState.STOPPED:
                raise _stopped(entry.seq, entry.reason)
            under_way: deque[OutboxEntry] = deque()
            receipts = self._send(entry, under_way)
            while delivered := self._deliver(receipts, under_way):
                if delivered.kind is MessageKind.BATCH:
                    batches, records = batches + 1, records + delivered.rows
                else:
                    withdrawn += delivered.rows
            if under_way:
                break
        return Sent(batches, records, withdrawn, self._outbox.count_waiting())

    def _deliver(
        self, receipts: Iterator[Receipt], under_way: deque[OutboxEntry]
    ) -> OutboxEntry | None:
        """The next entry whose receipt is kept; None where all are or the matcher may take them later."""
        try:
            receipt = next(receipts, None)
            if receipt is None:
                return None
            self._check(under_way[0], receipt)
        except ServiceError as error:
            if error.status in _FINAL:
                reason = f"{error.status} {error.reason}".strip()
                raise self._stop(under_way[0], reason) from error
            outcome = {"status": error.status, "reason": error.reason}
            structlog.get_logger().warning("outbox.waiting", seq=under_way[0].seq, **outcome)
            return None
        except LibmatchError as error:
            raise self._stop(under_way[0], str(error)) from error
        self._outbox.accept(under_way[0], receipt)
        return under_way.popleft()

    def _send(self, entry: OutboxEntry, under_way: deque[OutboxEntry]) -> Iterator[Receipt]:
        """The receipts of ``entry`` and, if it is a batch, of the batches that follow it."""
        if entry.kind is MessageKind.BATCH:
            yield from self._matcher.submit_many(self._batches(entry, under_way))
        else:
            under_way.append(entry)
            yield self._matcher.withdraw(Withdrawal.decode(entry.body))

    def _batches(self, first: OutboxEntry, under_way: deque[OutboxEntry]) -> Iterator[Batch]:
        entry: OutboxEntry | None = first
        while entry and entry.kind is MessageKind.BATCH and entry.state is MessageState.WAITING:
            try:
                batch = Batch.decode(entry.body)
            except LibmatchError:
                if under_way:  # those before it are not to blame
                    return
                under_way.append(entry)
                raise
            under_way.append(entry)
            yield batch
            entry = self._outbox.find_next(after=entry.seq)

    def _check(self, entry: OutboxEntry, receipt: Receipt) -> None:
        verify_receipt(self._material.manifest, receipt, entry.digest)
        own = (self._material.side, self._material.unit, entry.seq)
        if (receipt.side, receipt.unit, receipt.seq) != own:
            raise LogError("the receipt is for another message")

    def _stop(self, entry: OutboxEntry, reason: str) -> OutboxStopped:
        self._outbox.stop(entry, reason)
        structlog.get_logger().error("outbox.stopped", seq=entry.seq, reason=reason)
        return _stopped(entry.seq, reason)


def _stopped(seq: int, reason: str) -> OutboxStopped:
    return OutboxStopped(
        f"message {seq} of the outbox was not taken ({reason}); nothing behind it is sent",
        f"比对平台没有接收第{seq}批数据（{reason}），已停止发送；数据仍保存在本单位，请联系管理员。",
        details={"seq": str(seq)},
    )
