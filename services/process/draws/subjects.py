"""What one service brings to random checks: its items, what a checker sees of them, who takes part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.chassis.identity import Identity, IdentityError
from services.process.acting import ActorOf
from services.process.store.trail import Transaction
from services.rules.checks import CheckKind, Quota
from services.rules.roles import DISCIPLINE, Action, Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

Fields = tuple[tuple[str, str], ...]
"""(heading, text) in Chinese."""

QuotasOf = Callable[[Transaction, int, RuleSet], tuple[Quota, ...]]
"""What must be checked of a year, with all items of that year."""

Describe = Callable[[Transaction, Sequence[bytes]], Mapping[bytes, Fields]]
"""What a checker sees of items; those that are no longer held are left out. No identity numbers."""


@dataclass(frozen=True)
class Subjects:
    """``action``: what whoever checks here must be allowed to do. ``scope_zh`` is part of every title,
    so that no two services of a unit give a draw the same one.

    ``check_parties`` raises RuleViolation where the parties of a plan would not do.
    """

    action: Action
    scope_zh: str
    quotas: QuotasOf
    describe: Describe
    check_parties: Callable[[Sequence[str]], None]
    party_of: Callable[[Identity], str]

    @property
    def rule(self) -> str:
        """The rule by which is checked here."""
        return "R52" if self.action is Action.SAMPLE_DISTRICT else "R51"


def name_party(trust_domain: str, role: str, *path: str, rule: str) -> Identity:
    """The identity of a party, by its login. RuleViolation for what is no login."""
    try:
        if all(path):
            return Identity(trust_domain, role, *path)
    except IdentityError:
        pass  # told below, in the words of the form
    raise RuleViolation(
        rule, "a party is named by its login", "参加方应填登录名（证书上的名称），请核对"
    )


def unit_parties(
    actor_of: ActorOf, identity_of: Callable[[str], Identity]
) -> Callable[[Sequence[str]], None]:
    """Checks that a unit's parties are accounts that may, of its discipline organ and of another body."""

    def check(parties: Sequence[str]) -> None:
        roles = {_role_of(actor_of, identity_of, party) for party in parties}
        checkers = [party for party in parties if _may_check(actor_of, identity_of(party))]
        if not checkers or roles <= DISCIPLINE:
            raise RuleViolation(
                "R51",
                "a unit's seed is of its discipline organ and of somebody outside it",
                "抽查种子须由本单位纪检组织人员和纪检组织以外的人员（如党组织负责人、责任领导）共同产生",
            )

    return check


def _role_of(actor_of: ActorOf, identity_of: Callable[[str], Identity], party: str) -> Role:
    """In which role it takes part. RuleViolation naming the login: who plans must see which."""
    try:
        return actor_of(identity_of(party), Action.JOIN_DRAW).role
    except RuleViolation as refusal:
        why = refusal.message_zh.removesuffix("（规则R51）")  # the number is added once
        raise RuleViolation(
            "R51", f"{party} may not take part", f"{party}不能参加抽查种子的产生：{why}"
        ) from None


def _may_check(actor_of: ActorOf, identity: Identity) -> bool:
    try:
        actor_of(identity, Action.SAMPLE_UNIT)
    except RuleViolation:
        return False
    return True


def find_quota(quotas: Sequence[Quota], kind: CheckKind, unit: str, rule: str) -> Quota:
    """The quota of that kind and unit. RuleViolation where there is nothing to check."""
    for quota in quotas:
        if quota.kind is kind and unit in ("", quota.unit):
            return quota
    raise RuleViolation(
        rule,
        "there is nothing of that kind to check here in that year",
        "该年度在本服务中没有这一类可抽查的对象",
    )
