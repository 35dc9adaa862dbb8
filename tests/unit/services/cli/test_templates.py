"""services.cli.templates: the files that it writes can be filled in and read back unchanged."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from libmatch.check_digits import resident_check
from libmatch.relations import DECLARABLE
from services.beneficiary.item_sheet import read_items
from services.beneficiary.item_template import write_item_template
from services.cli.templates import register, write_templates
from services.registry.declaration_sheet import read_declarations
from services.registry.declaration_template import (
    write_declaration_form,
    write_declaration_template,
)

TODAY = date(2018, 8, 1)


def number(n: int) -> str:
    body = f"50010219700101{n:03d}"
    return body + resident_check(body)


OFFICIAL = {
    "姓名": "张三",
    "性别": "男",
    "政治面貌": "中共党员",
    "单位": "区农委",
    "职务": "科长",
    "职级": "正科",
    "主管、分管或从事的具体工作": "农机",
    "是否纪检干部": "否",
    "身份证号码": number(1),
    "户籍地址": "涪陵区",
    "手机号码": "13800138000",
}
RELATIVE = {
    "姓名": "李四",
    "性别": "女",
    "亲属关系": "配偶",
    "政治面貌": "群众",
    "单位": "某厂",
    "职务": "工人",
    "身份证号码": number(2),
    "手机号码": "13900139000",
    "户籍地址": "涪陵区",
    "备注": "无",
}


def fill(page: Worksheet, heading_row: int, values: dict[str, Any], row: int) -> None:
    """Writes the values below their headings; every heading must be there."""
    columns = {cell.value: cell.column for cell in page[heading_row] if cell.value}
    for heading, value in values.items():
        page.cell(row, columns[heading], value)


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def prefixed(prefix: str, values: dict[str, str], plain: tuple[str, ...]) -> dict[str, str]:
    return {key if key in plain else prefix + key: value for key, value in values.items()}


def test_flat_template_filled_in_is_read_back_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_declaration_template(path)
    book = openpyxl.load_workbook(path)
    official = prefixed("报告人", OFFICIAL, ("主管、分管或从事的具体工作", "是否纪检干部"))
    fill(book["亲属申报"], 1, official | prefixed("亲属", RELATIVE, ("亲属关系", "备注")), 3)
    result = read_declarations(saved(book), "a.xlsx", today=TODAY)
    assert result.report.problems == ()
    assert result.report.notices == ()
    (declaration,) = result.declarations
    assert declaration.official.missing == ()
    assert declaration.official.identifier.idn == number(1)
    (relative,) = declaration.relatives
    assert relative.identifier is not None
    assert (relative.name, relative.identifier.idn) == ("李四", number(2))
    assert (relative.unit, relative.post, relative.phone) == ("某厂", "工人", "13900139000")


def test_form_template_filled_in_is_read_back_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_declaration_form(path)
    book = openpyxl.load_workbook(path)
    page = book["报告表"]
    fill(page, 3, OFFICIAL, 4)
    fill(page, 6, RELATIVE, 7)
    page["E28"], page["I28"] = "张三", "2018-07-01"
    page["B29"] = "同意"
    result = read_declarations(saved(book), "a.xlsx", today=TODAY)
    assert result.report.problems == ()
    assert result.report.notices == ()
    (declaration,) = result.declarations
    assert declaration.official.missing == ()
    assert [relative.name for relative in declaration.relatives] == ["李四"]
    assert declaration.pledge is not None
    assert declaration.pledge.signed_on == date(2018, 7, 1)
    assert declaration.opinion == "同意"


def test_item_template_filled_in_is_read_back_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_item_template(path)
    book = openpyxl.load_workbook(path)
    values = {
        "编号": "NJ-2018-1",
        "姓名": "王五",
        "证件类型": "居民身份证",
        "身份证号码": number(3),
        "身份类型": "受益人",
        "资金名称": "农机购置补贴",
        "金额（元）": 1200.5,
        "地点": "某村",
        "发放时间": "2018-03-05",
        "法定代表人": "赵六",
        "法定代表人身份证号码": number(4),
    }
    fill(book["受益人名单"], 1, values, 3)
    result = read_items(saved(book), "a.xlsx", today=TODAY, ref_key=bytes(16))
    assert result.report.problems == ()
    assert result.report.notices == ()
    (item,) = result.items
    assert (item.item_ref, item.amount_fen, len(item.persons)) == ("NJ-2018-1", 120050, 2)


@pytest.mark.parametrize(
    "write", [write_declaration_template, write_declaration_form, write_item_template]
)
def test_empty_template_holds_nothing_and_no_problem(write: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write(path)
    if write is write_item_template:
        items = read_items(path.read_bytes(), "a.xlsx", today=TODAY, ref_key=bytes(16))
        assert (items.items, items.report.problems) == ((), ())
    else:
        result = read_declarations(path.read_bytes(), "a.xlsx", today=TODAY)
        assert (result.declarations, result.report.problems) == ((), ())


def test_number_columns_are_text_and_relations_drop_down(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_declaration_template(path)
    book = openpyxl.load_workbook(path)
    page = book["亲属申报"]
    columns = {c.value: get_column_letter(i) for i, c in enumerate(page[1], 1)}
    for heading in ("报告人身份证号码", "亲属身份证号码", "报告人手机号码", "亲属手机号码"):
        assert page.column_dimensions[columns[heading]].number_format == "@"
    assert page.freeze_panes == "A2"
    checks = {str(v.sqref).split("3:")[0]: v for v in page.data_validations.dataValidation}
    relation = checks[columns["亲属关系"]]
    sheet, _, cells = relation.formula1.partition("!")
    offered = [row[0].value for row in book[sheet.strip("'")][cells.replace("$", "")]]
    assert offered == list(DECLARABLE)
    assert "LEN(" in checks[columns["亲属身份证号码"]].formula1
    assert checks[columns["亲属性别"]].type == "list"
    assert book["选项"].sheet_state == "hidden"
    assert book.active is not None
    assert book.active.title == "亲属申报"


def test_command_writes_all_templates_and_never_overwrites(tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    out = tmp_path / "新" / "模板"
    first = CliRunner().invoke(app, ["templates", "--out", str(out)])
    assert first.exit_code == 0
    files = sorted(out.iterdir())
    assert len(files) == 3
    assert all(file.name in first.output.replace("\n", "") for file in files)
    files[0].write_bytes(b"filled in by somebody")
    second = CliRunner().invoke(app, ["templates", "--out", str(out)])
    assert second.exit_code == 0
    assert "未覆盖" in second.output
    assert files[0].read_bytes() == b"filled in by somebody"


def test_folder_that_cannot_be_written_is_an_error_without_traceback(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    result = CliRunner().invoke(app, ["templates", "--out", str(blocked)])
    assert result.exit_code == 1
    assert "无法写入" in result.output
    assert isinstance(result.exception, SystemExit)


def test_no_half_file_is_left_under_the_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_templates(tmp_path)
    assert list(tmp_path.iterdir()) == []
