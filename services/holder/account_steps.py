"""The steps from a proposed to a working account, each by another person (R30 to R33, R64).

The system administrator proposes and disables, the person pledges, the security administrator records
the sealed opinion and the filing and grants the roles. Nobody makes a step for an account of his own
but the pledge. A proposal made again starts the file anew: what was signed was another form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.account_files import AccountFile
from services.holder.account_grants import (
    account_subject,
    administrator_has_no_other_account,
    check_grant,
    find_file,
    is_login,
    open_file,
    out_of_order,
    own_account,
    require_granted,
)
from services.holder.accounts import Accounts, named_accounts
from services.holder.reasons import check_reason
from services.holder.store.accounts import Files
from services.process.store.trail import Trail
from services.rules.people import ConfidentialityPledge, Filing, PartyOpinion, StaffForm
from services.rules.roles import Action, Role, may
from services.rules.violation import RuleViolation

Change = Callable[[AccountFile], AccountFile]


@dataclass(frozen=True)
class AccountSteps:
    """The steps over the accounts of one unit. Each gives the file as it then is.

    Raises Refused where the settings name no administrators, RuleViolation for the wrong person,
    order or role, NotFound for a login without a file, Conflict where the form has changed since.
    """

    accounts: Accounts

    def propose(
        self, actor: Identity, login: str, form: StaffForm, *, discipline: bool
    ) -> AccountFile:
        """Opens the file of ``login`` with annex 4, or starts it anew (R32)."""
        if not is_login(login):
            zh = "登录名只能用小写字母、数字和 - _ .，且不得形似证件号码或电话号码。"
            raise InvalidRequest("not a login", zh)

        def make(files: Files) -> AccountFile:
            del files
            if self.accounts.named_administrators().role_of(login) is not None:
                raise administrator_has_no_other_account()
            return AccountFile(login, form, discipline)

        return self._step(actor, Action.ADMINISTER_ACCOUNTS, "propose-account", login, make)

    def pledge(self, actor: Identity, form_digest: bytes, signer: str) -> AccountFile:
        """The person's own signature below the pledge of annex 4 (R33)."""
        today = self.accounts.today()

        self.accounts.named_administrators()

        def make(files: Files) -> AccountFile:
            file = open_file(files, actor.login, form_digest)
            if signer.strip() != file.form.name.strip():
                raise RuleViolation(
                    "R33",
                    "the pledge is signed with the name that stands on the form",
                    "承诺人签名须与基本情况表中的姓名一致",
                )
            return replace(file, pledge=ConfidentialityPledge(signer.strip(), today))

        return self._run(actor, "pledge-secrecy", actor.login, make)

    def record_opinion(
        self, actor: Identity, login: str, form_digest: bytes, opinion: PartyOpinion
    ) -> AccountFile:
        """What the party organisation says on the sealed form; after the pledge (R33).

        The head of the party organisation may record it himself, but not about himself (R24).
        """
        action = Action.GRANT_ROLES
        if self._is_party_head(actor):
            action = Action.SIGNSTAFF_FORM

        def change(file: AccountFile) -> AccountFile:
            if login == actor.login:
                raise own_account()
            if file.pledge.signed_on is None:
                raise out_of_order("the pledge", "请先由本人签署保密承诺书，再报党组织签署意见")
            return replace(file, opinion=opinion)

        return self._on_file(actor, action, "record-opinion", login, form_digest, change)

    def record_filing(
        self, actor: Identity, login: str, form_digest: bytes, filing: Filing
    ) -> AccountFile:
        """That the form is on file with the district's discipline commission (R57)."""

        def change(file: AccountFile) -> AccountFile:
            if not file.opinion.approves:
                raise out_of_order("the opinion", "请先由党组织签署同意意见并盖章，再报区纪委备案")
            return replace(file, filing=filing)

        return self._on_file(actor, Action.GRANT_ROLES, "record-filing", login, form_digest, change)

    def grant_roles(
        self, actor: Identity, login: str, form_digest: bytes, roles: Collection[Role]
    ) -> AccountFile:
        """Sets the roles, in place of those before (R30, R56, R64)."""
        granted = frozenset(roles)

        def make(files: Files) -> AccountFile:
            require_granted(granted)
            file = replace(open_file(files, login, form_digest), roles=granted)
            accounts = named_accounts(files | {login: file}, self.accounts.unit)
            check_grant(file, accounts, self.accounts.rules)
            return file

        return self._step(actor, Action.GRANT_ROLES, "grant-roles", login, make)

    def disable(self, actor: Identity, login: str, reason: str) -> AccountFile:
        """Stops the account: it no longer works, and its roles are free for somebody else."""
        why = check_reason(reason)

        def make(files: Files) -> AccountFile:
            return replace(find_file(files, login), disabled=True)

        return self._step(actor, Action.ADMINISTER_ACCOUNTS, "disable-account", login, make, why)

    def _is_party_head(self, actor: Identity) -> bool:
        file = self.accounts.store.read().get(actor.login)
        return file is not None and may(file.roles, Action.SIGNSTAFF_FORM)

    def _on_file(
        self,
        actor: Identity,
        action: Action,
        what: str,
        login: str,
        form_digest: bytes,
        change: Change,
    ) -> AccountFile:
        def make(files: Files) -> AccountFile:
            return change(open_file(files, login, form_digest))

        return self._step(actor, action, what, login, make)

    def _step(
        self,
        actor: Identity,
        action: Action,
        what: str,
        login: str,
        make: Callable[[Files], AccountFile],
        reason: str = "",
    ) -> AccountFile:
        self.accounts.named_administrators()
        self.accounts.require(actor, action)
        return self._run(actor, what, login, make, reason)

    def _run(
        self,
        actor: Identity,
        what: str,
        login: str,
        make: Callable[[Files], AccountFile],
        reason: str = "",
    ) -> AccountFile:
        trail = Trail(self.accounts.now(), actor, what, account_subject(login), reason)
        try:
            return self.accounts.store.change(make, trail)
        except RuleViolation as refused:
            self.accounts.store.leave_trail(trail, f"refused {refused.rule}")
            raise
