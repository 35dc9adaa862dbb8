"""One run: from the synthetic district to the findings, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.attempt import Attempt, attempt
from demo.changes import Changes, pick_changes
from demo.district import AS_OF, District, build_district
from demo.exports import write_cases, write_item_notices, write_official_notices, write_problems
from demo.failure import DemoFailure
from demo.judge import (
    Hits,
    Notices,
    expected_gate,
    judge_hits,
    judge_notices,
    live_cases,
)
from demo.later import REASON_ZH, STEPS, Later
from demo.needles import Needles, needles_of
from demo.parties import Beneficiary, Parties, Registry
from demo.privacy import count_foreign, logs_of, texts_of_hits, texts_of_unit
from demo.processes import Processes
from demo.report import Findings, Learned, RefusedRows
from demo.search import count_plaintext
from demo.sheets import DeclarationFile, ListFile, Sheets, enter_district
from demo.site import (
    CEREMONY_STEPS,
    INSPECTOR,
    MATCHER,
    Site,
    count_services,
    hold_ceremony,
    open_site,
)
from demo.stages import Stages
from demo.stolen import StolenDatabase, count_notices, read_database
from demo.truth import ExpectedHit, Truth, expected_truth
from demo.uploads import Kill, SheetFile, Upload, Uploads, send_all
from demo.workplace import Workplace
from libmatch.identifiers import Identifier, Kind
from libmatch.kit import read_epoch, read_party_keys
from services.cli.peers import ImportReport, ItemNoticeLine, OfficialNoticeLine

RELEASE_ZH = "经两人核对，通知有关单位"


@dataclass(frozen=True)
class Options:
    """What to run. ``kill_matcher``: SIGKILL to the matcher in the middle of the upload."""

    officials: int
    items: int
    seed: int
    kill_matcher: bool


@dataclass(frozen=True)
class _World:
    """The invented district, its sheets as written, and the known answer."""

    district: District
    sheets: Sheets
    truth: Truth
    changes: Changes
    paths: Mapping[tuple[str, str], Path]


@dataclass(frozen=True)
class _FirstRun:
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


def run_demo(
    options: Options, place: Workplace, stages: Stages, now: Callable[[], datetime]
) -> Findings:
    """The findings of a whole run. Raises DemoFailure."""
    world = _make_world(options, place, stages, now())
    units = world.district.units
    with stages.stage("ceremony", "两位保管人的仪式、各方密钥与证书", CEREMONY_STEPS) as tell:
        hold_ceremony(units, place.district, now(), lambda _: tell(1))
    kill = Kill(options.kill_matcher)
    with Processes(place.logs) as processes:
        with Parties(place.district) as parties:
            with stages.stage("start", "启动各方服务", count_services(units)) as tell:
                site = open_site(units, place.district, processes, parties, lambda: tell(1))
            first = _run_first(world, site, stages, kill, place)
            later = Later(site, world.sheets, world.changes, list(world.truth.hits), place.sheets)
            with stages.stage("later", "补报、更正、撤回、重复导入", STEPS) as tell:
                later.run(tell)
            disputes = len(site.desk.list_disputes())
            cases = live_cases(site.desk.list_cases(REASON_ZH))
        with stages.stage("search", "在各方磁盘上逐字节搜索明文", len(units) + 5) as tell:
            plaintext, elsewhere = _search(world, site, later.hits, place, tell)
    with stages.stage("attempt", "纪委用私钥和比对平台全库尝试打开未比中的记录") as tell:
        database = read_database(site.database)
        tried = _attempt(world, database, place)
    return Findings(
        sizes={
            "officials": options.officials,
            "items": options.items,
            "seed": options.seed,
            "rows": sum(len(file.rows) for file in _files(world.sheets)),
            "records": database.records,
            "batches": len(database.batches),
            "services": count_services(units),
        },
        hits=first.hits,
        pairs_expected=sum(len(hit.units) for hit in later.hits),
        pairs_found=len(database.pairs),
        refused=_refused(world, first.reports),
        notices=first.notices,
        notices_sent=first.notices_sent,
        notices_acknowledged=first.notices_acknowledged,
        disputes=disputes,
        gate=first.gate,
        gate_wrong=first.gate_wrong,
        later=later.outcomes,
        attempt=tried,
        plaintext=plaintext,
        plaintext_elsewhere=elsewhere,
        kill=kill,
        exit_codes=processes.exit_codes,
        seconds=stages.seconds,
        parties=_learned(world, first, database, plaintext, elsewhere, len(cases)),
    )


def _files(sheets: Sheets) -> list[DeclarationFile | ListFile]:
    return [*sheets.declarations, *sheets.lists]


def _make_world(options: Options, place: Workplace, stages: Stages, now: datetime) -> _World:
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
    files = _files(sheets)
    paths: dict[tuple[str, str], Path] = {}
    with stages.stage("sheets", "写出各单位的表格", sum(len(f.rows) for f in files)) as tell:
        for file in files:
            folder = place.sheets / file.unit.id
            folder.mkdir(exist_ok=True)
            paths[file.unit.id, file.name] = file.write(folder)
            tell(len(file.rows))
    return _World(district, sheets, truth, changes, paths)


def _run_first(
    world: _World, site: Site, stages: Stages, kill: Kill, place: Workplace
) -> _FirstRun:
    """From the sheets to the gate's answers."""
    rows = sum(len(file.rows) for file in _files(world.sheets))
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
    for registry, official_lines in officials.items():
        path = place.results / registry.unit.id / "申报-比中通知.xlsx"
        write_official_notices(path, official_lines)
    for beneficiary, item_lines in items.items():
        path = place.results / beneficiary.unit.id / "审批-比中通知.xlsx"
        write_item_notices(path, item_lines)
    gate, wrong = _ask_gate(world, site, stages)
    return _FirstRun(
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


def _uploads(world: _World, site: Site) -> list[Upload]:
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


def _ask_gate(world: _World, site: Site, stages: Stages) -> tuple[dict[str, int], int]:
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


def _refused(world: _World, reports: Mapping[Path, ImportReport]) -> list[RefusedRows]:
    return [
        RefusedRows(unit, name, world.truth.refused[unit, name], reports[path].refused)
        for (unit, name), path in world.paths.items()
    ]


def _search(
    world: _World,
    site: Site,
    hits: Iterable[ExpectedHit],
    place: Workplace,
    tell: Callable[[int], None],
) -> tuple[dict[str, Any], dict[str, int]]:
    """What lies where it must not; ends all services on the way.

    The matcher's files are searched as they are while it runs, with journal, and as it leaves them.
    """
    needles = needles_of(world.district)
    processes = site.processes
    processes.stop([name for name in processes.names if name != MATCHER])
    matcher = [site.matcher_folder, *logs_of(place.logs, [MATCHER])]
    running = count_plaintext(matcher, needles)
    tell(1)
    processes.stop([MATCHER])
    tell(1)
    stopped = count_plaintext(matcher, needles)
    tell(1)
    elsewhere = _search_elsewhere(world, site, hits, place, needles, tell)
    return {**stopped, "total": running["total"] + stopped["total"], "running": running}, elsewhere


def _search_elsewhere(
    world: _World,
    site: Site,
    hits: Iterable[ExpectedHit],
    place: Workplace,
    needles: Needles,
    tell: Callable[[int], None],
) -> dict[str, int]:
    """By party, how many numbers and phones lie there that are not its own."""
    found: dict[str, int] = {}
    everything = [*hits, *world.truth.hits]  # those withdrawn since were known, too
    for unit in world.district.units:
        names = [o.process.program.name for o in site.offices if o.unit is unit]
        paths = [site.folder / "units" / unit.id, *logs_of(place.logs, names)]
        own = texts_of_unit(world.sheets, unit) | _late_texts(world, unit.id)
        found[unit.id] = count_foreign(paths, needles, own)
        tell(1)
    inspector = [site.folder / INSPECTOR, *logs_of(place.logs, [INSPECTOR])]
    found[INSPECTOR] = count_foreign(inspector, needles, texts_of_hits(everything))
    tell(1)
    found["authority"] = int(count_plaintext([site.folder / "authority"], needles)["total"])
    tell(1)
    return found


def _late_texts(world: _World, unit: str) -> set[str]:
    changes = world.changes
    late = Sheets((changes.declaration,), (changes.listed, changes.correction.file))
    return {text for u in world.district.units if u.id == unit for text in texts_of_unit(late, u)}


def _attempt(world: _World, database: StolenDatabase, place: Workplace) -> Attempt:
    folder = place.district / INSPECTOR
    passphrase = (folder / "passphrase").read_text("utf-8").rstrip("\r\n")
    keys = read_party_keys(folder / "kit", passphrase)
    manifest = read_epoch(folder / "kit").manifest
    return attempt(database, keys.hpke, manifest, _numbers(world.sheets))


def _numbers(sheets: Sheets) -> list[Identifier]:
    """Everybody's number: of whom 纪委 may suspect that he is in some record."""
    people = {row.official.person for file in sheets.declarations for row in file.rows}
    people |= {r.kin.person for file in sheets.declarations for r in file.rows if r.kin}
    people |= {p.person for file in sheets.lists for r in file.rows for p in r.item.parties}
    return [Identifier(Kind(person.papers), person.number) for person in people]


def _learned(
    world: _World,
    first: _FirstRun,
    database: StolenDatabase,
    plaintext: Mapping[str, Any],
    elsewhere: Mapping[str, int],
    cases: int,
) -> list[Learned]:
    """What each party learned, for the table."""
    taken: Counter[str] = Counter()
    for path, report in first.reports.items():
        side = "r" if any(path.name == f.name for f in world.sheets.declarations) else "b"
        taken[f"{side}/{path.parent.name}"] += report.new
    told_officials = "本单位干部的亲属享受了什么事项"
    told_items = "受益人是哪位干部的亲属；能否放行"
    return [
        *(
            Learned(
                f"{one.unit.name}（申报）",
                taken[f"r/{one.unit.id}"],
                elsewhere[one.unit.id],
                notices=len(lines),
                learned_zh=told_officials,
            )
            for one, lines in first.official_notices.items()
        ),
        *(
            Learned(
                f"{other.unit.name}（审批）",
                taken[f"b/{other.unit.id}"],
                elsewhere[other.unit.id],
                notices=len(told),
                learned_zh=told_items,
            )
            for other, told in first.item_notices.items()
        ),
        Learned(
            "比对平台",
            0,
            plaintext["total"],
            tokens=database.records,
            pairs=len(database.pairs),
            learned_zh="哪两条密文记录相同、数量、时间",
        ),
        Learned(
            "区纪委",
            0,
            elsewhere[INSPECTOR],
            pairs=len(database.pairs),
            learned_zh=f"比中记录，共{cases}件；其余一条也打不开",
        ),
        Learned(
            "保管人一、保管人二", 0, elsewhere["authority"], learned_zh="无（离线，各持一份额）"
        ),
        Learned("公众", 0, None, learned_zh="无（尚未公示）"),
    ]
