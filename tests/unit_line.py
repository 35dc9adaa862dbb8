"""The calls of one unit to a matcher in the same process, over a line that loses what it is told to lose.

What the unit hears is what gRPC would tell it (``services.chassis.errors``); a lost request never reached
the matcher, a lost answer did, and the matcher may die in the call. Batches are under way together, as with
``libmatch.client.pipeline``, but in one thread: the same fates give the same course.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

from libmatch.clearances import ClearanceAnswer
from libmatch.client.pipeline import AHEAD
from libmatch.errors import ConflictError, ServiceError
from libmatch.letters import Letter
from libmatch.records import Batch, Receipt, Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.reports import Report
from services.chassis.errors import outcome_of
from services.chassis.identity import Identity
from tests.matcher_world import Killed, MatcherWorld

T = TypeVar("T")


class Fate(Enum):
    """What becomes of a message on its way."""

    ARRIVES = 1
    REQUEST_LOST = 2
    ANSWER_LOST = 3
    DIES_BEFORE_COMMIT = 4
    DIES_BEFORE_ANSWER = 5


class UnitLine:
    """``services.holder.matcher.Matcher`` for ``unit``; ``fates`` are those of the next calls."""

    def __init__(self, world: MatcherWorld, unit: str) -> None:
        self._world = world
        self._unit = unit
        self.fates: deque[Fate] = deque()

    def _call(self, call: Callable[[], T]) -> T:
        fate = self.fates.popleft() if self.fates else Fate.ARRIVES
        if fate is Fate.REQUEST_LOST:
            raise _unheard("UNAVAILABLE")
        if fate is Fate.DIES_BEFORE_COMMIT:
            self._world.die_before_commit(lambda: self._answer(call))
            raise _unheard("UNAVAILABLE")
        answer = self._answer(call)
        if fate is Fate.DIES_BEFORE_ANSWER:
            self._world.crash()
            raise _unheard("UNAVAILABLE")
        if fate is Fate.ANSWER_LOST:
            raise _unheard("DEADLINE_EXCEEDED")
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    def _answer(self, call: Callable[[], T]) -> T | ServiceError:
        try:
            self._world.use.epochs.admit(Identity("fuling", "unit", self._unit), "Intake")
            return call()
        except Killed:
            raise
        except Exception as error:
            o = outcome_of(error)
            if o.reason == "INTERNAL":
                raise
            told = (o.message, o.message_zh, o.retry_after_s, o.details)
            return ServiceError(o.code.name, o.reason, *told)

    # --- Intake -----------------------------------------------------------------------------------------

    def submit_many(self, batches: Iterable[Batch]) -> Iterator[Receipt]:
        """All that fit under way are sent before the first is heard of; those behind a failure too."""
        under_way: deque[tuple[Batch, Receipt | ServiceError]] = deque()
        for batch in batches:
            under_way.append((batch, self._submit(batch)))
            if len(under_way) == AHEAD:
                yield self._receipt_of(*under_way.popleft())
        while under_way:
            yield self._receipt_of(*under_way.popleft())

    def _submit(self, batch: Batch) -> Receipt | ServiceError:
        try:
            return self._call(lambda: self._world.use.intake.accept(self._unit, batch))
        except ServiceError as error:
            return error

    def _receipt_of(self, batch: Batch, heard: Receipt | ServiceError) -> Receipt:
        if isinstance(heard, ServiceError) and heard.reason == "SEQUENCE":
            heard = self._submit(batch)
        if isinstance(heard, ServiceError):
            raise heard
        return heard

    def withdraw(self, withdrawal: Withdrawal) -> Receipt:
        return self._call(lambda: self._world.use.intake.withdraw(self._unit, withdrawal))

    def check_clearance(self, rids: Sequence[bytes]) -> ClearanceAnswer:
        return self._call(lambda: self._world.use.gate.check(self._unit, rids))

    # --- Mailbox ----------------------------------------------------------------------------------------

    def fetch_notices(self, side: Side, after: int = 0) -> list[tuple[int, SealedNotice, bool]]:
        posted = self._call(lambda: self._world.use.mailbox.fetch(self._unit, side, after, 1000))
        return [(one.number, one.notice, one.acknowledged) for one in posted]

    def acknowledge(self, notice_id: bytes, signature: bytes) -> None:
        self._call(lambda: self._world.use.notices.acknowledge(self._unit, notice_id, signature))

    def report(self, report: Report) -> int:
        try:
            return self._call(lambda: self._world.use.reports.accept(self._unit, report))
        except ServiceError as error:
            if error.reason == "CONFLICT":
                raise ConflictError("another report has that number") from None
            raise

    def fetch_reports(self, side: Side, after: int = 0) -> list[tuple[int, Report]]:
        store = self._world.use.report_store
        accepted = self._call(lambda: store.fetch(self._unit, side, after, 1000))
        return [(one.number, one.report) for one in accepted]

    def send_letter(self, letter: Letter) -> int:
        return self._call(lambda: self._world.use.letters.accept(self._unit, letter))

    def fetch_letters(self, after: int = 0) -> Iterator[tuple[int, Letter]]:
        accepted = self._call(lambda: self._world.use.letters.fetch(self._unit, after, 1000))
        return iter([(one.number, one.letter) for one in accepted])

    def acknowledge_letters(self, number: int, signature: bytes) -> None:
        letters = self._world.use.letters
        self._call(lambda: letters.acknowledge(self._unit, number, signature))

    # --- Log --------------------------------------------------------------------------------------------

    def get_checkpoint(self) -> str:
        return self._call(self._world.use.log.get_checkpoint)

    def get_inclusion_proof(self, leaf_index: int, tree_size: int) -> tuple[bytes, list[bytes]]:
        return self._call(lambda: self._world.use.log.prove_inclusion(leaf_index, tree_size))

    def get_consistency_proof(self, old: int, new: int) -> list[bytes]:
        return self._call(lambda: self._world.use.log.prove_consistency(old, new))


def _unheard(status: str) -> ServiceError:
    return ServiceError(status, "", "nobody answered", "")
