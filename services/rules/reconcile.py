"""The proposed and the actual beneficiaries of one item, compared (R61).

PRE is what the gate was asked about, POST what was carried out. Who was added was never matched before the
approval: that is reported, and the added persons are matched like any others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from services.rules.catalogue import Capacity
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

Person = TypeVar("Person", bound=Hashable)


class Phase(StrEnum):
    """Which of the two lists of an item a list is."""

    PRE = "事前名单（拟受益人）"
    POST = "事后名单（实际受益人）"


class Difference(StrEnum):
    """How an actual list differs from the proposed one."""

    ADDED = "事后名单中新增的人员，审批前未经比对"
    MISSING = "事前名单中的人员未出现在事后名单"
    AMOUNT = "金额与事前名单不同"
    CAPACITY = "受益身份与事前名单不同"
    NO_PRE_LIST = "没有事前名单，全部人员审批前未经比对"


@dataclass(frozen=True, repr=False)
class Share(Generic[Person]):
    """What one person has of an item. ``person``: anything that tells persons apart, such as an
    ``Identifier`` or a record id. ``amount_fen`` in 0.01 CNY, None: no sum of his own."""

    person: Person
    capacity: Capacity
    amount_fen: int | None = None


@dataclass(frozen=True, repr=False)
class Finding(Generic[Person]):
    """One difference: the share as proposed and as it came, None where there is none."""

    difference: Difference
    before: Share[Person] | None
    after: Share[Person] | None

    @property
    def person(self) -> Person:
        """Whom it is about."""
        share = self.after or self.before
        assert share is not None  # one of the two always is there
        return share.person


@dataclass(frozen=True, repr=False)
class Reconciliation(Generic[Person]):
    """All differences, in the order of the lists: those of POST first, then who is missing."""

    findings: tuple[Finding[Person], ...]

    @property
    def to_report(self) -> tuple[Finding[Person], ...]:
        """Those of persons who were not matched before the approval (R61): report, and match them."""
        wanted = (Difference.ADDED, Difference.NO_PRE_LIST)
        return tuple(one for one in self.findings if one.difference in wanted)

    def of(self, difference: Difference) -> tuple[Finding[Person], ...]:
        """The findings of one kind."""
        return tuple(one for one in self.findings if one.difference is difference)


def reconcile(
    pre: Iterable[Share[Person]] | None, post: Iterable[Share[Person]]
) -> Reconciliation[Person]:
    """How the actual list differs from the proposed one; ``pre`` None: there was none (R61).

    RuleViolation R61 where a person is twice in a list, or nobody is in the actual one.
    """
    actual = _by_person(post, Phase.POST)
    if not actual:
        raise RuleViolation(
            "R61",
            "the actual list names nobody; enter who received it, or withdraw the item",
            "事后名单没有人员：请录入实际受益人；事项没有实施的，请撤回该事项",
        )
    if pre is None:
        return Reconciliation(
            tuple(Finding(Difference.NO_PRE_LIST, None, share) for share in actual.values())
        )
    proposed = _by_person(pre, Phase.PRE)
    findings = [
        finding
        for person, share in actual.items()
        for finding in _compare(proposed.get(person), share)
    ]
    missing = [share for person, share in proposed.items() if person not in actual]
    findings += [Finding(Difference.MISSING, share, None) for share in missing]
    return Reconciliation(tuple(findings))


def _compare(before: Share[Person] | None, after: Share[Person]) -> list[Finding[Person]]:
    if before is None:
        return [Finding(Difference.ADDED, None, after)]
    found = []
    if before.amount_fen != after.amount_fen:
        found.append(Finding(Difference.AMOUNT, before, after))
    if before.capacity is not after.capacity:
        found.append(Finding(Difference.CAPACITY, before, after))
    return found


def _by_person(shares: Iterable[Share[Person]], phase: Phase) -> dict[Person, Share[Person]]:
    found: dict[Person, Share[Person]] = {}
    for share in shares:
        if share.person in found:
            raise RuleViolation(
                "R61",
                "a person is twice in the list of an item; merge the two entries",
                f"同一人在该事项的{phase}中出现两次，请合并为一条",
            )
        found[share.person] = share
    return found


def post_due_on(carried_out_on: date, rules: RuleSet) -> date | None:
    """The day by which the actual list is entered: 「在实施后，及时录入」; None where none is asked."""
    if not rules.post_required:
        return None
    return carried_out_on + timedelta(days=rules.post_days)
