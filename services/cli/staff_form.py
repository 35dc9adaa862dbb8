"""Annex 4 as a file that people fill: TOML or JSON with the headings of the form as keys (R32)."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libmatch.errors import InputError

_TEXTS = {
    "姓名": "name",
    "性别": "sex",
    "出生年月": "born",
    "民族": "nation",
    "籍贯": "native_place",
    "出生地": "birth_place",
    "入党时间": "joined_party",
    "参加工作时间": "started_work",
    "健康状况": "health",
    "身份证号码": "identifier",
    "联系电话": "phone",
    "现任职务": "post",
    "分管工作": "duties",
    "主要简历": "resume",
}
_PHOTO = "照片"
_ANSWERS = {"是否责任领导": "is_leader", "是否工作人员": "is_worker"}
_EDUCATIONS = {"全日制教育": "full_time", "在职教育": "in_service"}
_EDUCATION = {"学历学位": "degree", "毕业院校及专业": "school"}
_FAMILY = "家庭主要成员及社会关系"
_MEMBER = {
    "称谓": "title",
    "姓名": "name",
    "年龄": "age",
    "政治面貌": "political",
    "工作单位及职务": "unit_and_post",
}
_KEYS = {*_TEXTS, _PHOTO, *_ANSWERS, *_EDUCATIONS, _FAMILY}
_HINTS = {
    "性别": "男 或 女",
    "出生年月": "如 1980-07",
    _PHOTO: "照片文件名，与本文件放在一起",
    "是否责任领导": "是 或 否；两项中只有一项填“是”",
    "是否工作人员": "是 或 否",
}
_MAX_BYTES = 1 << 20
_MAX_PHOTO = 16 << 20


def write_blank() -> str:
    """An empty form as TOML."""
    lines = ["# 涉权事项公开工作责任领导及工作人员基本情况表（附件4）。确实没有的填“无”。"]
    for key in (*_TEXTS, _PHOTO, *_ANSWERS):
        lines.append(f'"{key}" = ""' + (f"  # {_HINTS[key]}" if key in _HINTS else ""))
    for key in _EDUCATIONS:
        lines += ["", f'["{key}"]', *(f'"{name}" = ""' for name in _EDUCATION)]
    lines += ["", "# 每名家庭成员一段，可复制增加", f'[["{_FAMILY}"]]']
    lines += [f'"{name}" = ' + ("0" if name == "年龄" else '""') for name in _MEMBER]
    return "\n".join([*lines, ""])


def read_form(path: Path) -> dict[str, Any]:
    """The form in ``path`` by the names of the protobuf fields; blank stays blank.

    Raises InputError naming the key that is unknown or of the wrong kind, never its value.
    """
    values = _parse(path)
    _refuse_unknown(values, _KEYS, "基本情况表")
    form: dict[str, Any] = {name: _text(values, key) for key, name in _TEXTS.items()}
    form["photo_digest"] = _photo(path, _text(values, _PHOTO))
    form |= {
        name: answer
        for key, name in _ANSWERS.items()
        if (answer := _answer(key, values.get(key, ""))) is not None
    }
    for key, name in _EDUCATIONS.items():
        section = _section(key, values.get(key, {}), _EDUCATION)
        form[name] = {field: _text(section, heading) for heading, field in _EDUCATION.items()}
    rows = values.get(_FAMILY, [])
    if not isinstance(rows, list):
        raise _wrong(_FAMILY)
    form["family"] = [_member(row) for row in rows]
    return form


def shown_rows(form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(heading, text) of every field for the terminal; ``form`` by the names of the protobuf fields."""
    rows = [(key, str(form.get(name, ""))) for key, name in _TEXTS.items()]
    rows.append((_PHOTO, "已登记" if form.get("photo_digest") else ""))
    said = {True: "是", False: "否", None: ""}
    rows += [(key, said[form.get(name)]) for key, name in _ANSWERS.items()]
    for key, name in _EDUCATIONS.items():
        section = form.get(name, {})
        rows += [(f"{key}{h}", str(section.get(f, ""))) for h, f in _EDUCATION.items()]
    for number, row in enumerate(form.get("family", []), 1):
        text = "，".join(str(row.get(field, "")) for field in _MEMBER.values())
        rows.append((f"家庭成员{number}", text))
    return rows


def _parse(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InputError("the form is too large", "基本情况表文件过大")
    try:
        text = data.decode("utf-8-sig")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        zh = "基本情况表文件的格式不正确；请用 libmatch accounts form 生成空表后填写"
        raise InputError("not a TOML or JSON file", zh) from None
    if not isinstance(values, dict):
        raise _wrong("基本情况表")
    return values


def _refuse_unknown(values: Mapping[str, Any], known: set[str], where: str) -> None:
    if set(values) - known:
        raise InputError(
            "the form has a key that annex 4 has not",
            f"“{where}”中有附件4没有的栏目，请核对栏目名称",
        )


def _section(key: str, value: Any, headings: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(key)
    _refuse_unknown(value, set(headings), key)
    return value


def _member(value: Any) -> dict[str, Any]:
    row = _section(_FAMILY, value, _MEMBER)
    member: dict[str, Any] = {
        field: _text(row, heading) for heading, field in _MEMBER.items() if field != "age"
    }
    age = row.get("年龄", 0)
    if not isinstance(age, int) or not 0 <= age <= 150:
        raise _wrong("年龄")
    return member | ({"age": age} if "年龄" in row else {})


def _answer(key: str, value: Any) -> bool | None:
    if value in ("是", True):
        return True
    if value in ("否", False):
        return False
    if value == "":
        return None
    raise InputError("an answer is 是 or 否", f"“{key}”应填“是”或“否”")


def _photo(path: Path, name: str) -> bytes:
    """SHA-256 of the picture beside the form; empty where none is named."""
    if not name:
        return b""
    data = (path.parent / name).read_bytes()
    if not 0 < len(data) <= _MAX_PHOTO:
        raise InputError("the picture is empty or too large", "照片文件为空或超过16MB，请更换")
    return hashlib.sha256(data).digest()


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise _wrong(key)
    return value.strip()


def _wrong(key: str) -> InputError:
    return InputError(
        "a value of the form is of the wrong kind", f"“{key}”的内容格式不正确，请核对"
    )
