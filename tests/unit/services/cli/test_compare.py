"""services.cli compare: what it finds in two lists, and what its result says and does not say."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from demo.district import build_district
from demo.sheets import enter_district
from demo.truth import expected_truth
from libmatch.identifiers import Identifier, Kind
from services.cli.comparison import mask_number
from services.cli.exits import Exit
from services.cli.main import main
from tests.unit.services.cli.compared_tables import (
    ITEM,
    OFFICIAL,
    RELATIVE,
    declared,
    hits,
    item,
    number,
    sheet,
    table,
)

RELATIVES = {"赵钱孙": 11, "周吴郑": 12, "冯陈褚": 13}


def account(path: Path) -> dict[str, Any]:
    return {row[0]: row[1] for row in sheet(path, "说明")}


def test_declared_persons_among_the_beneficiaries_are_found(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hits.xlsx"

    assert main(["compare", str(declarations), str(beneficiaries), "--out", str(out)]) == Exit.OK

    found = [(h["编号"], h["党员干部姓名"], h["与受益人关系"], h["受益人姓名"]) for h in hits(out)]
    assert found == [
        ("JZ-2026-001", "欧阳甲", "配偶", "赵钱孙"),
        ("JZ-2026-003", "欧阳甲", "本人", "欧阳甲"),
        ("JZ-2026-004", "司马乙", "本人的父母", "冯陈禇"),
    ]


def test_a_hit_tells_official_item_and_where_both_stand(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])
    first, last = hits(out)[0], hits(out)[-1]

    assert (first["单位"], first["职务"], first["资金名称"]) == ("区财政局", "科长", "临时救助")
    assert first["金额（元）"] == 500
    assert last["金额（元）"] == 1234.5
    assert first["受益名单位置"] == "受益 1 “beneficiaries”第2行"
    assert first["申报表位置"] == "申报 1 “declarations”第2行"
    assert first["提示"] is None
    assert "姓名不一致" in last["提示"]


def test_the_result_says_that_a_hit_is_no_violation(
    declarations: Path,
    beneficiaries: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])

    assert sheet(out)[0][0].startswith("比中不等于违规")
    assert "比中不等于违规" in capsys.readouterr().out


def test_no_full_number_is_in_the_result_and_no_person_on_the_terminal(
    declarations: Path,
    beneficiaries: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])
    shown = capsys.readouterr()
    cells = [
        str(cell)
        for name in ("比对结果", "未采纳的行", "说明")
        for row in sheet(out, name)
        for cell in row
    ]

    for index in (1, 2, 11, 12, 13, 40):
        assert not any(number(index) in cell for cell in cells)
        assert number(index) not in shown.out + shown.err
    for name in (*RELATIVES, "欧阳甲", "司马乙", "冯陈禇", "褚卫蒋"):
        assert name not in shown.out + shown.err


def test_the_account_says_what_was_compared(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])
    told = account(out)

    assert told["申报的党员干部（人）"] == 2
    assert told["参加比对的本人和亲属"] == 5
    assert told["受益事项（项）"] == 4
    assert told["参加比对的受益人（人次）"] == 4
    assert told["比中（条）"] == 3
    assert told["其中姓名不一致（条）"] == 1
    assert len(told["申报 1：SHA-256"]) == 64
    assert told["受益 1：行数"] == "共 5，采纳 4，未采纳 0"


def test_the_result_is_its_owners_alone(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])

    assert out.stat().st_mode & 0o777 == 0o600
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_rows_that_were_not_taken_are_told_and_written_to_be_corrected(
    beneficiaries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = number(12)[:-1] + ("0" if number(12)[-1] != "0" else "1")
    path = table(
        tmp_path / "wrong.csv",
        OFFICIAL + RELATIVE,
        [
            declared(1, "赵钱孙", "配偶", number(11)),
            declared(1, "周吴郑", "子女", wrong),
            declared(1, "孙李周", "子女", "", "在国外，正在补报"),
        ],
    )
    out = tmp_path / "hits.xlsx"

    code = main(["compare", str(path), str(beneficiaries), "--out", str(out)])

    assert code == Exit.PARTIAL
    shown = capsys.readouterr().out
    assert "第3行" in shown
    assert wrong not in shown
    mend = tmp_path / "hits-待改正-申报1.xlsx"
    assert str(mend) in shown.replace("\n", "")
    assert mend.stat().st_mode & 0o777 == 0o600
    assert {p.name for p in tmp_path.glob("*待改正*")} == {mend.name}
    kinds = [row[0] for row in sheet(out, "未采纳的行")]
    assert kinds == ["类别", "未采纳", "未比对"]
    assert account(out)["未比对：无证件号码的亲属"] == 1
    assert len(hits(out)) == 2  # the spouse and the official himself; good rows are kept


def test_several_files_count_the_same_person_once(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    more = table(
        tmp_path / "more.csv", ITEM, [item("JZ-2026-009", "周吴郑", number(12), "医疗救助")]
    )
    out = tmp_path / "hits.xlsx"
    args = ["compare", str(declarations), str(beneficiaries), "--out", str(out)]
    args += ["--declarations", str(declarations), "--beneficiaries", str(more)]
    args += ["--beneficiaries", str(beneficiaries)]

    assert main(args) == Exit.OK
    assert [h["编号"] for h in hits(out)] == [
        "JZ-2026-001",
        "JZ-2026-003",
        "JZ-2026-004",
        "JZ-2026-009",
    ]
    assert account(out)["受益事项（项）"] == 5


def test_texts_that_look_like_formulas_stay_texts(declarations: Path, tmp_path: Path) -> None:
    path = table(
        tmp_path / "formula.csv", ITEM, [item("A-10001", "赵钱孙", number(11), "=1+1", "1")]
    )
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(path), "--out", str(out)])
    cell = next(
        cell
        for row in openpyxl.load_workbook(out)["比对结果"].iter_rows()
        for cell in row
        if cell.value == "=1+1"
    )

    assert cell.data_type == "s"


@pytest.mark.parametrize(
    ("kind", "idn", "shown"),
    [
        (Kind.RESIDENT_ID, "11010119900307775X", "110101********775X"),
        (Kind.PASSPORT, "E12345678", "E1*****78"),
        (Kind.CREDIT_CODE, "91350100M000100Y43", "91350100M000100Y43"),
    ],
)
def test_a_persons_number_is_masked_and_a_companys_is_not(kind: Kind, idn: str, shown: str) -> None:
    assert mask_number(Identifier(kind, idn)) == shown


def test_the_time_of_the_comparison_has_a_zone(
    declarations: Path, beneficiaries: Path, tmp_path: Path
) -> None:
    out = tmp_path / "hits.xlsx"
    main(["compare", str(declarations), str(beneficiaries), "--out", str(out)])

    made = datetime.strptime(account(out)["比对时间"], "%Y-%m-%d %H:%M:%S %z")
    assert abs((datetime.now().astimezone() - made).total_seconds()) < 60


def test_the_known_overlaps_of_a_district_are_found_and_no_other(tmp_path: Path) -> None:
    sheets = enter_district(build_district(300, 700, seed=11))
    units = {file.unit.id for file in sheets.declarations} | {f.unit.id for f in sheets.lists}
    folders = {unit: tmp_path / unit for unit in units}
    for folder in folders.values():
        folder.mkdir()
    declared = [str(file.write(folders[file.unit.id])) for file in sheets.declarations]
    listed = [str(file.write(folders[file.unit.id])) for file in sheets.lists]
    out = tmp_path / "hits.xlsx"
    args = ["compare", declared[0], listed[0], "--out", str(out)]
    args += [part for path in declared[1:] for part in ("--declarations", path)]
    args += [part for path in listed[1:] for part in ("--beneficiaries", path)]

    assert main(args) == Exit.PARTIAL

    truth = expected_truth(sheets)
    found = Counter((h["党员干部姓名"], h["编号"], h["与受益人关系"]) for h in hits(out))
    known = Counter((h.official.person.name, h.item.ref, h.relation) for h in truth.hits)
    assert found == known
    assert len(known) > 40
    assert account(out)["未采纳的行"] == sum(truth.refused.values())
