"""Looks at accounts and at the trail of a unit's service, each in the trail itself (R63, R64)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.identity import Identity
from services.holder.account_files import AccountFile
from services.holder.account_grants import account_subject, find_file, is_login
from services.holder.accounts import Accounts
from services.process.store.trail import Trail
from services.rules.roles import Action, Role
from services.rules.violation import RuleViolation


@dataclass(frozen=True)
class AccountLooks:
    """Who may see which account. Raises Refused where the settings name no administrators."""

    accounts: Accounts

    def list_all(self, actor: Identity, reason: str) -> tuple[Sequence[AccountFile], str]:
        """All files, for the three administrators, and what the unit lacks by R30 in Chinese ("").

        RuleViolation R63 without a reason.
        """
        if self.accounts.named_administrators().role_of(actor.login) is None:
            violation = RuleViolation(
                "R64",
                "accounts are listed for the three administrators",
                "账号清单由系统、安全、审计管理员查看，您可以查看本人账号",
            )
            self.accounts.refused(actor, "list-accounts", violation)
            raise violation
        files = self.accounts.store.look(self.accounts.look(actor, "list-accounts", reason))
        return tuple(files.values()), self.accounts.unit_gap(files)

    def show(self, actor: Identity, login: str, reason: str) -> AccountFile:
        """One file with its form: the own one; any for system and security administrator, who say why.

        The audit administrator sees no form (R64).
        """
        system = self.accounts.named_administrators().role_of(actor.login) is Role.SYSTEM_ADMIN
        login = login or actor.login
        subject = account_subject(login) if is_login(login) else ""
        trail = Trail(self.accounts.now(), actor, "show-account", subject)
        if login != actor.login:
            action = Action.ADMINISTER_ACCOUNTS if system else Action.GRANT_ROLES
            trail = self.accounts.look(actor, "show-account", reason, action, subject=subject)
        return find_file(self.accounts.store.look(trail), login)
