"""Who may do what in a unit's service: roles of administrators and of accounts (R30 to R33, R56, R64).

The one place that decides. Without administrators in the settings (a trial) every clerk of the unit
may do everything but administer, as ``Accounts.open_to_all`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from libmatch.china_time import china_day
from services.chassis.identity import Identity
from services.chassis.refusals import Refused
from services.holder.account_files import GRANTED
from services.holder.administrators import Administrators
from services.holder.reasons import check_reason
from services.holder.store.accounts import AccountStore, Files
from services.process.store.trail import Trail
from services.rules.access import require_reason
from services.rules.accounts import Account, check_unit_staff
from services.rules.matter_facts import Actor
from services.rules.people import require_ready
from services.rules.roles import DISCIPLINE, PERMISSIONS, STAFF, Action, Role, require
from services.rules.ruleset import RuleSet
from services.rules.violation import RuleViolation

SYSTEM_ACTIONS = frozenset({Action.CHECK_ITEMS, Action.OPERATE_SYSTEM})
"""What a unit's own systems do by themselves: ask before an approval (R47), and run the rounds."""


class Accounts:
    """The unit's accounts as its services ask about them. ``administrators`` None: open to all."""

    def __init__(
        self,
        store: AccountStore,
        unit: str,
        administrators: Administrators | None,
        now: Callable[[], datetime],
        rules: RuleSet | None = None,
    ) -> None:
        self.store = store
        self.unit = unit
        self.administrators = administrators
        self.rules = rules or RuleSet()
        self._now = now

    @property
    def open_to_all(self) -> bool:
        """Whether no administrators are named: accounts do not exist and nothing is refused."""
        return self.administrators is None

    def named_administrators(self) -> Administrators:
        """The three administrators. Raises Refused where the settings name none."""
        if self.administrators is None:
            raise Refused(
                "the settings name no administrators: there are no accounts here",
                "本服务没有在配置中指定系统、安全、审计管理员，账号管理未启用。",
                reason="NO_ADMINISTRATORS",
            )
        return self.administrators

    def unit_gap(self, files: Files) -> str:
        """What the unit's appointments lack by R30, in Chinese; "" when nothing."""
        try:
            check_unit_staff(self.unit, named_accounts(files, self.unit), self.rules)
        except RuleViolation as gap:
            return gap.message_zh
        return ""

    def now(self) -> datetime:
        """The present moment."""
        return self._now()

    def today(self) -> date:
        """The present day in China."""
        return china_day(self._now())

    def actor(self, identity: Identity, action: Action) -> Actor:
        """Who ``identity`` is when it does ``action``: its person and the role that allows it.

        RuleViolation R33 where the account does not work yet, R30 where the unit has not one leader
        and one worker, R56 and R64 for who must not, and the action's own rule for the wrong role.
        A unit's own system is SYSTEM; what it may do is for the matter's rules to say, but it enters
        nothing (R31).
        """
        if identity.role == "unit":
            _refuse_entry_by_system(action)
            return Actor(identity.name, identity.name, self.unit, Role.SYSTEM)
        if self.administrators is None:
            return Actor(identity.login, identity.login, self.unit, _role_for(GRANTED, action))
        roles, name = self._who(identity.login, action)
        return Actor(identity.login, name, self.unit, _role_for(roles, action))

    def require(self, identity: Identity, *actions: Action) -> None:
        """Nothing, if ``identity`` may do one of ``actions`` here; what is refused is in the trail.

        RuleViolation as ``actor`` raises it for the first of them, and R31 for a system outside
        ``SYSTEM_ACTIONS``.
        """
        try:
            self._require(identity, actions)
        except RuleViolation as refused:
            self.refused(identity, action_name(actions[0]), refused)
            raise

    def look_reason(self, reason: str) -> str:
        """The reason of a look for the trail (R63); may be "" where no administrators are named.

        RuleViolation R63, or InvalidRequest for what may not stand in a trail.
        """
        if self.administrators is None:
            return check_reason(reason) if reason.strip() else ""
        return check_reason(require_reason(reason))

    def look(
        self, identity: Identity, what: str, reason: str, *actions: Action, subject: str = ""
    ) -> Trail:
        """The trail of a look, to be written with it: who looks at what, and why (R63).

        For methods that are not behind ``rpc.enforcement``, which keeps the trail of such refusals itself.
        Raises what ``require`` raises for ``actions`` and what ``look_reason`` raises; such a look is in
        the trail as refused.
        """
        trail = Trail(self._now(), identity, what, subject)
        try:
            if actions:
                self._require(identity, actions)
            return replace(trail, reason=self.look_reason(reason))
        except RuleViolation as refused:
            self.store.leave_trail(trail, f"refused {refused.rule}")
            raise

    def _require(self, identity: Identity, actions: Sequence[Action]) -> None:
        if self.administrators is None:
            return
        violations = [found for action in actions if (found := self._refusal(identity, action))]
        if len(violations) == len(actions):
            raise violations[0]

    def _refusal(self, identity: Identity, action: Action) -> RuleViolation | None:
        try:
            if identity.role == "unit" and action not in SYSTEM_ACTIONS:
                return _not_for_systems()
            self.actor(identity, action)
        except RuleViolation as refused:
            return refused
        return None

    def refused(self, identity: Identity, what: str, violation: RuleViolation) -> None:
        """Keeps the trail of a step that a rule refused."""
        trail = Trail(self._now(), identity, what)
        self.store.leave_trail(trail, f"refused {violation.rule}")

    def _who(self, login: str, action: Action) -> tuple[frozenset[Role], str]:
        """The roles and the person's name of a login that may do ``action``. RuleViolation."""
        assert self.administrators is not None
        administrator = self.administrators.role_of(login)
        if administrator is not None:
            _refuse_business(action)
            require({administrator}, action)
            return frozenset({administrator}), login
        files = self.store.read()
        file = files.get(login)
        if file is None or file.disabled:
            raise _no_account()
        require_ready(file.missing(self.today()))
        if PERMISSIONS[action].enters and (file.discipline or file.roles & DISCIPLINE):
            raise _discipline_enters()
        require(file.roles, action)
        if file.roles & STAFF:
            check_unit_staff(self.unit, named_accounts(files, self.unit), self.rules)
        return file.roles, file.form.name


def action_name(action: Action) -> str:
    """How the trail names an action that was refused before it began."""
    return action.name.lower().replace("_", "-")


def named_accounts(files: Files, unit: str) -> list[Account]:
    """The accounts that have a role and are not disabled, as rules see them."""
    found = (file.account(unit) for file in files.values() if not file.disabled)
    return [account for account in found if account is not None]


def _role_for(roles: frozenset[Role], action: Action) -> Role:
    """The first of ``roles`` that allows ``action``, in the order of ``Role``. RuleViolation."""
    require(roles, action)
    return next(role for role in Role if role in roles & PERMISSIONS[action].roles)


def _refuse_business(action: Action) -> None:
    if PERMISSIONS[action].business:
        raise RuleViolation(
            "R64",
            "administrators neither read nor change business data; ask the worker or the leader",
            "系统、安全、审计管理员不得查看或办理业务数据，请由工作人员或责任领导办理",
        )


def _refuse_entry_by_system(action: Action) -> None:
    if PERMISSIONS[action].enters:
        raise _not_for_systems()


def _not_for_systems() -> RuleViolation:
    return RuleViolation(
        "R31",
        "a unit's system may not do this; a person with an account does",
        "此项工作须由持有账号的人员办理，不能用单位系统证书办理",
    )


def _no_account() -> RuleViolation:
    return RuleViolation(
        "R33",
        "this login has no working account; have the system administrator propose one",
        "您还没有可用的账号，请系统管理员登记基本情况表并办理保密承诺、党组织意见和备案",
    )


def _discipline_enters() -> RuleViolation:
    return RuleViolation(
        "R56",
        "discipline staff neither enter nor edit; the worker does",
        "纪检监察人员不得录入、修改，请由本单位工作人员办理",
    )
