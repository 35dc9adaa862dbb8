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
from services.rules.matter_facts import Matter, Recipient, State, Verdict
from services.rules.matter_steps import (
    Complete,
    Conclude,
    Event,
    Inform,
    Object,
    Post,
    Step,
    TakeDown,
)
from services.rules.publication import Place
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
        matter = _join(matter, entry)
        if not is_party(matter, entry.actor.unit, entry.side):
            refusals[place] = "不是该事项的有关单位"
            continue
        if _is_of_one_among_several(matter, entry):
            matter = _leave(matter, entry)
            continue
        try:
            matter = apply(matter, entry.step, entry.actor, entry.at, rules)
        except RuleViolation as violation:
            refusals[place] = violation.message_zh
    return Folded(replace(matter, version=len(ordered)), ordered, refusals)


def _join(matter: Matter, entry: Entry) -> Matter:
    """A further declaring unit takes part from the moment at which it has its copy (R10, R11, R36).

    Only who declares a live record of the case can report on it: the matcher sees to that.
    """
    step = entry.step
    joins = isinstance(step, Inform) and step.recipient is Recipient.UNIT
    if (
        not joins
        or entry.side is not Side.REGISTRY
        or is_party(matter, entry.actor.unit, entry.side)
    ):
        return matter
    return replace(matter, copied_to=(*matter.copied_to, entry.actor.unit))


def _is_of_one_among_several(matter: Matter, entry: Entry) -> bool:
    """Whether one of several declaring units withdraws: the others' hits still stand."""
    several = entry.side is Side.REGISTRY and len(matter.declaring_units) > 1
    return several and entry.step.event is Event.WITHDRAW


def _leave(matter: Matter, entry: Entry) -> Matter:
    """Without the unit. Where it posted, its notice counts no more, and the next one posts (R43)."""
    first, *others = (unit for unit in matter.declaring_units if unit != entry.actor.unit)
    left = replace(matter, official_unit=first, copied_to=tuple(others), changed_at=entry.at)
    if first == matter.official_unit:
        return left
    return replace(
        left,
        postings=tuple(
            replace(one, taken_down_at=entry.at)
            if one.place is Place.OFFICIAL_UNIT and one.taken_down_at is None
            else one
            for one in matter.postings
        ),
    )


def is_party(matter: Matter, unit: str, side: Side) -> bool:
    """Whether ``unit`` takes part in the matter on that side."""
    if side is Side.BENEFICIARY:
        return unit == matter.approving_unit
    return unit in matter.declaring_units


def stage_of(step: Step, before: Matter) -> Stage:
    """What the gate makes of ``step``, made while the matter was as ``before``."""
    match step:
        case Conclude(verdict=Verdict.COMPLIANT):
            closes = before.state is State.OBJECTED and not step.replaces_because
            return Stage.OBJECTION_CLOSED if closes else Stage.COMPLIANT
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
