"""Importing items: what is new, changed, unchanged; what is told; withdrawal."""

from __future__ import annotations

import pytest

from services.beneficiary.entries import PersonStatus
from services.chassis.refusals import InvalidRequest, NotFound
from services.chassis.sheets import SheetError
from services.holder.imports import Imported
from tests.district import person
from tests.unit.services.beneficiary.conftest import HEADINGS, Unit, row, sheet

REF = "MZ-2026-001"


def counts(done: Imported) -> tuple[int, int, int]:
    return (done.new, done.changed, done.unchanged)


def told(done: Imported, part: str) -> list[int]:
    """The rows whose notices contain ``part``."""
    return [notice.row for notice in done.notices if part in notice.text]


def test_every_person_of_an_item_is_entered_and_the_worker_is_woken(unit: Unit) -> None:
    legal = {"承建单位": "某公司", "法定代表人": "赵某", "法定代表人身份证号码": person(2).idn}
    done = unit.take(sheet(row() | legal))
    assert counts(done) == (2, 0, 0)
    assert unit.statuses() == {
        (REF, "李某"): PersonStatus.ENTERED,
        (REF, "赵某"): PersonStatus.ENTERED,
    }
    assert len(unit.woken) == 1


def test_same_file_again_changes_nothing(unit: Unit) -> None:
    data = sheet(row(), row(person(3), "", "无编号"), row(person(4), "MZ-2026-002", "钱某"))
    assert unit.take(data).new == 3
    before = unit.listed()
    assert counts(unit.take(data)) == (0, 0, 3)
    assert unit.listed() == before
    assert unit.pending() == 3


def test_derived_references_are_the_same_for_every_import_and_differ_between_units(
    unit: Unit,
) -> None:
    unit.take(sheet(row(ref="")))
    first = unit.listed()[0].item.item_ref
    assert first
    key = unit.store.read_ref_key()
    assert len(key) == 32
    assert unit.store.read_ref_key() == key


def test_refused_rows_do_not_keep_good_rows_out(unit: Unit) -> None:
    bad = row(ref="MZ-2026-002") | {"身份证号码": "500102198001010000"}
    done = unit.take(sheet(row(), bad))
    assert done.report.tally.refused == 1
    assert list(unit.statuses()) == [(REF, "李某")]


def test_changed_fact_of_an_item_corrects_every_person(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    unit.accept_all()
    more = {"金额（元）": "1500"}
    done = unit.take(sheet(row() | more, row(person(2), name="赵某") | more))
    assert counts(done) == (0, 2, 0)
    assert set(unit.statuses().values()) == {PersonStatus.ENTERED}
    assert unit.listed()[0].item.amount_fen == 150000


def test_changed_remark_is_kept_and_corrects_nothing(unit: Unit) -> None:
    unit.take(sheet(row()))
    unit.accept_all()
    assert counts(unit.take(sheet(row(备注="已核实")))) == (0, 1, 0)
    assert set(unit.statuses().values()) == {PersonStatus.ACCEPTED}


def test_changed_name_of_a_person_is_a_correction(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    unit.accept_all()
    assert counts(unit.take(sheet(row(name="李某某"), row(person(2), name="赵某")))) == (0, 1, 1)
    assert unit.statuses()[REF, "李某某"] is PersonStatus.ENTERED
    assert unit.statuses()[REF, "赵某"] is PersonStatus.ACCEPTED


def test_blank_cells_never_erase_what_was_entered(unit: Unit) -> None:
    unit.take(sheet(row()))
    assert counts(unit.take(sheet(row(地点="", 发放时间="")))) == (0, 0, 1)
    assert unit.listed()[0].item.place == "某村"


def test_person_missing_from_a_later_file_stays_and_is_told(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    done = unit.take(sheet(row()))
    assert told(done, "原有1人不在本表中") == [2]
    assert unit.statuses()[REF, "赵某"] is PersonStatus.ENTERED


def test_withdrawn_person_is_not_told_as_missing(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    unit.withdraw(REF)
    assert told(unit.take(sheet(row())), "不在本表中") == []


def test_other_number_of_the_same_name_is_a_new_person_and_told(unit: Unit) -> None:
    unit.take(sheet(row()))
    done = unit.take(sheet(row(person(2))))
    assert done.new == 1
    assert told(done, "原有同名人员") == [2]
    assert unit.pending() == 2


def test_company_is_a_person_of_its_own_kind(unit: Unit) -> None:
    company = {"承建单位": "某公司", "统一社会信用代码": "91350100M000100Y43"}
    unit.kinds = (1,)
    done = unit.take(sheet(row() | company))
    assert done.new == 2
    assert told(done, "证件类型不在本期比对范围") == [0]


def test_file_that_cannot_be_used_leaves_only_its_trail(unit: Unit) -> None:
    with pytest.raises(SheetError):
        unit.take(sheet({"编号": "1"}, headings=("编号", "颜色")))
    assert unit.listed() == []
    assert unit.trail()[0].outcome == "file refused"
    assert unit.woken == []


def test_withdrawn_item_is_live_no_more_and_can_come_back(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    assert unit.withdraw(REF) == 2
    assert set(unit.statuses().values()) == {PersonStatus.WITHDRAWN}
    assert unit.pending() == 0
    assert unit.withdraw(REF) == 0
    done = unit.take(sheet(row()))
    assert counts(done) == (0, 1, 0)
    assert told(done, "已重新参加比对") == [2]
    assert unit.statuses()[REF, "李某"] is PersonStatus.ENTERED
    assert unit.statuses()[REF, "赵某"] is PersonStatus.WITHDRAWN


def test_withdrawal_leaves_reason_and_opaque_reference_in_the_trail(unit: Unit) -> None:
    unit.take(sheet(row(ref="202600000000001")))  # shaped like a number of a person
    unit.withdraw("202600000000001", "重复录入")
    entry = unit.trail()[-1]
    assert (entry.action, entry.reason, entry.outcome) == (
        "withdraw-item",
        "重复录入",
        "withdrawn 1",
    )
    assert entry.subject == unit.listed()[0].item.ref.hex()


def test_unknown_item_and_missing_reason_are_refused(unit: Unit) -> None:
    with pytest.raises(NotFound):
        unit.withdraw("nothing")
    unit.take(sheet(row()))
    with pytest.raises(InvalidRequest):
        unit.withdraw(REF, "")


def test_headings_in_any_order_are_the_same_item(unit: Unit) -> None:
    unit.take(sheet(row()))
    assert counts(unit.take(sheet(row(), headings=HEADINGS[::-1]))) == (0, 0, 1)
