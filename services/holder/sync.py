"""One round of a unit with the matcher: seal, look at the log, take notices in, send the outbox.

The matters keep up by themselves, and exchange their steps with the other unit of each case.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog

from libmatch.errors import ServiceError
from services.holder.collect_notices import CollectNotices
from services.holder.courier import Courier, OutboxStopped, Sent
from services.holder.follow_log import FollowLog
from services.holder.matters.rounds import MatterRounds
from services.holder.seal_pending import SealPending
from services.holder.store.outbox import Outbox


@dataclass(frozen=True)
class Round:
    """What one round came to."""

    sent: Sent
    notices: int = 0


class Sync:
    """Runs rounds, one at a time, whoever asks for them."""

    def __init__(
        self,
        outbox: Outbox,
        seal: SealPending,
        log: FollowLog,
        notices: CollectNotices,
        courier: Courier,
        matters: MatterRounds,
    ) -> None:
        self._outbox = outbox
        self._seal = seal
        self._log = log
        self._notices = notices
        self._courier = courier
        self._matters = matters
        self._one_at_a_time = threading.Lock()

    def run(self) -> Round:
        """A round on somebody's demand: what was refused before is tried again.

        Raises OutboxStopped where the matcher refuses; LogError where its log does not hold; EpochError
        outside the epoch. Out of reach is no error: what is sealed waits.
        """
        with self._one_at_a_time:
            self._outbox.resume()
            return self._round(again=True)

    def run_in_background(self) -> None:
        """A round by itself. A stopped outbox was logged when it stopped, and waits for somebody."""
        with self._one_at_a_time:
            try:
                self._round()
            except OutboxStopped:
                return

    def _round(self, *, again: bool = False) -> Round:
        self._seal.run()
        self._matters.keep_up()
        try:
            # Before anything is sent: nothing goes to a matcher whose log contradicts itself.
            self._log.run()
            notices = self._notices.run()
            self._matters.exchange(again=again)
        except ServiceError as error:
            structlog.get_logger().warning(
                "matcher.not-reached", status=error.status, reason=error.reason
            )
            return Round(Sent(waiting=self._outbox.count_waiting()))
        return Round(self._courier.run(), notices)
