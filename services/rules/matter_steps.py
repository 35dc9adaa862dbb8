"""The steps of a matter: what each one brings, what it asks of the matter, and what it changes.

``effect`` knows nothing of who may do it and in which state: that is the table in ``matter``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from libmatch.china_time import china_day
from services.rules.matter_facts import (
    Actor,
    Matter,
    Measure,
    Objection,
    Outcome,
    Receipt,
    Recipient,
    Verdict,
    outcome_message,
    require_reason,
)
from services.rules.publication import Place, Posting
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class Event(StrEnum):
    """What happens to a matter. Values are the words that people see."""

    INFORM = "抄送比对结果"
    TAKE = "受理核查"
    FIND_COMPLIANT = "核查合规"
    FIND_NOT_COMPLIANT = "核查不合规"
    MEASURE = "处理并移送"
    POST = "张贴公示"
    TAKE_DOWN = "撤下公示"
    COMPLETE = "公示期满"
    OBJECT = "收到异议"
    DISPUTE = "提请确认比对"
    CONFIRM = "确认比对无误"
    WITHDRAW = "撤回比中"
    REVIVE = "再次比中"


@dataclass(frozen=True)
class Inform:
    """The hit reached a declaring unit or the official; ``reference`` of the receipt (R36)."""

    recipient: Recipient
    reference: str

    @property
    def event(self) -> Event:
        return Event.INFORM


@dataclass(frozen=True)
class Take:
    """Somebody begins to verify (R38)."""

    @property
    def event(self) -> Event:
        return Event.TAKE


@dataclass(frozen=True)
class Conclude:
    """The signed outcome of a verification (R39, R40), also of an objection (R48).

    ``replaces_because`` is needed where it supersedes an outcome that holds: what was posted is void
    then. Behind an objection it stays "" where the objection is groundless and the notices go on.
    """

    verdict: Verdict
    grounds: str
    verified_by: str
    signature: bytes
    replaces_because: str = ""

    @property
    def event(self) -> Event:
        return (
            Event.FIND_COMPLIANT if self.verdict is Verdict.COMPLIANT else Event.FIND_NOT_COMPLIANT
        )

    def message(self, matter_id: bytes, actor: Actor, at: datetime) -> bytes:
        """What the unit signs for ``actor`` at that moment; ``signature`` may still be b""."""
        texts = (self.verdict, self.grounds, self.verified_by, actor.login)
        return outcome_message(matter_id, at, (*texts, self.replaces_because))

    def outcome(self, actor: Actor, at: datetime) -> Outcome:
        """The outcome as ``actor`` signed it. RuleViolation R40 without a signature of 64 bytes."""
        who = (self.verified_by, actor.login)
        return Outcome(self.verdict, self.grounds, *who, at, self.signature, self.replaces_because)


@dataclass(frozen=True)
class TakeMeasure:
    """The measure, the reason to the beneficiary and the lead (R41)."""

    measure: Measure

    @property
    def event(self) -> Event:
        return Event.MEASURE


@dataclass(frozen=True)
class Post:
    """The notice with this digest (32 bytes) is posted; over an earlier one it is a correction (R45)."""

    place: Place
    digest: bytes

    @property
    def event(self) -> Event:
        return Event.POST


@dataclass(frozen=True)
class TakeDown:
    """The notice is taken down. Before its end, the seven days begin again with the next one (R45)."""

    place: Place

    @property
    def event(self) -> Event:
        return Event.TAKE_DOWN


@dataclass(frozen=True)
class Complete:
    """The seven days are over in both places (R45)."""

    @property
    def event(self) -> Event:
        return Event.COMPLETE


@dataclass(frozen=True)
class Object:
    """Somebody objects to the publication (R48)."""

    reference: str

    @property
    def event(self) -> Event:
        return Event.OBJECT


_BECAUSE = {
    Event.DISPUTE: "R38",
    Event.CONFIRM: "R36",
    Event.WITHDRAW: "R37",
    Event.REVIVE: "R37",
}


@dataclass(frozen=True)
class Because:
    """DISPUTE, CONFIRM, WITHDRAW or REVIVE, with the reason."""

    event: Event
    reason: str

    def __post_init__(self) -> None:
        if self.event not in _BECAUSE:
            raise ValueError("this event has a step of its own")
        require_reason(self.reason, _BECAUSE[self.event], f"{self.event}的原因")


Step = Inform | Take | Conclude | TakeMeasure | Post | TakeDown | Complete | Object | Because


def effect(matter: Matter, step: Step, actor: Actor, at: datetime, rules: RuleSet) -> Matter:
    """What the matter knows after the step; its state is not touched. Raises RuleViolation."""
    match step:
        case Inform():
            return _inform(matter, step, actor, at)
        case Take():
            return replace(matter, taken_by=actor.login)
        case Conclude():
            return _conclude(matter, step, actor, at)
        case TakeMeasure():
            return _measure(matter, step, at)
        case Post():
            return _post(matter, step, actor, at)
        case TakeDown():
            return _take_down(matter, step.place, at)
        case Complete():
            return _complete(matter, at, rules)
        case Object():
            return _object(matter, step, at, rules)
        case Because():
            return _because(matter, step, at)


def _inform(matter: Matter, step: Inform, actor: Actor, at: datetime) -> Matter:
    require_reason(step.reference, "R36", "回执编号")
    receipt = Receipt(step.recipient, actor.unit, at, step.reference)
    return replace(matter, receipts=(*matter.receipts, receipt))


def _conclude(matter: Matter, step: Conclude, actor: Actor, at: datetime) -> Matter:
    if not step.verified_by or step.verified_by == actor.login:
        raise RuleViolation(
            "R31",
            "who signs the outcome is not who verified; let the responsible leader sign",
            "核查人与签署人应为两人：由工作人员核查，由责任领导签署",
        )
    open_objections = any(one.closed_at is None for one in matter.objections)
    if matter.outcome is not None and not open_objections:
        require_reason(step.replaces_because, "R40", "更正原核查结果的理由")
    upheld = step.verdict is Verdict.NOT_COMPLIANT
    objections = tuple(
        one if one.closed_at else replace(one, closed_at=at, upheld=upheld)
        for one in matter.objections
    )
    concluded = replace(
        matter, outcomes=(*matter.outcomes, step.outcome(actor, at)), objections=objections
    )
    if open_objections and not upheld and not step.replaces_because:
        return concluded  # the objection is groundless, and what was posted goes on (R48)
    # What the notices rest on has changed. So it has where the signer did not know of an objection.
    return replace(_take_all_down(concluded, at), void_postings=len(matter.postings))


def _measure(matter: Matter, step: TakeMeasure, at: datetime) -> Matter:
    assert matter.outcome is not None  # the table: only behind a failed verification
    first, last = china_day(matter.outcome.signed_at), china_day(at)
    if not all(first <= day <= last for day in step.measure.days):
        raise RuleViolation(
            "R41",
            "measure, notification and lead lie between the outcome and today; correct the dates",
            f"处理、告知、移送的日期应在核查结果签署之日（{first}）至今天之间，请核对",
        )
    return replace(matter, measures=(*matter.measures, step.measure))


def _post(matter: Matter, step: Post, actor: Actor, at: datetime) -> Matter:
    standing = matter.posting(step.place)
    if standing is not None and standing.taken_down_at is None and standing.digest == step.digest:
        raise RuleViolation(
            "R45",
            "this notice is posted there already; only a corrected one is posted again",
            f"“{step.place}”已张贴同一公示，无须重复张贴；内容更正后才须重新公示",
        )
    posting = Posting(step.place, at, actor.login, step.digest)
    down = _take_place_down(matter, step.place, at)
    return replace(down, postings=(*down.postings, posting))


def _take_down(matter: Matter, place: Place, at: datetime) -> Matter:
    standing = matter.posting(place)
    if standing is None or standing.taken_down_at is not None:
        raise RuleViolation(
            "R45",
            "there is no notice to take down; nothing needs to be done",
            f"“{place}”没有正在张贴的公示，无须撤下",
        )
    return _take_place_down(matter, place, at)


def _take_place_down(matter: Matter, place: Place, at: datetime) -> Matter:
    return replace(
        matter,
        postings=tuple(
            replace(one, taken_down_at=at) if one.place is place and not one.taken_down_at else one
            for one in matter.postings
        ),
    )


def _take_all_down(matter: Matter, at: datetime) -> Matter:
    for place in Place:
        matter = _take_place_down(matter, place, at)
    return matter


def _complete(matter: Matter, at: datetime, rules: RuleSet) -> Matter:
    clocks = matter.clocks(rules)
    for place in Place:
        if place not in clocks:
            raise RuleViolation(
                "R43",
                "a matter is published in two places; post the other notice too",
                f"双向公示：“{place}”尚未张贴公示，请先张贴",
            )
        clocks[place].require_complete(at)
    return matter


def _object(matter: Matter, step: Object, at: datetime, rules: RuleSet) -> Matter:
    days = timedelta(days=rules.objection_days_after_end)
    clocks = matter.clocks(rules)
    ends = [clock.ends_at for clock in clocks.values() if clock.is_complete(at)]
    over = [ends_at for ends_at in ends if ends_at is not None]
    if len(over) == len(Place) and at >= max(over) + days:
        raise RuleViolation(
            "R48",
            "the publication is over; what is reported now is a lead (R53)",
            "公示期已满，不再作为公示异议受理；请作为问题线索移送纪检监察组织（规则R53）",
        )
    return replace(matter, objections=(*matter.objections, Objection(step.reference, at)))


def _because(matter: Matter, step: Because, at: datetime) -> Matter:
    if step.event is Event.WITHDRAW:
        return _take_all_down(matter, at)
    if step.event is Event.DISPUTE:
        return matter
    return replace(matter, notified_at=at, taken_by="")  # a new round of verification
