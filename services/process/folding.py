"""What the entries of a case come to, and what a step means for the gate. Pure.

Both units of a case hold the same entries sooner or later, each in its own order of arrival. They are
applied in the order of ``Entry.order``, and one that the rules do not allow at its place changes nothing: so
the units come to the same matter, whatever arrived first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from libmatch.records import Side
from libmatch.reports import Stage
from services.process.entries import Entry
from services.rules.matter import apply
from services.rules.matter_facts import Matter, State, Verdict
from services.rules.matter_steps import Complete, Conclude, Event, Object, Post, Step, TakeDown
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


@dataclass(frozen=True, repr=False)
class Folded:
    """A matter with its entries in order; ``without_effect``: those that the rules did not allow.

    ``refusals`` tells for each of them, by its place among the entries, why, in Chinese.
    """

    matter: Matter
    entries: tuple[Entry, ...]
    refusals: dict[int, str]


def fold(opened: Matter, entries: Iterable[Entry], rules: RuleSet) -> Folded:
    """The matter ``opened`` after ``entries``, which may come in any order."""
    ordered = tuple(sorted(entries, key=lambda entry: entry.order))
    # The other unit may have got its notice before this one, and acted.
    first = min((entry.at for entry in ordered), default=opened.notified_at)
    matter = replace(opened, notified_at=min(opened.notified_at, first))
    refusals = {}
    for place, entry in enumerate(ordered):
        if not is_party(matter, entry.actor.unit, entry.side):
            refusals[place] = "不是该事项的有关单位"
            continue
        if _is_of_one_among_several(matter, entry):
            refusals[place] = "还有其他单位的申报比中该事项，事项继续办理"
            continue
        try:
            matter = apply(matter, entry.step, entry.actor, entry.at, rules)
        except RuleViolation as violation:
            refusals[place] = violation.message_zh
    return Folded(replace(matter, version=len(ordered)), ordered, refusals)


def _is_of_one_among_several(matter: Matter, entry: Entry) -> bool:
    """Whether one of several declaring units withdraws: the others' hits still stand."""
    several = entry.side is Side.REGISTRY and len(matter.declaring_units) > 1
    return several and entry.step.event is Event.WITHDRAW


def is_party(matter: Matter, unit: str, side: Side) -> bool:
    """Whether ``unit`` takes part in the matter on that side."""
    if side is Side.BENEFICIARY:
        return unit == matter.approving_unit
    return unit in matter.declaring_units


def stage_of(step: Step, before: Matter) -> Stage:
    """What the gate makes of ``step``, made while the matter was as ``before``."""
    match step:
        case Conclude(verdict=Verdict.COMPLIANT):
            objected = before.state is State.OBJECTED
            return Stage.OBJECTION_CLOSED if objected else Stage.COMPLIANT
        case Conclude():
            return Stage.NOT_COMPLIANT
        case Post():
            return Stage.POSTED
        case TakeDown():
            return Stage.TAKEN_DOWN
        case Complete():
            return Stage.COMPLETED
        case Object():
            return Stage.OBJECTED
        case _:
            return Stage.NOTE
