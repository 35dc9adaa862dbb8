"""Who works where: annex 4, pledge, opinion, filing and roles, in every service of a unit (R30 to R33)."""

from __future__ import annotations

from dataclasses import dataclass

from libmatch.stubs.figures.v1 import figures_pb2, figures_pb2_grpc
from services.cli.peers import BeneficiaryClient, RegistryClient
from services.cli.peers.accounts import AccountsClient
from tests.campaign.site import ADMINISTRATORS, OFFICERS
from tests.campaign.story import Person, Unit
from tests.campaign.year import Year, services

WORKER, LEADER = "gongzuo", "zeren"
PARTY_HEAD, IN_CHARGE, VILLAGE_LEADER = "shuji", "fenguan", "zhucun"
DISCIPLINE_HEAD, DISCIPLINE_ORGAN = "jijian", "jijian2"
_STAFF = {WORKER: "WORKER", LEADER: "RESPONSIBLE_LEADER"}
_SIGNERS = {
    PARTY_HEAD: "PARTY_HEAD",
    IN_CHARGE: "LEADER_IN_CHARGE",
    VILLAGE_LEADER: "VILLAGE_LEADER",
    DISCIPLINE_HEAD: "DISCIPLINE_HEAD",
    DISCIPLINE_ORGAN: "DISCIPLINE_ORGAN",
}
_DISCIPLINE = (DISCIPLINE_HEAD, DISCIPLINE_ORGAN)
_POSTS = {
    WORKER: figures_pb2.STAFF_POST_WORKER,
    LEADER: figures_pb2.STAFF_POST_RESPONSIBLE_LEADER,
}


@dataclass(frozen=True)
class Colleagues:
    """The persons behind the logins of a unit. Head and leader in charge are officials who report too."""

    unit: Unit
    persons: dict[str, Person]


def appoint(year: Year, unit: Unit) -> None:
    """The unit's people get their accounts in each of its services; its forms are filed with 纪委."""
    persons = _persons(year, unit)
    for one, side in services():
        if one is unit:
            office = _Office(year, unit, side, persons)
            office.refuse_early_work()
            office.open_accounts()
    filings = figures_pb2_grpc.FilingsStub(year.site.officer(OFFICERS[0]))
    for login, post in _POSTS.items():
        number, day = f"涪纪备〔2018〕{unit.id}-{login}", year.today.isoformat()
        request = figures_pb2.RecordFilingRequest(
            unit=unit.id, post=post, number=number, filed_on=day
        )
        filings.RecordFiling(request)
    year.model.file_forms(unit.id, year.today)


def _persons(year: Year, unit: Unit) -> dict[str, Person]:
    head, second = (official.person for official in year.story.officials_of(unit.id)[:2])
    others = [login for login in (*_STAFF, *_SIGNERS) if login not in (PARTY_HEAD, IN_CHARGE)]
    return {PARTY_HEAD: head, IN_CHARGE: second} | {
        login: year.story.people.next() for login in others
    }


@dataclass(frozen=True)
class _Office:
    """The accounts of one service of a unit."""

    year: Year
    unit: Unit
    side: str
    persons: dict[str, Person]

    def refuse_early_work(self) -> None:
        """Nobody enters before the accounts are there (R33), and the administrators never do (R64)."""
        for login, rule in ((WORKER, "R33"), (ADMINISTRATORS.system, "R64")):
            channel = self.year.site.clerk(self.unit.id, self.side, login)
            client = (RegistryClient if self.side == "registry" else BeneficiaryClient)(channel)
            self.year.refused(rule, client.import_sheet, "早.csv", b"x", lambda _: None)

    def open_accounts(self) -> None:
        roles = _STAFF | _SIGNERS
        if self.side == "beneficiary" or not self.unit.township:
            roles = {login: role for login, role in roles.items() if login != VILLAGE_LEADER}
        for login, role in roles.items():
            self._open(login, role)

    def _open(self, login: str, role: str) -> None:
        day, person = self.year.today.isoformat(), self.persons[login]
        system, security = self._as(ADMINISTRATORS.system), self._as(ADMINISTRATORS.security)
        form = _form(person, login)
        account = system.propose(login, form, discipline=login in _DISCIPLINE)
        self._as(login).pledge(account.form_digest, person.name)
        security.record_opinion(account, approves=True, on=day)
        security.record_filing(account, f"涪纪备〔2018〕{login}", day)
        if login in _DISCIPLINE:
            self.year.refused("R56", security.grant_roles, account, ["ROLE_WORKER"])
        done = security.grant_roles(account, [f"ROLE_{role}"])
        assert done.state == "ACCOUNT_STATE_WORKING", done.missing

    def _as(self, login: str) -> AccountsClient:
        return AccountsClient(self.year.site.clerk(self.unit.id, self.side, login))


def _form(person: Person, login: str) -> dict[str, object]:
    """Annex 4, complete."""
    return {
        "name": person.name,
        "sex": person.sex,
        "born": f"{person.idn[6:10]}-{person.idn[10:12]}",
        "photo_digest": bytes(32),
        "nation": "汉族",
        "native_place": "重庆涪陵",
        "birth_place": "重庆涪陵",
        "joined_party": "1985.07",
        "started_work": "1980.03",
        "health": "健康",
        "identifier": person.idn,
        "phone": "无",
        "full_time": {"degree": "大专", "school": "某校某专业"},
        "in_service": {"degree": "无", "school": "无"},
        "post": "干部",
        "duties": "涉权事项",
        "is_leader": login == LEADER,
        "is_worker": login == WORKER,
        "resume": "1980.03至今，本单位",
        "family": [
            {"title": "妻子", "name": "丁某", "age": 50, "political": "群众", "unit_and_post": "无"}
        ],
    }
