"""Beneficiary lists for the tests of services.beneficiary.item_sheet."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import xlsxwriter

from libmatch.check_digits import resident_check
from services.beneficiary.item_sheet import Capacity, Item, ItemImport, read_items

TODAY = date(2018, 8, 1)
KEY = b"a unit's own key"
HEADS = ["序号", "姓名", "身份证号码", "资金名称", "金额（元）", "村组", "发放时间", "备注"]


def number(n: int) -> str:
    """A valid resident id; n from 0 to 999 makes different ones."""
    body = f"50010219700101{n:03d}"
    return body + resident_check(body)


ROW = [1, "王五", number(1), "农机购置补贴", 1200.5, "某村一组", "2018-03-05", "首笔"]


def changed(row: list[Any], **values: Any) -> list[Any]:
    """The row with some cells replaced, by position: ``_3="x"``."""
    copy = list(row)
    for key, value in values.items():
        copy[int(key[1:])] = value
    return copy


def xlsx(*rows: list[Any], merges: tuple[tuple[int, int, int, int], ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet("名单")
        for r, row in enumerate(rows):
            page.write_row(r, 0, row)
        for top, left, bottom, right in merges:
            page.merge_range(top, left, bottom, right, rows[top][left])
    return buffer.getvalue()


def read(*rows: list[Any], merges: tuple[tuple[int, int, int, int], ...] = ()) -> ItemImport:
    return read_items(xlsx(*rows, merges=merges), "a.xlsx", today=TODAY, ref_key=KEY)


def only_item(result: ItemImport) -> Item:
    assert result.report.problems == ()
    (item,) = result.items
    return item


def only_problem(result: ItemImport) -> tuple[int, str, str]:
    (problem,) = result.report.problems
    return problem.row, problem.column, problem.what


def persons(item: Item) -> list[tuple[str, str, Capacity]]:
    return [(person.name, person.identifier.idn, person.capacity) for person in item.persons]
