"""Proposed and actual lists of an item (R61): matched both, compared, told when overdue."""

from __future__ import annotations

import pytest

from services.beneficiary.entries import PersonStatus
from services.beneficiary.lists import ListKind
from services.beneficiary.reconciling import ReconciledItem
from services.holder.accounts import Accounts
from services.holder.store.accounts import AccountStore
from services.rules.catalogue import load_catalogue
from services.rules.reconcile import Difference
from tests.district import NOW, person
from tests.rules_samples import refusal
from tests.unit.services.beneficiary.conftest import CLERK, Unit, row, sheet
from tests.unit.services.beneficiary.signing_unit import Office, reconciler

REF = "MZ-2026-001"
POST = ListKind.POST
ONE = row()
ADDED = row(person(2), name="赵某")


def differences(unit: Unit, *refs: str) -> list[tuple[Difference, str]]:
    """Kind and name of every difference, in a trial."""
    (item,) = reconciled(unit, *(refs or (REF,)))
    return [(one.difference, item.names[one.person]) for one in item.findings]


def reconciled(unit: Unit, *refs: str) -> list[ReconciledItem]:
    accounts = Accounts(AccountStore(unit.database), "ben-a", None, lambda: NOW)
    return reconciler(unit, accounts).run(CLERK, refs, "")


def test_R61_person_who_was_added_is_matched_and_reported(unit: Unit) -> None:
    unit.take(sheet(ONE))
    unit.accept_all()
    unit.take(sheet(ONE, ADDED), kind=POST)
    assert unit.statuses() == {
        (REF, "李某"): PersonStatus.ACCEPTED,
        (REF, "赵某"): PersonStatus.ENTERED,
    }
    assert differences(unit) == [(Difference.ADDED, "赵某")]


def test_R61_person_who_is_missing_stays_in_the_match_and_is_reported(unit: Unit) -> None:
    unit.take(sheet(ONE, ADDED))
    unit.accept_all()
    done = unit.take(sheet(ONE), kind=POST)
    assert any("事前名单中有1人不在本表中" in notice.text for notice in done.notices)
    assert unit.statuses()[REF, "赵某"] is PersonStatus.ACCEPTED
    assert differences(unit) == [(Difference.MISSING, "赵某")]


def test_R61_other_amount_corrects_the_record_and_is_reported(unit: Unit) -> None:
    unit.take(sheet(ONE))
    unit.accept_all()
    unit.take(sheet(ONE | {"金额（元）": "1500"}), kind=POST)
    assert unit.statuses() == {(REF, "李某"): PersonStatus.ENTERED}
    (item,) = reconciled(unit, REF)
    (found,) = item.findings
    assert found.difference is Difference.AMOUNT
    assert found.before is not None
    assert found.after is not None
    assert (found.before.amount_fen, found.after.amount_fen) == (120050, 150000)


def test_R61_other_capacity_is_reported(unit: Unit) -> None:
    headings = (*ONE, "身份类型")
    unit.take(sheet(ONE | {"身份类型": "受益人"}, headings=headings))
    unit.take(sheet(ONE | {"身份类型": "委托代理人"}, headings=headings), kind=POST)
    assert differences(unit) == [(Difference.CAPACITY, "李某")]


def test_R61_item_without_proposed_list_is_reported_person_by_person(unit: Unit) -> None:
    unit.take(sheet(ONE, ADDED), kind=POST)
    assert differences(unit) == [
        (Difference.NO_PRE_LIST, "李某"),
        (Difference.NO_PRE_LIST, "赵某"),
    ]


def test_R61_same_list_has_no_difference_and_changes_no_record(unit: Unit) -> None:
    unit.take(sheet(ONE, ADDED))
    unit.accept_all()
    done = unit.take(sheet(ONE, ADDED), kind=POST)
    assert (done.new, done.changed, done.unchanged) == (0, 0, 2)
    assert set(unit.statuses().values()) == {PersonStatus.ACCEPTED}
    assert differences(unit) == []


def test_R61_amount_of_a_later_proposed_list_is_that_of_all_its_persons(unit: Unit) -> None:
    unit.take(sheet(ONE, ADDED))
    dearer = {"金额（元）": "1500"}
    unit.take(sheet(ONE | dearer))
    unit.take(sheet(ONE | dearer, ADDED | dearer), kind=POST)
    assert differences(unit) == []


def test_R61_proposed_list_is_closed_once_the_actual_one_is_there(unit: Unit) -> None:
    unit.take(sheet(ONE))
    unit.take(sheet(ONE), kind=POST)
    said = refusal("R61", unit.take, sheet(ONE, ADDED)).message_zh
    assert "第2行的事项已有事后名单" in said
    assert unit.trail()[-1].outcome == "refused R61"
    assert list(unit.statuses()) == [(REF, "李某")]
    assert unit.take(sheet(ONE)).unchanged == 1  # the same again is no change


def test_R61_actual_list_that_nobody_signed_says_nothing_yet(unit: Unit) -> None:
    office = Office(unit)
    office.in_force(ONE)
    waiting = office.imported(ONE, ADDED, kind=POST)
    assert list(unit.statuses()) == [(REF, "李某")]
    (item,) = office.reconcile(REF)
    assert (item.has_post, item.findings) == (False, ())
    office.review(waiting)
    office.sign(waiting)
    (item,) = office.reconcile()
    assert [one.difference for one in item.findings] == [Difference.ADDED]
    assert unit.statuses()[REF, "赵某"] is PersonStatus.ENTERED


def test_R63_comparison_says_why_and_is_in_the_trail(unit: Unit) -> None:
    office = Office(unit)
    office.in_force(ONE)
    refusal("R63", office.reconcile, REF, reason="")
    office.reconcile(REF, reason="核对实施情况")
    entry = unit.trail()[-1]
    assert (entry.action, entry.reason) == ("list-reconciled", "核对实施情况")


# 2026-06-01 is the day in these tests; the list is due 30 days after it was carried out.


@pytest.mark.parametrize(("started", "overdue"), [("2026-05-02", False), ("2026-05-01", True)])
def test_R61_fund_is_due_from_its_payment(unit: Unit, started: str, overdue: bool) -> None:
    unit.take(sheet(ONE | {"发放时间": started, "资金名称": "临时救助"}))
    (item,) = reconciled(unit, REF)
    assert (item.has_post, item.overdue) == (False, overdue)
    assert [one.item.item_ref for one in reconciled(unit)] == ([REF] if overdue else [])


def test_R61_project_is_due_from_its_end_and_not_before_it_has_one(unit: Unit) -> None:
    project = ONE | {"资金名称": "村道整治工程", "发放时间": "2025-03-01"}
    unit.take(sheet(project))
    (item,) = reconciled(unit, REF)
    assert (item.due_on, item.overdue) == (None, False)
    unit.take(sheet(project | {"完成时间": "2026-04-01"}, headings=(*ONE, "完成时间")))
    (item,) = reconciled(unit, REF)
    assert (str(item.due_on), item.overdue) == ("2026-05-01", True)
    unit.take(sheet(project), kind=POST)
    (item,) = reconciled(unit, REF)
    assert (item.has_post, item.overdue) == (True, False)


def test_withdrawn_item_is_not_compared(unit: Unit) -> None:
    unit.take(sheet(ONE), kind=POST)
    unit.withdraw(REF)
    assert reconciled(unit, REF) == []
    unit.take(sheet(ONE))  # and its proposed list is open again
    assert unit.pending() == 1


def test_R61_category_of_the_districts_own_decision_tells_when_a_project_is_due(unit: Unit) -> None:
    unit.catalogue = unit.catalogue.extended(
        load_catalogue(
            '[[programme]]\nname = "住房补助"\ncategory = "项目建设"\n'
            'decided_by = "区城乡建委"\ndecided_on = 2026-01-05\n'
        ).programmes
    )
    unit.take(sheet(ONE | {"发放时间": "2025-03-01"}))
    (item,) = reconciled(unit, REF)
    assert item.due_on is None
