"""How long what never matched is kept, and what a person can ask (R65; PIPL articles 44 to 47)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from libmatch.identifiers import Identifier
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


class Category(StrEnum):
    """What kind of record holds a person. Values are the words that people see."""

    DECLARED = "党员干部亲属关系申报"
    ITEM = "受益人名单"


_PURPOSES = {
    Category.DECLARED: "党员干部亲属涉权事项比对",
    Category.ITEM: "惠民资金（项目）受益人比对和公示",
}
_ROUTES = {
    Category.DECLARED: "由报告人以新的版本更正，再经签署、录入（R20、R21）",
    Category.ITEM: "由审批单位更正名单，经党组织负责人重新签署后录入（R25）",
}


@dataclass(frozen=True, repr=False)
class HeldRecord:
    """A record about ``subject`` at ``unit``. ``reference``: opaque, the unit's own.

    ``ended_on``: the day on which it ceased to be current: superseded, the official left, the item
    was finished and reconciled; None while it is current and must meet later data (R20, R37).
    ``matched``: it has or had a hit. ``held_for``: why it must stay though its time is over (an
    objection, a request or a lead under way), "" where nothing is. ``fields_zh``: what it holds.
    """

    reference: str
    unit: str
    category: Category
    subject: Identifier
    fields_zh: tuple[str, ...]
    ended_on: date | None = None
    matched: bool = False
    held_for: str = ""

    def __repr__(self) -> str:
        return f"<HeldRecord {self.category.name} at {self.unit}>"


def purge_on(record: HeldRecord, rules: RuleSet) -> date | None:
    """The day on which a record that never matched is purged (R65).

    None while it is current or held. What matched is part of a matter, and is kept with it.
    """
    if record.ended_on is None or record.matched or record.held_for:
        return None
    declared = record.category is Category.DECLARED
    days = rules.unmatched_declared_days if declared else rules.unmatched_item_days
    return record.ended_on + timedelta(days=days)


def due_for_purge(
    records: Iterable[HeldRecord], rules: RuleSet, on: date
) -> tuple[HeldRecord, ...]:
    """The records to purge on that day, in their order (R65); also those overdue."""
    return tuple(record for record in records if is_due(record, rules, on))


def is_due(record: HeldRecord, rules: RuleSet, on: date) -> bool:
    """Whether the record is to be purged on that day (R65)."""
    day = purge_on(record, rules)
    return day is not None and day <= on


def require_matched(record: HeldRecord) -> None:
    """Nothing, if the record has a hit; RuleViolation R65: what did not match is not opened."""
    if not record.matched:
        raise RuleViolation(
            "R65",
            "records of people who did not match are not opened outside their own unit",
            "未比中人员的信息不得启封查看",
        )


# --- requests of a person -----------------------------------------------------------------------


class RequestKind(StrEnum):
    """What a person asks for about himself. Values are the words that people see."""

    KNOW = "查询、复制"  # PIPL 44, 45
    CORRECT = "更正、补充"  # PIPL 46
    DELETE = "删除"  # PIPL 47


@dataclass(frozen=True, repr=False)
class PersonRequest:
    """A request under R65, of a person whose identity was checked, about that person alone."""

    kind: RequestKind
    asker: Identifier
    received_on: date

    def __repr__(self) -> str:
        return f"<PersonRequest {self.kind.name}>"


@dataclass(frozen=True)
class Held:
    """One line of the answer: who holds what, and what for. Who declared it is about others: not told.

    ``purge_on`` None: while it is current, or must be kept by law.
    """

    reference: str
    unit: str
    category: Category
    purpose_zh: str
    fields_zh: tuple[str, ...]
    purge_on: date | None
    route_zh: str


def answer_due(request: PersonRequest, rules: RuleSet) -> date:
    """The last day for an answer (R65)."""
    return request.received_on + timedelta(days=rules.request_days)


def what_is_held(
    request: PersonRequest, records: Iterable[HeldRecord], rules: RuleSet
) -> tuple[Held, ...]:
    """What is held about the asker, and about nobody else (R65); with the way to a correction."""
    return tuple(
        Held(
            record.reference,
            record.unit,
            record.category,
            _PURPOSES[record.category],
            record.fields_zh,
            purge_on(record, rules),
            _ROUTES[record.category],
        )
        for record in records
        if record.subject == request.asker
    )


def correction_route(request: PersonRequest, record: HeldRecord) -> str:
    """The way, in Chinese, by which the record is corrected (R65). RuleViolation for another's."""
    _require_own(request, record)
    return _ROUTES[record.category]


def require_deletable(request: PersonRequest, record: HeldRecord, rules: RuleSet, on: date) -> None:
    """Nothing, if the record is to be deleted on that day: its time is over (R65, PIPL 47).

    RuleViolation with the ground and the day where it is not, and for another's record.
    """
    _require_own(request, record)
    if is_due(record, rules, on):
        return
    day = purge_on(record, rules)
    until = f"保存期至{day}，期满删除" if day else "该信息仍在使用中，或依法须继续保存"
    raise RuleViolation(
        "R65",
        f"the record is kept under a legal duty{f' until {day}' if day else ''}; tell the asker why",
        f"因履行法定职责所必需，暂不能删除：{until}；可请求更正",
    )


def _require_own(request: PersonRequest, record: HeldRecord) -> None:
    if request.asker != record.subject:
        raise RuleViolation(
            "R65",
            "a person asks about himself alone; a representative shows the person's authority",
            "只能请求查询、更正、删除本人的信息；代为办理的，须有本人授权",
        )
