"""Writes that wait at the same moment share one transaction: one commit, one sync of the disk.

The first that gets its turn takes along all that wait by then, in the order in which they came; each has a
savepoint of its own, so that one that is refused leaves no trace and harms no other. Nobody hears of a
result before it is committed. Where the transaction itself fails, each is tried alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlmodel import Session

from libmatch.errors import LibmatchError
from services.chassis.db import Database
from services.chassis.deadline import remaining_s
from services.chassis.refusals import ChassisError, DeadlinePassed

T = TypeVar("T")
_PATIENCE_S = 30.0


class Groups(Generic[T]):
    """Transactions called ``name`` of up to ``limit`` pieces of work each. Safe from any thread.

    ``savepoints``: False for work that is hardly ever refused; a refused one then takes its group apart.
    """

    def __init__(
        self, database: Database, name: str, limit: int, *, savepoints: bool = True
    ) -> None:
        self.name = name
        self._savepoints = savepoints
        self._database = database
        self._limit = limit
        self._turn = threading.Lock()
        self._mutex = threading.Lock()
        self._waiting: list[_Entry[T]] = []

    def offer(self, work: Callable[[Session], T]) -> Ticket[T]:
        """A place in the line for ``work``, which may run twice and in another thread."""
        entry = _Entry(work)
        with self._mutex:
            self._waiting.append(entry)
        return Ticket(self, entry)

    def finish(self, entry: _Entry[T]) -> T:
        """What the work of ``entry`` returned or raised, after the commit. For its ticket alone."""
        left = remaining_s()
        if self._turn.acquire(timeout=_PATIENCE_S if left is None else min(left, _PATIENCE_S)):
            try:
                while not entry.done:
                    self._lead(entry)
            finally:
                self._turn.release()
        elif self._give_up(entry):
            raise DeadlinePassed(f"{self.name}: other writes took all the time; nothing was kept")
        return entry.outcome()

    def _lead(self, own: _Entry[T]) -> None:
        group: list[_Entry[T]] = []

        def write(session: Session) -> None:
            if not group:  # only now is it this thread's turn to write
                group.extend(self._take(own))
            for entry in group:
                entry.run(session, apart=self._savepoints and len(group) > 1)

        try:
            self._database.run_tx(self.name, write)
        except BaseException:
            if not group or group == [own]:
                self._forget(own)
                raise
            for entry in group:
                entry.put_back()
        else:
            for entry in group:
                entry.settle()

    def _take(self, own: _Entry[T]) -> list[_Entry[T]]:
        if own.alone:
            return [own]
        with self._mutex:
            group = self._waiting[: self._limit]  # first come, first served: ``own`` may be behind
            del self._waiting[: self._limit]
            return group

    def _give_up(self, entry: _Entry[T]) -> bool:
        """True where the work will not run; False once it is done, which is waited for where it runs."""
        if self._forget(entry):
            return True
        entry.wait()
        return not entry.done

    def _forget(self, entry: _Entry[T]) -> bool:
        """True where the entry was still waiting for a group; now it is in none."""
        with self._mutex:
            waits = entry in self._waiting
            if waits:
                self._waiting.remove(entry)
            return waits


class Ticket(Generic[T]):
    """A place in the line; whoever has it asks for the result, once."""

    def __init__(self, groups: Groups[T], entry: _Entry[T]) -> None:
        self._groups = groups
        self._entry = entry

    def result(self) -> T:
        """What the work returned, once it is committed and synced, or what it raised.

        Raises DeadlinePassed where the caller's time ran out first: nothing was kept.
        """
        return self._groups.finish(self._entry)


class _Entry(Generic[T]):
    """One piece of work and what became of it."""

    def __init__(self, work: Callable[[Session], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._decided = threading.Event()
        self.alone = False
        self.done = False

    def run(self, session: Session, *, apart: bool) -> None:
        self._result, self._error = [], None
        if not apart:
            self._result = [self._work(session)]
            return
        try:
            with session.begin_nested():
                self._result = [self._work(session)]
        except (LibmatchError, ChassisError) as error:
            self._error = error

    def settle(self) -> None:
        self.done = True
        self._decided.set()

    def put_back(self) -> None:
        """Its group failed and kept nothing: its own thread tries it alone."""
        self.alone = True
        self._decided.set()

    def wait(self) -> None:
        self._decided.wait()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
