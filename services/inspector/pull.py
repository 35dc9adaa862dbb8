"""One round with the matcher: log, capsules, hits, cases, release by policy, notices, reports, in safe order.

Each step keeps what it did before the next begins and finds by itself what is left to do, so that a round
that ends anywhere, by a kill too, is finished by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from libmatch.errors import ServiceError
from services.chassis.deadline import remaining_s
from services.chassis.refusals import DeadlinePassed
from services.inspector.assign import Assign, Assigned
from services.inspector.check_capsules import CheckCapsules, Tested
from services.inspector.collect_reports import Collected, CollectReports
from services.inspector.epochs import Epochs
from services.inspector.follow_log import FollowLog
from services.inspector.list_hits import Listed, ListHits
from services.inspector.notify import Notified, Notify
from services.inspector.open_hits import Opened, OpenHits
from services.inspector.release import Release
from services.inspector.requeue import Requeue
from services.inspector.side_by_side import Crew, crew


@dataclass(frozen=True)
class Round:
    """What one round came to."""

    tested: Tested
    listed: Listed
    opened: Opened
    assigned: Assigned
    notified: Notified
    collected: Collected

    @property
    def disputes(self) -> int:
        """New ones."""
        before = (self.tested, self.listed, self.opened)
        after = (self.assigned, self.notified, self.collected)
        return sum(part.disputes for part in (*before, *after))


@dataclass(frozen=True)
class Steps:
    """The parts of a round, in the order of their use."""

    epochs: Epochs
    requeue: Requeue
    follow_log: FollowLog
    check_capsules: CheckCapsules
    list_hits: ListHits
    open_hits: OpenHits
    assign: Assign
    release: Release
    notify: Notify
    collect_reports: CollectReports


class Pull:
    """Runs rounds, one at a time, whoever asks for them."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._one_at_a_time = threading.Lock()

    def run(self) -> Round:
        """A round on an officer's demand, after the one that may be running.

        Raises ServiceError where the matcher fails, LogContradicts, DeadlinePassed.
        """
        with self._alone():
            return self._round()

    def run_in_background(self) -> None:
        """A round by itself; a matcher out of reach is a line in the log. Raises LogContradicts."""
        with self._alone():
            try:
                self._round()
            except ServiceError as error:
                facts = {"status": error.status, "reason": error.reason}
                structlog.get_logger().warning("matcher.not-reached", **facts)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        left = remaining_s()
        if not self._one_at_a_time.acquire(timeout=-1 if left is None else left):
            zh = "上一轮拉取还没有结束，请稍后再试。"
            raise DeadlinePassed("another round took all the time", zh)
        try:
            yield
        finally:
            self._one_at_a_time.release()

    def _round(self) -> Round:
        steps = self._steps
        if steps.epochs.follow():
            steps.requeue.run()
        # First of all: nothing is taken from a matcher whose log contradicts itself.
        seen = steps.follow_log.run()
        tested = steps.check_capsules.run()
        listed = steps.list_hits.run(seen)
        with crew() as hands:
            opened = self._open(hands)
            # Before the notices: a unit that gets one may report on its case at once.
            assigned = steps.assign.run()
            steps.release.run_policy()
            notified = steps.notify.run(hands)
        if notified.sent or assigned.hits:
            # What was told is in the log from now on; a log without it will contradict this one.
            steps.follow_log.run()
        return Round(tested, listed, opened, assigned, notified, steps.collect_reports.run())

    def _open(self, hands: Crew) -> Opened:
        """A hit of the list is in any log that was signed after it; so the log is looked at again."""
        steps = self._steps
        if steps.open_hits.is_idle():
            return Opened(waiting=steps.open_hits.count_waiting())
        return steps.open_hits.run(hands, steps.follow_log.run())
