"""What of a sheet is in the notice's scope: programmes, persons, time (R26 to R29)."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.beneficiary.config import BeneficiarySettings, open_catalogue
from services.chassis.config import ConfigError
from services.holder.imports import Imported
from services.rules.catalogue import load_catalogue, packaged_catalogue
from tests.district import person
from tests.unit.services.beneficiary.conftest import HEADINGS, Unit, row, sheet

DECISION = """
[[programme]]
name = "住房补助"
universal = "向全体住户发放"
decided_by = "区城乡建委"
decided_on = 2026-01-05
"""
COMPANY = {"承建单位": "某公司", "统一社会信用代码": "91350100M000100Y43"}
NOBODY = {"姓名": "", "身份证号码": ""}


def problems(done: Imported) -> list[tuple[int, str]]:
    return [(problem.row, problem.what) for problem in done.report.problems]


def told(done: Imported, part: str) -> list[str]:
    return [notice.text for notice in done.notices if part in notice.text]


def test_R26_universal_programme_is_refused_with_its_reason(unit: Unit) -> None:
    done = unit.take(sheet(row(), row(person(2), "MZ-2026-002", "赵某", 资金名称="高龄津贴")))
    ((where, why),) = problems(done)
    assert where == 3
    assert "“高龄津贴”属于普惠制资金（达到规定年龄的老年人均可领取）" in why
    assert "（规则R26）" in why
    assert list(unit.statuses()) == [("MZ-2026-001", "李某")]


def test_R26_universal_name_of_the_item_alone_is_refused_too(unit: Unit) -> None:
    named = {"资金名称": "", "项目名称": "2026年度某村耕地地力保护补贴"}
    assert len(problems(unit.take(sheet(row() | named)))) == 1


def test_R26_programme_that_nobody_decided_is_matched_and_told_once(unit: Unit) -> None:
    undecided = [row(person(n), f"MZ-2026-00{n}") for n in (1, 2, 3)]
    done = unit.take(sheet(*undecided))
    assert unit.pending() == 3
    (text,) = told(done, "是否属于普惠制")
    assert text.endswith("共3行")
    assert "主管部门" in text


def test_R26_decision_of_the_district_holds_from_the_next_import(unit: Unit) -> None:
    unit.catalogue = packaged_catalogue().extended(load_catalogue(DECISION).programmes)
    done = unit.take(sheet(row()))
    assert "向全体住户发放" in problems(done)[0][1]
    assert unit.pending() == 0


@pytest.mark.parametrize(
    "name", ["某村道路整治工程", "2026年物业服务", "某村一事一议项目", "工程招标代理服务"]
)
def test_R27_projects_and_services_are_taken_without_a_word(unit: Unit, name: str) -> None:
    done = unit.take(sheet(row(资金名称="", 项目名称=name)))
    assert (problems(done), told(done, "普惠制")) == ([], [])


def test_R28_company_alone_is_refused(unit: Unit) -> None:
    ((_, why),) = problems(unit.take(sheet(row() | NOBODY | COMPANY)))
    assert "请补录该单位的法定代表人或委托代理人" in why
    assert unit.pending() == 0


def test_R28_company_with_its_legal_representative_is_two_persons(unit: Unit) -> None:
    legal = {"法定代表人": "赵某", "法定代表人身份证号码": person(2).idn}
    assert unit.take(sheet(row() | NOBODY | COMPANY | legal)).new == 2


def test_R28_persons_of_an_item_may_stand_in_rows_of_their_own(unit: Unit) -> None:
    rows = (row() | NOBODY | COMPANY, row(person(2), name="赵某"))
    assert unit.take(sheet(*rows)).new == 2


def test_R29_item_finished_before_the_first_batch_is_refused(unit: Unit) -> None:
    old = row() | {"发放时间": "2016-05-01", "完成时间": "2017-12-01"}
    done = unit.take(sheet(old, headings=(*HEADINGS, "完成时间")))
    ((_, why),) = problems(done)
    assert "不在比对范围内" in why
    assert unit.pending() == 0


@pytest.mark.parametrize("finished", ["", "2018-08-01"])
def test_R29_old_item_that_was_unfinished_at_the_cutoff_is_taken(unit: Unit, finished: str) -> None:
    old = row() | {"发放时间": "2016-05-01", "完成时间": finished}
    done = unit.take(sheet(old, headings=(*HEADINGS, "完成时间")))
    assert (problems(done), unit.pending()) == ([], 1)
    assert bool(told(done, "按尚未完成处理")) is not bool(finished)


def test_R29_end_before_the_beginning_is_refused(unit: Unit) -> None:
    wrong = row() | {"完成时间": "2026-02-01"}
    done = unit.take(sheet(wrong, headings=(*HEADINGS, "完成时间")))
    assert "完成时间早于实施起始时间" in problems(done)[0][1]


def test_R29_missing_date_is_taken_and_told(unit: Unit) -> None:
    done = unit.take(sheet(row(发放时间="")))
    assert unit.pending() == 1
    assert len(told(done, "没有填写实施起始时间")) == 1


def settings(folder: Path, text: str | bytes) -> BeneficiarySettings:
    """Settings of which ``open_catalogue`` reads the one that is tested."""
    path = folder / "decisions.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return BeneficiarySettings.model_construct(catalogue=path)


def test_R26_decisions_stand_before_the_packaged_catalogue(tmp_path: Path) -> None:
    catalogue = open_catalogue(settings(tmp_path, DECISION))
    assert catalogue.programmes[0].name == "住房补助"
    assert len(catalogue.programmes) == len(packaged_catalogue().programmes) + 1
    without = BeneficiarySettings.model_construct(catalogue=None)
    assert open_catalogue(without) == packaged_catalogue()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DECISION.replace('decided_by = "区城乡建委"', ""), "decided_by"),
        ("[[programme]]\nname = 1", "name"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_decisions_that_cannot_be_used_stop_the_start(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_catalogue(settings(tmp_path, text))
    (problem,) = caught.value.problems
    assert says in problem
    assert "decisions.toml" in problem
