"""How many calls a server has at once, in all and of one caller, and which of them give way.

A call holds its slot until its handler has ended *and* its answer was taken (or the call ended otherwise):
both its thread and its memory are what the number bounds. A call that stands still because of its client,
who sends nothing, too little, or does not take the answer, goes on for as long as its slot is not needed;
where it is needed, the one furthest behind is cancelled for the newcomer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from services.chassis.identity import Identity
from services.chassis.refusals import Overloaded

_RETRY_AFTER_S = 1.0
# A line of 1 Mbit/s is never behind; a client on a slower one loses its slot only where it is needed.
_PATIENCE_S = 5.0
_SLOW_LINE_BYTES_PER_S = 128 << 10


class Call(Protocol):
    """The part of gRPC's context of a call that is needed here."""

    def cancel(self) -> object: ...
    def add_callback(self, callback: Callable[[], None]) -> bool: ...


class Slot:
    """One call's place. The handler's thread says when it waits for its client and what has moved."""

    def __init__(self, caller: Identity, call: Call, clock: Callable[[], float]) -> None:
        self.caller = caller
        self.call = call
        self.gave_way = False
        self._clock = clock
        self._since: float | None = None
        self._behind_s = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For the time of the block, the next step is the client's."""
        self._since = began = self._clock()
        try:
            yield
        finally:
            self._since = None
            self._behind_s = max(0.0, self._behind_s + self._clock() - began)

    def answered(self) -> None:
        """The handler has ended: from now on, the answer waits to be taken."""
        self._since = self._clock()

    def received(self, size_bytes: int) -> None:
        """So much came from the client. Nothing is saved up: a large message buys no standstill later."""
        self._behind_s = max(0.0, self._behind_s - size_bytes / _SLOW_LINE_BYTES_PER_S)

    def sending(self, size_bytes: int) -> None:
        """So much is about to wait for the client."""
        self._behind_s -= size_bytes / _SLOW_LINE_BYTES_PER_S

    def behind_s(self) -> float:
        """Seconds waited beyond what a slow line excuses; 0 where the next step is the server's."""
        since = self._since  # read once: the handler's thread writes it
        return 0.0 if since is None else self._behind_s + self._clock() - since


class Capacity:
    """Slots for ``total`` calls, ``per_caller`` of them for one caller; the rest is told to come back."""

    def __init__(
        self, total: int, per_caller: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._per_caller = per_caller
        self._clock = clock
        self._changed = threading.Condition()
        self._slots: set[Slot] = set()
        self._handlers = 0
        self._closed = False

    @property
    def taken(self) -> int:
        """Slots that are taken now."""
        with self._changed:
            return len(self._slots)

    @contextmanager
    def slot(self, caller: Identity, call: Call) -> Iterator[Slot]:
        """A slot for a call whose handler is the block. Raises Overloaded where there is none."""
        slot = Slot(caller, call, self._clock)
        victim = self._take(slot)
        if victim is not None:
            victim.call.cancel()
        told = call.add_callback(lambda: self._free(slot))
        try:
            yield slot
        finally:
            slot.answered()
            with self._changed:
                self._handlers -= 1
                self._changed.notify_all()
            if not told:  # the call had ended before it began
                self._free(slot)

    def _take(self, slot: Slot) -> Slot | None:
        """The slot that gave way for this one, if one had to."""
        with self._changed:
            own = [one for one in self._slots if one.caller == slot.caller]
            victim = None
            if self._closed:
                raise Overloaded("the server is stopping", retry_after_s=_RETRY_AFTER_S)
            if len(own) >= self._per_caller:
                victim = _furthest_behind(own, "too many calls of this caller")
            elif len(self._slots) >= self._total:
                victim = _furthest_behind(self._slots, "too many calls at once")
            if victim is not None:
                victim.gave_way = True
                self._slots.remove(victim)
            self._slots.add(slot)
            self._handlers += 1
            return victim

    def _free(self, slot: Slot) -> None:
        with self._changed:
            self._slots.discard(slot)

    def close(self, within_s: float) -> bool:
        """True once no handler runs, False where one still does after ``within_s``; no other begins."""
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: not self._handlers, timeout=within_s)


def _furthest_behind(slots: set[Slot] | list[Slot], refusal: str) -> Slot:
    """The call that gives way. Raises Overloaded where none is behind."""
    victim = max(slots, key=Slot.behind_s)
    if victim.behind_s() <= _PATIENCE_S:
        raise Overloaded(refusal, retry_after_s=_RETRY_AFTER_S)
    return victim
