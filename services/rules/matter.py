"""THE state machine of a matter (涉权事项): states, events, who, in one table (R35–R41, R47, R48).

``apply`` is the only way in which a matter changes, and what is not in the table cannot be done;
``matter_diagram`` draws it. Words are neutral: a hit is not a violation, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from libmatch.china_time import require_aware
from services.rules.matter_facts import Actor, Matter, State
from services.rules.matter_steps import Event, Post, Step, TakeDown, effect
from services.rules.roles import PERMISSIONS, STAFF, Action, Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class Side(StrEnum):
    """Which unit of a matter acts. Values are the words of the diagram and of refusals."""

    APPROVER = "审批单位"
    DECLARER = "党员干部所在单位"
    EITHER = "审批单位或党员干部所在单位"
    POSTER = "该处公示单位"
    INVOLVED = "有关单位"
    COMMISSION = "区纪委"
    SYSTEM = "系统"


@dataclass(frozen=True)
class Who:
    """Who may bring an event about: these roles, at that side of the matter."""

    side: Side
    roles: frozenset[Role]

    def __str__(self) -> str:
        roles = "、".join(role for role in Role if role in self.roles)
        return roles if self.side in (Side.COMMISSION, Side.SYSTEM) else f"{self.side}的{roles}"


@dataclass(frozen=True)
class Transition:
    """One row: in ``source``, ``event`` by ``who`` leads to ``target`` if ``when`` holds afterwards.

    ``note_zh`` says what ``when`` asks. Rows of one source and event are tried in order.
    """

    source: State
    event: Event
    target: State
    when: Callable[[Matter, RuleSet], bool] | None = None
    note_zh: str = ""


def _stands(matter: Matter, rules: RuleSet) -> bool:
    """Whether any place has a notice that still counts: standing, or taken down after its end."""
    return any(
        clock.posting.taken_down_at is None or clock.is_complete(clock.posting.taken_down_at)
        for clock in matter.clocks(rules).values()
    )


_VERIFIERS = PERMISSIONS[Action.VERIFY].roles
_SIGNERS = PERMISSIONS[Action.SIGN_OUTCOME].roles
_ITSELF = frozenset({Role.SYSTEM})

EVENTS: dict[Event, tuple[Who, str]] = {
    Event.INFORM: (Who(Side.DECLARER, STAFF | _ITSELF), "R36"),
    Event.TAKE: (Who(Side.APPROVER, _VERIFIERS), "R38"),
    Event.FIND_COMPLIANT: (Who(Side.APPROVER, _SIGNERS), "R40"),
    Event.FIND_NOT_COMPLIANT: (Who(Side.APPROVER, _SIGNERS), "R40"),
    Event.MEASURE: (Who(Side.APPROVER, _SIGNERS), "R41"),
    Event.POST: (Who(Side.POSTER, PERMISSIONS[Action.PUBLISH].roles), "R42"),
    Event.TAKE_DOWN: (Who(Side.POSTER, PERMISSIONS[Action.PUBLISH].roles), "R45"),
    Event.COMPLETE: (Who(Side.SYSTEM, _ITSELF), "R45"),
    Event.OBJECT: (Who(Side.INVOLVED, PERMISSIONS[Action.RECORD_OBJECTION].roles), "R48"),
    Event.DISPUTE: (Who(Side.EITHER, _VERIFIERS), "R38"),
    Event.CONFIRM: (Who(Side.COMMISSION, PERMISSIONS[Action.RELEASE_HITS].roles), "R36"),
    Event.WITHDRAW: (Who(Side.SYSTEM, _ITSELF), "R37"),
    Event.REVIVE: (Who(Side.SYSTEM, _ITSELF), "R37"),
}
"""Who brings each event about, and the rule that it is of."""

_S, _E = State, Event
_STANDS = (_stands, "公示仍张贴")
_NONE_STANDS = (lambda matter, rules: not _stands(matter, rules), "没有公示张贴")
LIVE = tuple(state for state in State if state is not State.WITHDRAWN)

TRANSITIONS: tuple[Transition, ...] = (
    Transition(_S.NOTIFIED, _E.TAKE, _S.VERIFYING),
    Transition(_S.NOTIFIED, _E.DISPUTE, _S.DISPUTED),
    Transition(_S.VERIFYING, _E.TAKE, _S.VERIFYING),  # somebody else takes over
    Transition(_S.VERIFYING, _E.DISPUTE, _S.DISPUTED),
    Transition(_S.VERIFYING, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.VERIFYING, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.DISPUTED, _E.CONFIRM, _S.NOTIFIED),
    Transition(_S.COMPLIANT, _E.POST, _S.PUBLISHING),
    Transition(_S.COMPLIANT, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.COMPLIANT, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.NOT_COMPLIANT, _E.MEASURE, _S.MEASURED),
    Transition(_S.NOT_COMPLIANT, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.NOT_COMPLIANT, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.MEASURED, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.MEASURED, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.PUBLISHING, _E.POST, _S.PUBLISHING),
    Transition(_S.PUBLISHING, _E.TAKE_DOWN, _S.PUBLISHING, *_STANDS),
    Transition(_S.PUBLISHING, _E.TAKE_DOWN, _S.COMPLIANT, *_NONE_STANDS),
    Transition(_S.PUBLISHING, _E.OBJECT, _S.OBJECTED),
    Transition(_S.PUBLISHING, _E.COMPLETE, _S.PUBLISHED),
    Transition(_S.PUBLISHING, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.PUBLISHING, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.OBJECTED, _E.OBJECT, _S.OBJECTED),
    Transition(_S.OBJECTED, _E.TAKE_DOWN, _S.OBJECTED),
    Transition(_S.OBJECTED, _E.FIND_COMPLIANT, _S.PUBLISHING, *_STANDS),
    Transition(_S.OBJECTED, _E.FIND_COMPLIANT, _S.COMPLIANT, *_NONE_STANDS),
    Transition(_S.OBJECTED, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.PUBLISHED, _E.TAKE_DOWN, _S.PUBLISHED),
    Transition(_S.PUBLISHED, _E.OBJECT, _S.OBJECTED),
    Transition(_S.PUBLISHED, _E.FIND_COMPLIANT, _S.COMPLIANT),
    Transition(_S.PUBLISHED, _E.FIND_NOT_COMPLIANT, _S.NOT_COMPLIANT),
    Transition(_S.WITHDRAWN, _E.REVIVE, _S.NOTIFIED),
    *(Transition(state, _E.INFORM, state) for state in LIVE),
    *(Transition(state, _E.WITHDRAW, _S.WITHDRAWN) for state in LIVE),
)


# --- the way of a step ----------------------------------------------------------------------------


def apply(matter: Matter, step: Step, actor: Actor, at: datetime, rules: RuleSet) -> Matter:
    """The matter after the step. RuleViolation with what would be right; then nothing has changed.

    ``rules`` is the version that the matter keeps, and ``at`` not before its last change: ValueError.
    """
    if rules.version != matter.rules_version:
        raise ValueError("a matter goes on under the rules that it was made under (R62)")
    if require_aware(at) < (matter.changed_at or matter.notified_at):
        raise ValueError("steps are applied in the order of time")
    rows = [row for row in TRANSITIONS if (row.source, row.event) == (matter.state, step.event)]
    if not rows:
        raise _wrong_order(matter, step.event)
    _require_actor(matter, step, actor)
    changed = effect(matter, step, actor, at, rules)
    target = next(row.target for row in rows if row.when is None or row.when(changed, rules))
    return replace(changed, state=target, changed_at=at, version=matter.version + 1)


def possible_events(matter: Matter, actor: Actor) -> tuple[Event, ...]:
    """What ``actor`` may bring about now, in the order of the table; guards may still refuse it."""
    events = dict.fromkeys(row.event for row in TRANSITIONS if row.source is matter.state)
    return tuple(event for event in events if _may(event, actor, _sides(matter, event)))


def _wrong_order(matter: Matter, event: Event) -> RuleViolation:
    possible = dict.fromkeys(row.event for row in TRANSITIONS if row.source is matter.state)
    rule = EVENTS[event][1]
    return RuleViolation(
        rule,
        f"{event.name} is not possible in state {matter.state.name}; possible: "
        + ", ".join(one.name for one in possible),
        f"该事项当前为“{matter.state}”，不能办理“{event}”；现在可以办理：" + "、".join(possible),
    )


def _require_actor(matter: Matter, step: Step, actor: Actor) -> None:
    who, rule = EVENTS[step.event]
    units = _sides(matter, step.event)
    if isinstance(step, Post | TakeDown):
        units = frozenset({matter.poster_of(step.place)})
    if not _may(step.event, actor, units):
        raise RuleViolation(
            rule,
            f"{step.event.name} is for {', '.join(sorted(role.name for role in who.roles))} "
            f"of: {who.side.name}; ask one of them",
            f"“{step.event}”由{who}办理，请转交其办理",
        )
    if step.event in _WITHOUT_THE_OFFICIAL and _is_official(matter, actor):
        raise RuleViolation(
            "R24",
            "nobody decides on a matter of his own; let somebody else do it",
            "经办人与该事项所涉党员干部同单位同姓名，应当回避，请由其他人员办理",
        )


_WITHOUT_THE_OFFICIAL = frozenset(
    {_E.TAKE, _E.FIND_COMPLIANT, _E.FIND_NOT_COMPLIANT, _E.MEASURE, _E.DISPUTE}
)


def _is_official(matter: Matter, actor: Actor) -> bool:
    return actor.name == matter.official_name and actor.unit in matter.declaring_units


def _may(event: Event, actor: Actor, units: frozenset[str] | None) -> bool:
    return actor.role in EVENTS[event][0].roles and (units is None or actor.unit in units)


def _sides(matter: Matter, event: Event) -> frozenset[str] | None:
    """The units that may bring it about; None where the role alone decides."""
    posters = {matter.official_unit, matter.village_unit}
    declarers = set(matter.declaring_units)
    units = {
        Side.APPROVER: {matter.approving_unit},
        Side.DECLARER: declarers,
        Side.EITHER: {matter.approving_unit, *declarers},
        Side.POSTER: posters,
        Side.INVOLVED: {matter.approving_unit, *declarers, *posters},
    }.get(EVENTS[event][0].side)
    return None if units is None else frozenset(units)
