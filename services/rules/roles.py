"""Roles, and what each may do (R31, R56, R64).

One table, denied by default: what no row allows, nobody may. Services ask ``require``; whose data
an action touches (own unit, own signature) is decided where the action is. Knows no person: which
roles exclude each other is in ``accounts``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.rules.violation import RuleViolation


class Role(StrEnum):
    """What a person is to the platform. Values are the words that people see."""

    OFFICIAL = "党员干部本人"
    WORKER = "工作人员"
    RESPONSIBLE_LEADER = "责任领导"
    PARTY_HEAD = "党组织主要负责人"
    LEADER_IN_CHARGE = "分管领导"
    VILLAGE_LEADER = "驻村领导"
    DISCIPLINE_HEAD = "同级纪检组织负责人"
    DISCIPLINE_ORGAN = "单位纪检组织工作人员"
    INSPECTOR = "区纪委工作人员"
    ORGANISATION_DEPARTMENT = "区委组织部工作人员"
    SYSTEM_ADMIN = "系统管理员"
    SECURITY_ADMIN = "安全管理员"
    AUDIT_ADMIN = "审计管理员"
    SYSTEM = "系统自动"  # a service by itself, such as a clock that ran out; never an account's


SIGNERS = frozenset(
    {Role.PARTY_HEAD, Role.LEADER_IN_CHARGE, Role.VILLAGE_LEADER, Role.DISCIPLINE_HEAD}
)
DISCIPLINE = frozenset({Role.DISCIPLINE_HEAD, Role.DISCIPLINE_ORGAN, Role.INSPECTOR})
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
STAFF = frozenset({Role.WORKER, Role.RESPONSIBLE_LEADER})


class Action(StrEnum):
    """Something that an account does. Values are the words that people see."""

    FILL_DECLARATION = "填写本人报告表"
    PLEDGE_DECLARATION = "签署本人承诺"
    CONFIRM_DECLARATION = "年度确认"
    READ_OWN_DATA = "查询本人信息"
    SIGN_DECLARATION = "签署报告表意见"
    IMPORT_DECLARATIONS = "录入报告表"
    CORRECT_DECLARATIONS = "更正报告表"
    REVIEW_DECLARATIONS = "审核报告表"
    READ_DECLARATIONS = "查看报告表"
    IMPORT_ITEMS = "录入受益人名单"
    CORRECT_ITEMS = "更正受益人名单"
    REVIEW_ITEMS = "审核受益人名单"
    SIGN_LIST = "签署受益人名单"
    READ_ITEMS = "查看受益人名单"
    CHECK_ITEMS = "审批前查询"
    READ_HITS = "查看比中信息"
    VERIFY = "核查"
    SIGN_OUTCOME = "签署核查结果"
    PREPARE_PUBLICATION = "拟制公示"
    PUBLISH = "发布公示"
    RECORD_OBJECTION = "登记异议"
    RECORD_STATEMENT = "登记说明情况"
    READ_STATEMENTS = "查看说明情况"
    SAMPLE_UNIT = "单位抽查"
    JOIN_DRAW = "参加抽查种子的产生"
    OPEN_HITS = "启封比中信息"
    RELEASE_HITS = "发送比中通知"
    SAMPLE_DISTRICT = "全区随机抽查"
    RECORD_LEAD = "登记问题线索"
    DISPOSE_LEAD = "处置问题线索"
    SIGNSTAFF_FORM = "签署基本情况表意见"
    FILESTAFF_FORM = "备案基本情况表"
    READ_FIGURES = "查看统计"
    ANSWER_REQUEST = "答复个人请求"
    PURGE_ENDED = "清除到期信息"
    OPERATE_SYSTEM = "系统运行维护"
    ADMINISTER_ACCOUNTS = "管理账号"
    GRANT_ROLES = "授予权限"
    READ_AUDIT = "查看审计日志"


@dataclass(frozen=True)
class Permission:
    """Who may do something, by which rule. ``enters``: it writes declarations or lists (R56).

    ``business``: it shows or changes business data, which administrators never do (R64).
    """

    rule: str
    roles: frozenset[Role]
    enters: bool
    business: bool


def _who(rule: str, *roles: Role, enters: bool = False, business: bool = True) -> Permission:
    return Permission(rule, frozenset(roles), enters, business)


_R = Role
PERMISSIONS: dict[Action, Permission] = {
    Action.FILL_DECLARATION: _who("R19", _R.OFFICIAL),
    Action.PLEDGE_DECLARATION: _who("R19", _R.OFFICIAL),
    Action.CONFIRM_DECLARATION: _who("R20", _R.OFFICIAL),
    Action.READ_OWN_DATA: _who("R65", _R.OFFICIAL),
    Action.SIGN_DECLARATION: _who("R22", *SIGNERS),
    Action.IMPORT_DECLARATIONS: _who("R31", _R.WORKER, enters=True),
    Action.CORRECT_DECLARATIONS: _who("R31", _R.WORKER, enters=True),
    Action.REVIEW_DECLARATIONS: _who("R31", _R.RESPONSIBLE_LEADER),
    Action.READ_DECLARATIONS: _who("R31", *STAFF, _R.DISCIPLINE_ORGAN),
    Action.IMPORT_ITEMS: _who("R31", _R.WORKER, enters=True),
    Action.CORRECT_ITEMS: _who("R31", _R.WORKER, enters=True),
    Action.REVIEW_ITEMS: _who("R31", _R.RESPONSIBLE_LEADER),
    Action.SIGN_LIST: _who("R25", _R.PARTY_HEAD),
    Action.READ_ITEMS: _who("R31", *STAFF, _R.PARTY_HEAD, _R.DISCIPLINE_ORGAN),
    Action.CHECK_ITEMS: _who("R47", *STAFF),
    Action.READ_HITS: _who("R35", *STAFF, _R.DISCIPLINE_ORGAN),
    Action.VERIFY: _who("R38", _R.WORKER),
    Action.SIGN_OUTCOME: _who("R40", _R.RESPONSIBLE_LEADER),
    Action.PREPARE_PUBLICATION: _who("R43", _R.WORKER),
    Action.PUBLISH: _who("R43", _R.RESPONSIBLE_LEADER),
    Action.RECORD_OBJECTION: _who("R48", *STAFF),
    Action.RECORD_STATEMENT: _who("R49", *STAFF),
    Action.READ_STATEMENTS: _who("R50", *STAFF, _R.ORGANISATION_DEPARTMENT),
    Action.SAMPLE_UNIT: _who("R51", _R.DISCIPLINE_HEAD, _R.DISCIPLINE_ORGAN),
    # Who gives to a seed beside the discipline organ, so that nobody chooses alone; never the worker.
    Action.JOIN_DRAW: _who("R51", _R.RESPONSIBLE_LEADER, *SIGNERS, *DISCIPLINE),
    Action.OPEN_HITS: _who("R35", _R.INSPECTOR),
    Action.RELEASE_HITS: _who("R36", _R.INSPECTOR),
    Action.SAMPLE_DISTRICT: _who("R52", _R.INSPECTOR),
    Action.RECORD_LEAD: _who("R53", *DISCIPLINE),
    Action.DISPOSE_LEAD: _who("R53", _R.DISCIPLINE_HEAD, _R.INSPECTOR),
    Action.SIGNSTAFF_FORM: _who("R33", _R.PARTY_HEAD),
    Action.FILESTAFF_FORM: _who("R57", _R.INSPECTOR),
    Action.READ_FIGURES: _who(
        "R55", *STAFF, *DISCIPLINE, _R.PARTY_HEAD, _R.ORGANISATION_DEPARTMENT
    ),
    Action.ANSWER_REQUEST: _who("R65", *STAFF),
    Action.PURGE_ENDED: _who("R65", _R.RESPONSIBLE_LEADER),
    Action.OPERATE_SYSTEM: _who("R64", _R.SYSTEM_ADMIN, business=False),
    Action.ADMINISTER_ACCOUNTS: _who("R64", _R.SYSTEM_ADMIN, business=False),
    Action.GRANT_ROLES: _who("R64", _R.SECURITY_ADMIN, business=False),
    Action.READ_AUDIT: _who("R64", _R.AUDIT_ADMIN, business=False),
}


def may(roles: Iterable[Role], action: Action) -> bool:
    """Whether an account with these roles may do it."""
    return not PERMISSIONS[action].roles.isdisjoint(roles)


def require(roles: Iterable[Role], action: Action) -> None:
    """Nothing, if an account with these roles may do it; RuleViolation naming who may."""
    if may(roles, action):
        return
    permission = PERMISSIONS[action]
    who = "、".join(role for role in Role if role in permission.roles)
    names = ", ".join(role.name for role in Role if role in permission.roles)
    raise RuleViolation(
        permission.rule,
        f"{action.name} is for: {names}; ask one of them",
        f"“{action}”由以下人员办理：{who}，您的账号没有此权限",
    )
