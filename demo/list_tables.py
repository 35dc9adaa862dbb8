"""Beneficiary lists as tables: grants, one person a row, and contracts, one company a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from demo.clerks import ListedRow, number_cell
from demo.entries import AGENT, LEGAL_REPRESENTATIVE, Item
from demo.tables import Cell, Merge, Table

GRANT_HEADINGS: Mapping[str, str] = {
    "ordinal": "序号",
    "ref": "编号",
    "name": "姓名",
    "number": "身份证号码",
    "item": "项目名称",
    "programme": "资金名称",
    "amount": "金额（元）",
    "place": "地点",
    "start": "发放时间",
    "remark": "备注",
}
CONTRACT_HEADINGS: Mapping[str, str] = {
    "ordinal": "序号",
    "ref": "编号",
    "item": "项目名称",
    "programme": "资金名称",
    "company": "承建单位",
    "credit_code": "统一社会信用代码",
    "representative": "法定代表人",
    "representative_number": "法定代表人身份证号码",
    "agent": "委托代理人",
    "agent_number": "委托代理人身份证号码",
    "amount": "金额（元）",
    "place": "地点",
    "start": "发放时间",
    "remark": "备注",
}


@dataclass(frozen=True)
class ListStyle:
    """A unit's way with its lists; the same meanings as those of a flat table of declarations."""

    title: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    exchanged: tuple[str, str] | None = None
    totals: bool = False
    dates_as_text: bool = False


def list_table(name: str, rows: Sequence[ListedRow], style: ListStyle, *, contracts: bool) -> Table:
    """The list, one item a row."""
    headings = CONTRACT_HEADINGS if contracts else GRANT_HEADINGS
    columns = list(headings)
    if style.exchanged and set(style.exchanged) <= set(columns):
        a, b = map(columns.index, style.exchanged)
        columns[a], columns[b] = columns[b], columns[a]
    cells: list[list[Cell]] = []
    merges: list[Merge] = []
    if style.title:
        cells.append([style.title, *[None] * (len(columns) - 1)])
        merges.append(Merge(0, 0, 0, len(columns) - 1))
    cells.append([style.renamed.get(key, headings[key]) for key in columns])
    for ordinal, row in enumerate(rows, 1):
        values = _values(row, ordinal, style)
        cells.append([values[key] for key in columns])
    if style.totals:
        cells.append(_totals(rows, columns))
    return Table(name, cells, merges)


def _values(row: ListedRow, ordinal: int, style: ListStyle) -> dict[str, Cell]:
    item = row.item
    start: Cell = item.start
    if style.dates_as_text:
        start = f"{item.start.year}年{item.start.month}月{item.start.day}日"
    return {
        "ordinal": ordinal,
        "ref": item.ref,
        "item": item.name,
        "programme": item.programme.name,
        "amount": yuan(item.amount_fen),
        "place": item.place,
        "start": start,
        "remark": None,
        **_persons(row, item),
    }


def yuan(amount_fen: int) -> int | float:
    """The amount in yuan, as a cell shows it."""
    return amount_fen // 100 if amount_fen % 100 == 0 else amount_fen / 100


def _persons(row: ListedRow, item: Item) -> dict[str, Cell]:
    if item.company is None:
        person = item.parties[0].person
        number = number_cell(person, row.writings[0], row.mistake)
        return {"name": person.name, "number": number}
    cells: dict[str, Cell] = {
        "company": item.company.name,
        "credit_code": item.company.credit_code,
        "agent": None,
        "agent_number": None,
    }
    for party, writing in zip(item.parties, row.writings, strict=True):
        key = _PARTY_COLUMNS[party.capacity]
        mistake = row.mistake if party is item.parties[0] else None
        cells[key] = party.person.name
        cells[f"{key}_number"] = number_cell(party.person, writing, mistake)
    return cells


_PARTY_COLUMNS = {LEGAL_REPRESENTATIVE: "representative", AGENT: "agent"}


def _totals(rows: Sequence[ListedRow], columns: Sequence[str]) -> list[Cell]:
    total = yuan(sum(row.item.amount_fen for row in rows))
    cells: dict[str, Cell] = {columns[0]: "合计", "amount": total}
    return [cells.get(key) for key in columns]
