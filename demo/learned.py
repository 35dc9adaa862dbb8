"""What each party learned, row by row of the closing table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from demo.first_run import FirstRun
from demo.privacy import AUTHORITY
from demo.report import Learned
from demo.sheets import DeclarationFile, ListFile
from demo.site import INSPECTOR
from demo.stolen import StolenDatabase
from demo.units import Unit
from demo.world import World


def list_learned(
    world: World,
    first: FirstRun,
    database: StolenDatabase,
    plaintext: Mapping[str, Any],
    elsewhere: Mapping[str, int],
    cases: int,
    process: Mapping[str, Any],
) -> list[Learned]:
    """Every unit on each of its sides, then the matcher, 纪委, the custodians and the public."""
    pairs = len(database.pairs)
    return [
        *_units(world, first, elsewhere),
        Learned(
            "比对平台",
            own=0,
            foreign=plaintext["total"],
            tokens=database.records,
            pairs=pairs,
            learned_zh="哪两条密文记录相同、数量、时间",
        ),
        Learned(
            "区纪委",
            own=0,
            foreign=elsewhere[INSPECTOR],
            pairs=pairs,
            learned_zh=f"比中记录，共{cases}件；其余一条也打不开",
        ),
        Learned(
            "保管人一、保管人二",
            own=0,
            foreign=elsewhere[AUTHORITY],
            learned_zh="无（离线，各持一份额）",
        ),
        Learned(
            "公众",
            own=0,
            foreign=None,
            learned_zh=f"公示表的内容：{process['published']}件公示期满（没有号码、电话、住址）",
        ),
    ]


def _units(world: World, first: FirstRun, elsewhere: Mapping[str, int]) -> Iterator[Learned]:
    for registry, official_lines in first.official_notices.items():
        yield Learned(
            registry.title_zh,
            _own_records(first, world.sheets.declarations, registry.unit),
            elsewhere[registry.unit.id],
            notices=len(official_lines),
            learned_zh="本单位干部的亲属享受了什么事项",
        )
    for beneficiary, item_lines in first.item_notices.items():
        yield Learned(
            beneficiary.title_zh,
            _own_records(first, world.sheets.lists, beneficiary.unit),
            elsewhere[beneficiary.unit.id],
            notices=len(item_lines),
            learned_zh="受益人是哪位干部的亲属；能否放行",
        )


def _own_records(first: FirstRun, files: Iterable[DeclarationFile | ListFile], unit: Unit) -> int:
    """How many records the unit's own files gave."""
    names = {file.name for file in files if file.unit is unit}
    return sum(
        report.new
        for path, report in first.reports.items()
        if path.parent.name == unit.id and path.name in names
    )
