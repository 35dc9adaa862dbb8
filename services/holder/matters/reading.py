"""What a report of another party says, if that party made it."""

from __future__ import annotations

from datetime import datetime, timedelta

from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.reports import Report, Stage
from libmatch.suites import verify_signature
from services.holder.material import Material
from services.holder.matters.sealing import open_copy
from services.process.entries import Entry, History, decode_body
from services.process.moments import to_us
from services.process.statements import Stated
from services.rules.matter_steps import Conclude
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

UNBELIEVED = (BatchError, EncodingError, EpochError, ManifestError, RuleViolation)
"""Why a report is kept without what it says; whoever looks at the matter is told of their number."""


_FURTHEST_AHEAD = timedelta(days=366)
"""Later steps of a case come behind earlier ones: a clock far ahead would draw the case along."""


def open_said(
    material: Material, rules: RuleSets, report: Report, now: datetime
) -> Entry | History:
    """The step or history in the report, which came at ``now``. Raises one of ``UNBELIEVED``."""
    said = decode_body(open_copy(material, report))
    if isinstance(said, Stated):
        raise EncodingError("what was stated at a meeting is for 纪委 alone")
    head = (report.case_id, report.unit, report.side, report.seq, report.at_us)
    if head != (said.case_id, said.unit, said.side, said.seq, to_us(said.at)):
        raise EncodingError("the report holds a step of another number, time or party")
    entries = said.entries if isinstance(said, History) else (said,)
    if any(one.at > now + _FURTHEST_AHEAD for one in (said, *entries)):
        raise EncodingError("the clock of the report's unit is more than a year ahead")
    for entry in entries:
        _check_signed(material, entry)
    if isinstance(said, History):
        _check_history(said, report, rules)
    return said


def _check_history(history: History, report: Report, rules: RuleSets) -> None:
    if report.stage is not Stage.NOTE:
        raise EncodingError("a history means nothing for the gate")
    if history.opening is not None:
        rules.get(history.opening.rules_version)  # unknown rules could not be folded by


def _check_signed(material: Material, entry: Entry) -> None:
    """Nothing, unless it is an outcome that its unit did not sign in any known epoch (R40)."""
    if not isinstance(entry.step, Conclude):
        return
    keys = material.find_signing_keys(entry.actor.unit)

    def holds(message: bytes, signature: bytes) -> bool:
        return any(verify_signature(key, message, signature) for key in keys)

    entry.step.outcome(entry.actor, entry.at).verify(entry.case_id, holds)
