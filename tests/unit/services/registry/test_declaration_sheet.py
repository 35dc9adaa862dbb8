"""services.registry.declaration_sheet: both shapes of a declaration, from real files."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import xlwt

from libmatch.check_digits import resident_check
from libmatch.identifiers import Kind, Sex
from libmatch.relations import Relation
from services.chassis.sheets import SheetError, SheetReport, write_problem_file
from services.registry.declaration_sheet import DeclarationImport, read_declarations

TODAY = date(2018, 8, 1)
FLAT = [
    "报告人姓名",
    "报告人性别",
    "报告人政治面貌",
    "报告人单位",
    "报告人职务",
    "报告人职级",
    "具体工作",
    "是否纪检干部",
    "报告人身份证号码",
    "报告人户籍地址",
    "报告人手机号码",
    "亲属姓名",
    "亲属性别",
    "亲属关系",
    "亲属政治面貌",
    "亲属单位",
    "亲属职务",
    "亲属身份证号码",
    "亲属手机号码",
    "亲属户籍地址",
    "备注",
]
FIRST_RELATIVE = FLAT.index("亲属姓名")


def number(n: int, *, male: bool = True) -> str:
    """A valid resident id; n from 0 to 499 makes different ones."""
    body = f"50010219700101{2 * n + male:03d}"
    return body + resident_check(body)


OFFICIAL = [
    "张三",
    "男",
    "中共党员",
    "区农委",
    "科长",
    "正科",
    "农机",
    "否",
    number(1),
    "涪陵区",
    "13800138000",
]
SPOUSE = ["李四", "女", "配偶", "群众", "", "", number(2, male=False), "", "涪陵区", ""]
SON = ["张小三", "男", "子女", "", "", "", number(3), "", "", ""]


def changed(row: list[Any], **values: Any) -> list[Any]:
    """The row with some cells replaced, by position: ``_3="x"``."""
    copy = list(row)
    for key, value in values.items():
        copy[int(key[1:])] = value
    return copy


def xlsx(
    *rows: list[Any], merges: tuple[tuple[int, int, int, int], ...] = (), name: str = "申报"
) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet(name)
        for r, row in enumerate(rows):
            page.write_row(r, 0, row)
        for top, left, bottom, right in merges:
            page.merge_range(top, left, bottom, right, rows[top][left])
    return buffer.getvalue()


def read(data: bytes, name: str = "a.xlsx") -> DeclarationImport:
    return read_declarations(data, name, today=TODAY)


def read_flat(*rows: list[Any]) -> DeclarationImport:
    return read(xlsx(FLAT, *rows))


def told(report: SheetReport) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.what) for problem in report.problems]


def only_problem(result: DeclarationImport) -> tuple[int, str, str]:
    (problem,) = told(result.report)
    return problem


# --- flat ---------------------------------------------------------------------------------------


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


# --- single fields ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "letter"),
    [
        (0, "李4", "L"),
        (0, "", "L"),
        (1, "男", "M"),
        (1, "未知", "M"),
        (2, "侄子", "N"),
        (2, "", "N"),
        (6, "510102", "R"),
        (6, 5.10102199001011e17, "R"),
        (6, "5.10E+17", "R"),
        (6, number(2)[:-1] + "A", "R"),
        (6, "91500102MA5U00000X", "R"),
        (7, "12345", "S"),
        (7, "张三", "S"),
        (9, "很" * 201, "U"),
    ],
)
def test_wrong_field_of_a_relative_is_refused_where_it_stands(
    column: int, value: Any, letter: str
) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, **{f"_{column}": value})], [*OFFICIAL, *SON])
    assert only_problem(result)[:2] == (2, letter)
    assert result.report.problems[0].cure
    assert [r.relation for r in result.declarations[0].relatives] == [Relation.CHILD]


@pytest.mark.parametrize(
    ("column", "value", "letter"), [(7, "不是", "H"), (7, "√", "H"), (1, "女", "B")]
)
def test_wrong_field_of_an_official_is_refused_where_it_stands(
    column: int, value: str, letter: str
) -> None:
    result = read_flat([*changed(OFFICIAL, **{f"_{column}": value}), *SPOUSE])
    assert only_problem(result)[:2] == (2, letter)


def test_number_turned_into_a_float_names_the_cell_and_the_cure() -> None:
    (problem,) = read_flat([*OFFICIAL, *changed(SPOUSE, _6=510102199001011000)]).report.problems
    assert (problem.row, problem.column, problem.heading) == (2, "R", "亲属身份证号码")
    assert "已经丢失" in problem.what
    assert "文本" in problem.cure


def test_15_digits_full_width_and_small_x_are_taken() -> None:
    small_x = next(number(n) for n in range(10, 499) if number(n).endswith("X")).lower()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number(5))
    values = [500102700101101, "'" + wide, f" {small_x} "]
    rows = [[*OFFICIAL, *changed(SON, _6=value)] for value in values]
    result = read_flat(*rows)
    assert told(result.report) == []
    numbers = [r.identifier.idn for r in result.declarations[0].relatives if r.identifier]
    assert numbers == ["500102197001011016"[:17] + numbers[0][-1], number(5), small_x.upper()]


def test_passport_is_taken_where_the_kind_says_so() -> None:
    heads = [*FLAT, "亲属证件类型"]
    row = [*OFFICIAL, *changed(SPOUSE, _6="A1234567B"), "护照"]
    (declaration,) = read(xlsx(heads, row)).declarations
    assert declaration.relatives[0].identifier is not None
    assert declaration.relatives[0].identifier.kind is Kind.PASSPORT


@pytest.mark.parametrize(
    ("idn", "remark"), [("", "失散多年，10月底前补报"), ("不详", "出国"), ("已故", "")]
)
def test_unknown_number_with_a_reason_is_a_status_of_its_own(idn: str, remark: str) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, _6=idn, _9=remark)])
    (relative,) = result.declarations[0].relatives
    assert relative.identifier is None
    assert relative.remark == (remark or idn)
    assert any("没有证件号码" in notice.text for notice in result.report.notices)


@pytest.mark.parametrize(("idn", "remark"), [("", ""), ("无", ""), ("/", ""), ("不详", "无")])
def test_unknown_number_without_a_reason_is_refused(idn: str, remark: str) -> None:
    result = read_flat([*OFFICIAL, *changed(SPOUSE, _6=idn, _9=remark)])
    assert only_problem(result)[:2] == (2, "R")


def test_other_relation_needs_a_remark() -> None:
    row = [*OFFICIAL, *changed(SPOUSE, _2="其他具有法定扶养、赡养关系的亲属")]
    assert only_problem(read_flat(row))[:2] == (2, "U")
    assert told(read_flat(changed(row, _20="抚养的孤儿")).report) == []


def test_blank_fields_of_r17_are_named_and_not_refused() -> None:
    result = read_flat([*changed(OFFICIAL, _5="", _7=""), *SPOUSE])
    assert result.declarations[0].official.missing == ("职级", "是否纪检干部")
    assert "有1名报告人没有填写“职级”" in [notice.text for notice in result.report.notices]


# --- headings of flat tables --------------------------------------------------------------------


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


# --- the form of annex 2 ------------------------------------------------------------------------

REPORTER = [
    "姓  名",
    "性别",
    "政治\n\n面貌",
    "单位",
    "职务",
    "职级",
    "主管、分管或从事\n\n的具体工作",
    "是否纪检干部",
    "身份证号码",
    "户籍地址",
    "手机号码",
]
RELATIVES = [
    "姓名",
    "性别",
    "亲属\n\n关系",
    "政治\n\n面貌",
    "单位",
    "职务",
    "身份证号码",
    "手机号码",
    "户籍地址",
    "备  注",
]
PLEDGE = "本人承诺：对亲属情况进行如实报告。\n\n承诺人签字：{}            {}"
NOTES = "说明：1.本表由党员干部本人填写并签名；2.……"


def form(
    official: list[Any], *relatives: list[Any], signer: str = "张三", day: str = "2018年 7月 1日"
) -> list[list[Any]]:
    return [
        ["党员干部及其亲属关系基本情况报告表"],
        ["一、报告人基本情况"],
        REPORTER,
        official,
        ["二、报告人亲属基本情况"],
        RELATIVES,
        *relatives,
        [""],
        ["报告人承诺", PLEDGE.format(signer, day)],
        ["责任领导\n\n意    见", "同意。李领导 2018年7月2日"],
        [NOTES],
    ]


def read_form(*args: Any, **kwargs: Any) -> DeclarationImport:
    return read(xlsx(*form(*args, **kwargs), merges=((0, 0, 0, 10), (1, 0, 1, 10)), name="张三"))


def test_form_of_annex_2_is_read() -> None:
    result = read_form(OFFICIAL, SPOUSE, SON)
    assert told(result.report) == []
    (declaration,) = result.declarations
    assert declaration.official.work == "农机"
    assert [r.name for r in declaration.relatives] == ["李四", "张小三"]
    assert declaration.pledge is not None
    assert (declaration.pledge.signer, declaration.pledge.signed_on) == ("张三", date(2018, 7, 1))
    assert declaration.opinion == "同意。李领导 2018年7月2日"
    tally = result.report.tally
    assert (tally.taken, tally.refused) == (3, 0)
    assert tally.skipped == {"表头及以上的行": 5, "承诺和意见栏": 3, "空行": 1}


def test_form_with_labels_beside_merged_values_is_read() -> None:
    values = dict(zip(REPORTER, OFFICIAL, strict=True))
    rows: list[list[Any]] = [["党员干部亲属关系报告表"]]
    pairs = list(values.items())
    for start in range(0, len(pairs), 3):
        rows.append(
            [cell for label, value in pairs[start : start + 3] for cell in (label, value, "")]
        )
    merges = tuple(
        (r, c + 1, r, c + 2) for r in range(1, len(rows)) for c in range(0, len(rows[r]), 3)
    )
    rows += [RELATIVES, SPOUSE, ["报告人承诺", PLEDGE.format("", "年    月   日")]]
    result = read(xlsx(*rows, merges=merges))
    assert told(result.report) == []
    (declaration,) = result.declarations
    assert (declaration.official.name, declaration.official.phone) == ("张三", "13800138000")
    assert len(declaration.relatives) == 1
    assert declaration.pledge is not None
    assert not declaration.pledge.complete


def test_one_form_a_sheet_many_sheets_a_workbook() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for n in (1, 20):
            page = book.add_worksheet(str(n))
            official = changed(OFFICIAL, _8=number(n))
            for r, row in enumerate(form(official, changed(SPOUSE, _6=number(n + 1, male=False)))):
                page.write_row(r, 0, row)
        book.add_worksheet("Sheet3")
    result = read(buffer.getvalue())
    assert len(result.declarations) == 2
    assert result.report.problems == ()


@pytest.mark.parametrize(
    "signing", [{"signer": "", "day": "年  月  日"}, {"day": "年 月 日"}, {"signer": ""}]
)
def test_unsigned_or_undated_pledge_is_incomplete(signing: dict[str, str]) -> None:
    result = read_form(OFFICIAL, SPOUSE, **signing)
    pledge = result.declarations[0].pledge
    assert pledge is not None
    assert not pledge.complete
    assert any("承诺" in notice.text for notice in result.report.notices)


@pytest.mark.parametrize(
    "signing", [{"signer": "王五"}, {"day": "2018年2月30日"}, {"day": "2018年9月1日"}]
)
def test_pledge_of_another_or_of_an_impossible_day_refuses_the_form(
    signing: dict[str, str],
) -> None:
    result = read_form(OFFICIAL, SPOUSE, **signing)
    assert result.declarations == ()
    assert result.report.problems[0].row == 9
    assert (result.report.tally.taken, result.report.tally.refused) == (0, 3)


def test_wrong_reporter_refuses_the_form_whole() -> None:
    result = read_form(changed(OFFICIAL, _8=number(1)[:-1]), SPOUSE)
    assert [problem[:2] for problem in told(result.report)] == [(4, "I"), (7, "")]
    assert result.declarations == ()


def test_wrong_relative_of_a_form_is_refused_alone() -> None:
    result = read_form(OFFICIAL, changed(SPOUSE, _2="表哥"), SON)
    assert only_problem(result)[:2] == (7, "C")
    assert [r.name for r in result.declarations[0].relatives] == ["张小三"]


def test_two_reporters_in_one_form_are_refused() -> None:
    rows = form(OFFICIAL, SPOUSE)
    rows.insert(4, changed(OFFICIAL, _8=number(9)))
    with pytest.raises(SheetError, match="two reporters"):
        read(xlsx(*rows))


def test_relatives_without_a_reporter_are_refused() -> None:
    with pytest.raises(SheetError) as caught:
        read(xlsx(RELATIVES, SPOUSE))
    assert "报告人姓名" in caught.value.message_zh


def test_unusable_sheet_beside_a_good_one_is_reported_and_the_good_one_kept() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        good, bad = book.add_worksheet("好"), book.add_worksheet("坏")
        for r, row in enumerate(([*FLAT], [*OFFICIAL, *SPOUSE])):
            good.write_row(r, 0, row)
        for r, row in enumerate((RELATIVES, SPOUSE)):
            bad.write_row(r, 0, row)
    result = read(buffer.getvalue())
    assert len(result.declarations) == 1
    (problem,) = result.report.problems
    assert (problem.sheet, problem.row) == ("坏", 1)
    assert result.report.tally.refused == 2


# --- correct and import again -------------------------------------------------------------------


def mended(report: SheetReport, cell: str, value: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(write_problem_file(report)))
    book.worksheets[0][cell] = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_corrected_rows_of_a_flat_table_name_their_official_and_are_taken() -> None:
    result = read_flat(
        [*OFFICIAL, *SPOUSE], [""] * 11 + changed(SON, _6=5.1e17), [""] * 11 + changed(SON, _2="x")
    )
    assert result.report.tally.refused == 2
    again = read(mended(result.report, "R2", number(3)))
    (declaration,) = again.declarations
    assert declaration.official.name == "张三"
    assert [r.name for r in declaration.relatives] == ["张小三"]
    assert len(again.report.problems) == 1


def test_unmended_rows_are_refused_again_for_the_same_reasons() -> None:
    result = read_flat(
        [*OFFICIAL, *changed(SPOUSE, _6=510102199001011000)], [*changed(OFFICIAL, _7="x"), *SON]
    )
    again = read(write_problem_file(result.report))
    assert [p.what for p in again.report.problems] == [p.what for p in result.report.problems]
    assert [declaration.relatives for declaration in again.declarations] == [()]


def test_corrected_form_is_taken() -> None:
    result = read_form(OFFICIAL, changed(SPOUSE, _2="表哥"), SON)
    again = read(mended(result.report, "C7", "配偶"))
    assert again.report.problems == ()
    (declaration,) = again.declarations
    assert [r.name for r in declaration.relatives] == ["李四"]
    assert declaration.pledge is not None
    assert declaration.pledge.complete


def test_same_file_twice_gives_the_same_result() -> None:
    data = xlsx(FLAT, [*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SON, _6="1")])
    assert read(data).declarations == read(data).declarations
    assert read(data).report.problems == read(data).report.problems


def test_nothing_personal_shows_in_reprs_and_problems() -> None:
    result = read_flat([*OFFICIAL, *SPOUSE], [*OFFICIAL, *changed(SON, _1="女", _7="1380013")])
    shown = repr(result) + "".join(map(str, result.report.problems))
    for secret in ("张三", "李四", "张小三", number(1), number(3), "1380013"):
        assert secret not in shown
