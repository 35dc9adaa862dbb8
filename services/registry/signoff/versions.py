"""One version of an official's declaration on its way into the match (R19 to R21, R31). Values only.

The course is that of ``services.rules.entry``; which version of how many it is, and whether it came in
time, that of ``services.rules.versions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from libmatch.identifiers import Identifier
from services.rules.accounts import Account
from services.rules.declaration import Declaration, TruthPledge
from services.rules.entry import Course, State
from services.rules.reporting import Post
from services.rules.ruleset import RuleSet
from services.rules.versions import (
    ChangeKind,
    History,
    Version,
    first_due,
    first_version,
    report_change,
    report_due,
)

OPEN = frozenset({State.DRAFT, State.PLEDGED, State.SIGNED})
"""States of a version that is not entered: its content may still be altered."""

NOT_SIGNED = TruthPledge("", None)


@dataclass(frozen=True)
class Placing:
    """Which post the official has, as far as R22 asks, and in which unit of the district.

    ``post`` None: nobody stated it yet. ``unit``: a name of the list of units, "" where it follows from
    the form.
    """

    post: Post | None = None
    unit: str = ""


@dataclass(frozen=True)
class Reported:
    """That the version was reported: when, from which day it holds, and whether too late (R20)."""

    effective_from: date
    reported_on: date
    late: bool


@dataclass(frozen=True)
class Occasion:
    """Why there is a version: its kind, the day of the event, or the day on which a new post began."""

    change: ChangeKind = ChangeKind.FIRST
    event_on: date | None = None
    began_on: date | None = None


@dataclass(frozen=True, repr=False)
class StagedVersion:
    """One version. ``ref``: 16 bytes. ``step`` counts what happened to it: two at once do not both win.

    ``signature``: as it stands on the paper, also while something else keeps it a draft.
    ``refused_rows``: rows of the file that were not taken and wait to be mended. ``due_on``: the last
    day in time; None where nothing sets one. ``box``: the responsible leader who signed this content
    too, where R23 is read so. ``handed_back``: the reason, while it is not mended. ``was_entered``: its
    former content is in the match.
    """

    ref: bytes
    number: int
    occasion: Occasion
    declaration: Declaration
    course: Course
    signature: TruthPledge = NOT_SIGNED
    placing: Placing = field(default_factory=Placing)
    due_on: date | None = None
    reported: Reported | None = None
    box: Account | None = None
    refused_rows: int = 0
    handed_back: str = ""
    was_entered: bool = False
    step: int = 1

    @property
    def official(self) -> Identifier:
        return self.course.official

    @property
    def state(self) -> State:
        return self.course.state

    @property
    def is_open(self) -> bool:
        """Whether it is not entered yet."""
        return self.course.state in OPEN

    def as_rules_see_it(self) -> Version:
        """The version as a part of a history. ValueError before it is reported."""
        if self.reported is None:
            raise ValueError("a version is reported before it is history")
        facts = self.reported
        days = (facts.effective_from, facts.reported_on, facts.late)
        return Version(self.number, self.occasion.change, *days, self.declaration)

    def __repr__(self) -> str:
        return f"<StagedVersion {self.number} {self.state.name}>"


def history_of(versions: Sequence[StagedVersion], confirmed_on: Sequence[date] = ()) -> History:
    """The history of one official: ``versions`` in order, all of them reported."""
    return History(tuple(v.as_rules_see_it() for v in versions), tuple(confirmed_on))


def due_of(occasion: Occasion, campaign_due: date | None, rules: RuleSet) -> date | None:
    """The last day in time: of a first report R58's or 30 days in a post, of a change R20's."""
    if occasion.change is ChangeKind.FIRST:
        if occasion.began_on is None:
            return campaign_due
        if campaign_due is None:
            return report_due(occasion.began_on, rules)
        return first_due(occasion.began_on, campaign_due, rules)
    if occasion.change is ChangeKind.CORRECTION or occasion.event_on is None:
        return None  # the facts were so all along: a correction is not late
    return report_due(occasion.event_on, rules)


def report(
    version: StagedVersion, earlier: Sequence[StagedVersion], rules: RuleSet
) -> StagedVersion:
    """The pledged version with what its report came to (R20). RuleViolation as ``report_change``."""
    on, occasion = version.course.pledged_on, version.occasion
    if on is None:
        raise ValueError("a version is pledged before it is reported")
    if not earlier:
        found = first_version(version.declaration, version.due_on or on, on).current
    else:
        event_on = occasion.event_on or earlier[-1].as_rules_see_it().effective_from
        change = (version.declaration, occasion.change, event_on, on, rules)
        found = report_change(history_of(earlier), *change).current
    reported = Reported(found.effective_from, found.reported_on, found.late)
    return replace(version, reported=reported)
