"""What an approving unit tells a person about himself, and what it erases (R64, R65)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from services.beneficiary.store.case_facts import facts_of_cases
from services.beneficiary.store.rights import ListedPersons
from services.holder.accounts import Accounts
from services.holder.rights.answer import AnswerRequests, HeldLine
from services.holder.rights.purge import PurgeEnded
from services.holder.store.accounts import AccountStore
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person
from tests.unit.services.beneficiary.conftest import CLERK, Unit, row, sheet

WHY = "答复2026年第1号申请"
THREE_YEARS = timedelta(days=1096)


@dataclass
class Rights:
    """The use cases over the service of a test; ``at`` is their clock."""

    unit: Unit
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    @property
    def accounts(self) -> Accounts:
        return Accounts(AccountStore(self.unit.database), "ben-a", None, self.now)

    @property
    def purge(self) -> PurgeEnded:
        rules = packaged_rulesets()
        return PurgeEnded(self.unit.database, self.accounts, ListedPersons(), rules, self.now)

    def held(self, number: int) -> tuple[HeldLine, ...]:
        facts, rules = facts_of_cases("ben-a"), packaged_rulesets()
        answer = AnswerRequests(
            self.unit.database, self.accounts, ListedPersons(), facts, rules, self.now
        )
        return answer.list_held(CLERK, person(number).idn, WHY).lines

    def due(self) -> int:
        return sum(one.count for one in self.purge.count_due())

    def end(self, item_ref: str) -> None:
        """Withdraws the item as far as the matcher's receipt."""
        self.unit.withdraw(item_ref)
        statement = sa.text("UPDATE record SET state = 'withdrawn' WHERE NOT wanted")
        self.unit.database.run_tx("receipt", lambda session: session.execute(statement))


@pytest.fixture
def rights(unit: Unit) -> Rights:
    """Persons 1 and 2 of item A-1, person 1 of item A-2."""
    unit.take(
        sheet(
            row(person(1), "A-1", "李某", 备注="与赵某同户"),
            row(person(2), "A-1", "赵某"),
            row(person(1), "A-2", "李某"),
        )
    )
    unit.accept_all()
    return Rights(unit)


def test_R65_beneficiary_is_told_of_each_item_and_of_nobody_else(rights: Rights) -> None:
    lines = rights.held(1)
    assert [dict(line.fields)["事项编号"] for line in lines] == ["A-1", "A-2"]
    assert {line.status_zh for line in lines} == {"参加比对"}
    told = repr([vars(line) for line in lines])
    assert "赵某" not in told
    assert person(1).idn not in told
    assert "R25" in lines[0].route_zh


def test_R65_person_of_a_list_that_waits_is_told_of_it(unit: Unit) -> None:
    unit.must_sign = True
    unit.take(sheet(row(person(1), "A-1", "李某"), row(person(2), "A-1", "赵某")))
    (line,) = Rights(unit).held(1)
    assert line.status_zh == "名单待签署、审核，尚未参加比对"
    assert dict(line.fields)["姓名"] == "李某"
    assert line.purge_on is None


def test_R65_beneficiary_is_erased_three_years_after_withdrawal(rights: Rights) -> None:
    rights.end("A-1")
    rights.at = NOW + THREE_YEARS - timedelta(days=1)
    assert rights.due() == 0
    rights.at = NOW + THREE_YEARS
    assert rights.due() == 2
    assert rights.purge.run(CLERK, 2, "到期清除，领导已批准").purged == 2
    assert [dict(line.fields)["事项编号"] for line in rights.held(1)] == ["A-2"]
    assert [listed.item.item_ref for listed in rights.unit.listed()] == ["A-2"]
    assert rights.unit.count("SELECT count(*) FROM record") == 1


def test_R65_item_that_still_must_be_matched_is_never_due(rights: Rights) -> None:
    rights.at = NOW + 40 * THREE_YEARS
    assert rights.due() == 0
    rights.unit.withdraw("A-1")  # not yet told to the matcher
    assert rights.due() == 0
