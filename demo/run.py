"""One run: from the synthetic district to the findings, stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from demo.attempt import Attempt, attempt
from demo.clock import MovedClock
from demo.first_run import refused_rows, run_first
from demo.judge import live_cases
from demo.later import REASON_ZH, Later
from demo.later import STEPS as LATER_STEPS
from demo.learned import list_learned
from demo.parties import Parties
from demo.privacy import STEPS as SEARCH_STEPS
from demo.privacy import PlaintextSearch
from demo.process import Work, draw_jobs
from demo.processes import Processes
from demo.reckoning import DAYS, Reckoning, Told
from demo.report import Findings
from demo.site import CEREMONY_STEPS, INSPECTOR, count_services, hold_ceremony, open_site
from demo.stages import Stages
from demo.stolen import StolenDatabase, read_database
from demo.uploads import Kill
from demo.workplace import Workplace
from demo.world import Options, World, all_numbers, files_in, make_world
from libmatch.kit import read_epoch, read_party_keys


def run_demo(
    options: Options, place: Workplace, stages: Stages, now: Callable[[], datetime]
) -> Findings:
    """The findings of a whole run. Raises DemoFailure."""
    world = make_world(options, place, stages, now())
    units = world.district.units
    with stages.stage("ceremony", "两位保管人的仪式、各方密钥与证书", CEREMONY_STEPS) as tell:
        hold_ceremony(units, place.district, now(), lambda _: tell(1))
    kill = Kill(options.kill_matcher)
    clock = MovedClock(place.clock)
    with Processes(place.logs, clock) as processes:
        with Parties(place.district) as parties:
            with stages.stage("start", "启动各方服务", count_services(units)) as tell:
                site = open_site(units, place.district, processes, parties, lambda: tell(1))
            first = run_first(world, site, stages, kill, place)
            later = Later(site, world.sheets, world.changes, list(world.truth.hits), place.sheets)
            with stages.stage("later", "补报、更正、撤回、重复导入", LATER_STEPS) as tell:
                later.run(tell)
            disputes = len(site.desk.list_disputes())
            cases = site.desk.list_cases(REASON_ZH)
            live = live_cases(cases)
            with stages.stage(
                "process", "核查、双向公示、异议、放行（模拟17天）", len(DAYS)
            ) as tell:
                work = Work(site, clock, list(draw_jobs(site, cases, later.hits)))
                told = Told(world.truth.hits, later.hits, cases)
                process = Reckoning(work, told).run(tell)
        steps = len(units) + SEARCH_STEPS
        with stages.stage("search", "在各方磁盘上逐字节搜索明文", steps) as tell:
            shown = [*world.truth.hits, *later.hits]
            search = PlaintextSearch(world, site, shown, place, tell)
            plaintext, elsewhere = search.run()
    with stages.stage("attempt", "纪委用私钥和比对平台全库尝试打开未比中的记录"):
        database = read_database(site.database)
        tried = _attempt(world, database, place)
    return Findings(
        sizes=_sizes(options, world, database),
        hits=first.hits,
        pairs_expected=sum(len(hit.units) for hit in later.hits),
        pairs_found=len(database.pairs),
        refused=refused_rows(world, first.reports),
        notices=first.notices,
        notices_sent=first.notices_sent,
        notices_acknowledged=first.notices_acknowledged,
        disputes=disputes,
        gate=first.gate,
        gate_wrong=first.gate_wrong,
        later=later.outcomes,
        process=process,
        attempt=tried,
        plaintext=plaintext,
        plaintext_elsewhere=elsewhere,
        kill=kill,
        exit_codes=processes.exit_codes,
        seconds=stages.seconds,
        parties=list_learned(world, first, database, plaintext, elsewhere, len(live), process),
    )


def _sizes(options: Options, world: World, database: StolenDatabase) -> dict[str, int]:
    return {
        "officials": options.officials,
        "items": options.items,
        "seed": options.seed,
        "rows": sum(len(file.rows) for file in files_in(world.sheets)),
        "records": database.records,
        "batches": len(database.batches),
        "services": count_services(world.district.units),
    }


def _attempt(world: World, database: StolenDatabase, place: Workplace) -> Attempt:
    """What 纪委's key opens of the database; it suspects everybody whose number it may know."""
    folder = place.district / INSPECTOR
    passphrase = (folder / "passphrase").read_text("utf-8").rstrip("\r\n")
    keys = read_party_keys(folder / "kit", passphrase)
    manifest = read_epoch(folder / "kit").manifest
    return attempt(database, keys.hpke, manifest, all_numbers(world.sheets))
