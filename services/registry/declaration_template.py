"""Empty sheets for declarations: the flat table and the form of annex 2. Both read back unchanged."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from libmatch.relations import DECLARABLE
from services.chassis.sheets import (
    Choices,
    TemplateColumn,
    TemplateStyles,
    add_check,
    write_table,
    write_template,
)
from services.rules.reporting import Post

_SEXES = ("男", "女")
_YES_NO = ("是", "否")
_POLITICAL = (
    "中共党员",
    "中共预备党员",
    "共青团员",
    "民革党员",
    "民盟盟员",
    "民建会员",
    "民进会员",
    "农工党党员",
    "致公党党员",
    "九三学社社员",
    "台盟盟员",
    "无党派人士",
    "群众",
)
_RELATIONS = tuple(str(relation) for relation in DECLARABLE)
_ID_LENGTHS = (18, 15)
_ID_EXAMPLE = "18位身份证号码"
_PHONE_EXAMPLE = "11位手机号码"

_PLEDGE = "本人承诺：对亲属情况进行如实报告。若未如实报告或者故意隐瞒相关情况，本人愿承担相应责任。"

_RULES = (
    "1. 身份证号码、手机号码所在列已设为“文本”格式，请不要改动；从别处粘贴时，请选“只粘贴文本（值）”。",
    "2. 亲属关系从下拉列表中选择：报告本人及配偶，以及二者的父母、子女及其配偶、兄弟姐妹及其配偶、祖父母、"
    "外祖父母、孙子女、外孙子女和其他具有法定扶养、赡养关系的亲属；选“其他”的须在备注中写明具体关系。",
    "3. 确实不掌握亲属身份证号码的，号码栏留空，在备注中写明原因和预计补报时间。",
    "4. “具体工作”应反映本人从事的全部工作；“是否纪检干部”只填“是”或“否”。",
    "5. 导入时有问题的行会另存为一份文件，改正后直接导入该文件即可；重复导入同一份文件不会产生重复数据。",
)
_TABLE_GUIDE = (
    "党员干部及其亲属关系申报汇总表：填写说明",
    "一行填写一名亲属；同一报告人的信息每行照抄，或者从第二行起整段留空（视为与上一行相同）。",
    "红色表头为必填。标有“示例”的行不会导入，可以删除。",
    "人员类别决定由谁签署意见；承诺日期是本人在纸质报告表上签名的日期，没有签名的留空。",
    *_RULES,
)
_FORM_GUIDE = (
    "党员干部及其亲属关系基本情况报告表（附件2）：填写说明",
    "一张工作表填写一名报告人；需要多份时，复制“报告表”工作表。亲属行数不够时，在“报告人承诺”上方插入行。",
    "承诺栏须由本人签字并填写日期，未签字或未填日期的不能进入下一步。",
    *_RULES,
)


def _official(prefix: str) -> tuple[TemplateColumn, ...]:
    return (
        TemplateColumn(f"{prefix}姓名", "张三", 12, required=True),
        TemplateColumn(f"{prefix}性别", "男", 8, _SEXES),
        TemplateColumn(f"{prefix}政治面貌", "中共党员", 12, _POLITICAL),
        TemplateColumn(f"{prefix}单位", "区农委", 18, required=True),
        TemplateColumn(f"{prefix}职务", "科长", 12, required=True),
        TemplateColumn(f"{prefix}职级", "正科", 10),
        TemplateColumn("主管、分管或从事的具体工作", "农机补贴审核", 24),
        TemplateColumn("是否纪检干部", "否", 10, _YES_NO),
        TemplateColumn(f"{prefix}身份证号码", _ID_EXAMPLE, 22, lengths=_ID_LENGTHS, required=True),
        TemplateColumn(f"{prefix}户籍地址", "重庆市涪陵区", 24),
        TemplateColumn(f"{prefix}手机号码", _PHONE_EXAMPLE, 14, lengths=(11,)),
    )


_SIGN_OFF = (
    TemplateColumn("人员类别", "科所站室党员干部", 18, tuple(Post)),
    TemplateColumn("承诺日期", "2026-01-31", 12),
)


def _relative(prefix: str) -> tuple[TemplateColumn, ...]:
    return (
        TemplateColumn(f"{prefix}姓名", "李四", 12, required=True),
        TemplateColumn(f"{prefix}性别", "女", 8, _SEXES),
        TemplateColumn("亲属关系", "配偶", 20, _RELATIONS, required=True),
        TemplateColumn(f"{prefix}政治面貌", "群众", 12, _POLITICAL),
        TemplateColumn(f"{prefix}单位", "", 18),
        TemplateColumn(f"{prefix}职务", "", 12),
        TemplateColumn(f"{prefix}身份证号码", _ID_EXAMPLE, 22, lengths=_ID_LENGTHS, required=True),
        TemplateColumn(f"{prefix}手机号码", _PHONE_EXAMPLE, 14, lengths=(11,)),
        TemplateColumn(f"{prefix}户籍地址", "重庆市涪陵区", 24),
        TemplateColumn("备注", "", 20),
    )


def write_declaration_template(path: Path) -> None:
    """Writes the flat table, one relative a row, to ``path``. Raises OSError."""

    def fill(book: xlsxwriter.Workbook, styles: TemplateStyles, choices: Choices) -> None:
        order = TemplateColumn("序号", width=6)
        columns = (order, *_official("报告人"), *_SIGN_OFF, *_relative("亲属"))
        write_table(book.add_worksheet("亲属申报"), styles, choices, columns)

    write_template(path, _TABLE_GUIDE, fill)


# --- the form of annex 2 ------------------------------------------------------------------------

_RELATIVE_ROWS = 20
_LAST_COLUMN = 10


def write_declaration_form(path: Path) -> None:
    """Writes the form of annex 2, one official a sheet, to ``path``. Raises OSError."""

    def fill(book: xlsxwriter.Workbook, styles: TemplateStyles, choices: Choices) -> None:
        page = book.add_worksheet("报告表")
        page.set_landscape()
        page.set_column(0, _LAST_COLUMN, 13, styles.text)
        page.merge_range(0, 0, 0, _LAST_COLUMN, "党员干部及其亲属关系基本情况报告表", styles.title)
        _section(page, styles, 1, "一、报告人基本情况")
        _block(page, styles, choices, _official(""), range(2, 4))
        _section(page, styles, 4, "二、报告人亲属基本情况")
        _block(page, styles, choices, _relative(""), range(5, 6 + _RELATIVE_ROWS))
        _foot(page, styles, 6 + _RELATIVE_ROWS)

    write_template(path, _FORM_GUIDE, fill)


def _section(page: Worksheet, styles: TemplateStyles, row: int, text: str) -> None:
    page.merge_range(row, 0, row, _LAST_COLUMN, text, styles.boxed)


def _block(
    page: Worksheet,
    styles: TemplateStyles,
    choices: Choices,
    columns: tuple[TemplateColumn, ...],
    rows: range,
) -> None:
    """A row of headings and empty rows below; the last column reaches to the edge of the form."""
    for index, column in enumerate(columns):
        look = styles.required if column.required else styles.head
        page.write_string(rows.start, index, column.heading, look)
        for row in rows[1:]:
            page.write_blank(row, index, None, styles.boxed)
        add_check(page, choices, column, (rows.start + 1, index, rows.stop - 1, index))
    last = len(columns) - 1
    if last < _LAST_COLUMN:
        page.merge_range(
            rows.start, last, rows.start, _LAST_COLUMN, columns[-1].heading, styles.head
        )
        for row in rows[1:]:
            page.merge_range(row, last, row, _LAST_COLUMN, "", styles.boxed)


def _foot(page: Worksheet, styles: TemplateStyles, row: int) -> None:
    page.merge_range(row, 0, row + 1, 0, "报告人承诺", styles.head)
    page.merge_range(row, 1, row, _LAST_COLUMN, _PLEDGE, styles.boxed)
    page.set_row(row, 36)
    page.merge_range(row + 1, 1, row + 1, 3, "承诺人签字：", styles.boxed)
    page.merge_range(row + 1, 4, row + 1, 6, "", styles.boxed)
    page.write_string(row + 1, 7, "日期：", styles.boxed)
    page.merge_range(row + 1, 8, row + 1, _LAST_COLUMN, "", styles.boxed)
    page.write_string(row + 2, 0, "责任领导意见", styles.head)
    page.merge_range(row + 2, 1, row + 2, _LAST_COLUMN, "", styles.boxed)
    page.set_row(row + 2, 48)
