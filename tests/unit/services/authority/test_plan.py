from pathlib import Path
from typing import Any

import pytest

from libmatch.errors import KeyFileError
from libmatch.manifest import Role
from services.authority.errors import CeremonyError
from services.authority.plan import Plan, PlannedUnit, load_plan

BOTH = Role.REGISTRY | Role.BENEFICIARY
TOML = """
district = "fuling"
officers = ["zhang"]
kinds = [1, 2]
base_port = 0
[[units]]
unit = "caizheng"
name = "区财政局"
roles = ["registry"]
clerks = ["wang"]
administrators = ["xu", "he", "lu"]
[[units]]
unit = "minzheng"
name = "区民政局"
roles = ["registry", "beneficiary"]
embedded = true
"""
CSV = "单位代码,单位名称,角色,经办人\ncaizheng,区财政局,申报,wang、li\n\nminzheng,区民政局,申报+受益,\n"


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_toml_plan_is_read_in_full(tmp_path: Path) -> None:
    assert load_plan(write(tmp_path, "plan.toml", TOML.encode())) == Plan(
        district="fuling",
        units=(
            PlannedUnit(
                *("caizheng", "区财政局", Role.REGISTRY, ("wang",)),
                administrators=("xu", "he", "lu"),
            ),
            PlannedUnit("minzheng", "区民政局", BOTH, ("clerk",), embedded=True),
        ),
        officers=("zhang",),
        kinds=(1, 2),
        base_port=0,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_of_units_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "units.csv", CSV.encode(encoding))

    assert load_plan(path, "fuling").units == (
        PlannedUnit("caizheng", "区财政局", Role.REGISTRY, ("wang", "li")),
        PlannedUnit("minzheng", "区民政局", BOTH),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('district = "fuling"', ""),
        ('district = "fuling"', "district = 7"),
        ('district = "fuling"', 'district = "涪陵"'),
        ("base_port = 0", 'base_port = "x"'),
        ("base_port = 0", "base_port = 65530"),
        ("base_port = 0", "baseport = 0"),
        ("kinds = [1, 2]", "kinds = 1"),
        ("kinds = [1, 2]", "kinds = [true]"),
        ('["zhang"]', '["zhang", "zhang"]'),
        ('["zhang"]', '["张"]'),
        ('unit = "minzheng"', 'unit = "caizheng"'),
        ('unit = "minzheng"', 'unit = "jiwei"'),
        ('unit = "minzheng"', 'unit = "Minzheng"'),
        ('unit = "minzheng"', ""),
        ('unit = "minzheng"', "unit = 1"),
        ('"区民政局"', '""'),
        ('["registry"]', "[]"),
        ('["registry"]', '["inspector"]'),
        ('["registry"]', '"registry"'),
        ("embedded = true", "embedded = 1"),
        ("embedded = true", "embeded = true"),
        ('["wang"]', '["wang/li"]'),
        ('["xu", "he", "lu"]', '["xu", "he"]'),
        ('["xu", "he", "lu"]', '["xu", "he", "xu"]'),
        ('["xu", "he", "lu"]', '["xu", "he", "何"]'),
        ('["xu", "he", "lu"]', '"xu"'),
        ("[[units]]", "[units]"),
        ("[[units]]", "[[unit"),
    ],
)
def test_a_plan_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in TOML
    with pytest.raises(CeremonyError) as refused:
        load_plan(write(tmp_path, "plan.toml", TOML.replace(old, new).encode()))
    assert refused.value.message_zh


@pytest.mark.parametrize(
    "text",
    [
        "",
        "单位,名称\n",
        "单位代码,单位名称,角色,经办人\n",
        "单位代码,单位名称,角色,经办人\ncaizheng,区财政局\n",
        "单位代码,单位名称,角色,经办人\ncaizheng,区财政局,纪委,wang\n",
        "单位代码,单位名称,角色,经办人\ncaizheng,区财政局,,wang\n",
        "单位代码,单位名称,角色,经办人\ncaizheng,,申报,wang\n",
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CeremonyError):
        load_plan(write(tmp_path, "units.csv", text.encode()), "fuling")


def test_a_table_needs_the_district(tmp_path: Path) -> None:
    with pytest.raises(CeremonyError, match="district"):
        load_plan(write(tmp_path, "units.csv", CSV.encode()))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    for name in ("plan.toml", "units.csv"):
        with pytest.raises(CeremonyError):
            load_plan(write(tmp_path, name, b"\xff\xff\x00"), "fuling")
    with pytest.raises(KeyFileError):
        load_plan(tmp_path / "missing.toml")


def test_a_plan_without_units_is_none() -> None:
    units: tuple[Any, ...] = ()
    with pytest.raises(CeremonyError):
        Plan("fuling", units)
