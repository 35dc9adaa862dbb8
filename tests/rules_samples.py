"""Facts of nobody for the tests of the rules.

::

    number(7) -> Identifier         a valid resident number, another one for each number below 3,000
    TREE                            a small district: see the units below
    refusal("R24", call, …)         what the rule says no with
    account(Role.WORKER, unit="nongwei", person=3) -> Account
    reporter(…), relative(…)        complete by annex 2; fields as keywords
    staff_form(…)                   complete by annex 4
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from libmatch.check_digits import resident_check
from libmatch.identifiers import Identifier, Kind, Sex
from libmatch.relations import Relation
from services.rules.accounts import Account
from services.rules.declaration import Relative, Reporter
from services.rules.people import Education, FamilyMember, StaffForm
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.units import Unit, UnitKind, UnitTree
from services.rules.violation import RuleViolation

RULES = RuleSet()
DAY = date(2018, 7, 2)
SINCE = date(2018, 1, 1)


def _unit(name: str, kind: UnitKind, **links: Any) -> Unit:
    return Unit(name, f"{name}之名", kind, SINCE, **links)


TREE = UnitTree(
    [
        _unit("jiwei", UnitKind.PARTY_COMMITTEE_BODY),
        _unit("nongwei", UnitKind.DEPARTMENT),
        _unit("jiaowei", UnitKind.DEPARTMENT),
        _unit("sifa", UnitKind.DEPARTMENT),
        _unit("fulian", UnitKind.PEOPLES_ORGANISATION),
        _unit("qixiang", UnitKind.RELEVANT_UNIT),
        _unit("jituan", UnitKind.ENTERPRISE),
        _unit("zigongsi", UnitKind.SUBSIDIARY_ENTERPRISE, parent="jituan"),
        _unit("nongji", UnitKind.SUBORDINATE_INSTITUTION, parent="nongwei"),
        _unit("nongji-zhan", UnitKind.SUBORDINATE_INSTITUTION, parent="nongji"),
        _unit("zhongxue", UnitKind.SCHOOL, parent="jiaowei"),
        _unit("yiyuan", UnitKind.HOSPITAL, parent="jiaowei"),
        _unit("lizhi", UnitKind.STREET),
        _unit("mawu", UnitKind.TOWNSHIP),
        _unit("mawu-wenhua", UnitKind.SUBORDINATE_INSTITUTION, parent="mawu"),
        _unit("shiba", UnitKind.VILLAGE, parent="mawu"),
        _unit("xinmin", UnitKind.COMMUNITY, parent="lizhi"),
        _unit("mawu-sifasuo", UnitKind.OUTPOSTED_BODY, parent="sifa", seat="mawu"),
        _unit(
            "jijianzu-1",
            UnitKind.STATIONED_DISCIPLINE_GROUP,
            parent="jiwei",
            hosts=("nongwei", "sifa", "qixiang"),
        ),
    ]
)


def number(of: int) -> Identifier:
    """Resident number of nobody."""
    born = date(1950, 1, 1) + timedelta(days=of)
    body = f"500102{born:%Y%m%d}001"
    return Identifier(Kind.RESIDENT_ID, body + resident_check(body))


def refusal(
    rule: str, call: Callable[..., object], *args: object, **named: object
) -> RuleViolation:
    """The refusal of ``call``; fails where it is of another rule, or silent in one language."""
    with pytest.raises(RuleViolation) as caught:
        call(*args, **named)
    assert caught.value.rule == rule
    assert str(caught.value).startswith(f"{rule}: ")
    assert caught.value.message_zh.endswith(f"（规则{rule}）")
    return caught.value


def account(
    *roles: Role, unit: str = "nongwei", person: int = 1, discipline: bool = False
) -> Account:
    """An account of that person at that unit; its login is the person's number."""
    return Account(f"login-{person}", unit, number(person), frozenset(roles), discipline)


def reporter(**fields: Any) -> Reporter:
    """A reporter with every field of R17."""
    values: dict[str, Any] = {
        "identifier": number(0),
        "name": "甲某",
        "sex": Sex.MALE,
        "political": "中共党员",
        "unit": "区农委",
        "post": "科长",
        "rank": "正科级",
        "work": "本科室全面工作、项目验收",
        "discipline": False,
        "household": "某镇某村",
        "phone": "无",
    }
    return Reporter(**(values | fields))


def relative(person: int | None = 1, **fields: Any) -> Relative:
    """A relative with every field of R18; ``person`` None: pass ``unknown``."""
    values: dict[str, Any] = {
        "identifier": None if person is None else number(person),
        "name": f"乙某{person}",
        "sex": Sex.FEMALE,
        "relation": Relation.SIBLING,
        "political": "群众",
        "unit": "无",
        "post": "无",
        "phone": "无",
        "household": "某镇某村",
        "remark": "",
    }
    return Relative(**(values | fields))


def staff_form(**fields: Any) -> StaffForm:
    """Annex 4 of a worker, complete."""
    values: dict[str, Any] = {
        "name": "丙某",
        "sex": number(5).sex,
        "born": date(1950, 1, 1),
        "photo": bytes(32),
        "nation": "汉族",
        "native_place": "重庆涪陵",
        "birth_place": "重庆涪陵",
        "joined_party": "1975.07",
        "started_work": "1970.03",
        "health": "健康",
        "identifier": number(5),
        "phone": "无",
        "full_time": Education("大专", "某校某专业"),
        "in_service": Education("无", "无"),
        "post": "科员",
        "duties": "项目台账",
        "is_leader": False,
        "is_worker": True,
        "resume": "1970.03至今，区农委",
        "family": (FamilyMember("妻子", "丁某", 60, "群众", "无"),),
    }
    return StaffForm(**(values | fields))
