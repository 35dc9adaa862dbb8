"""services.chassis.sheets: files to sheets, cells to values, headings, and the file to correct."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import xlwt

from services.chassis.sheets import (
    CellError,
    Correction,
    Field,
    FieldIndex,
    Merge,
    Notice,
    Problem,
    RowKind,
    RowRules,
    Sheet,
    SheetError,
    SheetReport,
    Tally,
    classify_rows,
    column_letter,
    filled_down,
    find_header,
    left_out_columns,
    parse_date,
    parse_fen,
    parse_person_name,
    read_workbook,
    require_header,
    text_of,
    what_and_cure,
    without_added_columns,
    write_problem_file,
)

FIELDS = (
    Field("name", ("姓名", "名字"), required=True),
    Field("idn", ("身份证号码", "身份证号"), required=True),
    Field("amount", ("金额",)),
    Field("boss", ("法定代表人姓名",)),
    Field("boss_idn", ("法定代表人身份证号码",)),
)
INDEX = FieldIndex(FIELDS)


def xlsx(fill: Callable[[Any, Any], None]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        fill(book, book.add_worksheet("甲"))
    return buffer.getvalue()


def xls(rows: list[list[object]], name: str = "甲") -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    page = book.add_sheet(name)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            page.write(r, c, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def sheet(*rows: list[Any], merges: tuple[Merge, ...] = ()) -> Sheet:
    width = max(map(len, rows), default=0)
    return Sheet("甲", [row + [""] * (width - len(row)) for row in rows], merges)


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(SheetError) as caught:
        read_workbook(data, name)
    return caught.value.message_zh


# --- reading ------------------------------------------------------------------------------------


def test_xlsx_cells_keep_their_type_and_address() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write(1, 1, "张三")
        page.write_number(1, 2, 12.5)
        page.write_datetime(2, 1, datetime(2018, 3, 5), book.add_format({"num_format": "yyyy/m/d"}))  # noqa: DTZ001  # cells have no zone
        page.write_boolean(2, 2, True)
        page.merge_range(3, 0, 4, 1, "合并")

    (read,) = read_workbook(xlsx(fill), "名单.xlsx").sheets
    assert read.name == "甲"
    assert read.rows[1] == ["", "张三", 12.5]
    assert read.rows[2] == ["", date(2018, 3, 5), True]
    assert read.rows[3] == ["合并", "", ""]
    assert read.merges == (Merge(3, 0, 4, 1),)


def test_hidden_rows_and_hidden_sheets_are_read() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write(0, 0, "甲")
        page.set_row(0, None, None, {"hidden": True})
        hidden = book.add_worksheet("藏")
        hidden.write(0, 0, "乙")
        hidden.hide()

    first, second = read_workbook(xlsx(fill), "a.xlsx").sheets
    assert first.rows == [["甲"]]
    assert second.rows == [["乙"]]


@pytest.mark.parametrize("name", ["a.xls", "a.et", "A.XLS"])
def test_xls_and_et_are_read(name: str) -> None:
    (read,) = read_workbook(xls([["姓名"], ["张三"], [3.0]]), name).sheets
    assert read.rows == [["姓名"], ["张三"], [3.0]]


def test_et_in_the_newer_container_is_read() -> None:
    (read,) = read_workbook(xlsx(lambda _, page: page.write(0, 0, "x")), "a.et").sheets
    assert read.rows == [["x"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv_is_read_in_each_encoding_and_separator(encoding: str, separator: str) -> None:
    text = (
        separator.join(("姓名", "村，组", "身份证号"))
        + "\r\n"
        + separator.join(("张三", "一社", "51"))
    )
    (read,) = read_workbook(text.encode(encoding), "名单.csv").sheets
    assert read.name == "名单"
    assert read.rows == [["姓名", "村，组", "身份证号"], ["张三", "一社", "51"]]


def test_csv_takes_quoted_line_breaks_and_rare_characters() -> None:
    text = '姓名,备注\n𠮷田,"一\n二,三"\n短行\n'
    (read,) = read_workbook(text.encode("gb18030"), "a.csv").sheets
    assert read.rows == [["姓名", "备注"], ["𠮷田", "一\n二,三"], ["短行", ""]]


def test_csv_unwraps_digits_that_an_export_kept_as_text() -> None:
    (read,) = read_workbook(b'a,b\n="500102",=1+1\n', "a.csv").sheets
    assert read.rows[1] == ["500102", "=1+1"]


def test_sheet_of_one_column_is_read() -> None:
    (read,) = read_workbook("姓名\n张三\n".encode(), "a.csv").sheets
    assert read.rows == [["姓名"], ["张三"]]


HTML = b"\xef\xbb\xbf\r\n<html><head><meta charset=gb2312></head><table><tr><td>1</td></tr></table>"


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"", "a.xlsx", "文件是空的"),
        (b"\0\0\0\n", "a.csv", "文件是空的"),
        (HTML, "a.xls", "网页"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "a.xls", "网页"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "a.xls", "XML"),
        (b"%PDF-1.7 ...", "a.xlsx", "PDF"),
        ("姓名,身份证号\n".encode(), "a.xls", "扩展名改为“.csv”"),
        ("姓名,身份证号\n".encode(), "a.txt", "扩展名改为“.csv”"),
        ("姓名\n".encode("gb18030") + b"\xff\xff", "a.csv", "编码无法识别"),
        (b'a,b\n"open,1\n', "a.csv", "双引号不成对"),
        (b"\x01\x02\x00\x04" * 30, "a.xlsx", "损坏"),
        (b"PK\x03\x04" + b"x" * 200, "a.xlsx", "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\1" * 600, "a.xls", "损坏"),
    ],
)
def test_what_is_no_table_is_refused_with_the_cure(data: bytes, name: str, says: str) -> None:
    text = refusal(data, name)
    assert says in text
    assert "请" in text


def ole_with(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\1" * 504 + (stream + "\0").encode("utf-16-le")


def test_word_document_and_encrypted_workbook_are_named() -> None:
    assert "Word" in refusal(ole_with("WordDocument"), "a.doc")
    assert "打开密码" in refusal(ole_with("EncryptedPackage"), "a.xlsx")


def test_docx_and_plain_zip_are_no_workbooks() -> None:
    for part, says in (("word/document.xml", "Word"), ("readme.txt", "压缩包")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(part, "x")
        assert says in refusal(buffer.getvalue(), "a.xlsx")


def test_xls_with_a_password_is_refused() -> None:
    data = bytearray(xls([["姓名"]]))
    at = data.index(b"\x09\x08\x10\x00")  # the BOF record of the globals stream
    filepass = b"\x2f\x00\x02\x00\x01\x00"
    data[at + 20 : at + 20 + len(filepass)] = filepass
    assert "打开密码" in refusal(bytes(data), "a.xls")


@pytest.mark.parametrize("name", ["a.dat", "名单", "a.xlsx.bak"])
def test_good_content_under_an_unknown_ending_says_which_ending_to_use(name: str) -> None:
    text = refusal(xlsx(lambda _, page: page.write(0, 0, "x")), name)
    assert "扩展名改为“.xlsx”" in text


@pytest.mark.parametrize("keep", [100, 1000, -30])
def test_truncated_workbooks_are_refused(keep: int) -> None:
    assert "损坏" in refusal(xlsx(lambda _, page: page.write(0, 0, "x"))[:keep], "a.xlsx")


def test_truncated_xls_is_refused() -> None:
    data = xls([[f"第{r}行"] for r in range(3000)])
    assert "损坏" in refusal(data[: len(data) // 3], "a.xls")


def test_file_over_the_limit_is_refused() -> None:
    assert "文件太大" in refusal(b"x" * (64 * 1024 * 1024 + 1), "a.csv")


def test_zip_bomb_is_refused() -> None:
    data = bytearray(xlsx(lambda _, page: page.write(0, 0, "x")))
    entry = data.index(b"PK\x01\x02")  # the first entry of the directory; its full size at 24
    data[entry + 24 : entry + 28] = (2_000_000_000).to_bytes(4, "little")
    assert "太大" in refusal(bytes(data), "a.xlsx")


def test_zip_bomb_that_lies_about_its_size_does_no_harm_to_the_caller() -> None:
    source = zipfile.ZipFile(io.BytesIO(xlsx(lambda _, page: page.write(0, 0, "x"))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
        for part in source.namelist():
            content = source.read(part)
            if part.endswith("sheet1.xml"):
                rows = b'<row r="1">' + b'<c r="A1" t="s"><v>0</v></c>' * 3_000_000 + b"</row>"
                content = content.replace(b"<sheetData>", b"<sheetData>" + rows)
            elif part.endswith("sharedStrings.xml"):
                content = content.replace(b"<t>x", b"<t>" + b"x" * 32_000)
            bomb.writestr(part, content)
    data = bytearray(buffer.getvalue())
    entry = data.index(b"PK\x01\x02")
    while entry >= 0:
        data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
        entry = data.find(b"PK\x01\x02", entry + 4)
    try:
        (read,) = read_workbook(bytes(data), "a.xlsx").sheets
    except SheetError as error:
        assert "请" in error.message_zh  # noqa: PT017  # either outcome is fine
    else:
        assert len(read.rows) == 1


@pytest.mark.parametrize(("row", "column"), [(1_048_575, 16_383), (3, 16_383), (900_000, 30)])
def test_absurd_dimensions_are_refused_without_harm_to_the_caller(row: int, column: int) -> None:
    def fill(_: Any, page: Any) -> None:
        page.write(0, 0, "x")
        page.write(row, column, "y")

    assert "表格太大" in refusal(xlsx(fill), "a.xlsx")


@pytest.mark.parametrize(
    "data", [b"a," * 600, b"a" + b"," * 499 + b"\n" * 20_000, b"a" + b"\n" * 9_000_000]
)
def test_csv_with_too_many_columns_or_cells_is_refused(data: bytes) -> None:
    assert "表格太大" in refusal(data, "a.csv")


def test_overlapping_merges_without_end_cost_no_more_than_the_sheet() -> None:
    table = Sheet("甲", [["x"]] * 10_000, tuple([Merge(0, 0, 10_000, 0)] * 100_000))
    filled = filled_down(table, 0, {0})
    assert len(filled) == 10_000


@pytest.mark.parametrize("text", ["1" * 30_000 + "x", "2018" + " " * 30_000 + "x", "_" * 30_000])
def test_long_nonsense_is_refused_at_once(text: str) -> None:
    for parse in (parse_date, parse_fen):
        with pytest.raises(CellError):
            parse(text)


# --- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("", ""),
        (" 张三 ", "张三"),
        ("涪陵区\n农委", "涪陵区农委"),
        ("张\u3000三", "张 三"),
        ("\ufeff张\u200b三", "张三"),
        (13800138000.0, "13800138000"),
        (510102900101101.0, "510102900101101"),
        (5.10102199001011e17, "5.10102199001011E+17"),
        (1e15, "1.00000000000000E+15"),
        (2018.3, "2018.3"),
        (True, "TRUE"),
        (float("nan"), "#NUM!"),
        (date(2018, 3, 5), "2018-03-05"),
        (datetime(2018, 3, 5), "2018-03-05"),  # noqa: DTZ001  # cells have no zone
        (timedelta(hours=1), "1:00:00"),
    ],
)
def test_text_of_a_cell(cell: Any, text: str) -> None:
    assert text_of(cell) == text


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("", None),
        (datetime(2018, 3, 5, 9, 30), date(2018, 3, 5)),  # noqa: DTZ001  # cells have no zone
        (date(2018, 3, 5), date(2018, 3, 5)),
        (43164.0, date(2018, 3, 5)),
        (43164.4, date(2018, 3, 5)),
        ("43164", date(2018, 3, 5)),
        ("2018年3月5日", date(2018, 3, 5)),
        ("2018 年 3 月 5 日", date(2018, 3, 5)),
        ("2018/03/05", date(2018, 3, 5)),
        ("2018-3-5 10:20:30", date(2018, 3, 5)),
        ("２０１８．３．５", date(2018, 3, 5)),
        ("2018.3", date(2018, 3, 1)),
        ("2018.10", date(2018, 10, 1)),
        (2018.3, date(2018, 3, 1)),
        (2018.12, date(2018, 12, 1)),
        ("201803", date(2018, 3, 1)),
        (201803.0, date(2018, 3, 1)),
        (20180305.0, date(2018, 3, 5)),
        ("20180305", date(2018, 3, 5)),
        ("2018年", date(2018, 1, 1)),
        ("2018", date(2018, 1, 1)),
        ("2018年3月至5月", date(2018, 3, 1)),
        ("2018.3—2018.5", date(2018, 3, 1)),
    ],
)
def test_dates_are_read(cell: Any, day: date | None) -> None:
    assert parse_date(cell) == day


@pytest.mark.parametrize(
    "cell",
    [
        "2018-02-30",
        "2018年13月",
        "20181305",
        "去年",
        "18.3.5",
        "3月5日",
        "0018-01-01",
        "2999-01-01",
        20183.0,
        "20183",
        12.0,
        -1.0,
        True,
        float("inf"),
        timedelta(1),
    ],
)
def test_impossible_dates_are_refused_with_the_cure(cell: Any) -> None:
    with pytest.raises(CellError) as caught:
        parse_date(cell)
    assert "请" in caught.value.cure


def test_a_number_that_may_be_january_or_october_is_refused() -> None:
    with pytest.raises(CellError) as caught:
        parse_date(2018.1)
    assert "10月" in caught.value.what


@pytest.mark.parametrize(
    ("cell", "unit", "fen"),
    [
        ("", "元", None),
        (1200.5, "元", 120050),
        (1200, "元", 120000),
        ("1,200.50", "元", 120050),
        ("１２００元", "元", 120000),
        ("￥1 200", "元", 120000),
        ("1.2万元", "元", 1200000),
        (1.2, "万元", 1200000),
        (0.123456, "万元", 123456),
        ("3000元", "万元", 300000),
        (1234.5600000000001, "元", 123456),
        ("0", "元", 0),
        ("1200元整", "元", 120000),
    ],
)
def test_amounts_become_fen(cell: Any, unit: str, fen: int | None) -> None:
    assert parse_fen(cell, unit) == fen


@pytest.mark.parametrize(
    "cell",
    [
        -1,
        "-3",
        "1,20,0",
        "1.2.3",
        "约500",
        "100×3",
        0.005,
        "1e5",
        True,
        float("nan"),
        1e18,
        date(2018, 1, 1),
    ],
)
def test_what_is_no_amount_is_refused(cell: Any) -> None:
    with pytest.raises(CellError):
        parse_fen(cell)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张 三", "张三"),
        ("买买提•艾力", "买买提·艾力"),
        ("阿凡提．买买提", "阿凡提·买买提"),
        ("John  Smith", "John  Smith"),
        ("𠮷田", "𠮷田"),
    ],
)
def test_names_are_folded(text: str, name: str) -> None:
    assert parse_person_name(text, 90) == name


@pytest.mark.parametrize(
    "text", ["", "张", "张3", "张三（户主）", "不详", "张?", "张" * 31, "a" * 51]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        parse_person_name(text, 90)


def test_column_letters() -> None:
    assert [column_letter(c) for c in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


# --- headings -----------------------------------------------------------------------------------


def test_heading_row_is_found_below_titles_and_in_any_order() -> None:
    table = sheet(
        ["2018年发放表"],
        ["单位：某局", "", "单位：元"],
        ["金额（元）", "姓 名", "*身份证号："],
        [1, "张三", "x"],
    )
    header = find_header(table, INDEX)
    assert header is not None
    assert header.rows == range(2, 3)
    assert {key: h.column for key, h in header.columns.items()} == {
        "amount": 0,
        "name": 1,
        "idn": 2,
    }


def test_two_line_headings_under_merged_groups_are_told_apart() -> None:
    table = sheet(
        ["姓名", "身份证号码", "法定代表人", "", "金额"],
        ["", "", "姓名", "身份证号码", ""],
        ["张三", "1", "李四", "2", 3],
        merges=(Merge(0, 0, 1, 0), Merge(0, 1, 1, 1), Merge(0, 2, 0, 3), Merge(0, 4, 1, 4)),
    )
    header = find_header(table, INDEX)
    assert header is not None
    assert header.rows == range(2)
    assert {key: h.column for key, h in header.columns.items()} == {
        "name": 0,
        "idn": 1,
        "boss": 2,
        "boss_idn": 3,
        "amount": 4,
    }


def test_a_heading_split_over_two_lines_is_joined() -> None:
    header = find_header(sheet(["姓名", "身份证"], ["", "号码"], ["张三", "1"]), INDEX)
    assert header is not None
    assert set(header.columns) == {"name", "idn"}
    assert header.rows == range(2)


def test_columns_of_someone_else_are_left_out() -> None:
    index = FieldIndex(FIELDS, re.compile("经办"))
    table = sheet(
        ["项目信息", "", "经办人", ""],
        ["项目", "金额", "姓名", "身份证号码"],
        ["x", 1, "张三", "1"],
        merges=(Merge(0, 0, 0, 1), Merge(0, 2, 0, 3)),
    )
    header = find_header(table, index)
    assert header is not None
    assert set(header.columns) == {"amount"}
    assert [heading.shown for heading in header.foreign] == ["经办人／姓名", "经办人／身份证号码"]


def test_two_columns_of_one_field_are_refused() -> None:
    header = find_header(sheet(["姓名", "名字", "身份证号"], ["a", "b", "c"]), INDEX)
    assert header is not None
    with pytest.raises(SheetError) as caught:
        require_header(header, FIELDS)
    assert "A列“姓名”与B列“名字”" in caught.value.message_zh


def test_missing_column_names_the_accepted_headings() -> None:
    header = find_header(sheet(["姓名", "金额"], ["张三", 1]), INDEX)
    assert header is not None
    with pytest.raises(SheetError) as caught:
        require_header(header, FIELDS)
    assert "“身份证号码”（也可写作：身份证号）" in caught.value.message_zh


def test_no_headings_no_header() -> None:
    assert find_header(sheet(["张三", "1"], ["李四", "2"]), INDEX) is None
    assert find_header(Sheet("空", []), INDEX) is None


def test_columns_left_out_are_named() -> None:
    header = find_header(
        sheet(["姓名", "身份证号", "开户行", "", ""], ["a", "b", "c", "d", ""]), INDEX
    )
    assert header is not None
    assert left_out_columns(header) == ["C列“开户行”", "D列（没有表头）"]


# --- rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (["张三", "500102199001011234"], RowKind.DATA),
        (["", ""], RowKind.BLANK),
        ([" ", "\n"], RowKind.BLANK),
        (["示例", "500102199001011234"], RowKind.EXAMPLE),
        (["合  计", "12人"], RowKind.TOTAL),
        (["本页小计", ""], RowKind.TOTAL),
        (["共计：12人", ""], RowKind.TOTAL),
        ([13.0, "合计"], RowKind.TOTAL),
        (["13", "合计"], RowKind.TOTAL),
        (["例：张三", "500102199001011234"], RowKind.EXAMPLE),
        (["合计", "500102199001011234"], RowKind.DATA),
        (["说明：1.本表由单位填写", ""], RowKind.NOTE),
        (["制表人：某某", ""], RowKind.NOTE),
        (["注：xx", "500102199001011234"], RowKind.DATA),
        (["姓名", "身份证号"], RowKind.HEADING),
        (["单晓明", ""], RowKind.DATA),
    ],
)
def test_rows_are_told_apart(row: list[Any], kind: RowKind) -> None:
    table = sheet(["姓名", "身份证号"], row)
    header = find_header(table, INDEX)
    assert header is not None
    assert classify_rows(table.rows, header, RowRules((0, 1), (1,))) == [kind]


def test_vertical_merges_are_filled_down() -> None:
    table = sheet(
        ["h", "h"], ["a", "b"], ["", "c"], ["", ""], merges=(Merge(1, 0, 3, 0), Merge(2, 1, 9, 1))
    )
    assert [list(row) for row in filled_down(table, 1, {0, 1})] == [
        ["h", "h"],
        ["a", "b"],
        ["a", "c"],
        ["a", "c"],
    ]
    assert table.rows[2] == ["", "c"]


# --- reports ------------------------------------------------------------------------------------


def test_a_lost_row_cannot_be_reported() -> None:
    with pytest.raises(ValueError, match="lost"):
        Tally(3, 1, 1, {"空行": 0})


def test_problem_reads_as_one_line() -> None:
    problem = Problem("甲", 7, "C", "身份证号", "校验码不对", "请核对")
    assert str(problem) == "工作表“甲”第7行C列（身份证号）：校验码不对。请核对"


def test_library_error_is_split_into_what_and_cure() -> None:
    assert what_and_cure(SheetError("x", "太长，请改短"), "-") == ("太长", "请改短")
    assert what_and_cure(SheetError("x", "太长"), "请核对") == ("太长", "请核对")


def report_of(correction: Correction, *problems: Problem) -> SheetReport:
    return SheetReport(problems, (), Tally(0, 0, 0, {}), (correction,))


def test_problem_file_keeps_all_cells_as_text_and_marks_the_wrong_ones() -> None:
    rows: list[list[Any]] = [
        ["姓名", "身份证号", "金额", "日期"],
        ["好", "1", 1, ""],
        ["=cmd|' /C calc'!A0", 5.10102199001011e17, 43164.0, date(2018, 3, 5)],
        ["@x", 510102900101101.0, 2018.1, True],
    ]
    table = sheet(*rows)
    data = write_problem_file(
        report_of(
            Correction(table, [0, 2, 3], range(1)),
            Problem("甲", 3, "B", "身份证号", "末位丢失", "请重新填写"),
            Problem("甲", 4, "", "", "可能重复", "请核对"),
        )
    )
    page = openpyxl.load_workbook(io.BytesIO(data))["甲"]
    shown = [[cell.value for cell in row] for row in page.iter_rows()]
    assert shown[0] == ["姓名", "身份证号", "金额", "日期", "问题", "怎么改"]
    assert shown[1] == [
        "=cmd|' /C calc'!A0",
        "5.10102199001011E+17",
        "43164",
        "2018-03-05",
        "身份证号：末位丢失",
        "请重新填写",
    ]
    assert shown[2][:4] == ["@x", "510102900101101", 2018.1, "TRUE"]
    assert page["A2"].data_type == "s"
    assert page["A2"].quotePrefix
    assert {cell.number_format for row in page.iter_rows() for cell in row if cell.value} == {"@"}
    assert page["B2"].fill.fgColor.rgb == "FFFFC7CE"
    assert page["A2"].fill.fgColor.rgb != "FFFFC7CE"


def test_added_columns_are_ignored_when_the_file_comes_back() -> None:
    table = sheet(["姓名", "身份证号"], ["张", "1"])
    problem = Problem("甲", 2, "A", "姓名", "不完整", "请补全")
    data = write_problem_file(report_of(Correction(table, [0, 1], range(1)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.width == 4
    clean = without_added_columns(back)
    assert [list(row) for row in clean.rows] == [["姓名", "身份证号", "", ""], ["张", "1", "", ""]]


def test_problem_file_keeps_whole_merges_and_fills_cut_ones() -> None:
    table = sheet(
        ["组", ""],
        ["姓名", "身份证号"],
        ["张", "1"],
        ["", "2"],
        merges=(Merge(0, 0, 0, 1), Merge(2, 0, 3, 0)),
    )
    problem = Problem("甲", 4, "B", "身份证号", "错", "请改")
    data = write_problem_file(report_of(Correction(table, [0, 1, 3], range(2)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.merges == (Merge(0, 0, 0, 1),)
    assert back.rows[2][:2] == ["张", "2"]


def test_sheet_names_that_a_workbook_forbids_are_replaced() -> None:
    name = "a[1]*" + "很长的名字" * 10
    table = Sheet(name, [["姓名"], ["x"]])
    problem = Problem(name, 2, "A", "姓名", "错", "请改")
    data = write_problem_file(report_of(Correction(table, [0, 1], range(1)), problem))
    (back,) = read_workbook(data, "改.xlsx").sheets
    assert back.name.startswith("a_1__很长")
    assert back.rows[1][1] == "姓名：错"


def test_a_notice_about_the_whole_file_names_no_sheet() -> None:
    assert str(Notice("", 0, "已暂存2份")) == "已暂存2份"
    assert str(Notice("名单", 3, "缺少备注")) == "工作表“名单”第3行：缺少备注"
