"""A matter in both its units: opened by a notice, verified, posted in two places, held for seven days."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from libmatch.notices import HitNotice, ItemNotice, OfficialNotice, seal_notice
from libmatch.prepare import Payload
from libmatch.records import Side
from libmatch.reports import Stage
from services.chassis.config import DatabaseSettings, PeerSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import Conflict
from services.chassis.schema import migrate
from services.chassis.server import Runtime
from services.holder.app import make_sync
from services.holder.matters.desk import At, Finding
from services.holder.matters.facts import CaseFacts
from services.holder.matters.office import MatterOffice, make_office
from services.holder.peers import open_matcher
from services.holder.store import matters as store
from services.holder.store import records
from services.holder.sync import Sync
from services.registry.app import VERSIONS
from services.rules.matter_facts import Actor, Matter, Recipient, State, Verdict
from services.rules.public_notice import Hotline
from services.rules.roles import Action, Role
from services.rules.ruleset import packaged_rulesets
from services.rules.violation import RuleViolation
from tests.chassis_pki import Pki
from tests.district import District, item_payload, person, relative_payload
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.services.holder.bench import make_material

CASE, HIT, SUBJECT = b"c" * 16, bytes(range(32)), bytes(15) + b"\x01"
FACTS = CaseFacts(
    approving_unit="ben-a",
    declaring_unit="reg-a",
    official="乙某",
    official_post="某局科长",
    relation="配偶",
    beneficiary="甲某",
    born=date(1980, 1, 1),
    item_name="改厕补助",
    programme="项目补助",
    amount_fen=120_000,
    place="某镇某村",
    start=date(2026, 3, 1),
)
HOTLINES = (Hotline("某镇纪委", "72000001"), Hotline("某局", "72000002"))
ROLES = {"wang": Role.WORKER, "li": Role.RESPONSIBLE_LEADER}


def actor_of(identity: Identity, action: Action) -> Actor:
    """Accounts of a unit: wang the worker, li the responsible leader."""
    del action
    return Actor(identity.login, f"姓名{identity.login}", identity.name, ROLES[identity.login])


@dataclass
class Office:
    """One unit's service: its matters, and its rounds with the matcher."""

    unit: str
    database: Database
    sync: Sync
    office: MatterOffice

    def who(self, login: str) -> Identity:
        return Identity("fuling", "clerk", self.unit, login)

    @property
    def matter(self) -> Matter:
        rules = packaged_rulesets()
        case = self.database.read(lambda session: store.read_case(session, CASE, rules))
        assert case is not None
        return case.matter

    @property
    def at(self) -> At:
        return At(CASE, self.matter.version)


class Scene:
    """Both units, one matcher, one clock."""

    def __init__(self, folder: Path, pki: Pki, district: District) -> None:
        self.district, self.pki, self.folder = district, pki, folder
        self.matcher = MemoryMatcher(district)
        self.time = district.now
        self.stack = ExitStack()

    def now(self) -> datetime:
        return self.time

    def open(self, address: str) -> None:
        self.declarer = self._start("reg-a", Side.REGISTRY, relative_payload, address)
        self.approver = self._start("ben-a", Side.BENEFICIARY, item_payload, address)
        for unit, side in ((self.declarer, Side.REGISTRY), (self.approver, Side.BENEFICIARY)):
            unit.database.run_tx(
                "enter", lambda session: records.enter(session, [SUBJECT], self.time)
            )
            unit.sync.run()
            self._notify(unit, side)
        self.round()

    def _start(
        self, unit: str, side: Side, payload: Callable[..., Payload], address: str
    ) -> Office:
        settings = DatabaseSettings(path=self.folder / f"{unit}.db")
        database = self.stack.enter_context(Database(settings))
        migrate(database, VERSIONS)
        peer = PeerSettings(address=address, identity="spiffe://fuling/matcher", timeout_s=20)
        channel, matcher = open_matcher(peer, self.pki.issue(f"spiffe://fuling/unit/{unit}"))
        self.stack.callback(channel.close)
        material = make_material(self.district, unit, side)
        runtime = Runtime(self.now, Identity("fuling", "unit", unit))

        def load(session: Session, subjects: object) -> list[Payload]:
            del session, subjects
            return [payload(person(1))]

        def facts(session: Session, notice_id: bytes) -> CaseFacts:
            del session, notice_id
            return FACTS

        def save(session: Session, notice_id: bytes, notice: HitNotice) -> None:
            del session, notice_id, notice  # what a notice says is ``FACTS``

        sync = make_sync(database, matcher, material, runtime, load, save, facts)
        office = make_office(database, material, actor_of, str.strip, facts, self.now, lambda: None)
        return Office(unit, database, sync, office)

    def _notify(self, unit: Office, side: Side) -> None:
        found = unit.database.read(
            lambda session: (
                session.connection().exec_driver_sql("SELECT rid, token FROM record").one()
            )
        )
        rid, token = bytes(found[0]), bytes(found[1])
        notice = (
            OfficialNotice(
                *(rid, token, CASE, "ben-a", "受益人", "X-1", "改厕补助", "项目补助"),
                *(120_000, "某镇某村", date(2026, 3, 1)),
            )
            if side is Side.REGISTRY
            else ItemNotice(rid, token, CASE, "reg-a", "乙某", "某局", "科长", "配偶")
        )
        member, key = self.district.roster.find(unit.unit), self.district.inspector.signing
        self.matcher.notices.append(
            seal_notice(self.district.epoch, member, side, HIT, os.urandom(16), notice, key)
        )

    def round(self) -> None:
        """Each service meets the matcher twice: what one sends, the other has afterwards."""
        for _ in range(2):
            self.declarer.sync.run()
            self.approver.sync.run()

    def pass_days(self, days: int) -> None:
        self.time += timedelta(days=days)

    def states(self) -> tuple[State, State]:
        return self.declarer.matter.state, self.approver.matter.state


@pytest.fixture
def scene(tmp_path: Path, pki: Pki, district: District) -> Iterator[Scene]:
    with opened(Scene(tmp_path, pki, district)) as scene:
        yield scene


@contextmanager
def opened(scene: Scene) -> Iterator[Scene]:
    certificate = scene.pki.issue("spiffe://fuling/matcher")
    with serving(scene.matcher, certificate) as (_, address), scene.stack:
        scene.open(address)
        yield scene


def verify(scene: Scene, verdict: Verdict = Verdict.COMPLIANT) -> None:
    approver = scene.approver
    approver.office.desk.take(approver.who("wang"), approver.at)
    finding = Finding(verdict, "对照政策逐项核对")
    approver.office.desk.conclude(approver.who("li"), approver.at, finding)
    scene.round()


def post(scene: Scene, unit: Office) -> None:
    unit.office.desk.post(unit.who("li"), unit.at, HOTLINES, "")
    scene.round()


def test_R36_R37_a_notice_opens_one_matter_in_each_unit_and_the_unit_has_its_copy(
    scene: Scene,
) -> None:
    assert scene.states() == (State.NOTIFIED, State.NOTIFIED)
    assert (Recipient.UNIT, "reg-a") not in scene.declarer.matter.missing_receipts
    assert scene.approver.matter.receipts == scene.declarer.matter.receipts


def test_R38_R43_R45_verified_and_posted_in_both_places_it_ends_after_seven_full_days(
    scene: Scene,
) -> None:
    verify(scene)
    assert scene.states() == (State.COMPLIANT, State.COMPLIANT)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    assert scene.states() == (State.PUBLISHING, State.PUBLISHING)
    scene.pass_days(7)
    scene.round()
    assert scene.states() == (
        State.PUBLISHING,
        State.PUBLISHING,
    )  # the day of posting is not counted
    scene.pass_days(1)
    scene.round()
    assert scene.states() == (State.PUBLISHED, State.PUBLISHED)
    told = [(report.unit, report.stage) for report, _ in scene.matcher.reports]
    for unit in ("reg-a", "ben-a"):
        assert (unit, Stage.POSTED) in told
        assert (unit, Stage.COMPLETED) in told
    assert told.count(("ben-a", Stage.COMPLIANT)) == 1


def test_R42_nothing_is_posted_that_did_not_pass(scene: Scene) -> None:
    declarer, before = scene.declarer, scene.declarer.matter
    with pytest.raises(RuleViolation) as refused:
        declarer.office.desk.post(declarer.who("li"), declarer.at, HOTLINES, "")
    assert refused.value.rule == "R42"
    assert scene.declarer.matter == before


def test_R38_only_the_approver_verifies(scene: Scene) -> None:
    declarer = scene.declarer
    with pytest.raises(RuleViolation) as refused:
        declarer.office.desk.take(declarer.who("wang"), declarer.at)
    assert refused.value.rule == "R38"


def test_R31_R40_who_verified_does_not_sign(scene: Scene) -> None:
    approver = scene.approver
    approver.office.desk.take(approver.who("wang"), approver.at)
    finding = Finding(Verdict.COMPLIANT, "对照政策逐项核对", verified_by="li")
    with pytest.raises(RuleViolation):
        approver.office.desk.conclude(approver.who("li"), approver.at, finding)
    assert scene.approver.matter.state is State.VERIFYING


def test_R48_an_objection_stops_the_clock_until_it_is_looked_into(scene: Scene) -> None:
    verify(scene)
    post(scene, scene.approver)
    post(scene, scene.declarer)
    approver = scene.approver
    approver.office.desk.object(approver.who("wang"), approver.at, "来访登记第3号")
    scene.round()
    scene.pass_days(20)
    scene.round()
    assert scene.states() == (State.OBJECTED, State.OBJECTED)


def test_of_two_people_at_once_one_wins_and_the_other_is_told(scene: Scene) -> None:
    approver, seen = scene.approver, scene.approver.at
    approver.office.desk.take(approver.who("wang"), seen)
    with pytest.raises(Conflict):
        approver.office.desk.take(approver.who("li"), seen)
    assert scene.approver.matter.taken_by == "wang"
