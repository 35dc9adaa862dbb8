"""The steps of a lead, and what they come to. Pure; the rules are ``services.rules.leads``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from libmatch.china_time import china_day, require_aware
from libmatch.encoding import exactly
from services.chassis.observe import scrub_text
from services.rules import leads as rules_of_leads
from services.rules.leads import (
    LEAD_ID_SIZE,
    Concern,
    Disposal,
    Gravity,
    Lead,
    LeadState,
    Nature,
    register_lead,
)
from services.rules.matter_facts import Actor, require_reason
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_MAX_REFERENCE, _MAX_ABOUT, _MAX_SUMMARY = 64, 200, 1000


@dataclass(frozen=True, repr=False)
class Register:
    """The lead is recorded. ``reference``: what it comes from; names no person.

    ``about`` says whom it concerns, ``summary`` what about; neither holds an identity number.
    RuleViolation R53 otherwise.
    """

    concern: Concern
    reference: str
    about: str
    summary: str

    def __post_init__(self) -> None:
        _require_text(self.reference, _MAX_REFERENCE, "来源编号")
        _require_text(self.about, _MAX_ABOUT, "反映对象")
        _require_text(self.summary, _MAX_SUMMARY, "主要问题")


@dataclass(frozen=True)
class HandOver:
    """The lead is handed to another organ. ``to``: a unit of the roster."""

    to: str


@dataclass(frozen=True)
class Press:
    """督办, with an earlier day."""

    due_on: date


@dataclass(frozen=True)
class TakeOver:
    """直接查办."""

    gravity: Gravity


@dataclass(frozen=True)
class NoteCorrection:
    """The person corrected the declaration by himself."""

    corrected_at: datetime


@dataclass(frozen=True, repr=False)
class Dispose:
    """How the lead ends. ``replaces_because``: why it replaces the disposal before it, or ""."""

    disposal: Disposal
    nature: Nature | None
    grounds: str
    replaces_because: str = ""


LeadStep = Register | HandOver | Press | TakeOver | NoteCorrection | Dispose


@dataclass(frozen=True, repr=False)
class LeadEntry:
    """A step with who made it when. ``seq`` counts from 1 within the lead and the actor's unit."""

    lead_id: bytes
    seq: int
    at: datetime
    actor: Actor
    step: LeadStep

    def __post_init__(self) -> None:
        exactly(self.lead_id, LEAD_ID_SIZE, "a lead id")
        require_aware(self.at)
        if self.seq < 1:
            raise ValueError("entries count from 1")

    @property
    def order(self) -> tuple[datetime, str, int]:
        """The order in which every organ applies the entries of a lead."""
        return self.at, self.actor.unit, self.seq


@dataclass(frozen=True, repr=False)
class HeldLead:
    """A lead with its entries in order; ``refusals``: why one has no effect, by its place, in Chinese."""

    lead: Lead
    first: Register
    entries: tuple[LeadEntry, ...]
    refusals: dict[int, str]

    @property
    def recorded_by(self) -> str:
        """The unit that recorded it."""
        return self.entries[0].actor.unit

    @property
    def handed_to(self) -> tuple[str, ...]:
        """Where it was handed to, in order, each once."""
        handed = (entry.step.to for entry in self.entries if isinstance(entry.step, HandOver))
        return tuple(dict.fromkeys(handed))

    @property
    def next_at(self) -> datetime:
        """The earliest time of another entry: another organ's clock may run ahead."""
        return self.entries[-1].at + timedelta(microseconds=1)


def fold(entries: Sequence[LeadEntry], rules: RuleSets) -> HeldLead:
    """What the entries of one lead come to, in whatever order they are given.

    An entry that the rules do not allow at its place changes nothing. RuleViolation where the first
    one does not record the lead.
    """
    ordered = sorted(entries, key=lambda entry: entry.order)
    opening = ordered[0]
    if not isinstance(opening.step, Register):
        raise RuleViolation(
            "R53",
            "the lead begins with its record",
            "线索缺少登记内容，请让移送方重新导出完整的线索文件",
        )
    lead = register(opening, opening.step, rules)
    refusals: dict[int, str] = {}
    for place, entry in enumerate(ordered[1:], 1):
        try:
            lead = apply(lead, entry)
        except RuleViolation as violation:
            refusals[place] = violation.message_zh
        except ValueError:
            refusals[place] = "办理时间早于移送时间"
    return HeldLead(lead, opening.step, tuple(ordered), refusals)


def register(entry: LeadEntry, step: Register, rules: RuleSets) -> Lead:
    """The lead as it begins. RuleViolation."""
    at = entry.at
    if step.concern.discovered_at > at:
        raise RuleViolation("R53", "it was discovered in the future", "发现时间不能晚于登记时间")
    return register_lead(entry.lead_id, step.concern, entry.actor, at, rules.on(china_day(at)))


def apply(lead: Lead, entry: LeadEntry) -> Lead:
    """The lead after the entry. RuleViolation where it is not allowed."""
    actor, at = entry.actor, entry.at
    match entry.step:
        case HandOver():
            return lead
        case Press(due_on):
            return rules_of_leads.press(lead, due_on, actor, at)
        case TakeOver(gravity):
            return rules_of_leads.take_over(lead, gravity, actor)
        case NoteCorrection(corrected_at):
            return rules_of_leads.note_correction(lead, corrected_at, actor, at)
        case Dispose() as step:
            return _dispose(lead, step, actor, at)
        case Register():
            raise RuleViolation("R53", "it is recorded already", "该线索已登记，不能重复登记")


def _dispose(lead: Lead, step: Dispose, actor: Actor, at: datetime) -> Lead:
    """A disposal is not changed: another one replaces it, and says why (R54)."""
    if lead.conclusion is not None:
        require_reason(step.replaces_because, "R54", "更正处置结论的理由")
        lead = replace(lead, state=LeadState.ASSIGNED, conclusion=None)
    elif step.replaces_because:
        raise RuleViolation(
            "R54", "there is nothing to replace", "该线索尚无处置结论，不需要填写更正理由"
        )
    return rules_of_leads.dispose(lead, step.disposal, step.nature, step.grounds, actor, at)


def _require_text(text: str, longest: int, what_zh: str) -> None:
    if not 1 <= len(text.strip()) <= longest or not text.isprintable():
        raise RuleViolation(
            "R53",
            f"a text of 1 to {longest} printable characters is needed",
            f"“{what_zh}”须填写，最多{longest}字，不换行",
        )
    if scrub_text(text) != text:
        raise RuleViolation(
            "R53",
            "a lead holds no identity, phone or card number",
            f"“{what_zh}”中不要写证件号码、电话号码或账号",
        )
