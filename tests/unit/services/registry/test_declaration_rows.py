"""services.registry.declaration_sheet: the rows of a flat table become declarations of officials."""

from __future__ import annotations

import io

import pytest
import xlsxwriter
import xlwt

from libmatch.identifiers import Kind, Sex
from libmatch.relations import Relation
from services.chassis.sheets import SheetError
from tests.unit.services.registry.declaration_tables import (
    FLAT,
    OFFICIAL,
    SON,
    SPOUSE,
    changed,
    number,
    only_problem,
    read,
    read_flat,
    told,
    xlsx,
)

# --- flat -----------------------------------------------------------------------------------------


def test_all_fields_of_official_and_relative_are_read() -> None:
    remark = [*SPOUSE[:9], "备注内容"]
    (declaration,) = read_flat([*OFFICIAL, *remark]).declarations
    official, (relative,) = declaration.official, declaration.relatives
    assert (official.identifier.kind, official.identifier.idn) == (Kind.RESIDENT_ID, number(1))
    assert (official.name, official.sex, official.political) == ("张三", Sex.MALE, "中共党员")
    assert (official.unit, official.post, official.rank, official.work) == (
        "区农委",
        "科长",
        "正科",
        "农机",
    )
    assert (official.discipline, official.household, official.phone) == (
        False,
        "涪陵区",
        "13800138000",
    )
    assert official.missing == ()
    assert str(official.position) == "工作表“申报”第2行"
    assert relative.identifier is not None
    assert relative.identifier.idn == number(2, male=False)
    assert (relative.name, relative.sex, relative.relation) == ("李四", Sex.FEMALE, Relation.SPOUSE)
    assert (relative.political, relative.household, relative.remark) == (
        "群众",
        "涪陵区",
        "备注内容",
    )
    assert declaration.pledge is None


def test_blank_official_part_means_the_official_above() -> None:
    result = read_flat(
        [*OFFICIAL, *SPOUSE], [""] * 11 + SON, [], [""] * 11 + changed(SON, _6=number(4))
    )
    (declaration,) = result.declarations
    assert len(declaration.relatives) == 3
    assert result.report.tally.skipped == {"表头及以上的行": 1, "空行": 1}


def test_merged_official_cells_mean_the_official_above() -> None:
    rows = [FLAT, [*OFFICIAL, *SPOUSE], [*[""] * 11, *SON]]
    (declaration,) = read(xlsx(*rows, merges=((1, 0, 2, 0), (1, 8, 2, 8)))).declarations
    assert len(declaration.relatives) == 2


def test_half_blank_official_part_is_not_the_official_above() -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], ["王五", *[""] * 10, *SON])
    assert only_problem(result) == (3, "I", "没有填写证件号码")


def test_relative_above_every_official_is_refused() -> None:
    result = read_flat([""] * 11 + SPOUSE, [*OFFICIAL, *SON])
    assert only_problem(result)[:2] == (2, "A")
    assert len(result.declarations) == 1


def test_official_without_relatives_is_a_declaration() -> None:
    (declaration,) = read_flat([*OFFICIAL, *[""] * 10]).declarations
    assert declaration.relatives == ()


def test_rows_below_a_wrong_official_are_refused_with_him() -> None:
    result = read_flat([*changed(OFFICIAL, _8="1"), *SPOUSE], [""] * 11 + SON)
    assert [problem[:2] for problem in told(result.report)] == [(2, "I"), (3, "")]
    assert "第2行" in result.report.problems[1].what
    assert result.declarations == ()
    assert (result.report.tally.taken, result.report.tally.refused) == (0, 2)


def test_same_official_in_two_sheets_is_one_declaration() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for name, relative in (("一", SPOUSE), ("二", SON)):
            page = book.add_worksheet(name)
            page.write_row(0, 0, FLAT)
            page.write_row(1, 0, [*changed(OFFICIAL, _6="" if name == "一" else "农机"), *relative])
    (declaration,) = read(buffer.getvalue()).declarations
    assert [r.relation for r in declaration.relatives] == [Relation.SPOUSE, Relation.CHILD]
    assert declaration.official.work == "农机"


@pytest.mark.parametrize(
    ("column", "value", "letter"), [(0, "王五", "A"), (4, "股长", "E"), (7, "是", "H")]
)
def test_contradictory_data_of_one_official_are_refused(
    column: int, value: str, letter: str
) -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], [*changed(OFFICIAL, **{f"_{column}": value}), *SON])
    row, where, what = only_problem(result)
    assert (row, where) == (3, letter)
    assert "第2行" in what
    assert len(result.declarations[0].relatives) == 1


def test_same_relative_twice_is_one_and_the_blanks_are_filled() -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SPOUSE, _4="某厂")])
    ((relative,),) = [declaration.relatives for declaration in result.declarations]
    assert relative.unit == "某厂"
    assert result.report.tally.taken == 2
    assert any("重复" in notice.text for notice in result.report.notices)


@pytest.mark.parametrize(
    ("column", "value", "letter"), [(0, "李五", "L"), (2, "本人的兄弟姐妹", "N")]
)
def test_one_relative_with_two_names_or_relations_is_refused(
    column: int, value: str, letter: str
) -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SPOUSE, **{f"_{column}": value})])
    assert only_problem(result)[:2] == (3, letter)


def test_relative_with_the_officials_own_number_is_refused() -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, _1="", _6=number(1))])
    assert only_problem(result)[:2] == (2, "R")


def test_row_of_the_official_himself_is_folded_into_him() -> None:
    own = ["张三", "男", "本人", "", "", "", number(1), "", "", ""]
    (declaration,) = read_flat([*OFFICIAL, *own], [*OFFICIAL, *SPOUSE]).declarations
    assert [r.relation for r in declaration.relatives] == [Relation.SPOUSE]


@pytest.mark.parametrize(("column", "value", "letter"), [(0, "张四", "L"), (6, number(9), "R")])
def test_row_of_the_official_himself_must_agree_with_him(
    column: int, value: str, letter: str
) -> None:
    own = ["张三", "男", "本人", "", "", "", number(1), "", "", ""]
    result = read_flat([*OFFICIAL, *changed(own, **{f"_{column}": value})])
    assert only_problem(result)[:2] == (2, letter)


# --- headings of flat tables ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "headings",
    [
        "干部姓名 性别 单位 职务 身份证号 亲属姓名 性别 与报告人关系 身份证号",
        "姓名 性别 单位 职务 身份证号 亲属姓名 性别 亲属关系 身份证号",
        "报告人姓名 性别 单位 职务 身份证号 亲属关系 姓名 性别 公民身份号码",
        "党员干部姓名 报告人性别 工作单位 职务 报告人身份证号 家属姓名 家属性别 称谓 家属身份证号",
    ],
)
def test_unmarked_columns_belong_to_the_part_where_they_stand(headings: str) -> None:
    heads = headings.split()
    values = ["张三", "男", "区农委", "科长", number(1)]
    tail = ["李四", "女", "配偶", number(2, male=False)]
    if heads[5] == "亲属关系":
        tail = ["配偶", "李四", "女", number(2, male=False)]
    result = read(xlsx(heads, [*values, *tail]))
    assert told(result.report) == []
    (declaration,) = result.declarations
    assert (declaration.official.name, declaration.official.post) == ("张三", "科长")
    assert [(r.name, r.sex) for r in declaration.relatives] == [("李四", Sex.FEMALE)]


def test_two_line_headings_below_a_title_are_read() -> None:
    rows = [
        ["党员干部及其亲属关系汇总表"],
        ["报告人", "", "", "亲属", "", ""],
        ["姓名", "身份证\n号码", "单位", "姓名", "亲属\n关系", "身份证号码"],
        ["张三", number(1), "区农委", "李四", "配偶", number(2)],
        ["合计", "", "", "1人"],
        ["本人承诺：对亲属情况进行如实报告。"],
    ]
    result = read(xlsx(*rows, merges=((0, 0, 0, 5), (1, 0, 1, 2), (1, 3, 1, 5))))
    assert told(result.report) == []
    assert result.declarations[0].official.unit == "区农委"
    assert result.report.tally.skipped == {"表头及以上的行": 3, "合计行": 1, "说明行": 1}


def test_missing_required_column_is_named() -> None:
    heads = [h for h in FLAT if h != "报告人身份证号码"]
    with pytest.raises(SheetError) as caught:
        read(xlsx(heads, ["x"] * len(heads)))
    assert "“报告人身份证号码”" in caught.value.message_zh


def test_sheet_without_headings_is_refused() -> None:
    with pytest.raises(SheetError) as caught:
        read(xlsx([*OFFICIAL, *SPOUSE]))
    assert "找不到表头行" in caught.value.message_zh


def test_unknown_columns_are_left_out_with_a_notice() -> None:
    result = read(xlsx([*FLAT, "血型"], [*OFFICIAL, *SPOUSE, "O"]))
    assert "V列“血型”" in result.report.notices[0].text


def test_csv_and_xls_give_the_same_declarations_as_xlsx() -> None:
    rows = [FLAT, [*OFFICIAL, *SPOUSE], [*OFFICIAL, *SON]]
    book = xlwt.Workbook(encoding="utf-8")
    page = book.add_sheet("申报")
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            page.write(r, c, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    csv = "\n".join(",".join(row) for row in rows).encode("gb18030")
    expected = read(xlsx(*rows)).declarations
    assert read(buffer.getvalue(), "申报.et").declarations == expected
    assert read(csv, "申报.csv").declarations == expected
