"""services.chassis.guard: capacity is given back whatever happens."""

from __future__ import annotations

import pytest

from services.chassis.guard import Capacity
from services.chassis.identity import Identity
from services.chassis.refusals import Overloaded

_A = Identity("fuling", "unit", "a")
_B = Identity("fuling", "unit", "b")


def test_one_caller_cannot_take_all() -> None:
    capacity = Capacity(total=3, per_caller=2)
    with capacity.slot(_A), capacity.slot(_A):
        with pytest.raises(Overloaded, match="of this caller"), capacity.slot(_A):
            pass
        with capacity.slot(_B):
            assert capacity.running == 3


def test_all_together_cannot_take_more_than_the_total() -> None:
    capacity = Capacity(total=2, per_caller=2)
    with capacity.slot(_A), capacity.slot(_B):
        with pytest.raises(Overloaded, match="at once") as refusal, capacity.slot(_B):
            pass
        assert refusal.value.retry_after_s > 0


def test_slot_comes_back_after_an_exception() -> None:
    capacity = Capacity(total=1, per_caller=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), capacity.slot(_A):
            raise ValueError("x")
    assert capacity.running == 0


def test_callers_of_the_past_are_forgotten() -> None:
    capacity = Capacity(total=1, per_caller=1)
    for number in range(100):
        with capacity.slot(Identity("fuling", "unit", str(number))):
            pass
    assert not capacity._running
