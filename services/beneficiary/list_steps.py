"""Who makes a list count: the party head signs it (R25), the leader reviews it (R31), in any order.

Each names the digest of the content that was read. A refused step leaves a line in the trail alone; of two
people at once one wins, the other is told.
"""

from __future__ import annotations

from collections.abc import Callable

from services.beneficiary.import_plan import plan_import
from services.beneficiary.lists import BeneficiaryList
from services.beneficiary.store.lists import ListStore
from services.chassis.identity import Identity
from services.chassis.refusals import ChassisError
from services.holder.accounts import Accounts
from services.holder.reasons import check_reason
from services.holder.references import new_ref
from services.process.store.trail import Trail
from services.rules.accounts import Account
from services.rules.signing import sign_list
from services.rules.violation import RuleViolation

Step = Callable[[BeneficiaryList], BeneficiaryList]


class ListSteps:
    """The steps over the lists of one unit. Raises Refused where no administrators are named.

    ``wake`` lets what comes into force be sealed at once.
    """

    def __init__(self, lists: ListStore, accounts: Accounts, wake: Callable[[], None]) -> None:
        self._lists = lists
        self._accounts = accounts
        self._wake = wake

    def sign(self, actor: Identity, list_id: bytes, digest: bytes) -> BeneficiaryList:
        """The list with the signature of the head of the party organisation (R25)."""
        account, unit = self._account(actor), self._accounts.unit
        at, today = self._accounts.now(), self._accounts.today()

        def step(held: BeneficiaryList) -> BeneficiaryList:
            return held.signed(sign_list(account, unit, digest, today), at)

        return self._run(actor, "sign-list", list_id, step)

    def review(self, actor: Identity, list_id: bytes, digest: bytes) -> BeneficiaryList:
        """The list as the responsible leader reviewed it (R31)."""
        login, at = self._account(actor).login, self._accounts.now()

        def step(held: BeneficiaryList) -> BeneficiaryList:
            return held.reviewed(login, digest, at)

        return self._run(actor, "review-list", list_id, step)

    def discard(self, actor: Identity, list_id: bytes, reason: str) -> BeneficiaryList:
        """The list that is not to be signed; what is in force stays."""
        why = check_reason(reason)
        return self._run(actor, "discard-list", list_id, BeneficiaryList.discarded, why)

    def _account(self, actor: Identity) -> Account:
        """The account of a caller whose right was asked for already."""
        self._accounts.named_administrators()
        account = self._accounts.store.read()[actor.login].account(self._accounts.unit)
        assert account is not None  # a working account has roles and a person
        return account

    def _run(
        self, actor: Identity, name: str, list_id: bytes, step: Step, why: str = ""
    ) -> BeneficiaryList:
        trail = Trail(self._accounts.now(), actor, name, f"list:{list_id.hex()}", why)
        try:
            after = self._lists.step(
                list_id,
                step,
                lambda items, known, kind: plan_import(items, known, new_ref, kind),
                trail,
            )
        except (RuleViolation, ChassisError) as refused:
            outcome = refused.rule if isinstance(refused, RuleViolation) else refused.reason
            self._lists.leave_trail(trail, f"refused {outcome}")
            raise
        self._wake()
        return after
