"""A registry with accounts, without its server: five people of a unit sign declarations off.

::

    office = Office(database);  office.staff()
    office.take(form(person(1)), signed_on="2026-05-20")     # staged and pledged
    office.sign();  office.enter();  office.review()          # the latest version of everybody
    office.version("王某")                                     # as it is now
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from libmatch.identifiers import Identifier
from services.chassis.audit import AuditEntry, entries, verify_trail
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.holder.account_steps import AccountSteps
from services.holder.accounts import Accounts
from services.holder.administrators import Administrators
from services.holder.imports import Imported
from services.holder.store import records
from services.holder.store.accounts import AccountStore
from services.process.district_data import DistrictData
from services.process.store.trail import Trail
from services.registry.entries import RelativeStatus
from services.registry.import_sheet import ImportSheet
from services.registry.signoff.acting import Seen
from services.registry.signoff.desk import SignOffDesk
from services.registry.signoff.office import make_signoff
from services.registry.signoff.staging import Options
from services.registry.signoff.versions import StagedVersion
from services.registry.store import Store
from services.registry.store import signoff as versions_store
from services.rules.deadlines import Campaign, Deadline, Step
from services.rules.people import Filing, PartyOpinion
from services.rules.reporting import Post
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from tests.district import NOW, person
from tests.rules_samples import TREE, number, staff_form
from tests.unit.services.registry.sheets_of_declarations import row

UNIT = "nongwei"
TODAY = date(2026, 6, 1)
CAMPAIGN_DUE = date(2026, 6, 30)
DISTRICT = DistrictData(
    TREE,
    (Campaign("2026", "2026年申报", (Deadline(Step.DECLARATIONS, CAMPAIGN_DUE),)),),
    packaged_rulesets(),
)


def who(login: str) -> Identity:
    return Identity("fuling", "clerk", UNIT, login)


WORKER, LEADER, IN_CHARGE, HEAD, ORGAN = map(who, ("li", "liu", "zhou", "zhao", "sun"))


def form(
    relative: Identifier | None = None,
    name: str = "李某",
    relation: str = "配偶",
    **cells: str,
) -> dict[str, str]:
    """A row with every field of annex 2 (R17, R18), of an official with one relative."""
    complete = {
        "报告人性别": "",
        "报告人政治面貌": "中共党员",
        "报告人职级": "正科级",
        "报告人户籍地址": "某街道",
        "报告人手机号码": "无",
        "亲属政治面貌": "群众",
        "亲属单位": "无",
        "亲属职务": "无",
        "亲属手机号码": "无",
        "亲属户籍地址": "某街道",
    }
    values = row(relative, name, relation, **(complete | cells))  # type: ignore[arg-type]
    for whose in ("报告人", "亲属"):
        known = values[f"{whose}身份证号码"]
        sex = "男" if not known or int(known[16]) % 2 else "女"
        values[f"{whose}性别"] = cells.get(f"{whose}性别", sex)
    return values


@dataclass
class Office:
    """The people of one unit over a real database. ``now`` may be moved."""

    database: Database
    now: datetime = NOW
    woken: list[None] = field(default_factory=list)
    district: DistrictData = DISTRICT

    @property
    def accounts(self) -> Accounts:
        admins = Administrators(system="zhang", security="wang", audit="chen")
        return Accounts(AccountStore(self.database), UNIT, admins, lambda: self.now)

    def staff(self) -> None:
        """The worker, the leader, and three who sign; the one in charge is person 12 of the samples."""
        roles = (Role.WORKER, Role.RESPONSIBLE_LEADER, Role.LEADER_IN_CHARGE, Role.PARTY_HEAD)
        people = (WORKER, LEADER, IN_CHARGE, HEAD, ORGAN)
        for n, (one, role) in enumerate(zip(people, (*roles, Role.DISCIPLINE_HEAD), strict=True)):
            self.account(one.login, number(10 + n), role)

    def account(self, login: str, identifier: Identifier, role: Role) -> None:
        steps, today = AccountSteps(self.accounts), self.accounts.today()
        system, security = who("zhang"), who("wang")
        born = identifier.birth_date
        assert born is not None
        filled = staff_form(
            name=f"丙某{login}",
            identifier=identifier,
            sex=identifier.sex,
            born=born.replace(day=1),
            is_leader=role is Role.RESPONSIBLE_LEADER,
            is_worker=role is Role.WORKER,
        )
        discipline = role is Role.DISCIPLINE_HEAD
        digest = steps.propose(system, login, filled, discipline=discipline).digest
        steps.pledge(who(login), digest, filled.name)
        steps.record_opinion(security, login, digest, PartyOpinion(True, True, today))
        steps.record_filing(security, login, digest, Filing("涪纪备1号", today))
        steps.grant_roles(security, login, digest, {role})

    @property
    def _made(self) -> Any:
        return make_signoff(
            self.database,
            self.accounts,
            self.district,
            (1, 2, 3, 4),
            lambda: self.now,
            lambda: self.woken.append(None),
        )

    @property
    def desk(self) -> SignOffDesk:
        desk: SignOffDesk = self._made.desk
        return desk

    @property
    def looks(self) -> Any:
        return self._made.looks

    def take(self, data: bytes, **options: Any) -> Imported:
        """Stages a file by the worker; officials are of sections unless told otherwise."""
        chosen = Options(**({"post": Post.SECTION} | options))
        done: Imported = self._made.stage.run(WORKER, "申报表.csv", data, chosen)
        return done

    def import_sheet(self, data: bytes, name: str = "申报表.csv") -> Imported:
        """The plain import, as the registry's first service offers it."""
        stage = self._made.stage
        use_case = ImportSheet(
            Store(self.database), (1, 2, 3, 4), lambda: self.now, lambda: None, stage
        )
        return use_case.run(WORKER, name, data)

    def versions(self, name: str = "王某") -> list[StagedVersion]:
        """All versions of the official of that name."""
        held = self.database.read(lambda s: versions_store.read_histories(s, UNIT))
        mine = [v for v in held.values() if v[-1].declaration.reporter.name == name]
        return mine[0] if mine else []

    def version(self, name: str = "王某") -> StagedVersion:
        return self.versions(name)[-1]

    def seen(self, *names: str) -> list[Seen]:
        """The latest versions of these officials as somebody sees them now."""
        return [seen_of(self.version(name)) for name in names or ("王某",)]

    def sign(self, *names: str, by: Identity = IN_CHARGE) -> list[StagedVersion]:
        return self.desk.sign(by, self.seen(*names))

    def enter(self, *names: str, by: Identity = WORKER) -> list[StagedVersion]:
        return self.desk.enter(by, self.seen(*names))

    def review(self, *names: str, by: Identity = LEADER) -> list[StagedVersion]:
        return self.desk.review(by, self.seen(*names))

    def statuses(self) -> dict[str, RelativeStatus]:
        """Who is in the match, or on the way, by name; empty before the first entry."""
        trail = Trail(self.now, WORKER, "list-declarations")
        listed = Store(self.database).list_declarations(trail)
        return {relative.name: status for one in listed for relative, status in one.relatives}

    def pending(self) -> int:
        """Subjects that wait to be sealed or are at the matcher."""
        return len(self.database.read(records.read_standing))

    def trail(self) -> Sequence[AuditEntry]:
        self.database.read(verify_trail)
        return self.database.read(lambda session: list(entries(session, limit=1000)))

    def refusals(self) -> list[tuple[str, str, str]]:
        """(login, action, outcome) of what was refused."""
        return [
            (one.actor.rpartition("/")[2], one.action, one.outcome)
            for one in self.trail()
            if one.outcome.startswith("refused")
        ]


def seen_of(version: StagedVersion) -> Seen:
    return Seen(version.ref, version.course.digest, version.step)


SPOUSE, CHILD = person(1), person(2)
