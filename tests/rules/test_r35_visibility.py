"""Matched over the whole district, seen by few (R35)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.rules.matter_facts import Actor, Matter, Verdict
from services.rules.readings import MatchScope
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation
from services.rules.visibility import is_in_scope, may_see, require_visible, visible_matters
from tests.rules.matter_walk import (
    INSPECTOR,
    LEADER,
    MATTER,
    UNIT_LEADER,
    UNIT_WORKER,
    VILLAGE_LEADER,
    VILLAGE_WORKER,
    WORKER,
    found,
    measured,
    objected,
    published,
    publishing,
    verifying,
)


def test_R35_items_meet_the_declarations_of_the_whole_district() -> None:
    assert is_in_scope("minzheng", ["shuiwu"], RuleSet())


def test_R35_or_those_of_the_own_unit_where_the_rules_say_so() -> None:
    own = RuleSet(match_scope=MatchScope.OWN_UNIT)
    assert not is_in_scope("minzheng", ["shuiwu"], own)
    assert is_in_scope("minzheng", ["shuiwu", "minzheng"], own)


@pytest.mark.parametrize("actor", [WORKER, LEADER, UNIT_WORKER, UNIT_LEADER, INSPECTOR])
def test_R35_the_two_units_and_the_commission_see_a_matter(actor: Actor) -> None:
    assert may_see(MATTER, actor)
    require_visible(MATTER, actor)


@pytest.mark.parametrize(
    "role",
    sorted(
        set(Role) - {Role.WORKER, Role.RESPONSIBLE_LEADER, Role.DISCIPLINE_ORGAN, Role.INSPECTOR}
    ),
)
def test_R35_nobody_else_of_these_units_does(role: Role) -> None:
    assert not may_see(MATTER, replace(WORKER, role=role))


def test_R35_other_units_do_not_see_it() -> None:
    stranger = replace(WORKER, unit="caizheng")
    with pytest.raises(RuleViolation) as caught:
        require_visible(published(), stranger)
    assert caught.value.rule == "R35"
    assert visible_matters([MATTER, replace(MATTER, approving_unit="caizheng")], stranger) == (
        replace(MATTER, approving_unit="caizheng"),
    )


def test_R35_a_unit_with_a_copy_of_the_declaration_sees_it() -> None:
    assert may_see(replace(MATTER, copied_to=("caizheng",)), replace(WORKER, unit="caizheng"))


@pytest.mark.parametrize("actor", [VILLAGE_LEADER, VILLAGE_WORKER])
@pytest.mark.parametrize(
    ("matter", "seen"),
    [
        (MATTER, False),
        (verifying(), False),
        (found(Verdict.NOT_COMPLIANT), False),
        (measured(), False),
        (found(Verdict.COMPLIANT), True),
        (publishing(), True),
        (objected(), True),
        (published(), True),
    ],
)
def test_R35_who_posts_in_the_village_sees_what_is_to_be_posted(
    matter: Matter, seen: bool, actor: Actor
) -> None:
    assert may_see(matter, actor) is seen
