"""The headings of beneficiary lists and what each may be called (R26 to R28, annex 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from services.chassis.sheets import Field, FieldIndex, Heading, fold_heading

_ID_WORDS = (
    "身份证号码",
    "身份证号",
    "公民身份号码",
    "居民身份证号码",
    "居民身份证号",
    "身份证件号码",
    "证件号码",
    "证件号",
    "身份证",
)
_PERSONS = (
    "受益人",
    "受益对象",
    "户主",
    "领取人",
    "领款人",
    "申请人",
    "享受人",
    "资金享受人",
    "资金受益人",
    "惠民资金受益人",
    "项目承建或服务承接人",
    "惠民资金受益人项目承建或服务承接人",
    "享受对象",
    "补贴对象",
    "补助对象",
    "救助对象",
    "保障对象",
    "发放对象",
    "农户",
    "种植户",
    "养殖户",
    "承接人",
    "承建人",
    "自然人",
)
_LEGAL = ("法定代表人", "法人代表", "法人", "负责人法定代表人", "企业法人", "单位法定代表人")
_AGENT = ("委托代理人", "代理人", "受托人", "授权代理人", "被委托人", "项目委托代理人")


_COMPANIES = (
    "承建单位",
    "承接单位",
    "施工单位",
    "中标单位",
    "承包单位",
    "承接主体",
    "供应商",
    "企业",
    "企业名称",
    "公司名称",
    "经营主体",
    "中标人",
    "承包人",
)
_CODE_WORDS = ("统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码")


def _joined(owners: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Every owner with every word, those without an addition first."""
    return tuple(dict.fromkeys(owner + word for word in words for owner in owners))


def _names(persons: Sequence[str], first: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((first, *_joined(persons, ("", "姓名", "名称")))))


def _ids(persons: Sequence[str], first: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((first, *_joined(persons, _ID_WORDS))))


FIELDS = (
    Field(
        "ref",
        ("编号", "业务编号", "受理编号", "发放编号", "申请编号", "合同编号", "合同号", "标段编号"),
    ),
    Field("ordinal", ("序号", "序", "行号", "顺序号")),
    Field("name", _names(_PERSONS, "姓名")),
    Field("idn", _ids(("", *_PERSONS), "身份证号码")),
    Field("kind", ("证件类型", "证件种类")),
    Field("capacity", ("身份类型", "受益身份", "受益人身份", "人员身份")),
    Field(
        "item_name",
        ("项目名称", "惠民项目名称", "工程名称", "服务名称", "采购项目名称", "工程项目名称"),
    ),
    Field("project", ("项目编号", "项目代码", "项目编码")),
    Field(
        "programme",
        (
            "资金名称",
            "补贴名称",
            "补助类别",
            "惠民资金名称",
            "资金项目名称",
            "惠民资金项目名称",
            "惠民资金（项目）名称",
            "资金（项目）名称",
            "补助名称",
            "补贴项目",
            "补助项目",
            "补贴类别",
            "补贴类型",
            "补助类型",
            "救助类别",
            "救助类型",
            "资金类别",
            "资金类型",
        ),
    ),
    Field(
        "amount",
        (
            "金额",
            "补贴金额",
            "发放金额",
            "补助金额",
            "救助金额",
            "财政资金",
            "资金金额",
            "合同金额",
            "合同价",
            "中标金额",
            "中标价",
            "奖补金额",
            "补贴资金",
            "补助资金",
            "实发金额",
            "金额合计",
        ),
    ),
    Field("town", ("乡镇", "镇街", "乡镇街道", "镇乡街道", "街道", "所属乡镇")),
    Field("village", ("村", "村社区", "社区", "村居", "所在村", "所属村", "行政村", "村名")),
    Field("group", ("组", "村民小组", "小组", "社", "组别")),
    Field(
        "place",
        (
            "地点",
            "村组",
            "实施地点",
            "享受资金地点",
            "享受资金（实施项目）地点",
            "享受资金实施项目地点",
            "项目地点",
            "建设地点",
            "项目实施地点",
            "所在村组",
            "工程地点",
            "种植地点",
        ),
    ),
    Field(
        "start",
        (
            "时间",
            "发放时间",
            "开工日期",
            "发放日期",
            "实施起始时间",
            "实施时间",
            "开工时间",
            "开始时间",
            "开始日期",
            "起始时间",
            "享受时间",
            "领取时间",
            "签订日期",
            "合同签订日期",
            "合同签订时间",
            "日期",
        ),
    ),
    Field(
        "finish",
        (
            "完成时间",
            "完成日期",
            "完工时间",
            "完工日期",
            "竣工时间",
            "竣工日期",
            "实施完成时间",
            "结束时间",
            "结束日期",
            "验收时间",
            "验收日期",
        ),
    ),
    Field("company", _joined(_COMPANIES, ("", "名称", "单位", "单位名称"))),
    Field("company_idn", _joined(("", *_COMPANIES), _CODE_WORDS)),
    Field("legal", _names(_LEGAL, "法定代表人")),
    Field("legal_idn", _ids(_LEGAL, "法定代表人身份证号码")),
    Field("agent", _names(_AGENT, "委托代理人")),
    Field("agent_idn", _ids(_AGENT, "委托代理人身份证号码")),
    Field("remark", ("备注", "备注说明", "说明")),
)
_BY_KEY = {field.key: field for field in FIELDS}

PERSON_PAIRS = (("name", "idn"), ("legal", "legal_idn"), ("agent", "agent_idn"))
"""Name and number of the natural persons that a row may hold."""

WANTED = (_BY_KEY["name"], _BY_KEY["idn"], _BY_KEY["item_name"], _BY_KEY["programme"])
"""What a list usually has; shown where no heading row is found."""

# Persons who have a part in the paperwork but none in the benefit: their columns are left out.
_FOREIGN = re.compile(
    r"经办|联系|监护|填报|填表|审核|审批|复核|介绍|担保|家庭成员|配偶|子女|共同|负责人|监理|联络|见证|干部"
)
# A heading in another currency or in words is not the amount in CNY.
_NOT_CNY = re.compile(r"美元|港元|港币|欧元|日元|英镑|大写")
_INDEX = FieldIndex(FIELDS, _FOREIGN)


_UNIT_BEHIND = re.compile(r"[（(\[【]?(?:人民币|单位)?[:：]?(亿元|万元|千元|元)[)）\]】]?\s*$")


def resolve_items(headings: Sequence[Heading]) -> list[str | None]:
    """The key of each heading of a beneficiary list."""
    bare = [replace(heading, text=_UNIT_BEHIND.sub("", heading.text)) for heading in headings]
    return [
        None if key == "amount" and _NOT_CNY.search(heading.shown) else key
        for key, heading in zip(_INDEX(bare), headings, strict=True)
    ]


def field_of(key: str) -> Field:
    """The field with this key. Raises KeyError."""
    return _BY_KEY[key]


_UNIT_ABOVE = re.compile(r"单位(?:为|是)?(亿元|万元|千元|元)")


def amount_unit(heading: str, above: Sequence[str]) -> str:
    """The unit of the amounts, a key of UNITS: the heading's, else that stated above, else 元."""
    if found := _UNIT_BEHIND.search(heading):
        return found[1]
    for text in above:
        if stated := _UNIT_ABOVE.search(fold_heading(text)):
            return stated[1]
    return "元"
