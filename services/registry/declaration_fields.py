"""Single fields of the forms: a clean text -> its value. Each raises CellError with the cure."""

from __future__ import annotations

import re

from libmatch.identifiers import Sex
from libmatch.payloads import NAME_CAP
from services.chassis import sheets
from services.chassis.sheets import CellError, fold_width
from services.rules.reporting import Post

_TEXT_LIMIT = 200  # characters of unit, post, household …
_WORK_LIMIT = 2_000  # R17 asks for all work, in prose
_NOTHING = frozenset({"无", "/", "\\", "-", "—", "——", "－", "暂无", "没有"})
NOT_KNOWN = _NOTHING | {"不详", "未知", "不知道", "不清楚", "不明", "不知", "未填"}
"""Words in place of a content that give no reason for its absence."""

_PHONE = re.compile(r"(?:(?:\+|00)?86)?(1[3-9]\d{9})|(0\d{2,3}\d{7,8})|([2-9]\d{6,7})", re.ASCII)


def parse_name(text: str) -> str:
    """The name as it may be sealed."""
    return sheets.parse_person_name(text, NAME_CAP)


def parse_text(text: str) -> str:
    """The text, at most 200 characters."""
    return sheets.parse_text(text, _TEXT_LIMIT)


def parse_long_text(text: str) -> str:
    """The text, at most 2,000 characters."""
    return sheets.parse_text(text, _WORK_LIMIT)


def parse_sex(text: str) -> Sex | None:
    """男 or 女; None for a blank."""
    if not text:
        return None
    try:
        return Sex(text.removesuffix("性"))
    except ValueError:
        raise CellError("性别只能填“男”或“女”", "请改为“男”或“女”") from None


def parse_discipline(text: str) -> bool | None:
    """True for 是, False for 否, None for a blank (annex 2, note 3)."""
    if text not in ("是", "否", ""):
        raise CellError("是否纪检干部只能填“是”或“否”", "请改为“是”或“否”")
    return text == "是" if text else None


def parse_category(text: str) -> Post | None:
    """The post as R22 tells posts apart; None for a blank."""
    if not text:
        return None
    try:
        return Post(fold_width(text).replace("(", "（").replace(")", "）"))
    except ValueError:
        raise CellError("人员类别不在可选范围内", f"请从中选择：{'、'.join(Post)}") from None


def parse_phone(text: str) -> str:
    """The digits, several numbers joined by 、; "" for a blank, 无 where there is none (R17)."""
    if not text:
        return ""
    if text in _NOTHING:
        return "无"
    parts = [part for part in re.split(r"[、/,;|]+", fold_width(text)) if part.strip()]
    return "、".join(_phone(part) for part in parts)


def _phone(text: str) -> str:
    match = _PHONE.fullmatch(re.sub(r"[\s()\-—–]+", "", text))
    if not match:
        raise CellError("手机号码不对（应为11位数字）", "请核对号码；没有的留空")
    return match[1] or match[2] or match[3]
