"""Two lists of a department, for the tests of ``compare``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.services.cli.compared_tables import (
    ITEM,
    OFFICIAL,
    RELATIVE,
    declared,
    item,
    number,
    table,
)


@pytest.fixture
def declarations(tmp_path: Path) -> Path:
    return table(
        tmp_path / "declarations.csv",
        OFFICIAL + RELATIVE,
        [
            declared(1, "赵钱孙", "配偶", number(11)),
            declared(1, "周吴郑", "子女", number(12)),
            declared(2, "冯陈褚", "本人的父母", number(13), name="司马乙"),
        ],
    )


@pytest.fixture
def beneficiaries(tmp_path: Path) -> Path:
    return table(
        tmp_path / "beneficiaries.csv",
        ITEM,
        [
            item("JZ-2026-001", "赵钱孙", number(11)),
            item("JZ-2026-002", "褚卫蒋", number(40)),
            item("JZ-2026-003", "欧阳甲", number(1)),
            item("JZ-2026-004", "冯陈禇", number(13), yuan="1234.5"),
        ],
    )
