"""The headings of declarations: what each is called, and whom it is about.

Keys are ``official.<field>`` and ``relative.<field>``; the fields are those of R17 and R18, and two
that a table may have besides: what the official is as R22 asks, and when he signed his form (R19).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.chassis.sheets import Field, Heading, fold_candidates, fold_heading

OFFICIAL = "official"
RELATIVE = "relative"
ORDINAL = "ordinal"
"""The key of 序号, which belongs to nobody and says nothing."""

OFFICIAL_FIELDS = (
    "name",
    "sex",
    "political",
    "unit",
    "post",
    "rank",
    "work",
    "discipline",
    "idn",
    "kind",
    "household",
    "phone",
    "category",
    "signed_on",
)
RELATIVE_FIELDS = (
    "name",
    "sex",
    "relation",
    "political",
    "unit",
    "post",
    "idn",
    "kind",
    "phone",
    "household",
    "remark",
)

_NAMES: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "名字"),
    "sex": ("性别",),
    "political": ("政治面貌",),
    "unit": ("单位", "工作单位", "所在单位", "单位名称", "单位及职务", "工作单位及职务"),
    "post": ("职务", "现任职务", "担任职务"),
    "rank": ("职级", "级别"),
    "work": (
        "主管、分管或从事的具体工作",
        "具体工作",
        "主管或分管工作",
        "分管工作",
        "从事工作",
        "主管分管或从事具体工作",
    ),
    "discipline": ("是否纪检干部", "是否为纪检干部", "是否是纪检干部", "纪检干部"),
    "idn": (
        "身份证号码",
        "身份证号",
        "公民身份号码",
        "居民身份证号码",
        "证件号码",
        "证件号",
        "身份证",
        "身份证件号码",
        "居民身份证号",
    ),
    "kind": ("证件类型", "证件种类"),
    "household": ("户籍地址", "户籍所在地", "户口所在地", "户籍地", "户籍"),
    "category": ("人员类别", "职务类别"),
    "signed_on": ("承诺日期", "签名日期", "承诺签字日期"),
    "phone": ("手机号码", "手机号", "联系电话", "电话", "电话号码", "手机", "联系方式"),
    "relation": (
        "亲属关系",
        "与报告人关系",
        "与报告人的关系",
        "与本人关系",
        "与本人的关系",
        "与干部关系",
        "与党员干部关系",
        "与党员干部的关系",
        "与党员干部亲属关系",
        "与报告人亲属关系",
        "关系",
        "称谓",
    ),
    "remark": ("备注", "备注说明"),
    ORDINAL: ("序号", "序", "编号"),
}
_KEYS = {fold_heading(name): key for key, names in _NAMES.items() for name in names}
_OFFICIAL_ONLY = frozenset({"rank", "work", "discipline", "category", "signed_on"})
_RELATIVE_ONLY = frozenset({"relation", "remark"})
_OFFICIAL_PREFIX = re.compile(r"(党员干部|公职人员|报告人|申报人|填报人|干部|党员)(本人)?的?")
_RELATIVE_PREFIX = re.compile(
    r"(党员干部|公职人员|报告人|申报人|填报人|干部)?(的)?(亲属|家属|家庭成员)的?"
)

_Sense = tuple[str, str]  # whose (or ""), field


def resolve_flat(headings: Sequence[Heading]) -> list[str | None]:
    """The key of each heading of a flat table, where a row holds an official and one relative.

    A heading that names nobody (性别) belongs to whom the columns to its left are about.
    """
    senses = [_sense(heading) for heading in headings]
    scope = _opening_scope(senses)
    keys: list[str | None] = []
    for position, sense in enumerate(senses):
        if sense is None:
            keys.append(None)
            continue
        whose, field = sense
        if _opens_part(senses, position):
            scope = whose
        keys.append(ORDINAL if field == ORDINAL else f"{whose or scope}.{field}")
    return keys


def _opening_scope(senses: Sequence[_Sense | None]) -> str:
    """Whom unmarked columns on the left are about: the other one than the first one marked."""
    for position, sense in enumerate(senses):
        if sense and _opens_part(senses, position):
            return RELATIVE if sense[0] == OFFICIAL else OFFICIAL
    return RELATIVE


def _opens_part(senses: Sequence[_Sense | None], position: int) -> bool:
    """Whether the columns from here on are about whom this one names.

    具体工作 and 备注 can stand anywhere. 亲属关系 counts only where a name follows it.
    """
    whose, field = senses[position] or ("", "")
    if not whose or field in _OFFICIAL_ONLY or field == "remark":
        return False
    return field != "relation" or _name_follows(senses, position)


def _name_follows(senses: Sequence[_Sense | None], position: int) -> bool:
    return any(sense == ("", "name") for sense in senses[position + 1 :])


def _sense(heading: Heading) -> _Sense | None:
    for text in fold_candidates(heading.text):
        if sense := _text_sense(text):
            whose, field = sense
            return (whose or _group_scope(heading.group), field)
    return None


def _text_sense(text: str) -> _Sense | None:
    if key := _KEYS.get(text):
        if key in _OFFICIAL_ONLY:
            return OFFICIAL, key
        return (RELATIVE if key in _RELATIVE_ONLY else ""), key
    for whose, prefix in ((RELATIVE, _RELATIVE_PREFIX), (OFFICIAL, _OFFICIAL_PREFIX)):
        match = prefix.match(text)
        if match and (key := _KEYS.get(text[match.end() :])):
            return whose, key
    return None


def _group_scope(group: str) -> str:
    folded = fold_heading(group)
    if _RELATIVE_PREFIX.search(folded):
        return RELATIVE
    return OFFICIAL if _OFFICIAL_PREFIX.search(folded) else ""


def resolve_form_relatives(headings: Sequence[Heading]) -> list[str | None]:
    """The keys of the headings of the relatives' block of annex 2; nothing without 亲属关系."""
    fields = (*RELATIVE_FIELDS, ORDINAL)
    keys = [_plain_key(heading.text, RELATIVE, fields) for heading in headings]
    return keys if "relative.relation" in keys else [None] * len(keys)


def official_key(text: str) -> str | None:
    """The key of a label in the reporter's block of annex 2, or None."""
    return _plain_key(text, OFFICIAL, OFFICIAL_FIELDS)


def resolve_form_official(headings: Sequence[Heading]) -> list[str | None]:
    """The keys of the headings of the reporter's block of annex 2."""
    return [official_key(heading.text) for heading in headings]


def _plain_key(text: str, whose: str, fields: Sequence[str]) -> str | None:
    for candidate in fold_candidates(text):
        key = _KEYS.get(candidate)
        if key is None and (sense := _text_sense(candidate)) and sense[0] == whose:
            key = sense[1]
        if key in fields:
            return f"{whose}.{key}"
    return None


def _required(whose: str, prefix: str, *fields: str) -> tuple[Field, ...]:
    return tuple(
        Field(f"{whose}.{field}", (prefix + _NAMES[field][0], *_NAMES[field]), required=True)
        for field in fields
    )


FLAT_REQUIRED = (
    *_required(OFFICIAL, "报告人", "name", "idn"),
    *_required(RELATIVE, "亲属", "name", "idn"),
    *_required(RELATIVE, "", "relation"),
)
FORM_REQUIRED = _required(RELATIVE, "", "name", "relation", "idn")
