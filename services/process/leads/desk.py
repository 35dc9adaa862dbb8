"""What discipline organs do with leads: record, press, take over, dispose, hand over, take in (R53, R54)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from libmatch.errors import EncodingError, EpochError, ManifestError
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, InvalidRequest, NotFound
from services.process.acting import Acting, Doing, Moment
from services.process.leads.files import decode_file, encode_entry, encode_file
from services.process.leads.measures import Measure
from services.process.leads.steps import (
    Dispose,
    HandOver,
    HeldLead,
    LeadEntry,
    LeadStep,
    NoteCorrection,
    Press,
    Register,
    TakeOver,
    apply,
    fold,
)
from services.process.store import leads as store
from services.process.store.trail import Transaction
from services.rules.leads import LEAD_ID_SIZE, Gravity, Organ, may_read
from services.rules.matter_facts import Actor
from services.rules.roles import Action
from services.rules.ruleset import RuleSets
from services.rules.violation import RuleViolation

_RULE = "R53"
_COMMISSIONS = frozenset({Organ.CITY_COMMISSION, Organ.DISTRICT_COMMISSION})
_SKEW = timedelta(hours=1)  # between the clocks of two organs


@dataclass(frozen=True)
class Post:
    """How one organ seals and opens files. ``commissions``: the roster's inspectors; ``units``: all in it.

    ``seal`` gives the file of a body for a unit; ``open`` (sender, body) of a file. Both raise
    EncodingError, EpochError or ManifestError.
    """

    unit: str
    seal: Callable[[str, bytes], bytes]
    open: Callable[[bytes], tuple[str, bytes]]
    commissions: Callable[[], Collection[str]]
    units: Callable[[], Collection[str]]


@dataclass(frozen=True, repr=False)
class TakenIn:
    """A file that was taken in: whose, how much of it was new, and what the lead is now."""

    held: HeldLead
    sender: str
    new: int


class LeadDesk:
    """The leads of one service. Each step gives the lead as it then is.

    Raises RuleViolation, NotFound, Conflict or InvalidRequest; then nothing is kept.
    """

    def __init__(
        self,
        acting: Acting,
        rules: RuleSets,
        post: Post,
        measures: Callable[[], Iterable[Measure]],
        random: Callable[[int], bytes],
    ) -> None:
        self._acting = acting
        self._rules = rules
        self._post = post
        self._measures = measures
        self._random = random

    def record(self, caller: Identity, make: Callable[[datetime], Register]) -> HeldLead:
        """Records what ``make`` gives for the present moment; the organ follows from the authority.

        RuleViolation R53 where that is an organ of a unit that the roster has not: nobody would get it.
        """
        lead_id = self._new_id()
        doing = Doing(caller, "record-lead", Action.RECORD_LEAD, lead_id)

        def run(moment: Moment) -> HeldLead:
            entry = LeadEntry(lead_id, 1, moment.at, moment.actor, make(moment.at))
            held = fold([entry], self._rules)
            self._require_organ(held)
            store.add_entry(moment.session, entry)
            return held

        return self._acting.run(doing, run, _RULE)

    def press(self, caller: Identity, lead_id: bytes, due_on: date) -> HeldLead:
        """督办: the district's commission sets an earlier day."""
        return self._step(Doing(caller, "press-lead", Action.RECORD_LEAD, lead_id), Press(due_on))

    def take_over(self, caller: Identity, lead_id: bytes, gravity: Gravity) -> HeldLead:
        """直接查办: the district's commission takes it itself."""
        doing = Doing(caller, "take-over-lead", Action.RECORD_LEAD, lead_id)
        return self._step(doing, TakeOver(gravity))

    def note_correction(self, caller: Identity, lead_id: bytes, at: datetime) -> HeldLead:
        """The person corrected the declaration by himself at that time."""
        doing = Doing(caller, "note-correction", Action.RECORD_LEAD, lead_id)
        return self._step(doing, NoteCorrection(at))

    def dispose(self, caller: Identity, lead_id: bytes, step: Dispose) -> HeldLead:
        """How it ended; again, with a reason, where something else was said before."""
        return self._step(Doing(caller, "dispose-lead", Action.DISPOSE_LEAD, lead_id), step)

    def list_all(self, caller: Identity, reason: str) -> list[HeldLead]:
        """The leads that the caller may read, the oldest first (R63)."""
        doing = Doing(caller, "list-leads", Action.RECORD_LEAD, reason=reason)

        def run(moment: Moment) -> list[HeldLead]:
            leads = store.read_leads(moment.session, self._rules)
            return [held for held in leads if _is_visible(held, moment.actor)]

        return self._acting.run(doing, run, _RULE)

    def get(self, caller: Identity, lead_id: bytes, reason: str) -> HeldLead:
        """One lead with its steps (R63)."""
        doing = Doing(caller, "get-lead", Action.RECORD_LEAD, lead_id, reason)
        return self._acting.run(doing, lambda moment: self._require(moment, lead_id), _RULE)

    def measures(self, caller: Identity, reason: str) -> list[Measure]:
        """The measures that this service knows of, each with its lead if one is recorded (R41)."""
        doing = Doing(caller, "list-measures", Action.RECORD_LEAD, reason=reason)
        known: list[Measure] = []

        def run(moment: Moment) -> dict[str, bytes]:
            leads = store.read_leads(moment.session, self._rules)
            return {held.first.reference: held.lead.lead_id for held in leads}

        def read() -> None:
            known.extend(self._measures())

        lead_of = self._acting.run(doing, run, _RULE, read)
        return [replace(one, lead_id=lead_of.get(one.case_id.hex(), b"")) for one in known]

    def export(self, caller: Identity, lead_id: bytes, recipient: str) -> tuple[str, bytes]:
        """(recipient, file): the whole lead, sealed to the organ that deals with it, or to another."""
        doing = Doing(caller, "export-lead", Action.RECORD_LEAD, lead_id)

        def run(moment: Moment) -> tuple[str, bytes]:
            held = self._require(moment, lead_id)
            to = recipient or self._competent(held)
            self._require_recipient(held, to)
            if to not in held.handed_to:
                held = self._append(moment, held, HandOver(to))
            try:
                return to, self._post.seal(to, encode_file(self._own_to_tell(held)))
            except ManifestError:
                raise InvalidRequest(
                    "no such active unit in the roster", "名册中没有这个单位，或该单位已停用。"
                ) from None

        return self._acting.run(doing, run, _RULE, tell=lambda made: f"to {made[0]}")

    def take_in(self, caller: Identity, file: bytes) -> TakenIn:
        """Takes in another organ's file; what is held already stays as it is."""
        doing = Doing(caller, "import-lead", Action.RECORD_LEAD)

        def run(moment: Moment) -> TakenIn:
            sender, entries = self._open(file)
            if any(entry.at > moment.at + _SKEW for entry in entries):
                raise InvalidRequest(
                    "an entry is of the future", "线索文件中有晚于当前时间的记录。"
                )
            new = [entry for entry in entries if _is_new(moment.session, entry)]
            known = store.read_entries(moment.session, entries[0].lead_id)
            held = fold([*known, *new], self._rules)
            for entry in new:
                store.add_entry(moment.session, entry)
            return TakenIn(held, sender, len(new))

        return self._acting.run(doing, run, _RULE, tell=_describe)

    def _step(self, doing: Doing, step: LeadStep) -> HeldLead:
        def run(moment: Moment) -> HeldLead:
            return self._append(moment, self._require(moment, doing.subject), step)

        return self._acting.run(doing, run, _RULE)

    def _append(self, moment: Moment, held: HeldLead, step: LeadStep) -> HeldLead:
        own = [entry.seq for entry in held.entries if entry.actor.unit == moment.actor.unit]
        at = max(moment.at, held.next_at)
        entry = LeadEntry(held.lead.lead_id, max(own, default=0) + 1, at, moment.actor, step)
        apply(held.lead, entry)  # raises where the rules do not allow it
        store.add_entry(moment.session, entry)
        return fold([*held.entries, entry], self._rules)

    def _require(self, moment: Moment, lead_id: bytes) -> HeldLead:
        """The lead. Raises NotFound, also for one that the actor may not read."""
        entries = store.read_entries(moment.session, lead_id)
        held = fold(entries, self._rules) if entries else None
        if held is None or not _is_visible(held, moment.actor):
            raise NotFound("no such lead", "没有这个编号的问题线索，或不由您所在的组织办理。")
        return held

    def _require_organ(self, held: HeldLead) -> None:
        lead = held.lead
        if lead.organ not in _COMMISSIONS and lead.organ_unit not in self._post.units():
            raise RuleViolation(
                _RULE,
                "the unit whose organ deals with the lead is not in the roster",
                f"名册中没有办理单位{lead.organ_unit}，请核对单位代码；由其他单位（镇街）负责的，请填写负责单位",
            )

    def _competent(self, held: HeldLead) -> str:
        lead = held.lead
        if lead.organ is Organ.CITY_COMMISSION:
            raise RuleViolation(
                _RULE,
                "the city's commission is not in the roster; hand it over on paper",
                "该线索由市纪委监委办理，不在本系统名册中，请按规定以书面方式移送",
            )
        if lead.organ is Organ.DISTRICT_COMMISSION:
            return next(iter(sorted(self._post.commissions())), "")
        return lead.organ_unit

    def _own_to_tell(self, held: HeldLead) -> list[LeadEntry]:
        """The entries that this organ may speak for: its own; the commission's passes on all."""
        own, commissions = self._post.unit, self._post.commissions()
        return [e for e in held.entries if own in commissions or e.actor.unit == own]

    def _require_recipient(self, held: HeldLead, to: str) -> None:
        """Who may be told: who deals with it, who has it already, and the district's commission."""
        known = {held.recorded_by, *held.handed_to, *self._post.commissions()}
        allowed = {held.lead.organ_unit, *known}
        if to == self._post.unit or to not in allowed - {""}:
            raise RuleViolation(
                _RULE,
                "a lead goes to the organ that deals with it, to who has it, or to the commission",
                "线索只能移送按干部管理权限办理的组织，或反馈登记单位、区纪委，请核对接收单位",
            )

    def _open(self, file: bytes) -> tuple[str, list[LeadEntry]]:
        try:
            sender, body = self._post.open(file)
            return sender, decode_file(body, sender, self._post.commissions())
        except EpochError:
            raise InvalidRequest(
                "the file belongs to another epoch",
                "线索文件属于另一密钥周期，请让移送方重新导出。",
            ) from None
        except (EncodingError, ManifestError):
            raise InvalidRequest(
                "not a lead's file for this organ, or its signature does not hold",
                "线索文件打不开：不是移送给本单位的，或不完整，或签名不符，请让移送方重新导出。",
            ) from None

    def _new_id(self) -> bytes:
        while (lead_id := self._random(LEAD_ID_SIZE)).hex().isdecimal():
            continue
        return lead_id


def _is_new(session: Transaction, entry: LeadEntry) -> bool:
    """Whether the entry is not held yet. Raises Conflict where its number says something else."""
    held = store.read_entry(session, entry)
    if held is not None and held != encode_entry(entry):
        raise Conflict(
            "an entry of that number is held and says something else",
            "线索文件与已有记录矛盾：同一步骤内容不同，请与移送方核实。",
        )
    return held is None


def _is_visible(held: HeldLead, actor: Actor) -> bool:
    """Whether the actor may read the lead, or it was recorded in his own unit."""
    return may_read(held.lead, actor) or held.recorded_by == actor.unit


def _describe(taken: TakenIn) -> str:
    return f"{taken.new} new of {taken.held.lead.lead_id.hex()} from {taken.sender}"
