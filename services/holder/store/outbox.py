"""The outbox: records become stored bytes, stored bytes become receipts.

One transaction seals: the bytes, the records' ids and the sequence number are kept together or not at
all, so that after a crash nothing was sealed or it is there to be sent again, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from libmatch.records import MAX_ROWS, Receipt
from services.chassis.db import Database
from services.holder.states import MessageKind, MessageState, RecordState
from services.holder.store import records
from services.holder.store.rows import update_many
from services.holder.tables import Message, Record

T = TypeVar("T")
Load = Callable[[Session, Sequence[bytes]], Sequence[T]]
"""Gives what is behind each of the subjects, in their order."""


@dataclass(frozen=True, repr=False)
class SealedMessage:
    """What is to be stored of a sealed batch or withdrawal: canonical bytes and their digest.

    ``rids`` and ``tokens`` belong to the records in the order in which they were given; a withdrawal
    has none.
    """

    body: bytes
    digest: bytes
    rids: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()


@dataclass(frozen=True, repr=False)
class OutboxEntry:
    """The next message to send."""

    position: int
    seq: int
    kind: MessageKind
    state: MessageState
    reason: str
    rows: int
    digest: bytes
    body: bytes


class Outbox:
    """The outbox of one epoch (``epoch``: its id)."""

    def __init__(self, database: Database, epoch: bytes) -> None:
        self._database = database
        self._epoch = epoch

    def turn_epoch(self, at: datetime) -> int:
        """The number of records that are to be sealed anew because their epoch has ended.

        Also frees what was held back, since another epoch may take it. Safe to repeat.
        """

        def turn(session: Session) -> int:
            unsent = col(Message.epoch) != self._epoch, col(Message.state) != MessageState.ACCEPTED
            session.execute(sa.delete(Message).where(*unsent))
            sealed = (RecordState.SEALED, RecordState.ACCEPTED, RecordState.WITHDRAWING)
            old = col(Record.epoch) != self._epoch, col(Record.state).in_(sealed)
            anew = session.exec(select(Record.subject).where(*old, col(Record.wanted))).all()
            lapse = {"state": RecordState.LAPSED, "wanted": False}
            session.execute(sa.update(Record).where(*old).values(lapse))
            records.add_entered(session, anew, at)
            held = col(Record.state) == RecordState.HELD
            session.execute(sa.update(Record).where(held).values(state=RecordState.ENTERED))
            return len(anew)

        return self._database.run_tx("outbox.turn-epoch", turn)

    def seal_batch(
        self,
        load: Load[T],
        takes: Callable[[T], bool],
        seal: Callable[[Sequence[T], int], SealedMessage],
        at: datetime,
    ) -> int:
        """The number of records that left the queue: sealed into one batch, or held back; 0 for none.

        ``takes`` says whether this epoch takes what ``load`` gave; ``seal`` makes the batch with the
        given sequence number.
        """

        def run(session: Session) -> int:
            rows = session.execute(_NEXT_ENTERED).all()
            if not rows:
                return 0
            loaded = load(session, [subject for _, subject in rows])
            pairs = [(number, item) for (number, _), item in zip(rows, loaded, strict=True)]
            taken = [pair for pair in pairs if takes(pair[1])]
            _hold(session, [number for number, item in pairs if not takes(item)])
            if taken:
                seq = self._next_seq(session)
                message = seal([item for _, item in taken], seq)
                self._add(session, MessageKind.BATCH, seq, len(taken), message, at)
                self._mark_sealed(session, [number for number, _ in taken], seq, message)
            return len(rows)

        return self._database.run_tx("outbox.seal-batch", run)

    def seal_withdrawal(
        self, seal: Callable[[Sequence[bytes], int], SealedMessage], at: datetime
    ) -> int:
        """The number of records whose withdrawal was sealed into one message; 0 for none.

        A record whose successor is not sealed yet is left: it is never withdrawn before the new one
        is on its way.
        """

        def run(session: Session) -> int:
            rows = session.execute(_next_unwanted(self._epoch)).all()
            if not rows:
                return 0
            seq = self._next_seq(session)
            message = seal([rid for _, rid in rows if rid is not None], seq)
            self._add(session, MessageKind.WITHDRAWAL, seq, len(rows), message, at)
            numbers = col(Record.number).in_([number for number, _ in rows])
            values = {"state": RecordState.WITHDRAWING, "withdrawal_seq": seq}
            session.execute(sa.update(Record).where(numbers).values(values))
            return len(rows)

        return self._database.run_tx("outbox.seal-withdrawal", run)

    def _next_seq(self, session: Session) -> int:
        query = select(sa.func.max(col(Message.seq))).where(col(Message.epoch) == self._epoch)
        return (session.exec(query).one() or 0) + 1

    def _add(
        self,
        session: Session,
        kind: MessageKind,
        seq: int,
        rows: int,
        message: SealedMessage,
        at: datetime,
    ) -> None:
        session.add(
            Message(
                epoch=self._epoch,
                seq=seq,
                kind=kind,
                state=MessageState.WAITING,
                rows=rows,
                digest=message.digest,
                body=message.body,
                sealed_at=at,
            )
        )

    def _mark_sealed(
        self, session: Session, numbers: Sequence[int | None], seq: int, message: SealedMessage
    ) -> None:
        rows = [
            {
                "number": number,
                "state": RecordState.SEALED,
                "epoch": self._epoch,
                "seq": seq,
                "rid": rid,
                "token": token,
            }
            for number, rid, token in zip(numbers, message.rids, message.tokens, strict=True)
        ]
        update_many(session, Record, "number", rows)

    def find_next(self, after: int = 0) -> OutboxEntry | None:
        """The unsent message with the lowest sequence number above ``after``; None where there is none."""

        def find(session: Session) -> OutboxEntry | None:
            unsent = select(Message).where(self._unsent(), col(Message.seq) > after)
            query = unsent.order_by(col(Message.seq)).limit(1)
            m = session.exec(query).first()
            if m is None or m.position is None:
                return None
            head = (m.position, m.seq, m.kind, m.state, m.reason, m.rows)
            return OutboxEntry(*head, m.digest, m.body)

        return self._database.read(find)

    def count_waiting(self) -> int:
        """The number of messages without a receipt."""
        query = select(sa.func.count()).select_from(Message).where(self._unsent())
        return self._database.read(lambda session: session.exec(query).one())

    def _unsent(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            col(Message.epoch) == self._epoch, col(Message.state) != MessageState.ACCEPTED
        )

    def accept(self, entry: OutboxEntry, receipt: Receipt) -> None:
        """Keeps the verified receipt of ``entry`` and lets its bytes go."""

        def run(session: Session) -> None:
            values = {
                "state": MessageState.ACCEPTED,
                "body": b"",
                "reason": "",
                "receipt": receipt.encode(),
                "leaf_index": receipt.leaf_index,
            }
            self._update(session, entry, values)
            if entry.kind is MessageKind.BATCH:
                number, before, after = Record.seq, RecordState.SEALED, RecordState.ACCEPTED
            else:
                number = Record.withdrawal_seq
                before, after = RecordState.WITHDRAWING, RecordState.WITHDRAWN
            mine = col(Record.epoch) == self._epoch, col(number) == entry.seq
            moved = sa.update(Record).where(*mine, col(Record.state) == before)
            session.execute(moved.values(state=after))

        self._database.run_tx("outbox.accept", run)

    def stop(self, entry: OutboxEntry, reason: str) -> None:
        """Keeps ``entry`` from being sent again by itself. ``reason``: English, no personal data."""
        values: dict[str, object] = {"state": MessageState.STOPPED, "reason": reason}
        self._database.run_tx("outbox.stop", lambda s: self._update(s, entry, values))

    def resume(self) -> None:
        """Lets a stopped message be tried again."""
        values = {"state": MessageState.WAITING, "reason": ""}
        stopped = col(Message.state) == MessageState.STOPPED
        update = sa.update(Message).where(stopped).values(values)
        self._database.run_tx("outbox.resume", lambda session: session.execute(update))

    def _update(self, session: Session, entry: OutboxEntry, values: dict[str, object]) -> None:
        mine = col(Message.position) == entry.position
        session.execute(sa.update(Message).where(mine).values(values))


_NEXT_ENTERED = (
    sa.select(col(Record.number), col(Record.subject))
    .where(col(Record.state) == RecordState.ENTERED, col(Record.wanted))
    .order_by(col(Record.number))
    .limit(MAX_ROWS)
)


def _next_unwanted(epoch: bytes) -> sa.Select[int | None, bytes | None]:
    successor = aliased(Record)
    waits = (
        select(successor.number)
        .where(
            col(successor.subject) == col(Record.subject),
            col(successor.wanted),
            col(successor.state).in_(records.PENDING),
        )
        .exists()
    )
    sealed = (RecordState.SEALED, RecordState.ACCEPTED)
    return (
        sa.select(col(Record.number), col(Record.rid))
        .where(
            col(Record.state).in_(sealed),
            col(Record.wanted).is_(False),
            col(Record.epoch) == epoch,
            ~waits,
        )
        .order_by(col(Record.number))
        .limit(MAX_ROWS)
    )


def _hold(session: Session, numbers: Sequence[int | None]) -> None:
    if numbers:
        held = sa.update(Record).where(col(Record.number).in_(numbers))
        session.execute(held.values(state=RecordState.HELD))
