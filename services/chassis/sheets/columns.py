"""Whole columns of texts -> values, where each text that cannot be understood becomes an error."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from libmatch.errors import InputError
from services.chassis.sheets.cells import CellError, fold_width
from services.chassis.sheets.problems import what_and_cure

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)
_CORRECT = "请对照原始材料改正"


def parse_each(texts: Sequence[str], parse: Callable[[str], _T]) -> list[_T | CellError]:
    """The value of each text, or the error that ``parse`` raises; equal texts are parsed once."""
    known: dict[str, _T | CellError] = {}
    for text in texts:
        if text not in known:
            known[text] = _parsed(text, parse)
    return [known[text] for text in texts]


def _parsed(text: str, parse: Callable[[str], _T]) -> _T | CellError:
    try:
        return parse(text)
    except CellError as error:
        return error
    except InputError as error:
        return cell_error(error)


def cell_error(error: InputError) -> CellError:
    """The library's error as the error of a cell."""
    return CellError(*what_and_cure(error, _CORRECT))


def parse_grouped(
    texts: Sequence[str],
    groups: Sequence[_K | CellError],
    parse: Callable[[list[str], _K], Sequence[_T | CellError]],
) -> list[_T | CellError]:
    """The values of ``parse``, called once for all texts of one group; a group's error stays one."""
    places: defaultdict[_K, list[int]] = defaultdict(list)
    found: dict[int, _T | CellError] = {}
    for place, group in enumerate(groups):
        if isinstance(group, CellError):
            found[place] = group
        else:
            places[group].append(place)
    for group, members in places.items():
        values = parse([texts[place] for place in members], group)
        found.update(zip(members, values, strict=True))
    return [found[place] for place in range(len(texts))]


_NAME_LENGTHS = range(2, 51)
_NAME = re.compile(
    r"[〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ue000-\uf8ff\U00020000-\U0003ffff"
    r"A-Za-z\u00c0-\u024f·'\- ]+"
)
_NAME_DOTS = str.maketrans("•‧∙・･．.●⋅", "·········")
_BETWEEN_HAN = re.compile(r"(?<=[^\x00-\u02ff]) (?=[^\x00-\u02ff])")
_NO_NAMES = frozenset({"不详", "未知", "没有", "暂无", "不清楚", "同上", "姓名"})


def parse_person_name(text: str, most_bytes: int) -> str:
    """A person's name with · for every dot, no space between Chinese characters. Raises CellError.

    2 to 50 characters, at most ``most_bytes`` of UTF-8; no digits, brackets or remarks.
    """
    name = _BETWEEN_HAN.sub("", fold_width(text).translate(_NAME_DOTS)).strip()
    if not name:
        raise CellError("没有填写姓名", "请填写姓名")
    if name in _NO_NAMES or len(name) not in _NAME_LENGTHS:
        raise CellError("姓名不完整或过长（应为2至50个字）", "请填写证件上的全名")
    if any(c.isdecimal() for c in name):
        raise CellError("姓名里有数字", "请检查是否填错了列，姓名栏只填姓名")
    if not _NAME.fullmatch(name):
        raise CellError("姓名里有不能识别的字符", "姓名栏只填证件上的姓名，说明写在“备注”栏")
    if len(name.encode()) > most_bytes:
        raise CellError(f"姓名过长（最多{most_bytes // 3}个汉字）", "请填写证件上的姓名")
    return name


def parse_text(text: str, limit: int) -> str:
    """The text itself, at most ``limit`` characters. Raises CellError."""
    if len(text) > limit:
        raise CellError(f"内容过长（最多{limit}个字）", "请精简后重新填写")
    return text
