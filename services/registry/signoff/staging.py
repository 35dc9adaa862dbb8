"""What a file of declarations changes among the versions that are held: new, altered, unchanged. Pure.

The same content again changes nothing. Other content of an open version alters it: what was signed is
void. Other content of an entered one is a new version, with a kind and the day of the event (R20).
A form that is signed, dated and complete is pledged; anything else waits as a draft, and is told (R19).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from libmatch.identifiers import Identifier
from services.chassis.sheets import Notice, Problem, what_and_cure
from services.registry.declaration_records import Declaration as ReadDeclaration
from services.registry.signoff.told import told_declaration
from services.registry.signoff.versions import (
    NOT_SIGNED,
    Occasion,
    Placing,
    StagedVersion,
    due_of,
    report,
)
from services.rules import entry
from services.rules.content import declaration_digest
from services.rules.declaration import Declaration, TruthPledge, missing_of
from services.rules.entry import Course, State
from services.rules.reporting import Post
from services.rules.ruleset import RuleSet
from services.rules.versions import ChangeKind
from services.rules.violation import RuleViolation

_GAPS_NAMED = 5


@dataclass(frozen=True)
class Options:
    """What a clerk says of a whole file. ``signed_on``: the day of every signature on its forms.

    ``change`` None: first reports, of officials who are new. ``post``, ``unit``: see ``Placing``.
    """

    change: ChangeKind | None = None
    event_on: date | None = None
    began_on: date | None = None
    signed_on: date | None = None
    post: Post | None = None
    unit: str = ""


@dataclass(frozen=True)
class Setting:
    """Where and when a file is taken. ``campaign_due``: R58's day, None without a campaign."""

    unit: str
    today: date
    rules: RuleSet
    campaign_due: date | None
    new_ref: Callable[[], bytes]


@dataclass
class StagePlan:
    """What to keep and what to tell. ``refused``: rows of officials who were not taken."""

    new: list[StagedVersion] = field(default_factory=list)
    changed: list[StagedVersion] = field(default_factory=list)
    unchanged: int = 0
    notices: list[Notice] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refused: int = 0


def plan_staging(
    declarations: Sequence[ReadDeclaration],
    held: Mapping[Identifier, Sequence[StagedVersion]],
    options: Options,
    setting: Setting,
) -> StagePlan:
    """The plan for a whole file. ``held``: all versions of each official, in order."""
    plan = StagePlan()
    for read in declarations:
        versions = held.get(read.official.identifier, ())
        one = _One(plan, read, versions, options, setting)
        try:
            one.run()
        except RuleViolation as refused:
            what, cure = what_and_cure(refused, "请更正后重新导入")
            place = read.position
            plan.problems.append(Problem(place.sheet, place.row, "", "", what, cure))
            plan.refused += max(1, len(read.relatives))
    return plan


class _One:
    """One official of the file against his versions."""

    def __init__(
        self,
        plan: StagePlan,
        read: ReadDeclaration,
        versions: Sequence[StagedVersion],
        options: Options,
        setting: Setting,
    ) -> None:
        self._plan = plan
        self._read = read
        self._latest = versions[-1] if versions else None
        is_open = self._latest is not None and self._latest.is_open
        self._open = self._latest if is_open else None
        self._earlier = versions[:-1] if is_open else versions
        self._options = options
        self._setting = setting
        self._notices: list[str] = []

    def run(self) -> None:
        """Adds to the plan what this declaration comes to. RuleViolation."""
        content = self._content()
        digest = declaration_digest(content)
        same = [v for v in self._settled() if v.course.digest == digest]
        if same and (self._open is None or self._open.course.digest != digest):
            if self._open is not None:
                self._notices.append("与已录入的版本相同，没有变化；另有一份变化报告尚未录入")
            self._plan.unchanged += 1
        elif self._open is not None:
            self._alter(self._open, content, digest)
        else:
            version = self._pledged(self._begin(content, digest))
            self._plan.new.append(version)
        place = self._read.position
        self._plan.notices += (Notice(place.sheet, place.row, text) for text in self._notices)

    def _settled(self) -> Sequence[StagedVersion]:
        """The version before an open one, or the latest: what is in the match."""
        return self._earlier[-1:]

    def _content(self) -> Declaration:
        latest, setting = self._latest, self._setting
        before = latest.declaration if latest else None
        keep = self._open is not None and self._open.refused_rows > 0
        at = (setting.today, setting.rules)
        return told_declaration(self._read, before, *at, keep_rest=keep)

    def _begin(self, content: Declaration, digest: bytes) -> StagedVersion:
        occasion = self._occasion()
        latest = self._latest
        return StagedVersion(
            ref=self._setting.new_ref(),
            number=len(self._earlier) + 1,
            occasion=occasion,
            declaration=content,
            course=Course(content.reporter.identifier, self._setting.unit, digest),
            signature=self._signature(NOT_SIGNED),
            placing=self._placing(latest.placing if latest else Placing()),
            due_on=due_of(occasion, self._setting.campaign_due, self._setting.rules),
            refused_rows=self._read.refused,
        )

    def _alter(self, held: StagedVersion, content: Declaration, digest: bytes) -> None:
        altered = held.course.digest != digest
        if not altered and held.handed_back:
            self._notices.append("与退回前相同，没有变化；请按退回原因修改，或登记重新签署的日期")
            self._plan.unchanged += 1
            return
        version = replace(
            held,
            declaration=content,
            occasion=self._occasion(),
            placing=self._placing(held.placing),
            refused_rows=self._read.refused,
        )
        setting = self._setting
        version = replace(
            version, due_on=due_of(version.occasion, setting.campaign_due, setting.rules)
        )
        if altered:
            kept = held.signature if held.refused_rows else NOT_SIGNED  # the paper is the same
            version = replace(
                version,
                course=entry.revise(held.course, digest),
                signature=self._signature(kept),
                reported=None,
                box=None,
                handed_back="",
            )
            if held.state in (State.PLEDGED, State.SIGNED):
                self._notices.append("内容有变化，原有承诺和签署意见作废，须重新办理")
        elif held.state is State.DRAFT:
            version = replace(version, signature=self._signature(held.signature))
        if version.state is State.DRAFT:
            version = self._pledged(version)
        if version == held:
            self._plan.unchanged += 1
        else:
            self._plan.changed.append(replace(version, step=held.step + 1))

    def _occasion(self) -> Occasion:
        options = self._options
        if not self._earlier:
            held = self._open.occasion.began_on if self._open else None
            return Occasion(began_on=options.began_on or held)
        if options.change is None and self._open is not None:
            return self._open.occasion
        if options.change is None or options.change is ChangeKind.FIRST:
            raise RuleViolation(
                "R20",
                "the official has reported before; a change has a kind and the day of the event",
                "该报告人已有录入的申报，内容有变化的，请注明变化类型和发生日期后重新导入",
            )
        event_on = options.event_on
        if event_on is None and options.change is not ChangeKind.CORRECTION:
            raise RuleViolation(
                "R20",
                "a change has the day on which it happened; state it",
                "没有写明变化发生日期，请注明后重新导入",
            )
        if event_on is not None and event_on > self._setting.today:
            raise RuleViolation(
                "R20",
                "the event is in the future; correct the date",
                "变化发生日期晚于今天，请核对",
            )
        return Occasion(options.change, event_on)

    def _placing(self, held: Placing) -> Placing:
        post = self._read.official.category or self._options.post or held.post
        return Placing(post, self._options.unit or held.unit)

    def _signature(self, held: TruthPledge) -> TruthPledge:
        pledge, signed_on = self._read.pledge, self._options.signed_on
        if pledge is not None and pledge.complete:
            return TruthPledge(pledge.signer, pledge.signed_on)
        if signed_on is not None:
            return TruthPledge(self._read.official.name, signed_on)
        return held

    def _pledged(self, version: StagedVersion) -> StagedVersion:
        """The version pledged and reported, or as it is, saying what keeps it a draft."""
        lacks = what_keeps_a_draft(version)
        if lacks:
            self._notices.append(f"保留为草稿，不能签署意见：{lacks}")
            return version
        return pledge_version(version, self._earlier, self._setting.today, self._setting.rules)


def what_keeps_a_draft(version: StagedVersion) -> str:
    """Why a draft cannot be pledged yet, in Chinese; "" where nothing hinders (R17 to R19)."""
    if version.refused_rows:
        return f"有{version.refused_rows}行没有采纳，请改正后重新导入"
    gaps = missing_of(version.declaration)
    if gaps:
        named = "、".join(gap.what_zh for gap in gaps[:_GAPS_NAMED])
        more = "等" if len(gaps) > _GAPS_NAMED else ""
        return f"还缺{len(gaps)}项（{named}{more}），请补填后重新导入"
    if version.signature.signed_on is None or not version.signature.signer:
        return "“报告人承诺”没有签字或没有日期，请本人补签后登记"
    return ""


def pledge_version(
    version: StagedVersion, earlier: Sequence[StagedVersion], today: date, rules: RuleSet
) -> StagedVersion:
    """The draft as pledged and reported (R19, R20). RuleViolation naming what lacks."""
    course = entry.pledge(version.course, version.declaration, version.signature, today)
    return report(replace(version, course=course, handed_back=""), earlier, rules)
