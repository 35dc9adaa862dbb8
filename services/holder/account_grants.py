"""What a step on an account's file asks first: the right file, the right form, roles that go together."""

from __future__ import annotations

import re
from collections.abc import Collection

from services.chassis.observe import scrub_text
from services.chassis.refusals import Conflict, NotFound
from services.holder.account_files import GRANTED, AccountFile
from services.holder.store.accounts import Files
from services.rules.accounts import Account, check_accounts, check_roles
from services.rules.roles import STAFF, Role
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

_LOGIN = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,63}")


def is_login(text: str) -> bool:
    """Whether ``text`` may be a login: it stands in trails, so nothing shaped like a number of a person."""
    return _LOGIN.fullmatch(text) is not None and scrub_text(text) == text


def account_subject(login: str) -> str:
    """How the trail names the account of ``login``."""
    return f"account:{login}"


def find_file(files: Files, login: str) -> AccountFile:
    """The file of ``login``. Raises NotFound."""
    if login not in files:
        text = "没有这个登录名的账号，请先由系统管理员登记基本情况表（规则R33）。"
        raise NotFound("no account of this login", text)
    return files[login]


def open_file(files: Files, login: str, form_digest: bytes) -> AccountFile:
    """The file of ``login`` while the form is the one that the caller saw and the account is not disabled.

    Raises NotFound, Conflict where the form is another by now, RuleViolation R33 when disabled.
    """
    file = find_file(files, login)
    if file.disabled:
        raise RuleViolation(
            "R33",
            "the account was disabled; propose it anew",
            "账号已停用，请系统管理员重新登记基本情况表",
        )
    if file.digest != form_digest:
        text = "基本情况表已被重新登记，请重新查看后再办理。"
        raise Conflict("the form has changed since it was looked at", text, reason="FORM_CHANGED")
    return file


def require_granted(roles: frozenset[Role]) -> None:
    """Nothing, if these are roles of a unit's account, and at least one. RuleViolation R64."""
    if not roles or not roles <= GRANTED:
        names = "、".join(role for role in Role if role in GRANTED)
        raise RuleViolation(
            "R64", "these are not roles of a unit's account", f"可授予的角色：{names}"
        )


def check_grant(file: AccountFile, accounts: Collection[Account], rules: RuleSet) -> None:
    """Nothing, if the roles of ``file`` go together, agree with its form, and are free.

    ``accounts``: all that have a role and are not disabled, with this one. RuleViolation.
    """
    check_roles(file.roles, discipline=file.discipline, rules=rules)
    _require_as_on_form(file)
    check_accounts(accounts, rules)
    for role in file.roles & STAFF:
        if sum(role in account.roles for account in accounts) > 1:
            raise RuleViolation(
                "R30",
                f"the unit has one {role.name}; disable that account first",
                f"每个单位只能有1名{role}，请先停用原{role}的账号",
            )


def _require_as_on_form(file: AccountFile) -> None:
    """Annex 4 says who is leader and who is worker, and was sealed and filed so (R30, R32)."""
    said = {Role.RESPONSIBLE_LEADER: file.form.is_leader, Role.WORKER: file.form.is_worker}
    if any((role in file.roles) != (yes is True) for role, yes in said.items()):
        raise RuleViolation(
            "R30",
            "the roles differ from what the form says of leader and worker",
            "角色与基本情况表中“是否责任领导”“是否工作人员”不一致，请核对",
        )


def administrator_has_no_other_account() -> RuleViolation:
    """R64: an administrator does no other work."""
    return RuleViolation(
        "R64",
        "an administrator has no account for other work; appoint somebody else",
        "系统、安全、审计管理员不得兼任业务角色，请另行指定人员",
    )


def own_account() -> RuleViolation:
    """R24: nobody signs for himself."""
    return RuleViolation(
        "R24",
        "nobody gives the opinion on his own form; somebody else records it",
        "不得为本人的基本情况表签署意见，请由其他负责人办理",
    )


def out_of_order(what: str, message_zh: str) -> RuleViolation:
    """R33: the pledge, then the opinion, then the filing."""
    return RuleViolation("R33", f"{what} comes first", message_zh)
