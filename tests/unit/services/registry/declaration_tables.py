"""Flat tables and forms of annex 2 for the tests of services.registry.declaration_sheet."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import xlsxwriter

from libmatch.check_digits import resident_check
from services.chassis.sheets import SheetReport
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
