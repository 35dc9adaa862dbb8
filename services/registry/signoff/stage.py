"""Takes a sheet of declarations in as versions that wait for their signatures (R19 to R21)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date, datetime

from libmatch.china_time import china_day
from libmatch.identifiers import Identifier
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.sheets import Notice, SheetError, SheetReport, Tally
from services.holder.imports import Imported, notice_of_kinds
from services.holder.references import new_ref
from services.process.district_data import DistrictData
from services.process.store.trail import Trail
from services.registry.declaration_sheet import Declaration, DeclarationImport, read_declarations
from services.registry.signoff.placing import Placer
from services.registry.signoff.staging import Options, Setting, StagePlan, plan_staging
from services.registry.signoff.versions import Placing, StagedVersion
from services.registry.store import signoff as store
from services.registry.store.signoff import Transaction
from services.rules.deadlines import Step
from services.rules.entry import State
from services.rules.reporting import Post
from services.rules.violation import RuleViolation


class StageSheet:
    """One import: all of it is kept, or nothing. Nothing of it is sealed before it is entered (R21).

    ``kinds``: the kinds of identifiers that the epoch takes.
    """

    def __init__(
        self,
        database: Database,
        district: DistrictData,
        unit: str,
        kinds: Collection[int],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._district = district
        self._unit = unit
        self._kinds = kinds
        self._now = now

    def run(
        self, actor: Identity, file_name: str, data: bytes, options: Options | None = None
    ) -> Imported:
        """What was taken. Raises SheetError where the file as a whole cannot be used.

        RuleViolation where what is said of the whole file cannot be: R7, R13, R19, R22.
        """
        at = self._now()
        trail = Trail(at, actor, "stage-declarations", f"import:{new_ref().hex()}")
        chosen = options or Options()
        try:
            self._check(chosen, china_day(at))
            read = read_declarations(data, file_name, today=china_day(at))
        except (SheetError, RuleViolation) as error:
            outcome = "file refused"
            if isinstance(error, RuleViolation):
                outcome = f"refused {error.rule}"
            self._database.run_tx("signoff.trail", lambda session: trail.write(session, outcome))
            raise

        def run(session: Transaction) -> Imported:
            plan = self._plan(session, read.declarations, chosen, at)
            store.add_versions(session, plan.new, at)
            store.save_versions(session, plan.changed, at)
            told = self._tell(read, plan)
            trail.write(session, str(told))
            return told

        return self._database.run_tx("signoff.stage", run)

    def _check(self, options: Options, today: date) -> None:
        if options.signed_on is not None and options.signed_on > today:
            raise RuleViolation(
                "R19", "the pledges are dated in the future", "承诺签名日期晚于今天，请核对"
            )
        if options.unit:
            placing = Placing(options.post or Post.SECTION, options.unit)
            Placer(self._unit, self._district).right(placing, "", today)

    def _plan(
        self,
        session: Transaction,
        declarations: Collection[Declaration],
        options: Options,
        at: datetime,
    ) -> StagePlan:
        today = china_day(at)
        due = self._district.last_day(Step.DECLARATIONS, self._unit, today)
        setting = Setting(self._unit, today, self._district.rules(today), due, new_ref)
        officials = [read.official.identifier for read in declarations]
        held = store.read_histories(session, self._unit, officials)
        return plan_staging(tuple(declarations), held, options, setting)

    def _tell(self, read: DeclarationImport, plan: StagePlan) -> Imported:
        staged = [*plan.new, *plan.changed]
        kinds = notice_of_kinds(_identifiers(staged), self._kinds)
        notices = (*read.report.notices, *kinds, *plan.notices, *_summary(staged))
        report = _with_problems(read.report, plan)
        return Imported(report, len(plan.new), len(plan.changed), plan.unchanged, notices)


def _identifiers(staged: Collection[StagedVersion]) -> Iterator[Identifier]:
    for version in staged:
        yield version.official
        yield from (r.identifier for r in version.declaration.relatives if r.identifier)


def _summary(staged: Collection[StagedVersion]) -> tuple[Notice, ...]:
    if not staged:
        return ()
    pledged = sum(version.state is State.PLEDGED for version in staged)
    text = f"申报已暂存{len(staged)}份，其中{pledged}份待签署意见；签署意见并录入之前不参加比对（规则R21）"
    return (Notice("", 0, text),)


def _with_problems(report: SheetReport, plan: StagePlan) -> SheetReport:
    """The report with the officials who were not taken: their rows are refused, not taken."""
    tally = report.tally
    moved = min(plan.refused, tally.taken)
    tally = Tally(tally.rows, tally.taken - moved, tally.refused + moved, tally.skipped)
    return replace(report, problems=(*report.problems, *plan.problems), tally=tally)
