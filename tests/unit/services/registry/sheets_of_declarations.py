"""Small sheets of declarations for tests: flat tables as CSV bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from libmatch.identifiers import Identifier
from tests.district import person

OFFICIAL = person(900_001)
HEADINGS = (
    *("报告人姓名", "报告人性别", "报告人政治面貌", "报告人单位", "报告人职务", "报告人职级"),
    *("具体工作", "是否纪检干部", "报告人身份证号码", "报告人户籍地址", "报告人手机号码"),
    *("亲属姓名", "亲属性别", "亲属关系", "亲属政治面貌", "亲属单位", "亲属职务"),
    *("亲属身份证号码", "亲属手机号码", "亲属户籍地址", "备注"),
)


def row(
    relative: Identifier | None,
    name: str = "李某",
    relation: str = "配偶",
    *,
    official: Identifier = OFFICIAL,
    official_name: str = "王某",
    **cells: str,
) -> dict[str, str]:
    """One row; ``cells`` overrides by heading."""
    values = {
        "报告人姓名": official_name,
        "报告人单位": "某局",
        "报告人职务": "科长",
        "具体工作": "办公室工作",
        "是否纪检干部": "否",
        "报告人身份证号码": official.idn,
        "亲属姓名": name,
        "亲属关系": relation,
        "亲属身份证号码": relative.idn if relative else "",
        "备注": "" if relative else "在外地，下月补报",
    }
    return values | cells


def sheet(*rows: Mapping[str, str], headings: Sequence[str] = HEADINGS) -> bytes:
    """The CSV of ``rows``, UTF-8 with BOM as spreadsheets write it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
