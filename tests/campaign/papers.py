"""The sheets that clerks bring: annex 2 as a flat table, and beneficiary lists, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from tests.campaign.story import UNITS, VILLAGE_POST, Item, Official, Person

_DECLARED = (
    *("报告人姓名", "报告人性别", "报告人政治面貌", "报告人单位", "报告人职务", "报告人职级"),
    *("具体工作", "是否纪检干部", "报告人身份证号码", "报告人户籍地址", "报告人手机号码"),
    *("亲属姓名", "亲属性别", "亲属关系", "亲属政治面貌", "亲属单位", "亲属职务"),
    *("亲属身份证号码", "亲属手机号码", "亲属户籍地址", "备注"),
)
_LISTED = ("编号", "姓名", "身份证号码", "项目名称", "资金名称", "金额（元）", "地点", "发放时间")
_UNITS = {unit.id: unit for unit in UNITS}


def declaration_sheet(officials: Iterable[Official]) -> bytes:
    """Annex 2 of each official, every field filled, a row a relative."""
    rows = [
        _official_cells(official) | _relative_cells(relation, person)
        for official in officials
        for relation, person in official.relatives
    ]
    return _csv(_DECLARED, rows)


def _official_cells(official: Official) -> dict[str, str]:
    unit = _UNITS[official.unit]
    where = unit.village if official.post == VILLAGE_POST else unit.name
    return {
        "报告人姓名": official.person.name,
        "报告人性别": official.person.sex,
        "报告人政治面貌": "中共党员",
        "报告人单位": where,
        "报告人职务": official.post,
        "报告人职级": "无",
        "具体工作": "本职工作",
        "是否纪检干部": "否",
        "报告人身份证号码": official.person.idn,
        "报告人户籍地址": "某街道",
        "报告人手机号码": "无",
    }


def _relative_cells(relation: str, person: Person) -> dict[str, str]:
    """A person without a number is not known yet (R18)."""
    return {
        "亲属姓名": person.name,
        "亲属性别": person.sex if person.idn else "女",
        "亲属关系": relation,
        "亲属政治面貌": "群众",
        "亲属单位": person.works_at,
        "亲属职务": "无",
        "亲属身份证号码": person.idn,
        "亲属手机号码": "无",
        "亲属户籍地址": "某街道",
        "备注": "" if person.idn else "在外地，尚未取得证件号码",
    }


def item_sheet(items: Iterable[Item], **cells: str) -> bytes:
    """A list of grants; ``cells`` overrides by heading."""
    return _csv(_LISTED, [_item_cells(item) | cells for item in items])


def _item_cells(item: Item) -> dict[str, str]:
    unit = _UNITS[item.unit]
    return {
        "编号": item.ref,
        "姓名": item.person.name,
        "身份证号码": item.person.idn,
        "项目名称": f"{unit.programme}（{item.ref}）",
        "资金名称": unit.programme,
        "金额（元）": str(item.yuan),
        "地点": "蔺市镇双桥村",
        "发放时间": item.start.isoformat(),
    }


def _csv(headings: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
