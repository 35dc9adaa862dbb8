"""Withdrawing declared relatives, and what comes after it."""

from __future__ import annotations

import pytest

from services.chassis.refusals import InvalidRequest, NotFound
from services.registry.entries import RelativeStatus
from services.registry.rpc import ACTIONS
from services.rules.roles import Role, may
from tests.district import person
from tests.unit.services.registry.conftest import Registry
from tests.unit.services.registry.sheets_of_declarations import row, sheet


@pytest.fixture
def official(registry: Registry) -> bytes:
    registry.take(sheet(row(person(1)), row(None, "李小某", "子女")))
    registry.woken.clear()
    return registry.listed()[0].official.ref


def test_named_relative_is_withdrawn_and_the_worker_is_woken(
    registry: Registry, official: bytes
) -> None:
    assert registry.withdraw(official, registry.ref_of("李某")) == 1
    assert registry.statuses()["李某"] is RelativeStatus.WITHDRAWN
    assert registry.statuses()["王某"] is RelativeStatus.ENTERED
    assert registry.pending() == 1
    assert len(registry.woken) == 1


def test_nobody_named_withdraws_the_whole_declaration(registry: Registry, official: bytes) -> None:
    assert registry.withdraw(official) == 3
    assert set(registry.statuses().values()) == {RelativeStatus.WITHDRAWN}
    assert registry.pending() == 0
    assert registry.withdraw(official) == 0


def test_relative_of_another_official_is_not_found(registry: Registry, official: bytes) -> None:
    registry.take(sheet(row(person(7), "赵某", official=person(900_002), official_name="钱某")))
    with pytest.raises(NotFound):
        registry.withdraw(official, registry.ref_of("赵某"))
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED


def test_unknown_official_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound):
        registry.withdraw(bytes(16))


@pytest.mark.parametrize(
    "reason", ["", "   ", "长" * 201, "见13983000000", "证件11010119900307775X"]
)
def test_reason_is_needed_and_holds_no_personal_data(
    registry: Registry, official: bytes, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        registry.withdraw(official, reason=reason)
    assert refused.value.message_zh
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED


def test_malformed_reference_is_refused(registry: Registry, official: bytes) -> None:
    with pytest.raises(InvalidRequest):
        registry.withdraw(official, b"short")


def test_withdrawal_leaves_reason_and_opaque_reference_in_the_trail(
    registry: Registry, official: bytes
) -> None:
    registry.withdraw(official, reason="离婚")
    entry = registry.trail()[-1]
    assert (entry.action, entry.reason) == ("withdraw-relatives", "离婚")
    assert (entry.subject, entry.outcome) == (official.hex(), "withdrawn 3")


def test_relative_declared_again_after_withdrawal_is_sealed_again_and_told(
    registry: Registry, official: bytes
) -> None:
    registry.withdraw(official, registry.ref_of("李某"))
    done = registry.take(sheet(row(person(1))))
    assert [n.row for n in done.notices if "已重新参加比对" in n.text] == [2]
    assert registry.statuses()["李某"] is RelativeStatus.ENTERED
    assert done.changed == 1


def test_row_without_a_number_does_not_revive_a_withdrawn_person(
    registry: Registry, official: bytes
) -> None:
    registry.withdraw(official, registry.ref_of("李某"))
    done = registry.take(sheet(row(None)))
    assert done.new == 1  # another person of that name, number not known
    assert registry.pending() == 1


def test_looking_leaves_its_trail(registry: Registry, official: bytes) -> None:
    registry.listed()
    assert registry.trail()[-1].action == "list-declarations"


def test_R31_who_enters_does_not_take_out_of_the_match() -> None:
    (action,) = ACTIONS["WithdrawRelatives"]
    assert [role for role in Role if may([role], action)] == [Role.RESPONSIBLE_LEADER]
