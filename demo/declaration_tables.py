"""Declarations as tables: flat, one relative a row, and the form of annex 2, one official a sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from demo.clerks import OUTSIDE_RELATIONS, UNKNOWN_REASON, DeclaredRow, Mistake, number_cell
from demo.entries import Official
from demo.families import Kin
from demo.tables import Cell, Merge, Table

_OFFICIAL_HEADINGS = {
    "name": "报告人姓名",
    "sex": "报告人性别",
    "politics": "报告人政治面貌",
    "unit": "报告人单位",
    "post": "报告人职务",
    "rank": "报告人职级",
    "work": "具体工作",
    "discipline": "是否纪检干部",
    "number": "报告人身份证号码",
    "home": "报告人户籍地址",
    "phone": "报告人手机号码",
}
_KIN_HEADINGS = {
    "kin_name": "亲属姓名",
    "kin_sex": "亲属性别",
    "kin_relation": "亲属关系",
    "kin_politics": "亲属政治面貌",
    "kin_unit": "亲属单位",
    "kin_post": "亲属职务",
    "kin_number": "亲属身份证号码",
    "kin_phone": "亲属手机号码",
    "kin_home": "亲属户籍地址",
    "remark": "备注",
}
FLAT_HEADINGS: Mapping[str, str] = _OFFICIAL_HEADINGS | _KIN_HEADINGS


@dataclass(frozen=True)
class FlatStyle:
    """A unit's way with its flat table: title above, other headings, two columns exchanged, merges.

    ``exchanged``: two fields that stand in each other's place. ``merged``: an official's cells are
    one merged range over his rows. ``totals``: a row that counts the people below the last one.
    """

    title: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    exchanged: tuple[str, str] | None = None
    merged: bool = False
    totals: bool = False

    @property
    def columns(self) -> list[str]:
        """The fields in the order of this unit's columns."""
        order = list(FLAT_HEADINGS)
        if self.exchanged:
            a, b = map(order.index, self.exchanged)
            order[a], order[b] = order[b], order[a]
        return order


def flat_table(name: str, rows: Sequence[DeclaredRow], style: FlatStyle) -> Table:
    """One relative a row; the official stands in each of his rows, or merged over them."""
    columns = style.columns
    cells: list[list[Cell]] = []
    merges: list[Merge] = []
    if style.title:
        cells.append([style.title, *[None] * (len(columns) - 1)])
        merges.append(Merge(0, 0, 0, len(columns) - 1))
    cells.append([style.renamed.get(key, FLAT_HEADINGS[key]) for key in columns])
    for _, group in groupby(rows, key=lambda row: row.official):
        block = [[_flat_cell(row, key) for key in columns] for row in group]
        if style.merged and len(block) > 1:
            merges += _merge_official(block, columns, first=len(cells))
        cells += block
    if style.totals:
        cells.append(["合计", f"{len(rows)}人", *[None] * (len(columns) - 2)])
    return Table(name, cells, merges)


def form_table(name: str, rows: Sequence[DeclaredRow]) -> Table:
    """The form of annex 2 for the one official whose rows these are, with pledge and opinion."""
    official = rows[0].official
    width = len(_OFFICIAL_HEADINGS)
    own_headings: list[Cell] = list(_FORM_OFFICIAL)
    cells: list[list[Cell]] = [
        ["党员干部及其亲属关系基本情况报告表"],
        ["一、报告人基本情况"],
        own_headings,
        [_official_cell(rows[0], key) for key in _OFFICIAL_HEADINGS],
        ["二、报告人亲属基本情况"],
        list(_FORM_KIN),
    ]
    cells += [[_kin_cell(row, key) for key in _KIN_HEADINGS] for row in rows if row.kin]
    cells += [[], []]  # the printed form has spare lines
    pledge = (
        "本人承诺：对亲属情况进行如实报告。若未如实报告或者故意隐瞒相关情况，本人愿承担相应责任。"
        f"\n承诺人签字：{official.person.name}    2026年3月16日"
    )
    cells += [["报告人承诺", pledge], ["责任领导意见", "情况属实，同意录入。"], [_FORM_NOTE]]
    whole = [0, 1, 4, len(cells) - 1]
    merges = [Merge(row, 0, row, width - 1) for row in whole]
    merges += [Merge(row, 1, row, width - 1) for row in (len(cells) - 3, len(cells) - 2)]
    return Table(name, [[*row, *[None] * (width - len(row))] for row in cells], merges)


_FORM_OFFICIAL = (
    "姓  名",
    "性别",
    "政治\n面貌",
    "单位",
    "职务",
    "职级",
    "主管、分管或从事\n的具体工作",
    "是否纪检干部",
    "身份证号码",
    "户籍地址",
    "手机号码",
)
_FORM_KIN = (
    "姓名",
    "性别",
    "亲属\n关系",
    "政治\n面貌",
    "单位",
    "职务",
    "身份证号码",
    "手机号码",
    "户籍地址",
    "备  注",
)
_FORM_NOTE = "说明：1.本表由党员干部本人填写并签名；2.本表中“具体工作”要反映该同志从事的全部工作。"


def _flat_cell(row: DeclaredRow, key: str) -> Cell:
    return _official_cell(row, key) if key in _OFFICIAL_HEADINGS else _kin_cell(row, key)


def _official_cell(row: DeclaredRow, key: str) -> Cell:
    official = row.official
    person, post = official.person, official.post
    match key:
        case "name":
            return person.name
        case "sex":
            return person.sex
        case "politics":
            return _politics(official)
        case "unit":
            return official.employer
        case "post":
            return post.title
        case "rank":
            return post.rank
        case "work":
            return post.work
        case "discipline":
            return "是" if post.discipline else "否"
        case "number":
            wrong = row.mistake is Mistake.OFFICIAL_NUMBER
            mistake = Mistake.CHECK_DIGIT if wrong else None
            return number_cell(person, row.official_writing, mistake)
        case "home":
            return person.home
    return person.phone


def _politics(official: Official) -> str:
    leads = official.post.share == 0
    return "中共党员" if leads else official.person.politics


def _kin_cell(row: DeclaredRow, key: str) -> Cell:
    if row.kin is None:
        return None
    person = row.kin.person
    match key:
        case "kin_name":
            return person.name
        case "kin_sex":
            wrong = row.mistake is Mistake.SEX
            return ("女" if person.male else "男") if wrong else person.sex
        case "kin_relation":
            return _relation(row, row.kin)
        case "kin_politics":
            return person.politics
        case "kin_unit":
            return person.workplace
        case "kin_post":
            return person.post
        case "kin_number":
            return number_cell(person, row.writing, row.mistake)
        case "kin_phone":
            return person.phone
        case "kin_home":
            return person.home
    return _remark(row, row.kin)


def _remark(row: DeclaredRow, kin: Kin) -> str:
    if row.mistake is Mistake.UNKNOWN:
        return UNKNOWN_REASON
    # Any remark would pass for the reason why there is no number.
    return "" if row.mistake is Mistake.MISSING else kin.remark


def _relation(row: DeclaredRow, kin: Kin) -> str:
    if row.mistake is Mistake.RELATION:
        return OUTSIDE_RELATIONS[len(kin.person.name + kin.person.home) % len(OUTSIDE_RELATIONS)]
    return kin.relation


def _merge_official(block: list[list[Cell]], columns: list[str], first: int) -> list[Merge]:
    """Merge the official's columns over ``block``; below the top row their cells become empty."""
    own = [column for column, key in enumerate(columns) if key in _OFFICIAL_HEADINGS]
    for row in block[1:]:
        for column in own:
            row[column] = None
    last = first + len(block) - 1
    return [Merge(first, column, last, column) for column in own]
