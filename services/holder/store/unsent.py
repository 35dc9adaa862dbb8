"""What of the outbox has no receipt yet, as stored bytes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session, col

from services.chassis.db import Database
from services.holder.states import MessageState
from services.holder.tables import Message
from services.process.store.trail import Trail

_AT_ONCE = 4  # bodies of up to 1.4 MB that the driver hands over together


class Unsent:
    """Reads the outbox of one epoch (``epoch``: its id) for carrying. Changes nothing but the trail."""

    def __init__(self, database: Database, epoch: bytes) -> None:
        self._database = database
        self._epoch = epoch

    def read(self, after: int, size_bytes: int, trail: Trail) -> list[bytes]:
        """The first messages behind number ``after``, without a gap, at least one and at most so many bytes.

        An empty list where there are none. That they were handed out is in the trail.
        """

        def run(session: Session) -> list[bytes]:
            bodies = self._take(session, after, size_bytes)
            if bodies:
                trail.write(session)
            return bodies

        return self._database.run_tx("outbox.export", run)

    def _take(self, session: Session, after: int, size_bytes: int) -> list[bytes]:
        query = (
            sa.select(col(Message.seq), col(Message.body))
            .where(
                col(Message.epoch) == self._epoch,
                col(Message.state) != MessageState.ACCEPTED,
                col(Message.seq) > after,
            )
            .order_by(col(Message.seq))
            .execution_options(yield_per=_AT_ONCE)
        )
        bodies, left, expected = list[bytes](), size_bytes, 0
        for seq, body in session.execute(query):
            left -= len(body)
            if bodies and (left < 0 or seq != expected):
                break
            bodies.append(body)
            expected = seq + 1
        return bodies
