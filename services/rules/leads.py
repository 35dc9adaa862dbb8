"""Leads: who deals with them, on which grounds, and how they end (R53, R54).

A lead is a question, not a finding. It goes to the organ that answers for the cadre; the district
commission presses, and takes grave ones itself. Who corrected himself before it was discovered left
something out (漏报); he did not conceal it (瞒报).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from libmatch.china_time import china_day, require_aware
from libmatch.encoding import exactly
from services.rules.matter_facts import Actor, require_reason
from services.rules.roles import Action, Role, require
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

LEAD_ID_SIZE = 16


class Ground(StrEnum):
    """The closed list of R54."""

    UNTRUE_REPORT = "不如实报告亲属信息"
    NO_STATEMENT = "不说明"
    UNTRUE_STATEMENT = "不如实说明"
    ABUSE_OF_OFFICE = "以权谋私、优亲厚友"
    NEGLIGENCE = "工作懈怠"
    LAX_VERIFICATION = "核查不严"
    LEAK = "泄露信息"


class Source(StrEnum):
    """Where a lead comes from."""

    VERIFICATION = "核查发现"
    OBJECTION = "公示异议或群众反映"
    UNIT_CHECK = "单位抽查"
    DISTRICT_CHECK = "区纪委抽查"
    CONSISTENCY = "申报信息不一致"
    RECONCILIATION = "事前、事后名单不一致"
    OVERSIGHT = "监督检查"


class Authority(StrEnum):
    """「按照干部管理权限」: who manages the cadre (R53)."""

    CITY = "市管干部"
    DISTRICT = "区管干部"
    UNIT = "单位管理的干部"
    TOWNSHIP = "镇街管理的干部"
    VILLAGE = "村（社区）干部"


class Organ(StrEnum):
    """The discipline organ that deals with a lead (R53)."""

    CITY_COMMISSION = "市纪委监委"
    DISTRICT_COMMISSION = "区纪委监委"
    UNIT_ORGAN = "单位纪检组织（含派驻纪检组）"
    TOWNSHIP_COMMISSION = "镇街纪（工）委"


class Gravity(StrEnum):
    """Why the district commission takes a lead itself (R53)."""

    VILE = "性质恶劣"
    SERIOUS = "情节严重"
    TYPICAL = "较为典型"


class Disposal(StrEnum):
    """How a lead ends: the 四种形态 (R54), or nothing in it."""

    FIRST_FORM = "第一种形态"
    SECOND_FORM = "第二种形态"
    THIRD_FORM = "第三种形态"
    FOURTH_FORM = "第四种形态"
    UNFOUNDED = "反映不实，予以了结"


class Nature(StrEnum):
    """What an untrue report was (R54)."""

    OMISSION = "漏报"
    CONCEALMENT = "瞒报"


class LeadState(StrEnum):
    """How far a lead has come."""

    ASSIGNED = "已移送"
    PRESSED = "督办中"
    TAKEN_OVER = "区纪委直接查办"
    DISPOSED = "已处置"


@dataclass(frozen=True)
class Conclusion:
    """How a lead ended, signed by whom and when."""

    disposal: Disposal
    nature: Nature | None
    grounds: str
    signed_by: str
    at: datetime


@dataclass(frozen=True, repr=False)
class Lead:
    """One lead. ``lead_id`` has 16 bytes. ``unit``: of the person that it concerns.

    ``organ_unit``: the unit whose discipline organ deals with it, "" for a commission of the
    district or the city. ``discovered_at``: when anybody first knew; ``corrected_at``: when the
    person corrected the declaration by himself.
    """

    lead_id: bytes
    ground: Ground
    source: Source
    authority: Authority
    unit: str
    organ: Organ
    organ_unit: str
    discovered_at: datetime
    assigned_at: datetime
    due_on: date
    state: LeadState = LeadState.ASSIGNED
    gravity: Gravity | None = None
    corrected_at: datetime | None = None
    conclusion: Conclusion | None = None

    def __post_init__(self) -> None:
        exactly(self.lead_id, LEAD_ID_SIZE, "a lead id")
        if require_aware(self.discovered_at) > require_aware(self.assigned_at):
            raise ValueError("a lead is assigned after it was discovered")

    @property
    def is_self_corrected(self) -> bool:
        """Whether the person corrected himself before it was discovered."""
        return self.corrected_at is not None and self.corrected_at < self.discovered_at

    def is_overdue(self, on: date) -> bool:
        """Whether it should have been disposed of by then."""
        return self.state is not LeadState.DISPOSED and self.due_on < on

    def __repr__(self) -> str:
        return f"<Lead {self.lead_id.hex()} {self.state.name}>"


_ORGAN_OF = {
    Authority.CITY: Organ.CITY_COMMISSION,
    Authority.DISTRICT: Organ.DISTRICT_COMMISSION,
    Authority.UNIT: Organ.UNIT_ORGAN,
    Authority.TOWNSHIP: Organ.TOWNSHIP_COMMISSION,
    Authority.VILLAGE: Organ.TOWNSHIP_COMMISSION,
}
_LOCAL = (Organ.UNIT_ORGAN, Organ.TOWNSHIP_COMMISSION)


def route(authority: Authority, *, discipline: bool) -> Organ:
    """The organ that deals with a lead about such a cadre (R53).

    ``discipline``: the person does discipline work; then not the own organ, but the one above.
    """
    organ = _ORGAN_OF[authority]
    return Organ.DISTRICT_COMMISSION if discipline and organ in _LOCAL else organ


@dataclass(frozen=True)
class Concern:
    """What a lead is about: the ground, where it comes from, and about what kind of person.

    ``responsible_unit``: whose discipline organ answers for the person (unit or township).
    """

    ground: Ground
    source: Source
    authority: Authority
    unit: str
    responsible_unit: str
    discipline: bool
    discovered_at: datetime


def register_lead(
    lead_id: bytes, concern: Concern, actor: Actor, at: datetime, rules: RuleSet
) -> Lead:
    """The lead, assigned by cadre authority and due after ``rules.lead_days`` (R53)."""
    require((actor.role,), Action.RECORD_LEAD)
    organ = route(concern.authority, discipline=concern.discipline)
    return Lead(
        lead_id,
        concern.ground,
        concern.source,
        concern.authority,
        concern.unit,
        organ,
        concern.responsible_unit if organ in _LOCAL else "",
        concern.discovered_at,
        at,
        china_day(at) + timedelta(days=rules.lead_days),
    )


def press(lead: Lead, due_on: date, actor: Actor, at: datetime) -> Lead:
    """The lead, pressed by the district commission with a day of its own: 督办 (R53)."""
    _require_commission(actor)
    _require_state(lead, LeadState.ASSIGNED, LeadState.PRESSED)
    if not china_day(at) <= due_on <= lead.due_on:
        raise RuleViolation(
            "R53",
            f"a pressed lead is due between today and {lead.due_on}",
            f"督办期限应在今天至原办理期限（{lead.due_on}）之间，请核对",
        )
    return replace(lead, state=LeadState.PRESSED, due_on=due_on)


def take_over(lead: Lead, gravity: Gravity, actor: Actor) -> Lead:
    """The lead, dealt with by the district commission itself: 直接查办 (R53)."""
    _require_commission(actor)
    _require_state(lead, LeadState.ASSIGNED, LeadState.PRESSED)
    if lead.organ not in _LOCAL:
        raise RuleViolation(
            "R53",
            "the lead is with the district commission or above already; nothing is to be taken over",
            f"该线索已由{lead.organ}办理，无须提级直接查办",
        )
    state, organ = LeadState.TAKEN_OVER, Organ.DISTRICT_COMMISSION
    return replace(lead, state=state, organ=organ, organ_unit="", gravity=gravity)


def note_correction(lead: Lead, corrected_at: datetime, actor: Actor, at: datetime) -> Lead:
    """The lead with the time at which the person corrected the declaration by himself (R54).

    It is noted by whoever may read the lead; the earliest correction counts.
    """
    _require_open(lead)
    if not may_read(lead, actor):
        raise _with_organ(lead, "only that organ or the district commission adds to it")
    if require_aware(corrected_at) > at:
        raise RuleViolation(
            "R54", "a correction lies in the past", "自行更正的时间不能晚于登记时间，请核对"
        )
    earliest = min(corrected_at, lead.corrected_at or corrected_at)
    return replace(lead, corrected_at=earliest)


def dispose(
    lead: Lead,
    disposal: Disposal,
    nature: Nature | None,
    grounds: str,
    actor: Actor,
    at: datetime,
) -> Lead:
    """The lead with its end, by one of the 四种形态 or as unfounded (R54). RuleViolation otherwise.

    ``nature`` is needed for an untrue report that is founded, and is for nothing else.
    """
    _require_open(lead)
    _require_organ(lead, actor)
    if at < lead.assigned_at:
        raise ValueError("a lead is disposed of after it was assigned")
    _require_nature(lead, disposal, nature)
    require_reason(grounds, "R54", "处置依据和结论")
    conclusion = Conclusion(disposal, nature, grounds, actor.login, at)
    return replace(lead, state=LeadState.DISPOSED, conclusion=conclusion)


def may_read(lead: Lead, actor: Actor) -> bool:
    """Whether ``actor`` may see the lead: the district commission, and the organ that deals with it."""
    if actor.role is Role.INSPECTOR:
        return True
    local = (Role.DISCIPLINE_HEAD, Role.DISCIPLINE_ORGAN)
    return actor.role in local and bool(lead.organ_unit) and actor.unit == lead.organ_unit


def _require_nature(lead: Lead, disposal: Disposal, nature: Nature | None) -> None:
    asked = lead.ground is Ground.UNTRUE_REPORT and disposal is not Disposal.UNFOUNDED
    if asked != (nature is not None):
        raise RuleViolation(
            "R54",
            "an untrue report that is founded is an omission or a concealment; nothing else is",
            "“不如实报告亲属信息”查实的，须认定为漏报或瞒报；其他情形不填",
        )
    if nature is Nature.CONCEALMENT and lead.is_self_corrected:
        raise RuleViolation(
            "R54",
            "the person corrected it before it was discovered: that is an omission",
            "本人在被发现之前已自行更正，应认定为漏报，不能认定为瞒报",
        )


def _require_organ(lead: Lead, actor: Actor) -> None:
    require((actor.role,), Action.DISPOSE_LEAD)
    fits = (
        actor.role is Role.DISCIPLINE_HEAD and actor.unit == lead.organ_unit
        if lead.organ in _LOCAL
        else actor.role is Role.INSPECTOR
    )
    if not fits:
        raise _with_organ(lead, "only that organ disposes of it")


def _with_organ(lead: Lead, what: str) -> RuleViolation:
    return RuleViolation(
        "R53",
        f"the lead is with {lead.organ.name}; {what}",
        f"该线索按干部管理权限由{lead.organ}办理，请由其办理",
    )


def _require_commission(actor: Actor) -> None:
    if actor.role is not Role.INSPECTOR:
        raise RuleViolation(
            "R53",
            "the district commission presses leads and takes them over; ask it",
            "督办、直接查办由区纪委办理，请报区纪委",
        )


def _require_open(lead: Lead) -> None:
    _require_state(lead, LeadState.ASSIGNED, LeadState.PRESSED, LeadState.TAKEN_OVER)


def _require_state(lead: Lead, *states: LeadState) -> None:
    if lead.state not in states:
        raise RuleViolation(
            "R53",
            f"not possible in state {lead.state.name}",
            f"该线索当前为“{lead.state}”，不能办理此事项；须为：" + "、".join(states),
        )
