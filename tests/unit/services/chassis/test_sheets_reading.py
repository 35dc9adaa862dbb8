"""services.chassis.sheets: files to sheets; what is no table is refused without harm."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter
import xlwt

from services.chassis.sheets import (
    CellError,
    Merge,
    Sheet,
    SheetError,
    filled_down,
    parse_date,
    parse_fen,
    read_workbook,
)


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


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(SheetError) as caught:
        read_workbook(data, name)
    return caught.value.message_zh


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
