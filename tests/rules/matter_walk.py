"""A matter for tests, its people, and the steps that bring it along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libmatch.china_time import CHINA, china_day
from services.rules.matter import apply
from services.rules.matter_facts import (
    Actor,
    Matter,
    Measure,
    MeasureKind,
    Recipient,
    State,
    Verdict,
)
from services.rules.matter_steps import (
    Because,
    Complete,
    Conclude,
    Event,
    Inform,
    Object,
    Post,
    Step,
    Take,
    TakeDown,
    TakeMeasure,
)
from services.rules.publication import Place
from services.rules.roles import Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

RULES = RuleSet()
START = datetime(2018, 9, 3, 9, tzinfo=CHINA)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = START + 30 * DAY
OK, BAD = Verdict.COMPLIANT, Verdict.NOT_COMPLIANT
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()

WORKER = Actor("w-1", "赵一", "minzheng", Role.WORKER)
LEADER = Actor("l-1", "钱二", "minzheng", Role.RESPONSIBLE_LEADER)
UNIT_WORKER = Actor("w-2", "孙三", "shuiwu", Role.WORKER)
UNIT_LEADER = Actor("l-2", "周四", "shuiwu", Role.RESPONSIBLE_LEADER)
VILLAGE_LEADER = Actor("l-3", "吴五", "baitao", Role.RESPONSIBLE_LEADER)
VILLAGE_WORKER = Actor("w-3", "冯八", "baitao", Role.WORKER)
INSPECTOR = Actor("i-1", "郑六", "jiwei", Role.INSPECTOR)
SYSTEM = Actor("system", "", "minzheng", Role.SYSTEM)
ACTORS = (WORKER, LEADER, UNIT_WORKER, UNIT_LEADER, VILLAGE_LEADER, INSPECTOR, SYSTEM)
POSTERS = {Place.OFFICIAL_UNIT: UNIT_LEADER, Place.VILLAGE: VILLAGE_LEADER}

MATTER = Matter(
    matter_id=bytes(range(16)),
    rules_version=RULES.version,
    approving_unit="minzheng",
    official_unit="shuiwu",
    village_unit="baitao",
    official_name="李四",
    notified_at=START,
)


def concluded(
    matter: Matter, verdict: Verdict, at: datetime, actor: Actor = LEADER, because: str = ""
) -> Conclude:
    """The step with the unit's signature."""
    unsigned = Conclude(verdict, "经核查申报资料和现场情况", "w-1", b"", because)
    return replace(unsigned, signature=KEY.sign(unsigned.message(matter.matter_id, actor, at)))


def measure(on: date, kind: MeasureKind = MeasureKind.STOPPED, detail: str = "") -> Measure:
    return Measure(
        kind, detail, on, "不符合规定的条件", on, "区纪委派驻民政局纪检组", "移送1号", on
    )


def step(matter: Matter, what: Step, actor: Actor, at: datetime, rules: RuleSet = RULES) -> Matter:
    return apply(matter, what, actor, at, rules)


def verifying() -> Matter:
    return step(MATTER, Take(), WORKER, START + HOUR)


def found(verdict: Verdict, at: datetime = START + 2 * HOUR) -> Matter:
    matter = verifying()
    return step(matter, concluded(matter, verdict, at), LEADER, at)


def measured() -> Matter:
    at = START + 3 * HOUR
    return step(found(Verdict.NOT_COMPLIANT), TakeMeasure(measure(china_day(at))), LEADER, at)


def posted(matter: Matter, place: Place, at: datetime, digest: bytes = bytes(32)) -> Matter:
    return step(matter, Post(place, digest), POSTERS[place], at)


def publishing(village_at: datetime | None = None, rules: RuleSet = RULES) -> Matter:
    """In both places: in the unit at 12:00 of the first day, in the village then or later."""
    matter = replace(found(Verdict.COMPLIANT), rules_version=rules.version)
    at = START + 3 * HOUR
    matter = step(matter, Post(Place.OFFICIAL_UNIT, bytes(32)), UNIT_LEADER, at, rules)
    return step(matter, Post(Place.VILLAGE, bytes(32)), VILLAGE_LEADER, village_at or at, rules)


END = datetime(2018, 9, 11, tzinfo=CHINA)  # of what was posted on 3 September


def published() -> Matter:
    return step(publishing(), Complete(), SYSTEM, END)


def objected(at: datetime = START + DAY) -> Matter:
    return step(publishing(), Object("异议2018-1"), VILLAGE_WORKER, at)


def refuse(
    matter: Matter, what: Step, actor: Actor, at: datetime, rule: str, rules: RuleSet = RULES
) -> str:
    """The Chinese text of the refusal, which is of that rule."""
    with pytest.raises(RuleViolation) as caught:
        apply(matter, what, actor, at, rules)
    assert caught.value.rule == rule
    return caught.value.message_zh


def in_state(state: State) -> Matter:
    makers: dict[State, Callable[[], Matter]] = {
        State.NOTIFIED: lambda: MATTER,
        State.VERIFYING: verifying,
        State.DISPUTED: lambda: step(verifying(), dispute(), WORKER, START + 2 * HOUR),
        State.COMPLIANT: lambda: found(OK),
        State.NOT_COMPLIANT: lambda: found(BAD),
        State.MEASURED: measured,
        State.PUBLISHING: publishing,
        State.OBJECTED: objected,
        State.PUBLISHED: published,
        State.WITHDRAWN: lambda: step(publishing(), withdraw(), SYSTEM, START + DAY),
    }
    made = makers[state]()
    assert made.state is state
    return made


def dispute() -> Because:
    return Because(Event.DISPUTE, "通知与本单位记录不符")


def withdraw() -> Because:
    return Because(Event.WITHDRAW, "申报已更正")


def every_step(matter: Matter, at: datetime) -> list[Step]:
    """One step of each event, as good as the matter allows."""
    steps: list[Step] = [
        Inform(Recipient.OFFICIAL, "回执1"),
        Take(),
        concluded(matter, OK, at, because="补充材料后复核"),
        concluded(matter, BAD, at, because="补充材料后复核"),
        TakeMeasure(measure(china_day(at))),
        Post(Place.VILLAGE, b"\1" * 32),
        TakeDown(Place.VILLAGE),
        Complete(),
        Object("异议2018-9"),
        *(Because(e, "说明原因") for e in (Event.DISPUTE, Event.CONFIRM, Event.WITHDRAW)),
        Because(Event.REVIVE, "说明原因"),
    ]
    assert {one.event for one in steps} == set(Event)
    return steps


RIGHT_ACTOR = {
    Event.INFORM: UNIT_WORKER,
    Event.TAKE: WORKER,
    Event.FIND_COMPLIANT: LEADER,
    Event.FIND_NOT_COMPLIANT: LEADER,
    Event.MEASURE: LEADER,
    Event.POST: VILLAGE_LEADER,
    Event.TAKE_DOWN: VILLAGE_LEADER,
    Event.COMPLETE: SYSTEM,
    Event.OBJECT: VILLAGE_WORKER,
    Event.DISPUTE: WORKER,
    Event.CONFIRM: INSPECTOR,
    Event.WITHDRAW: SYSTEM,
    Event.REVIVE: SYSTEM,
}
