"""What a report of another party says, if that party made it."""

from __future__ import annotations

from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError
from libmatch.reports import Report, Stage
from libmatch.suites import verify_signature
from services.holder.material import Material
from services.holder.matters.sealing import open_copy
from services.process.entries import Entry, History, decode_body
from services.process.moments import to_us
from services.process.statements import Stated
from services.rules.matter_steps import Conclude
from services.rules.violation import RuleViolation

UNBELIEVED = (BatchError, EncodingError, EpochError, ManifestError, RuleViolation)
"""Why a report is kept without what it says; whoever looks at the matter is told of their number."""


def open_said(material: Material, report: Report) -> Entry | History:
    """The step or history in the report. Raises one of ``UNBELIEVED``."""
    said = decode_body(open_copy(material, report))
    if isinstance(said, Stated):
        raise EncodingError("what was stated at a meeting is for 纪委 alone")
    head = (report.case_id, report.unit, report.side, report.seq, report.at_us)
    if head != (said.case_id, said.unit, said.side, said.seq, to_us(said.at)):
        raise EncodingError("the report holds a step of another number, time or party")
    if isinstance(said, History) and report.stage is not Stage.NOTE:
        raise EncodingError("a history means nothing for the gate")
    for entry in said.entries if isinstance(said, History) else (said,):
        _check_signed(material, entry)
    return said


def _check_signed(material: Material, entry: Entry) -> None:
    """Nothing, unless it is an outcome that its unit did not sign in any known epoch (R40)."""
    if not isinstance(entry.step, Conclude):
        return
    keys = material.find_signing_keys(entry.actor.unit)

    def holds(message: bytes, signature: bytes) -> bool:
        return any(verify_signature(key, message, signature) for key in keys)

    entry.step.outcome(entry.actor, entry.at).verify(entry.case_id, holds)
