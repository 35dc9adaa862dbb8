"""The gate for whole items: CLEAR only where every live person is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from libmatch.clearances import Clearance, ClearanceAnswer, ClearanceStatus, HoldReason
from libmatch.errors import EpochError, ServiceError
from services.beneficiary.check_items import CheckItems, ItemClearance
from services.beneficiary.lists import ListKind
from services.chassis.db import to_micros
from services.chassis.refusals import InvalidRequest
from services.rules.gate import Hold
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person
from tests.unit.services.beneficiary.conftest import CLERK, Unit, row, sheet
from tests.unit.services.beneficiary.signing_unit import Office

EPOCH = bytes(32)
REF = "MZ-2026-001"
CLEAR, HOLD, PENDING, NOT_SUBMITTED = (
    ClearanceStatus.CLEAR,
    ClearanceStatus.HOLD,
    ClearanceStatus.PENDING,
    ClearanceStatus.NOT_SUBMITTED,
)


@dataclass
class DecidedGate:
    """A gate whose answers the test decides."""

    answers: dict[bytes, ClearanceStatus] = field(default_factory=dict)
    expires: dict[bytes, int] = field(default_factory=dict)
    epoch: bytes = EPOCH
    asked: list[int] = field(default_factory=list)
    reason: HoldReason | None = None

    def check_clearance(self, rids: Sequence[bytes]) -> ClearanceAnswer:
        self.asked.append(len(rids))
        at = to_micros(NOW) + len(self.asked)
        later = to_micros(NOW + timedelta(days=30))
        clearances = tuple(
            Clearance(
                rid,
                status,
                self.expires.get(rid, later) if status is CLEAR else 0,
                self.reason if status is HOLD else None,
            )
            for rid in rids
            for status in [self.answers.get(rid, CLEAR)]
        )
        return ClearanceAnswer(self.epoch, at, 100 + len(self.asked), 99, clearances)


@pytest.fixture
def gate() -> DecidedGate:
    return DecidedGate()


def check(unit: Unit, gate: DecidedGate, *refs: str) -> list[ItemClearance]:
    return use_case(unit, gate).run(CLERK, refs or [REF])


def use_case(unit: Unit, gate: DecidedGate) -> CheckItems:
    terms = (unit.store, gate, EPOCH, lambda: NOW, packaged_rulesets())
    return CheckItems(*terms, must_sign=unit.must_sign)


def two_persons(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    unit.accept_all()


def test_item_is_clear_when_every_person_is(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    (answer,) = check(unit, gate)
    assert answer.status is CLEAR
    assert answer.expires_at_us == to_micros(NOW + timedelta(days=30))
    assert (answer.tree_size, answer.leaf_index) == (101, 99)
    assert gate.asked == [2]


@pytest.mark.parametrize("status", [HOLD, PENDING, NOT_SUBMITTED])
def test_one_person_who_is_not_clear_decides(
    unit: Unit, gate: DecidedGate, status: ClearanceStatus
) -> None:
    two_persons(unit)
    gate.answers[unit.rid_of("赵某")] = status
    (answer,) = check(unit, gate)
    assert (answer.status, answer.expires_at_us) == (status, 0)


def test_hold_outweighs_everything(unit: Unit, gate: DecidedGate) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某"), row(person(3), name="钱某")))
    unit.accept_all()
    gate.answers = {unit.rid_of("李某"): PENDING, unit.rid_of("赵某"): HOLD}
    gate.answers[unit.rid_of("钱某")] = NOT_SUBMITTED
    assert check(unit, gate)[0].status is HOLD


def test_entered_but_unsent_person_keeps_the_item_pending(unit: Unit, gate: DecidedGate) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    unit.take(sheet(row(), row(person(2), name="赵某")))
    assert check(unit, gate)[0].status is PENDING


def test_correction_that_is_not_accepted_yet_is_pending(unit: Unit, gate: DecidedGate) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    unit.take(sheet(row(地点="另一个村")))
    assert check(unit, gate)[0].status is PENDING
    assert gate.asked == []


def test_unsent_person_does_not_hide_a_hold(unit: Unit, gate: DecidedGate) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    unit.take(sheet(row(), row(person(2), name="赵某")))
    gate.answers[unit.rid_of("李某")] = HOLD
    assert check(unit, gate)[0].status is HOLD


def test_unknown_and_withdrawn_items_are_not_submitted(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    unit.withdraw(REF)
    answers = check(unit, gate, REF, "没有这一项")
    assert [answer.status for answer in answers] == [NOT_SUBMITTED, NOT_SUBMITTED]
    assert [answer.item_ref for answer in answers] == [REF, "没有这一项"]
    assert gate.asked == []


def test_withdrawn_person_no_longer_counts(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    held = unit.rid_of("赵某")
    unit.withdraw(REF)
    unit.take(sheet(row()))
    unit.accept_all()
    gate.answers[held] = HOLD
    assert check(unit, gate)[0].status is CLEAR


def test_earliest_expiry_counts(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    soon = to_micros(NOW + timedelta(days=2))
    gate.expires[unit.rid_of("赵某")] = soon
    assert check(unit, gate)[0].expires_at_us == soon


def test_expired_clearance_is_not_clear(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    gate.expires[unit.rid_of("赵某")] = to_micros(NOW)
    assert check(unit, gate)[0].status is PENDING


def test_gate_of_another_epoch_is_not_believed(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    gate.epoch = bytes([1]) * 32
    with pytest.raises(EpochError):
        check(unit, gate)


def test_gate_out_of_reach_gives_no_answer(unit: Unit) -> None:
    class Down(DecidedGate):
        def check_clearance(self, rids: Sequence[bytes]) -> ClearanceAnswer:
            raise ServiceError("UNAVAILABLE", "", "down", "")

    two_persons(unit)
    with pytest.raises(ServiceError):
        check(unit, Down())


def test_gate_is_asked_about_at_most_1000_records_at_a_time(unit: Unit, gate: DecidedGate) -> None:
    unit.take(sheet(*(row(person(n), name="李某") for n in range(1001))))
    unit.accept_all()
    (answer,) = check(unit, gate)
    assert gate.asked == [1000, 1]
    assert (answer.status, answer.tree_size) == (CLEAR, 102)
    assert answer.checked_at_us == to_micros(NOW) + 1  # the older of the two


@pytest.mark.parametrize("count", [0, 501])
def test_number_of_items_in_one_question_is_limited(
    unit: Unit, gate: DecidedGate, count: int
) -> None:
    with pytest.raises(InvalidRequest):
        use_case(unit, gate).run(CLERK, [REF] * count)


def test_checking_leaves_its_trail(unit: Unit, gate: DecidedGate) -> None:
    two_persons(unit)
    check(unit, gate)
    entry = unit.trail()[-1]
    assert (entry.action, entry.outcome) == ("check-items", "items 1")


def outcome(unit: Unit, gate: DecidedGate) -> tuple[ClearanceStatus, tuple[Hold, ...]]:
    (answer,) = check(unit, gate)
    return answer.status, answer.holds


def test_R25_R47_item_of_an_unsigned_list_is_not_submitted(unit: Unit, gate: DecidedGate) -> None:
    office = Office(unit)
    list_id = office.imported(row())
    assert outcome(unit, gate) == (NOT_SUBMITTED, (Hold.UNSIGNED,))
    office.sign(list_id)
    assert outcome(unit, gate) == (NOT_SUBMITTED, (Hold.UNSIGNED,))  # and reviewed it must be
    office.review(list_id)
    assert outcome(unit, gate) == (PENDING, (Hold.NOT_MATCHED,))
    unit.accept_all()
    assert outcome(unit, gate) == (CLEAR, ())


def test_R25_R47_item_entered_before_there_were_signatures_waits_for_one(
    unit: Unit, gate: DecidedGate
) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    assert outcome(unit, gate) == (CLEAR, ())
    unit.must_sign = True
    assert outcome(unit, gate) == (NOT_SUBMITTED, (Hold.UNSIGNED,))


def test_R25_R47_altered_list_keeps_the_item_pending(unit: Unit, gate: DecidedGate) -> None:
    office = Office(unit)
    office.in_force(row())
    correction = office.imported(row(地点="另一个村"))
    assert outcome(unit, gate) == (PENDING, (Hold.ALTERED,))
    assert gate.asked == [1]  # what is in force is still in the match, and asked about
    gate.answers[unit.rid_of("李某")] = HOLD
    assert outcome(unit, gate)[0] is HOLD
    office.steps.discard(CLERK, correction, "录入有误")
    gate.answers.clear()
    assert outcome(unit, gate) == (CLEAR, ())


def test_R47_R61_person_added_by_the_actual_list_is_not_clear_unmatched(
    unit: Unit, gate: DecidedGate
) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    unit.take(sheet(row(), row(person(2), name="赵某")), kind=ListKind.POST)
    assert outcome(unit, gate) == (PENDING, (Hold.NOT_MATCHED,))
    unit.accept_all()
    gate.answers[unit.rid_of("赵某")] = HOLD
    assert outcome(unit, gate)[0] is HOLD


def test_R47_R61_item_without_a_proposed_list_is_not_submitted(
    unit: Unit, gate: DecidedGate
) -> None:
    unit.take(sheet(row()), kind=ListKind.POST)
    unit.accept_all()
    (answer,) = check(unit, gate)
    assert (answer.status, answer.holds) == (NOT_SUBMITTED, (Hold.NO_PRE_LIST,))
    assert answer.expires_at_us == 0


@pytest.mark.parametrize(
    ("reason", "hold"),
    [
        (HoldReason.UNVERIFIED, Hold.TO_VERIFY),
        (HoldReason.NOT_COMPLIANT, Hold.NOT_COMPLIANT),
        (HoldReason.UNPUBLISHED, Hold.TO_PUBLISH),
        (HoldReason.OBJECTION, Hold.OBJECTED),
        (HoldReason.UNREADABLE, Hold.UNEXPLAINED),
        (None, None),
    ],
)
def test_R47_hold_says_what_the_gate_says_of_it(
    unit: Unit, gate: DecidedGate, reason: HoldReason | None, hold: Hold | None
) -> None:
    two_persons(unit)
    gate.answers[unit.rid_of("赵某")] = HOLD
    gate.reason = reason
    assert outcome(unit, gate) == (HOLD, () if hold is None else (hold,))


def test_R47_unknown_item_says_that_nobody_is_listed(unit: Unit, gate: DecidedGate) -> None:
    assert outcome(unit, gate) == (NOT_SUBMITTED, (Hold.NO_PERSONS,))
