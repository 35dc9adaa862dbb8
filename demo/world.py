"""The invented district of one run, its sheets on the disk, and the known answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from demo.changes import Changes, pick_changes
from demo.district import AS_OF, District, build_district
from demo.failure import DemoFailure
from demo.sheets import DeclarationFile, ListFile, Sheets, enter_district
from demo.stages import Stages
from demo.truth import Truth, expected_truth
from demo.workplace import Workplace
from libmatch.identifiers import Identifier, Kind


@dataclass(frozen=True)
class Options:
    """What to run. ``kill_matcher``: SIGKILL to the matcher in the middle of the upload."""

    officials: int
    items: int
    seed: int
    kill_matcher: bool


@dataclass(frozen=True)
class World:
    """The invented district, its sheets as written, and the known answer."""

    district: District
    sheets: Sheets
    truth: Truth
    changes: Changes
    paths: Mapping[tuple[str, str], Path]


def make_world(options: Options, place: Workplace, stages: Stages, now: datetime) -> World:
    """The world of this run, its sheets written. Raises DemoFailure where it is too small."""
    with stages.stage("district", "虚构一个区：人员、家庭、事项"):
        # On a machine whose clock is behind, nobody may be born in the future.
        as_of = min(AS_OF, now.date())
        try:
            district = build_district(options.officials, options.items, options.seed, as_of=as_of)
            sheets = enter_district(district)
            truth = expected_truth(sheets)
            changes = pick_changes(district, sheets, truth.hits)
        except ValueError as error:
            raise DemoFailure(f"规模太小（{error}），请用至少 60 名干部、150 个事项") from error
    files = files_in(sheets)
    paths: dict[tuple[str, str], Path] = {}
    with stages.stage("sheets", "写出各单位的表格", sum(len(f.rows) for f in files)) as tell:
        for file in files:
            folder = place.sheets / file.unit.id
            folder.mkdir(exist_ok=True)
            paths[file.unit.id, file.name] = file.write(folder)
            tell(len(file.rows))
    return World(district, sheets, truth, changes, paths)


def files_in(sheets: Sheets) -> list[DeclarationFile | ListFile]:
    """All files, declarations first."""
    return [*sheets.declarations, *sheets.lists]


def all_numbers(sheets: Sheets) -> list[Identifier]:
    """Everybody's number: of whom 纪委 may suspect that he is in some record."""
    people = {row.official.person for file in sheets.declarations for row in file.rows}
    people |= {r.kin.person for file in sheets.declarations for r in file.rows if r.kin}
    people |= {p.person for file in sheets.lists for r in file.rows for p in r.item.parties}
    return [Identifier(Kind(person.papers), person.number) for person in people]
