"""Accounts of a unit: steps by different people, and what each role may (R30 to R33, R56, R63, R64)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.chassis.audit import entries, verify_trail
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict, InvalidRequest, NotFound, Refused
from services.chassis.schema import migrate
from services.holder.account_files import AccountFile, form_to_json, json_to_form
from services.holder.account_looks import AccountLooks
from services.holder.account_steps import AccountSteps
from services.holder.accounts import Accounts
from services.holder.administrators import Administrators
from services.holder.rpc.enforcement import enforced
from services.holder.store.accounts import AccountStore
from services.registry.app import VERSIONS
from services.rules.people import Filing, PartyOpinion, StaffForm
from services.rules.roles import Action, Role
from services.rules.violation import RuleViolation
from tests.district import NOW
from tests.rules_samples import number, refusal, staff_form

UNIT = "reg-a"
TODAY = date(2026, 6, 1)
IMPORT = Action.IMPORT_DECLARATIONS
WHY = "办理账号手续"


def who(login: str) -> Identity:
    return Identity("fuling", "clerk", UNIT, login)


SYSTEM, SECURITY, AUDIT = map(who, ("zhang", "wang", "chen"))
MACHINE = Identity("fuling", "unit", UNIT)


def form_of(person: int, **fields: Any) -> StaffForm:
    """A worker's form, complete, of another person each."""
    identifier = number(person)
    values = {"identifier": identifier, "sex": identifier.sex, "name": f"丙某{'甲乙丙丁'[person]}"}
    born = identifier.birth_date
    assert born is not None
    return staff_form(**(values | {"born": born.replace(day=1)} | fields))


LEADER = {"is_leader": True, "is_worker": False}
NEITHER = {"is_leader": False, "is_worker": False}


@dataclass
class Office:
    """A unit's accounts over a real database, and the people who make the steps."""

    database: Database
    administrators: Administrators | None

    @property
    def accounts(self) -> Accounts:
        return Accounts(AccountStore(self.database), UNIT, self.administrators, lambda: NOW)

    @property
    def steps(self) -> AccountSteps:
        return AccountSteps(self.accounts)

    @property
    def looks(self) -> AccountLooks:
        return AccountLooks(self.accounts)

    def propose(self, login: str, form: StaffForm, *, discipline: bool = False) -> AccountFile:
        return self.steps.propose(SYSTEM, login, form, discipline=discipline)

    def complete(
        self, login: str, form: StaffForm, *roles: Role, discipline: bool = False
    ) -> AccountFile:
        """The whole way of one account."""
        digest = self.propose(login, form, discipline=discipline).digest
        self.steps.pledge(who(login), digest, form.name)
        self.steps.record_opinion(SECURITY, login, digest, PartyOpinion(True, True, self.today))
        self.steps.record_filing(SECURITY, login, digest, Filing("涪纪备1号", self.today))
        return self.steps.grant_roles(SECURITY, login, digest, roles)

    def staff(self) -> None:
        """The worker li and the leader liu."""
        self.complete("li", form_of(1), Role.WORKER)
        self.complete("liu", form_of(2, **LEADER), Role.RESPONSIBLE_LEADER)

    @property
    def today(self) -> date:
        return self.accounts.today()

    def trail(self) -> list[tuple[str, str, str, str]]:
        """(login, action, subject, outcome)."""
        self.database.read(verify_trail)
        found = self.database.read(lambda session: list(entries(session, limit=1000)))
        return [(e.actor.rpartition("/")[2], e.action, e.subject, e.outcome) for e in found]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Database(DatabaseSettings(path=tmp_path / "unit.db")) as database:
        migrate(database, VERSIONS)
        yield Office(database, Administrators(system="zhang", security="wang", audit="chen"))


@pytest.fixture
def trial(office: Office) -> Office:
    return replace(office, administrators=None)


def test_R33_account_works_after_the_last_step_and_not_before(office: Office) -> None:
    office.complete("liu", form_of(2, **LEADER), Role.RESPONSIBLE_LEADER)
    form = form_of(1)
    digest = office.propose("li", form).digest
    steps: list[Callable[[], AccountFile]] = [
        lambda: office.steps.pledge(who("li"), digest, form.name),
        lambda: office.steps.record_opinion(
            SECURITY, "li", digest, PartyOpinion(True, True, office.today)
        ),
        lambda: office.steps.record_filing(SECURITY, "li", digest, Filing("1号", office.today)),
        lambda: office.steps.grant_roles(SECURITY, "li", digest, {Role.WORKER}),
    ]
    for step in steps:
        assert "还缺" in refusal("R33", office.accounts.require, who("li"), IMPORT).message_zh
        step()
    office.accounts.require(who("li"), IMPORT)
    actor = office.accounts.actor(who("li"), IMPORT)
    assert (actor.login, actor.name, actor.unit, actor.role) == ("li", form.name, UNIT, Role.WORKER)


def test_R33_login_without_an_account_may_nothing(office: Office) -> None:
    for action in Action:
        refusal("R33", office.accounts.require, who("nobody"), action)


def test_R33_refused_step_is_in_the_trail_and_nowhere_else(office: Office) -> None:
    refusal("R33", office.accounts.require, who("nobody"), IMPORT)
    assert office.trail() == [("nobody", "import-declarations", "", "refused R33")]


def test_R33_steps_come_in_order(office: Office) -> None:
    digest = office.propose("li", form_of(1)).digest
    opinion = PartyOpinion(True, True, office.today)
    refusal("R33", office.steps.record_opinion, SECURITY, "li", digest, opinion)
    refusal("R33", office.steps.record_filing, SECURITY, "li", digest, Filing("1", office.today))
    assert office.trail()[-1] == ("wang", "record-filing", "account:li", "refused R33")


def test_R33_opinion_against_the_person_keeps_the_account_shut(office: Office) -> None:
    office.staff()
    file = office.accounts.store.read()["li"]
    against = PartyOpinion(False, True, office.today)
    office.steps.record_opinion(SECURITY, "li", file.digest, against)
    refusal("R33", office.accounts.require, who("li"), IMPORT)


def test_R33_pledge_is_of_the_person_with_the_own_name(office: Office) -> None:
    digest = office.propose("li", form_of(1)).digest
    refusal("R33", office.steps.pledge, who("li"), digest, "他人")
    with pytest.raises(NotFound) as caught:  # another login has no file to sign
        office.steps.pledge(who("liu"), digest, form_of(1).name)
    assert "R33" in caught.value.message_zh


def test_R32_form_with_a_blank_keeps_the_account_shut(office: Office) -> None:
    office.staff()
    office.complete("zhao", form_of(3, resume="", **NEITHER), Role.PARTY_HEAD)
    refused = refusal("R33", office.accounts.require, who("zhao"), Action.READ_ITEMS)
    assert "主要简历" in refused.message_zh


def test_R32_form_comes_back_from_its_text_as_it_was() -> None:
    for form in (staff_form(), staff_form(identifier=None, born=None, sex=None, photo=b"")):
        back = json_to_form(form_to_json(form))
        assert back == form
    digests = {AccountFile("li", f, False).digest for f in (form_of(1), form_of(1, post="局长"))}
    assert len(digests) == 2


def test_R32_step_about_another_form_than_was_seen_is_refused(office: Office) -> None:
    seen = office.propose("li", form_of(1)).digest
    office.propose("li", form_of(1, post="局长"))
    with pytest.raises(Conflict):
        office.steps.pledge(who("li"), seen, form_of(1).name)


def test_R32_form_proposed_again_starts_anew(office: Office) -> None:
    office.staff()
    office.propose("li", form_of(1, post="局长"))
    refusal("R33", office.accounts.require, who("li"), IMPORT)


def test_R30_unit_without_a_leader_does_not_import(office: Office) -> None:
    office.complete("li", form_of(1), Role.WORKER)
    refusal("R30", office.accounts.require, who("li"), IMPORT)


def test_R30_second_worker_waits_until_the_first_is_disabled(office: Office) -> None:
    office.staff()
    digest = office.propose("sun", form_of(3)).digest
    refusal("R30", office.steps.grant_roles, SECURITY, "sun", digest, {Role.WORKER})
    office.steps.disable(SYSTEM, "li", "岗位调整")
    office.complete("sun", form_of(3), Role.WORKER)
    office.accounts.require(who("sun"), IMPORT)
    refusal("R33", office.accounts.require, who("li"), IMPORT)


def test_R30_one_person_is_not_leader_and_worker_by_two_logins(office: Office) -> None:
    office.complete("li", form_of(1), Role.WORKER)
    digest = office.propose("li2", form_of(1, **LEADER)).digest
    leader = {Role.RESPONSIBLE_LEADER}
    refusal("R30", office.steps.grant_roles, SECURITY, "li2", digest, leader)


def test_R30_roles_are_those_that_stand_on_the_form(office: Office) -> None:
    digest = office.propose("li", form_of(1)).digest
    leader = {Role.RESPONSIBLE_LEADER}
    refusal("R30", office.steps.grant_roles, SECURITY, "li", digest, leader)


def test_R56_discipline_staff_are_no_worker_and_enter_nothing(office: Office) -> None:
    office.staff()
    digest = office.propose("sun", form_of(3), discipline=True).digest
    refusal("R56", office.steps.grant_roles, SECURITY, "sun", digest, {Role.WORKER})
    organ = form_of(3, **NEITHER)
    office.complete("sun", organ, Role.DISCIPLINE_ORGAN, discipline=True)
    for action in (IMPORT, Action.CORRECT_DECLARATIONS, Action.IMPORT_ITEMS, Action.CORRECT_ITEMS):
        refusal("R56", office.accounts.require, who("sun"), action)
    office.accounts.require(who("sun"), Action.READ_DECLARATIONS)


def test_R64_administrators_see_and_change_no_business_data(office: Office) -> None:
    business = (IMPORT, Action.READ_DECLARATIONS, Action.READ_HITS, Action.VERIFY)
    for administrator in (SYSTEM, SECURITY, AUDIT):
        for action in business:
            refusal("R64", office.accounts.require, administrator, action)
            refusal("R64", office.accounts.actor, administrator, action)


def test_R64_each_administrator_does_the_own_work_alone(office: Office) -> None:
    digest = office.propose("li", form_of(1)).digest
    for other in (SECURITY, AUDIT, who("li")):
        with pytest.raises(RuleViolation):
            office.steps.propose(other, "sun", form_of(3), discipline=False)
        with pytest.raises(RuleViolation):
            office.steps.disable(other, "li", "岗位调整")
    for other in (SYSTEM, AUDIT, who("li")):
        with pytest.raises(RuleViolation):
            office.steps.grant_roles(other, "li", digest, {Role.WORKER})
        with pytest.raises(RuleViolation):
            office.steps.record_filing(other, "li", digest, Filing("1", office.today))
    assert set(office.accounts.store.read()) == {"li"}
    assert not office.accounts.store.read()["li"].roles


def test_R64_administrator_gets_no_account_for_other_work(office: Office) -> None:
    for login in ("zhang", "wang", "chen"):
        refusal("R64", office.propose, login, form_of(1))


def test_R64_account_gets_no_role_outside_the_unit(office: Office) -> None:
    digest = office.propose("li", form_of(1)).digest
    for role in (Role.AUDIT_ADMIN, Role.INSPECTOR, Role.SYSTEM, Role.OFFICIAL):
        refusal("R64", office.steps.grant_roles, SECURITY, "li", digest, {role})
    refusal("R64", office.steps.grant_roles, SECURITY, "li", digest, ())


def test_R64_administrators_are_three_logins() -> None:
    with pytest.raises(ValidationError, match="three different"):
        Administrators(system="zhang", security="zhang", audit="chen")


def test_R24_party_head_signs_for_others_and_not_for_himself(office: Office) -> None:
    office.staff()
    office.complete("zhao", form_of(3, **NEITHER), Role.PARTY_HEAD)
    opinion = PartyOpinion(True, True, office.today)
    files = office.accounts.store.read()
    digest = files["zhao"].digest
    refusal("R24", office.steps.record_opinion, who("zhao"), "zhao", digest, opinion)
    office.steps.record_opinion(who("zhao"), "li", files["li"].digest, opinion)


def test_R31_machine_asks_and_enters_nothing(office: Office) -> None:
    office.accounts.require(MACHINE, Action.CHECK_ITEMS)
    for action in (IMPORT, Action.READ_DECLARATIONS, Action.GRANT_ROLES):
        refusal("R31", office.accounts.require, MACHINE, action)
    refusal("R31", office.accounts.actor, MACHINE, IMPORT)
    assert office.accounts.actor(MACHINE, Action.PUBLISH).role is Role.SYSTEM


def test_R31_leader_reviews_and_does_not_enter(office: Office) -> None:
    office.staff()
    office.accounts.require(who("liu"), Action.REVIEW_DECLARATIONS)
    refusal("R31", office.accounts.require, who("liu"), IMPORT)


def test_R63_look_at_a_form_names_its_reason_and_audit_sees_none(office: Office) -> None:
    office.staff()
    assert office.looks.show(who("li"), "", "").login == "li"
    refusal("R63", office.looks.show, SECURITY, "li", "")
    assert office.trail()[-1] == ("wang", "show-account", "account:li", "refused R63")
    office.looks.show(SECURITY, "li", "办理账号手续")
    for other in (AUDIT, who("liu")):
        with pytest.raises(RuleViolation):
            office.looks.show(other, "li", "想看一看")
        with pytest.raises(RuleViolation):  # a number instead of a login is in no trail
            office.looks.show(other, number(1).idn, "想看一看")
    with pytest.raises(NotFound):
        office.looks.show(SECURITY, number(1).idn, "想看一看")
    assert number(1).idn not in repr(office.trail())
    assert ("wang", "show-account", "account:li", "ok") in office.trail()


def test_R63_list_without_a_reason_is_refused_once_there_are_administrators(
    office: Office, trial: Office
) -> None:
    refusal("R63", office.accounts.look_reason, " ")
    assert office.accounts.look_reason(" 年度核对 ") == "年度核对"
    assert trial.accounts.look_reason("") == ""


def test_R64_list_is_for_the_administrators_and_tells_what_the_unit_lacks(office: Office) -> None:
    office.complete("li", form_of(1), Role.WORKER)
    files, gap = office.looks.list_all(AUDIT, WHY)
    assert [file.login for file in files] == ["li"]
    assert "责任领导" in gap
    refusal("R64", office.looks.list_all, who("li"), WHY)
    refusal("R63", office.looks.list_all, AUDIT, "")
    assert office.trail()[-1] == ("chen", "list-accounts", "", "refused R63")


def test_trial_without_administrators_refuses_nothing_and_has_no_accounts(trial: Office) -> None:
    trial.accounts.require(who("li"), IMPORT)
    assert trial.accounts.actor(who("li"), Action.VERIFY).role is Role.WORKER
    assert trial.accounts.actor(who("li"), Action.SIGN_OUTCOME).role is Role.RESPONSIBLE_LEADER
    refusal("R35", trial.accounts.actor, who("li"), Action.OPEN_HITS)
    with pytest.raises(Refused):
        trial.propose("li", form_of(1))
    with pytest.raises(Refused):
        trial.looks.list_all(SYSTEM, WHY)


def test_login_that_looks_like_a_number_of_a_person_is_refused(office: Office) -> None:
    for login in ("13800138000", "Li", "", "li/x"):
        with pytest.raises(InvalidRequest):
            office.propose(login, form_of(1))


def test_method_without_a_row_is_offered_to_nobody(office: Office) -> None:
    class Service:
        def Known(self, request: object, context: object) -> None: ...

        def Forgotten(self, request: object, context: object) -> None: ...

    behind = enforced(Service(), {"Known": (IMPORT,)}, office.accounts)
    assert callable(behind.Known)
    with pytest.raises(LookupError):
        _ = behind.Forgotten
