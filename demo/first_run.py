"""The job itself: from the sheets to opened cases, notices and the gate's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.exports import write_cases, write_item_notices, write_official_notices, write_problems
from demo.judge import Hits, Notices, expected_gate, judge_hits, judge_notices
from demo.later import REASON_ZH
from demo.parties import Beneficiary, Registry
from demo.report import RefusedRows
from demo.sheets import DeclarationFile, ListFile
from demo.site import Site
from demo.stages import Stages
from demo.stolen import count_notices
from demo.uploads import Kill, SheetFile, Upload, Uploads, send_all
from demo.workplace import Workplace
from demo.world import World, files_in
from services.cli.peers import ImportReport, ItemNoticeLine, OfficialNoticeLine

RELEASE_ZH = "经两人核对，通知有关单位"


@dataclass(frozen=True)
class FirstRun:
    """What came of the sheets: reports by path, cases, notices, the gate's answers."""

    reports: Mapping[Path, ImportReport]
    hits: Hits
    official_notices: Mapping[Registry, Sequence[OfficialNoticeLine]]
    item_notices: Mapping[Beneficiary, Sequence[ItemNoticeLine]]
    notices: Notices
    notices_sent: int
    notices_acknowledged: int
    gate: Mapping[str, int]
    gate_wrong: int


def run_first(world: World, site: Site, stages: Stages, kill: Kill, place: Workplace) -> FirstRun:
    """From the sheets to the gate's answers."""
    rows = sum(len(file.rows) for file in files_in(world.sheets))
    with stages.stage("upload", "各单位导入表格、密封、提交比对", rows) as tell:
        uploads = Uploads(_uploads(world, site), site.processes, site.database, tell, kill)
        uploads.run()
    _write_problems(uploads.reports, place)
    with stages.stage("open", "纪委核验并打开比中记录", len(world.truth.hits)) as tell:
        site.desk.pull()
        cases = site.desk.list_cases(REASON_ZH)
        hits = judge_hits(world.truth.hits, cases)
    with stages.stage("release", "两名纪检干部同意，发出通知", len(cases)) as tell:
        site.desk.release([case.case_id for case in cases], RELEASE_ZH, tell)
        site.desk.pull()
    with stages.stage("notices", "各单位接收、核对、签收通知", len(site.offices)) as tell:
        for office in site.offices:
            send_all(office)
            tell(1)
        officials = {one: one.client.list_notices() for one in site.registries}
        items = {one: one.client.list_notices() for one in site.beneficiaries}
        sent, acknowledged = count_notices(site.database)
    write_cases(place.results / "jiwei" / "cases.xlsx", site.desk.list_cases(REASON_ZH))
    _write_notices(place, officials, items)
    gate, wrong = _ask_gate(world, site, stages)
    return FirstRun(
        reports=uploads.reports,
        hits=hits,
        official_notices=officials,
        item_notices=items,
        notices=judge_notices(world.truth.hits, officials, items),
        notices_sent=sent,
        notices_acknowledged=acknowledged,
        gate=gate,
        gate_wrong=wrong,
    )


def _uploads(world: World, site: Site) -> list[Upload]:
    """What each office brings, the largest first."""

    def files_of(
        office: Registry | Beneficiary, files: Iterable[DeclarationFile | ListFile]
    ) -> tuple[SheetFile, ...]:
        own = [file for file in files if file.unit is office.unit]
        return tuple(SheetFile(world.paths[f.unit.id, f.name], len(f.rows)) for f in own)

    uploads = [
        *(Upload(one, files_of(one, world.sheets.declarations)) for one in site.registries),
        *(Upload(one, files_of(one, world.sheets.lists)) for one in site.beneficiaries),
    ]
    return sorted(uploads, key=lambda upload: -sum(file.rows for file in upload.files))


def _write_problems(reports: Mapping[Path, ImportReport], place: Workplace) -> None:
    for path, report in reports.items():
        write_problems(place.results / path.parent.name / f"{path.stem}.问题.xlsx", report)


def _write_notices(
    place: Workplace,
    officials: Mapping[Registry, Sequence[OfficialNoticeLine]],
    items: Mapping[Beneficiary, Sequence[ItemNoticeLine]],
) -> None:
    for registry, official_lines in officials.items():
        path = place.results / registry.unit.id / "申报-比中通知.xlsx"
        write_official_notices(path, official_lines)
    for beneficiary, item_lines in items.items():
        path = place.results / beneficiary.unit.id / "审批-比中通知.xlsx"
        write_item_notices(path, item_lines)


def _ask_gate(world: World, site: Site, stages: Stages) -> tuple[dict[str, int], int]:
    """The gate's answers about all items by status, and how many are wrong."""
    expected = expected_gate(world.sheets, world.truth.hits)
    answers: Counter[str] = Counter()
    wrong = 0
    with stages.stage("gate", "审批前逐项查询放行", sum(map(len, expected.values()))) as tell:
        for office in site.beneficiaries:
            own = expected.get(office.unit.id, {})
            for line in office.check(list(own)):
                answers[line.status.removeprefix("ITEM_STATUS_")] += 1
                wrong += line.status != own[line.item_ref]
                tell(1)
    return dict(sorted(answers.items())), wrong


def refused_rows(world: World, reports: Mapping[Path, ImportReport]) -> list[RefusedRows]:
    """Of each file the rows that were refused, and that must be."""
    return [
        RefusedRows(unit, name, world.truth.refused[unit, name], reports[path].refused)
        for (unit, name), path in world.paths.items()
    ]
