"""A small district's own data for tests of figures: units, and a campaign of 2026 about ``district.NOW``.

reg-a is a department that sends out tax-post, which sits in reg-b, a street; ghost is not in any roster.
"""

from __future__ import annotations

from pathlib import Path

from services.process.district_data import DistrictData, read_district_data

UNITS = """
[[unit]]
name = "reg-a"
display = "区甲局"
kind = "department"
valid_from = 2018-01-01
[[unit]]
name = "ben-a"
display = "区丙局"
kind = "department"
valid_from = 2018-01-01
[[unit]]
name = "ghost"
display = "区丁局"
kind = "department"
valid_from = 2018-01-01
[[unit]]
name = "reg-b"
display = "乙街道"
kind = "street"
valid_from = 2018-01-01
[[unit]]
name = "yi-cun"
display = "一村"
kind = "village"
parent = "reg-b"
valid_from = 2018-01-01
[[unit]]
name = "tax-post"
display = "甲局派出所"
kind = "outposted-body"
parent = "reg-a"
seat = "reg-b"
valid_from = 2018-01-01
[[unit]]
name = "group-3"
display = "派驻第三纪检组"
kind = "stationed-discipline-group"
hosts = ["ben-a", "reg-a"]
valid_from = 2018-01-01
"""

CAMPAIGN = """
[[campaign]]
name = "2026"
display = "2026年申报"
[[campaign.deadline]]
step = "staff-forms"
due_on = 2026-05-20
[[campaign.deadline]]
step = "declarations"
due_on = 2026-06-01
[[campaign.deadline]]
step = "items"
due_on = 2026-06-10
units = ["ben-a"]
[[campaign.deadline]]
step = "first-publication"
due_on = 2026-06-20
"""


def write_district_data(folder: Path) -> tuple[Path, Path]:
    """The two files, as settings name them."""
    units, campaigns = folder / "units.toml", folder / "campaigns.toml"
    units.write_text(UNITS, encoding="utf-8")
    campaigns.write_text(CAMPAIGN, encoding="utf-8")
    return units, campaigns


def make_district_data(folder: Path) -> DistrictData:
    """The data of both files."""
    return read_district_data(*write_district_data(folder))
