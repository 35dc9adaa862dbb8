"""The course of one declaration at one receiving unit, from draft to reviewed (R19, R21 to R24, R31).

::

    DRAFT ──PLEDGE──> PLEDGED ──SIGN──> SIGNED ──ENTER──> ENTERED ──REVIEW──> REVIEWED
      ^──────REVISE, HAND_BACK───┴─────────┘──────HAND_BACK──┘

Pledge and opinion are bound to the content's digest: whoever alters the content starts again. After
the entry nothing is altered: a change is a new version with a course of its own (R20).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from libmatch.identifiers import Identifier
from services.rules.accounts import Account
from services.rules.declaration import Declaration, TruthPledge, require_complete, require_pledge
from services.rules.roles import Action, require
from services.rules.ruleset import RuleSet
from services.rules.signing import (
    Opinion,
    SigningRight,
    require_box,
    require_digest,
    require_right,
    require_signer,
)
from services.rules.violation import RuleViolation


class State(StrEnum):
    """Where a declaration is. Values are the words that people see."""

    DRAFT = "填写中"
    PLEDGED = "本人已承诺"
    SIGNED = "已签署意见"
    ENTERED = "已录入"
    REVIEWED = "已审核"


class Event(StrEnum):
    """What moves it. Values are the words that people see."""

    REVISE = "修改"
    PLEDGE = "签署承诺"
    SIGN = "签署意见"
    ENTER = "录入"
    REVIEW = "审核"
    HAND_BACK = "退回"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.DRAFT, Event.REVISE): State.DRAFT,
    (State.DRAFT, Event.PLEDGE): State.PLEDGED,
    (State.PLEDGED, Event.REVISE): State.DRAFT,
    (State.PLEDGED, Event.SIGN): State.SIGNED,
    (State.PLEDGED, Event.HAND_BACK): State.DRAFT,
    (State.SIGNED, Event.REVISE): State.DRAFT,
    (State.SIGNED, Event.ENTER): State.ENTERED,
    (State.SIGNED, Event.HAND_BACK): State.DRAFT,
    (State.ENTERED, Event.REVIEW): State.REVIEWED,
    (State.ENTERED, Event.HAND_BACK): State.DRAFT,
}
_RULES = {
    Event.REVISE: "R20",
    Event.PLEDGE: "R19",
    Event.SIGN: "R21",
    Event.ENTER: "R21",
    Event.REVIEW: "R31",
    Event.HAND_BACK: "R31",
}


@dataclass(frozen=True, repr=False)
class Course:
    """One declaration on its way. ``unit``: the receiving unit. ``digest``: of its content, 32 bytes.

    ValueError for a state without what led to it.
    """

    official: Identifier
    unit: str
    digest: bytes
    state: State = State.DRAFT
    pledged_on: date | None = None
    opinion: Opinion | None = None
    entered_by: Account | None = None
    reviewed_by: Account | None = None

    def __post_init__(self) -> None:
        require_digest(self.digest)
        steps = (self.pledged_on, self.opinion, self.entered_by, self.reviewed_by)
        reached = list(State).index(self.state)
        if [step is not None for step in steps] != [n < reached for n in range(len(steps))]:
            raise ValueError("a state has what led to it, and nothing beyond")

    def __repr__(self) -> str:
        return f"<Course {self.state.name} at {self.unit}>"


def revise(course: Course, digest: bytes) -> Course:
    """The draft with other content; what was signed is void (R19, R21). RuleViolation R20 after entry."""
    state = _next(course, Event.REVISE)
    return Course(course.official, course.unit, digest, state)


def pledge(course: Course, declaration: Declaration, signature: TruthPledge, on: date) -> Course:
    """The pledged declaration (R19), complete by R17 and R18. RuleViolation naming what lacks.

    The caller vouches that ``course.digest`` is the digest of ``declaration``.
    """
    state = _next(course, Event.PLEDGE)
    if declaration.reporter.identifier != course.official:
        raise ValueError("the declaration of somebody else")
    require_complete(declaration)
    signed_on = require_pledge(signature, declaration.reporter, on)
    return replace(course, state=state, pledged_on=signed_on)


def sign(
    course: Course,
    right: SigningRight,
    signer: Account,
    digest: bytes,
    on: date,
    rules: RuleSet,
    *,
    box: Account | None = None,
    own: Account | None = None,
) -> Course:
    """The signed declaration (R22 to R24). ``digest``: of what the signer saw, 32 bytes.

    ``box``: the responsible leader who signed too, where R23 is read so; ``own``: the official's
    account, if he has one. RuleViolation.
    """
    state = _next(course, Event.SIGN)
    require_signer(right, signer, course.official, own)
    require_box(signer, box, course.unit, rules)
    _require_same(course, digest, "R21")
    if course.pledged_on is not None and on < course.pledged_on:
        raise RuleViolation(
            "R21",
            "the opinion is dated before the pledge; correct the date",
            "签署意见的日期早于本人承诺日期，请核对",
        )
    return replace(course, state=state, opinion=Opinion(signer.login, on, digest))


def enter(course: Course, worker: Account, digest: bytes) -> Course:
    """The entered declaration: by the receiving unit's worker (R31), after the signature (R21)."""
    state = _next(course, Event.ENTER)
    require(worker.roles, Action.IMPORT_DECLARATIONS)
    _require_outside_discipline(worker)
    _require_unit(course, worker)
    _require_same(course, digest, "R21")
    return replace(course, state=state, entered_by=worker)


def review(course: Course, leader: Account) -> Course:
    """The reviewed declaration: by the unit's responsible leader, another person than the worker (R31)."""
    state = _next(course, Event.REVIEW)
    require(leader.roles, Action.REVIEW_DECLARATIONS)
    _require_unit(course, leader)
    if course.entered_by is None or course.entered_by.person == leader.person:
        raise RuleViolation(
            "R31",
            "one person enters, another one reviews; the responsible leader reviews this entry",
            "录入和审核须为两人，请由责任领导审核",
        )
    return replace(course, state=state, reviewed_by=leader)


def hand_back(course: Course, by: Account, reason: str, right: SigningRight) -> Course:
    """The draft again, for the official to mend; what was signed is void. A reason is stated (R31).

    By whoever has it before him: who may sign by ``right``, then the worker, then the leader.
    RuleViolation after the review: then a new version corrects (R20).
    """
    state = _next(course, Event.HAND_BACK)
    if course.state is State.PLEDGED:
        require_right(right, by)
    else:
        entered = course.state is State.ENTERED
        require(by.roles, Action.REVIEW_DECLARATIONS if entered else Action.IMPORT_DECLARATIONS)
        _require_unit(course, by)
    if not reason.strip():
        raise RuleViolation(
            "R31", "handing back has a reason; state it", "退回须写明原因，以便本人更正"
        )
    return Course(course.official, course.unit, course.digest, state)


def _next(course: Course, event: Event) -> State:
    """The state after ``event``. RuleViolation that says what would be right now."""
    state = TRANSITIONS.get((course.state, event))
    if state is not None:
        return state
    possible = [e for s, e in TRANSITIONS if s is course.state]
    names = ", ".join(e.name for e in possible) or "a new version (R20)"
    zh = "、".join(possible) or "以新的版本报告变化或更正（规则R20）"
    raise RuleViolation(
        _RULES[event],
        f"{event.name} is not possible in state {course.state.name}; what can be done now: {names}",
        f"当前状态为“{course.state}”，不能{event}；现在可以：{zh}",
    )


def _require_same(course: Course, digest: bytes, rule: str) -> None:
    require_digest(digest)
    if digest != course.digest:
        raise RuleViolation(
            rule,
            "the content is not what was pledged and signed; revise, pledge and sign again",
            "内容与本人承诺、签署意见时不一致，请由本人修改后重新承诺、重新签署",
        )


def _require_unit(course: Course, account: Account) -> None:
    if account.unit != course.unit:
        raise RuleViolation(
            "R13",
            f"the declaration belongs to unit {course.unit!r}; its own staff does this",
            f"该报告表由“{course.unit}”受理，须由其工作人员、责任领导办理",
        )


def _require_outside_discipline(worker: Account) -> None:
    if worker.discipline:
        raise RuleViolation(
            "R56",
            "discipline staff neither enter nor edit; the unit's worker does this",
            "纪检监察人员不得录入、修改，请由本单位工作人员办理",
        )
