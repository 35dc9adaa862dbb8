"""Received notices: the envelope here, what they say in the service's own tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.holder.store import records
from services.holder.tables import Notice

Content = TypeVar("Content")


@dataclass(frozen=True, repr=False)
class Envelope:
    """A sealed notice as it came, without the unit and side, which are this service's own."""

    notice_id: bytes
    epoch: bytes
    hit_id: bytes
    sealed: bytes
    signature: bytes


@dataclass(frozen=True, repr=False)
class Received(Generic[Content]):
    """A notice to keep. ``content`` None: it did not open, or 纪委 did not sign it."""

    envelope: Envelope
    content: Content | None
    subject: bytes | None
    disputed: bool


class Mailbox(Generic[Content]):
    """The notices of one service; ``save`` keeps what an opened one says, in the same transaction.

    ``open_case`` then opens its case, unless it is disputed: (session, notice id, content, moment).
    """

    def __init__(
        self,
        database: Database,
        save: Callable[[Session, bytes, Content], None],
        open_case: Callable[[Session, bytes, Content, datetime], None],
    ) -> None:
        self._database = database
        self._save = save
        self._open_case = open_case

    def find(self, notice_ids: Sequence[bytes]) -> dict[bytes, tuple[Envelope, bool]]:
        """(envelope, opened) of those notices that are kept already."""

        def run(session: Session) -> dict[bytes, tuple[Envelope, bool]]:
            return {
                notice.notice_id: (_envelope(notice), notice.opened)
                for chunk in records.chunked(notice_ids)
                for notice in session.exec(select(Notice).where(col(Notice.notice_id).in_(chunk)))
            }

        return self._database.read(run)

    def find_sealed(self, rid: bytes) -> tuple[bytes, bytes] | None:
        """(subject, token) of the own record that a notice names; None where it is unknown."""
        return self._database.read(lambda session: records.find_sealed(session, rid))

    def keep(self, received: Received[Content], at: datetime) -> None:
        """Keeps a notice, or opens one that was kept unopened."""

        def run(session: Session) -> None:
            envelope = received.envelope
            before = session.get(Notice, envelope.notice_id)
            session.merge(
                Notice(
                    notice_id=envelope.notice_id,
                    epoch=envelope.epoch,
                    hit_id=envelope.hit_id,
                    sealed=envelope.sealed,
                    signature=envelope.signature,
                    received_at=at if before is None else before.received_at,
                    opened=received.content is not None,
                    disputed=received.disputed,
                    subject=received.subject,
                )
            )
            session.flush()
            if received.content is not None:
                self._save(session, envelope.notice_id, received.content)
                session.flush()
                if not received.disputed:
                    self._open_case(session, envelope.notice_id, received.content, at)

        self._database.run_tx("mailbox.keep", run)

    def read_unacknowledged(self) -> list[Envelope]:
        """The opened notices whose acknowledgement the matcher does not have yet."""
        query = (
            select(Notice)
            .where(col(Notice.opened), col(Notice.acknowledged_at).is_(None))
            .order_by(col(Notice.received_at))
        )
        return self._database.read(
            lambda session: [_envelope(notice) for notice in session.exec(query)]
        )

    def mark_acknowledged(self, notice_id: bytes, at: datetime) -> None:
        """Keeps that the matcher has the acknowledgement."""
        mine = sa.update(Notice).where(col(Notice.notice_id) == notice_id)
        done = mine.values(acknowledged_at=at)
        self._database.run_tx("mailbox.acknowledge", lambda session: session.execute(done))


def _envelope(notice: Notice) -> Envelope:
    return Envelope(notice.notice_id, notice.epoch, notice.hit_id, notice.sealed, notice.signature)
