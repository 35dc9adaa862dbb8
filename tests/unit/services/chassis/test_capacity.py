"""services.chassis.capacity: slots come back whatever happens, and who stands still gives way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from services.chassis.capacity import Capacity, Slot
from services.chassis.identity import Identity
from services.chassis.refusals import Overloaded

_A, _B, _C = (Identity("fuling", "unit", name) for name in "abc")


class _Clock:
    moment = 0.0

    def __call__(self) -> float:
        return self.moment


class _Call:
    """A call that ends when it is told to, or is cancelled."""

    def __init__(self) -> None:
        self.cancelled = False
        self.ended = False
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> bool:
        self.cancelled = True
        self.end()
        return True

    def end(self) -> None:
        self.ended = True
        for callback in self._callbacks:
            callback()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self._callbacks.append(callback)
        return not self.ended


@contextmanager
def _call(capacity: Capacity, caller: Identity, call: _Call | None = None) -> Iterator[Slot]:
    """A call that has its answer taken at once."""
    call = call or _Call()
    with capacity.slot(caller, call) as slot:
        yield slot
    call.end()


def test_one_caller_cannot_take_all() -> None:
    capacity = Capacity(total=3, per_caller=2)
    with _call(capacity, _A), _call(capacity, _A):
        with pytest.raises(Overloaded, match="of this caller"), _call(capacity, _A):
            pass
        with _call(capacity, _B):
            assert capacity.taken == 3


def test_all_together_cannot_take_more_than_the_total() -> None:
    capacity = Capacity(total=2, per_caller=2)
    with _call(capacity, _A), _call(capacity, _B):
        with pytest.raises(Overloaded, match="at once") as refusal, _call(capacity, _B):
            pass
        assert refusal.value.retry_after_s > 0


def test_slot_comes_back_after_an_exception() -> None:
    capacity = Capacity(total=1, per_caller=1)
    for _ in range(3):
        call = _Call()
        with pytest.raises(ValueError, match="x"), capacity.slot(_A, call):
            raise ValueError("x")
        call.end()
    assert capacity.taken == 0


def test_slot_is_kept_until_the_answer_was_taken() -> None:
    capacity, call = Capacity(total=1, per_caller=1), _Call()
    with capacity.slot(_A, call):
        pass
    with pytest.raises(Overloaded), _call(capacity, _B):
        pass
    call.end()
    with _call(capacity, _B):
        pass


def test_slot_of_a_call_that_had_ended_before_comes_back() -> None:
    capacity, call = Capacity(total=1, per_caller=1), _Call()
    call.end()
    with capacity.slot(_A, call):
        pass
    assert capacity.taken == 0


def test_cancelled_call_gives_its_slot_back_though_its_handler_runs() -> None:
    capacity, call = Capacity(total=1, per_caller=1), _Call()
    with capacity.slot(_A, call):
        call.end()
        with _call(capacity, _B):
            pass
        assert not capacity.close(0)  # but the end of the process waits for the handler
    assert capacity.close(0)


def test_call_that_stands_still_gives_way_to_another_caller() -> None:
    clock, still = _Clock(), _Call()
    capacity = Capacity(1, 1, clock)
    with capacity.slot(_A, still) as slot, slot.waiting():
        clock.moment = 4.9
        with pytest.raises(Overloaded), _call(capacity, _B):
            pass
        clock.moment = 5.1
        with _call(capacity, _B):
            assert still.cancelled
            assert slot.gave_way


def test_call_that_stands_still_gives_way_to_another_of_its_own_caller() -> None:
    clock, still = _Clock(), _Call()
    capacity = Capacity(8, 1, clock)
    with capacity.slot(_A, still) as slot, slot.waiting():
        clock.moment = 60
        with _call(capacity, _B):
            assert not still.cancelled  # there is room
        with _call(capacity, _A):
            assert still.cancelled


def test_answer_that_is_not_taken_gives_way() -> None:
    clock, still = _Clock(), _Call()
    capacity = Capacity(1, 1, clock)
    with capacity.slot(_A, still):
        clock.moment = 60  # the handler's own time is not the client's
        with pytest.raises(Overloaded), _call(capacity, _B):
            pass
    clock.moment = 66
    with _call(capacity, _B):
        assert still.cancelled


def test_who_sends_on_a_slow_line_keeps_the_slot_and_who_sends_crumbs_does_not() -> None:
    clock = _Clock()
    capacity = Capacity(2, 1, clock)
    line, crumbs = _Call(), _Call()
    with capacity.slot(_A, line) as slow, capacity.slot(_B, crumbs) as loris:
        for _ in range(60):
            with slow.waiting(), loris.waiting():
                clock.moment += 1
            slow.received(128 << 10)
            loris.received(16)
        with slow.waiting(), loris.waiting(), _call(capacity, _C):
            assert crumbs.cancelled
            assert not line.cancelled


def test_large_answer_has_the_time_of_a_slow_line_and_a_large_request_buys_none() -> None:
    clock, still = _Clock(), _Call()
    capacity = Capacity(1, 1, clock)
    with capacity.slot(_A, still) as slot:
        slot.received(4 << 20)
        slot.sending(4 << 20)
    clock.moment = 4 * 8 + 4.9
    with pytest.raises(Overloaded), _call(capacity, _B):
        pass
    clock.moment += 0.2
    with _call(capacity, _B):
        assert still.cancelled


def test_the_one_furthest_behind_gives_way_first() -> None:
    clock, calls = _Clock(), [_Call() for _ in range(3)]
    capacity = Capacity(3, 3, clock)
    with ExitStack() as running:
        for call in calls:
            slot = running.enter_context(capacity.slot(_A, call))
            running.enter_context(slot.waiting())
            clock.moment += 10
        with _call(capacity, _B):
            assert [call.cancelled for call in calls] == [True, False, False]


def test_nothing_begins_after_the_end() -> None:
    capacity = Capacity(total=1, per_caller=1)
    assert capacity.close(0)
    with pytest.raises(Overloaded, match="stopping"), _call(capacity, _A):
        pass
