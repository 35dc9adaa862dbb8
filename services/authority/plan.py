"""The plan of a district for the quickstart: which units, in which roles, with which people.

A TOML file, or a CSV table of units::

    district = "fuling"                     单位代码,单位名称,角色,经办人
    officers = ["zhang", "li"]              caizheng,区财政局,申报,wang
    organisation = ["sun"]                  minzheng,区民政局,申报+受益,zhao 、qian
    [[units]]                               # officers of 区纪委; of 区委组织部 (R50), if any
    unit = "caizheng"
    name = "区财政局"
    roles = ["registry"]                    # registry, beneficiary or both
    clerks = ["wang"]
    embedded = false                        # true: its own system embeds the library, no service
    administrators = ["xu", "he", "lu"]     # system, security, audit (R64); without: no accounts, a trial
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from libmatch.errors import EncodingError
from libmatch.identity import Identity, IdentityError
from libmatch.kit import read_file
from libmatch.manifest import DEFAULT_BUCKET, Role
from libmatch.records import check_unit
from services.authority.cards import check_name, parse_roles
from services.authority.errors import CeremonyError
from services.authority.propose import ALL_KINDS

DEFAULT_CLERKS = ("clerk",)
_CSV_HEADINGS = ("单位代码", "单位名称", "角色", "经办人")
_CSV_ROLES = {"申报": "registry", "受益": "beneficiary"}
_SEPARATORS = re.compile(r"[\s、,，;；+＋/]+")


@dataclass(frozen=True)
class PlannedUnit:
    """A unit with its roles and the logins of its clerks. ``embedded``: it runs no service here.

    ``administrators``: the logins of its system, security and audit administrator, or none.
    """

    unit: str
    display_name: str
    roles: Role
    clerks: tuple[str, ...] = DEFAULT_CLERKS
    embedded: bool = False
    administrators: tuple[str, ...] = ()

    @property
    def logins(self) -> tuple[str, ...]:
        """Everybody of the unit who needs a certificate."""
        return tuple(dict.fromkeys((*self.clerks, *self.administrators)))


@dataclass(frozen=True)
class Plan:
    """A whole district. ``base_port`` 0: every server takes a free port when it starts.

    The constructor raises CeremonyError for names that are none, twice the same, or no units at all.
    """

    district: str
    units: tuple[PlannedUnit, ...]
    inspector_unit: str = "jiwei"
    inspector_name: str = "区纪委"
    officers: tuple[str, ...] = ("officer-1", "officer-2")
    organisation: tuple[str, ...] = ()
    suite: int = 1
    kinds: tuple[int, ...] = ALL_KINDS
    bucket: int = DEFAULT_BUCKET
    days: int = 365
    host: str = "127.0.0.1"
    base_port: int = 7400

    def __post_init__(self) -> None:
        names = [self.inspector_unit, *(unit.unit for unit in self.units)]
        if not self.units or len(set(names)) != len(names):
            raise CeremonyError(
                "a plan needs units, each with a name of its own",
                "至少要有一个单位，且单位代码（含纪委）不能重复",
            )
        for unit in self.units:
            _check_unit_names(self.district, unit)
        _check_name(self.district, self.inspector_unit, self.inspector_name)
        _check_logins(self.district, "officer", self.officers)
        _check_logins(self.district, "organisation", self.organisation)
        if not 0 <= self.base_port <= 65535 - 2 * len(names) or not self.host.strip():
            raise CeremonyError("no room for the ports", "端口或主机地址不正确")


def load_plan(path: Path, district: str | None = None) -> Plan:
    """The plan in a .toml or .csv file; ``district`` for a table, which does not say.

    Raises CeremonyError naming the line or key, KeyFileError where the file cannot be read.
    """
    data = read_file(path, "the plan")
    if path.suffix.lower() == ".csv":
        if district is None:
            raise CeremonyError(
                "a table of units needs the district", "CSV 文件须另用 --district 指定区县代码"
            )
        return Plan(district, _units_of_csv(data))
    return _plan_of_toml(data, district)


def _plan_of_toml(data: bytes, district: str | None) -> Plan:
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CeremonyError(f"not a TOML file: {error}", "计划文件不是 TOML 格式") from None
    if district is not None:
        values["district"] = district
    units = values.pop("units", [])
    if not isinstance(units, list) or not all(isinstance(unit, dict) for unit in units):
        raise _wrong("units")
    _check_keys(values, {field.name for field in fields(Plan)} - {"units"})
    for name, kind in (("officers", str), ("organisation", str), ("kinds", int)):
        if name in values:
            values[name] = _tuple(values[name], kind, name)
    try:
        return Plan(units=tuple(map(_unit_of_toml, units)), **values)
    except TypeError:
        raise CeremonyError(
            "the plan lacks its district, or has a value of a wrong type",
            "计划文件缺少 district（区县代码），或有的值类型不对",
        ) from None


def _unit_of_toml(values: Mapping[str, Any]) -> PlannedUnit:
    _check_keys(values, {"unit", "name", "roles", "clerks", "embedded", "administrators"})
    for name in ("unit", "name"):
        if not isinstance(values.get(name), str):
            raise _wrong(f"units.{name}")
    embedded = values.get("embedded", False)
    if not isinstance(embedded, bool):
        raise _wrong("units.embedded")
    roles = _tuple(values.get("roles"), str, "units.roles")
    clerks = _tuple(values.get("clerks", list(DEFAULT_CLERKS)), str, "units.clerks")
    administrators = _tuple(values.get("administrators", []), str, "units.administrators")
    facts = (values["unit"], values["name"], parse_roles(list(roles)))
    return PlannedUnit(*facts, clerks, embedded, administrators)


def _units_of_csv(data: bytes) -> tuple[PlannedUnit, ...]:
    rows = csv.reader(io.StringIO(_decode(data)))
    if tuple(cell.strip() for cell in next(rows, [])) != _CSV_HEADINGS:
        raise CeremonyError("the table has other headings", f"表头须为：{'，'.join(_CSV_HEADINGS)}")
    return tuple(
        _unit_of_row(number, [cell.strip() for cell in row])
        for number, row in enumerate(rows, 2)
        if any(cell.strip() for cell in row)
    )


def _unit_of_row(number: int, row: list[str]) -> PlannedUnit:
    roles = (
        [_CSV_ROLES.get(name, "") for name in _SEPARATORS.split(row[2])] if len(row) == 4 else []
    )
    if not all(roles) or not roles:
        raise CeremonyError(
            f"line {number}: four columns, and roles 申报, 受益 or both",
            f"第 {number} 行：须有四列，角色须为 申报、受益 或 申报+受益",
        )
    clerks = tuple(filter(None, _SEPARATORS.split(row[3]))) or DEFAULT_CLERKS
    return PlannedUnit(row[0], row[1], parse_roles(roles), clerks)


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CeremonyError("not a text file", "文件编码须为 UTF-8 或 GB18030")


def _check_unit_names(district: str, unit: PlannedUnit) -> None:
    _check_name(district, unit.unit, unit.display_name)
    if not unit.roles or unit.roles & Role.INSPECTOR:
        raise CeremonyError(
            f"{unit.unit}: a unit is registry, beneficiary or both",
            f"{unit.unit}：单位的角色只能是申报、受益或两者",
        )
    _check_logins(district, "clerk", unit.clerks, unit.unit)
    _check_logins(district, "clerk", unit.administrators, unit.unit)
    if len(unit.administrators) not in (0, 3):
        raise CeremonyError(
            f"{unit.unit}: three administrators, or none",
            f"{unit.unit}：须指定系统、安全、审计管理员3人，或都不指定（规则R64）",
        )


def _check_name(district: str, unit: str, display_name: str) -> None:
    try:
        Identity(district, "unit", check_unit(unit))
    except (EncodingError, IdentityError, TypeError):
        raise CeremonyError(
            "units and districts are named with a-z, 0-9 and -",
            f"代码只能用小写字母、数字和连字符：{district!r}、{unit!r}",
        ) from None
    check_name(display_name)


def _check_logins(district: str, role: str, logins: tuple[str, ...], unit: str = "") -> None:
    try:
        for login in logins:
            Identity(district, role, *filter(None, (unit, login)))
    except IdentityError:
        raise CeremonyError(
            "a login is made of a-z, 0-9, '-', '_' and '.'",
            "登录名只能用小写字母、数字和 - _ .",
        ) from None
    if not all(logins) or len(set(logins)) != len(logins):
        raise CeremonyError("logins are different and not empty", "登录名不能为空或重复")


def _check_keys(values: Mapping[str, Any], known: set[str]) -> None:
    for key in values:
        if key not in known:
            raise CeremonyError(
                f"unknown key {key}; known: {', '.join(sorted(known))}",
                f"计划文件中有不认识的项目 {key}；可用：{'、'.join(sorted(known))}",
            )


def _tuple(value: object, kind: type, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(type(item) is kind for item in value):
        raise _wrong(key)
    return tuple(value)


def _wrong(key: str) -> CeremonyError:
    return CeremonyError(f"{key} is missing or of a wrong type", f"计划文件中 {key} 缺失或类型不对")
