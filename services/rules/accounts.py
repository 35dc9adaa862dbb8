"""Accounts, and which roles exclude each other in one person (R30, R56, R64)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from libmatch.identifiers import Identifier
from services.rules.roles import ADMINISTRATORS, DISCIPLINE, STAFF, Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation


@dataclass(frozen=True, repr=False)
class Account:
    """A login of one person at one unit. ``discipline``: the person does discipline work.

    RuleViolation R64 where an administrator's account has any other role. ValueError without a role,
    and for SYSTEM, which is nobody's.
    """

    login: str
    unit: str
    person: Identifier
    roles: frozenset[Role]
    discipline: bool = False

    def __post_init__(self) -> None:
        if not self.login or not self.unit or not self.roles:
            raise ValueError("an account has a login, a unit and at least one role")
        if Role.SYSTEM in self.roles:
            raise ValueError("SYSTEM is a service by itself and no account")
        if self.roles & ADMINISTRATORS and len(self.roles) > 1:
            raise RuleViolation(
                "R64",
                "an administrator's account has no other role; open a second account",
                "管理员账号不得兼有其他角色，请另设账号",
            )

    def __repr__(self) -> str:
        return f"<Account {self.login} of {self.unit}>"


def check_roles(roles: Iterable[Role], *, discipline: bool, rules: RuleSet) -> None:
    """Nothing, if one person may have all these roles, over all his accounts. RuleViolation.

    ``discipline``: the person does discipline work, whatever the roles. OFFICIAL goes with each:
    who works with declarations also makes one.
    """
    held = frozenset(roles) - {Role.OFFICIAL}
    if held & ADMINISTRATORS and len(held) > 1:
        raise RuleViolation(
            "R64",
            "system, security and audit administrators are different persons and do no other work; "
            "appoint somebody else",
            "系统、安全、审计管理员应由不同人员担任，且不得兼任业务角色，请另行指定",
        )
    if held >= STAFF:
        raise RuleViolation(
            "R30",
            "the worker and the responsible leader are two persons; appoint somebody else",
            "责任领导和工作人员应为两人，请另行指定",
        )
    in_discipline = discipline or bool(held & DISCIPLINE)
    if in_discipline and Role.WORKER in held:
        raise RuleViolation(
            "R56",
            "discipline staff neither enter nor edit; appoint a worker from outside discipline work",
            "纪检监察人员不得录入、修改，工作人员须由从事纪检监察工作以外的人员担任",
        )
    if in_discipline and Role.RESPONSIBLE_LEADER in held and rules.leader_outside_discipline:
        raise RuleViolation(
            "R30",
            "the responsible leader comes from outside discipline work; appoint somebody else",
            "责任领导须由从事纪检监察工作以外的人员担任，请另行指定",
        )


def check_accounts(accounts: Iterable[Account], rules: RuleSet) -> None:
    """Nothing, if nobody holds roles that exclude each other by way of two accounts. RuleViolation.

    A person is known by the identifier, so a second login or a second unit does not help.
    """
    held: dict[Identifier, tuple[frozenset[Role], bool]] = {}
    for account in accounts:
        roles, discipline = held.get(account.person, (frozenset(), False))
        held[account.person] = (roles | account.roles, discipline or account.discipline)
    for roles, discipline in held.values():
        check_roles(roles, discipline=discipline, rules=rules)


def check_unit_staff(unit: str, accounts: Iterable[Account], rules: RuleSet) -> None:
    """Nothing, if ``unit`` has one responsible leader and one worker, as R30 asks. RuleViolation.

    Looks at the accounts of that unit among ``accounts``; over all of them at who holds what.
    """
    everyone = tuple(accounts)
    check_accounts(everyone, rules)
    for role in (Role.RESPONSIBLE_LEADER, Role.WORKER):
        holders = {a.person for a in everyone if a.unit == unit and role in a.roles}
        if len(holders) != 1:
            raise RuleViolation(
                "R30",
                f"unit {unit!r} has {len(holders)} persons as {role.name}; it names exactly one",
                f"每个单位应指定1名{role}，现有{len(holders)}名，请更正",
            )
