"""Which items meet which declarations, and who sees a matter (R35).

Matched over the whole district, seen by few: the official's unit its officials' matters, the approving unit
those of its items, and who posts in the village what is to be posted there.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.rules.matter_facts import Actor, Matter, State
from services.rules.readings import MatchScope
from services.rules.roles import PERMISSIONS, Action
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

_TO_POST = (State.COMPLIANT, State.PUBLISHING, State.OBJECTED, State.PUBLISHED)


def is_in_scope(approving_unit: str, declaring_units: Iterable[str], rules: RuleSet) -> bool:
    """Whether an item of that unit is matched against declarations held by those (R35)."""
    return rules.match_scope is MatchScope.DISTRICT or approving_unit in declaring_units


def may_see(matter: Matter, actor: Actor) -> bool:
    """Whether ``actor`` may see the matter (R35); 区纪委 sees what it opened, administrators nothing."""
    if actor.role in PERMISSIONS[Action.OPEN_HITS].roles:
        return True
    if actor.role not in PERMISSIONS[Action.READ_HITS].roles:
        return False
    if actor.unit == matter.approving_unit or actor.unit in matter.declaring_units:
        return True
    return actor.unit == matter.village_unit and matter.state in _TO_POST


def visible_matters(matters: Iterable[Matter], actor: Actor) -> tuple[Matter, ...]:
    """The matters that ``actor`` may see, in their order (R35)."""
    return tuple(matter for matter in matters if may_see(matter, actor))


def require_visible(matter: Matter, actor: Actor) -> None:
    """Nothing, if ``actor`` may see it; RuleViolation R35 otherwise."""
    if not may_see(matter, actor):
        raise RuleViolation(
            "R35",
            "a matter is seen by the official's unit and the approving unit; ask one of them",
            "涉权事项仅由党员干部所在单位和审批单位查看，您的账号没有此权限",
        )
