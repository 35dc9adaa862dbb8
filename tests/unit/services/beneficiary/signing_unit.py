"""A unit with administrators and three working accounts: worker li, leader liu, party head shen.

::

    office = Office(unit);  list_id = office.imported(row(…));  office.review(list_id);  office.sign(list_id)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.beneficiary.list_looks import ListLooks, ShownList
from services.beneficiary.list_steps import ListSteps
from services.beneficiary.lists import BeneficiaryList, ListKind
from services.beneficiary.reconciling import ReconciledItem, ReconcileItems
from services.chassis.identity import Identity
from services.holder.account_steps import AccountSteps
from services.holder.accounts import Accounts
from services.holder.administrators import Administrators
from services.holder.store.accounts import AccountStore
from services.rules.people import Filing, PartyOpinion
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW
from tests.rules_samples import number, staff_form
from tests.unit.services.beneficiary.conftest import Unit, sheet

ADMINISTRATORS = Administrators(system="zhang", security="wang", audit="chen")
WHY = "办理名单审核"


def who(login: str) -> Identity:
    return Identity("fuling", "clerk", "ben-a", login)


LI, LIU, SHEN = map(who, ("li", "liu", "shen"))


def open_account(
    steps: AccountSteps, login: str, person: int, role: Role, *, leader: bool, worker: bool
) -> None:
    """The whole way of one account, each step by who may make it."""
    identifier = number(person)
    born = identifier.birth_date
    assert born is not None
    form = staff_form(
        identifier=identifier,
        sex=identifier.sex,
        born=born.replace(day=1),
        name=f"丙某{'甲乙丙丁'[person]}",
        is_leader=leader,
        is_worker=worker,
    )
    today = steps.accounts.today()
    digest = steps.propose(who("zhang"), login, form, discipline=False).digest
    steps.pledge(who(login), digest, form.name)
    steps.record_opinion(who("wang"), login, digest, PartyOpinion(True, True, today))
    steps.record_filing(who("wang"), login, digest, Filing("涪纪备1号", today))
    steps.grant_roles(who("wang"), login, digest, {role})


@dataclass
class Office:
    """The unit's staff at their lists."""

    unit: Unit
    page: int = 2000

    def __post_init__(self) -> None:
        self.unit.must_sign = True
        steps = AccountSteps(self.accounts)
        open_account(steps, "li", 1, Role.WORKER, leader=False, worker=True)
        open_account(steps, "liu", 2, Role.RESPONSIBLE_LEADER, leader=True, worker=False)
        open_account(steps, "shen", 3, Role.PARTY_HEAD, leader=False, worker=False)

    @property
    def accounts(self) -> Accounts:
        return Accounts(AccountStore(self.unit.database), "ben-a", ADMINISTRATORS, lambda: NOW)

    @property
    def steps(self) -> ListSteps:
        return ListSteps(self.unit.lists, self.accounts, self.unit.wake)

    def waiting(self) -> list[BeneficiaryList]:
        return ListLooks(self.unit.lists, self.accounts).list_all(LIU, waiting=True)

    def all(self) -> list[BeneficiaryList]:
        return ListLooks(self.unit.lists, self.accounts).list_all(LIU, waiting=False)

    def of(self, list_id: bytes) -> BeneficiaryList:
        return next(one for one in self.all() if one.list_id == list_id)

    def show(self, list_id: bytes, reason: str = WHY, after: str = "") -> ShownList:
        return ListLooks(self.unit.lists, self.accounts, self.page).show(
            SHEN, list_id, reason, after
        )

    def imported(self, *rows: Mapping[str, str], kind: ListKind = ListKind.PRE) -> bytes:
        """The id of the list that importing ``rows`` made."""
        before = {one.list_id for one in self.all()}
        self.unit.take(sheet(*rows), kind=kind)
        (made,) = {one.list_id for one in self.all()} - before
        return made

    def review(self, list_id: bytes) -> BeneficiaryList:
        return self.steps.review(LIU, list_id, self.of(list_id).digest)

    def sign(self, list_id: bytes) -> BeneficiaryList:
        return self.steps.sign(SHEN, list_id, self.of(list_id).digest)

    def in_force(self, *rows: Mapping[str, str], kind: ListKind = ListKind.PRE) -> bytes:
        """The id of the list of ``rows``, reviewed, signed, and accepted by the matcher."""
        list_id = self.imported(*rows, kind=kind)
        self.review(list_id)
        self.sign(list_id)
        self.unit.accept_all()
        return list_id

    def reconcile(self, *refs: str, reason: str = WHY) -> list[ReconciledItem]:
        return reconciler(self.unit, self.accounts).run(LI, refs, reason)


def reconciler(unit: Unit, accounts: Accounts) -> ReconcileItems:
    return ReconcileItems(unit.store, accounts, unit.catalogue, packaged_rulesets())
