"""Two lists to compare, and how the result reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from tests.district import person

OFFICIAL = ("报告人姓名", "报告人单位", "报告人职务", "报告人身份证号码")
RELATIVE = ("亲属姓名", "亲属关系", "亲属身份证号码", "备注")
ITEM = ("编号", "姓名", "身份证号码", "项目名称", "资金名称", "金额（元）", "地点")


def number(index: int) -> str:
    return person(index).idn


def table(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    path.write_text(text.getvalue(), "utf-8")
    return path


def declared(
    index: int, relative: str, relation: str, idn: str, remark: str = "", name: str = "欧阳甲"
) -> list[str]:
    return [name, "区财政局", "科长", number(index), relative, relation, idn, remark]


def item(
    ref: str, name: str, idn: str, programme: str = "临时救助", yuan: str = "500"
) -> list[str]:
    return [ref, name, idn, "救助", programme, yuan, "青杠村"]


def sheet(path: Path, name: str = "比对结果") -> list[list[Any]]:
    book = openpyxl.load_workbook(path)
    return [list(row) for row in book[name].iter_rows(values_only=True)]


def hits(path: Path) -> list[dict[str, Any]]:
    _, head, *rows = sheet(path)
    return [dict(zip(head, row, strict=True)) for row in rows if isinstance(row[0], int)]
