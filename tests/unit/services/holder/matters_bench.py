"""A matter in both its units, over the in-memory matcher: two services' rounds and desks, one clock.

::

    with opened(Scene(folder, pki, district)) as scene:
        verify(scene);  post(scene, scene.approver);  post(scene, scene.declarer)
        scene.pass_days(8);  scene.round();  scene.states()
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlmodel import Session

from libmatch.notices import HitNotice, ItemNotice, OfficialNotice, seal_notice
from libmatch.prepare import Payload
from libmatch.records import Side
from services.chassis.config import DatabaseSettings, PeerSettings
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import Runtime
from services.holder.app import make_sync
from services.holder.matcher import Matcher
from services.holder.matters.desk import At, Finding
from services.holder.matters.facts import CaseFacts
from services.holder.matters.office import MatterOffice, make_office
from services.holder.peers import open_matcher
from services.holder.store import matters as store
from services.holder.store import records
from services.holder.sync import Sync
from services.process.entries import Entry
from services.registry.app import VERSIONS
from services.rules.matter_facts import Actor, Matter, State, Verdict
from services.rules.public_notice import Hotline
from services.rules.roles import Action, Role
from services.rules.ruleset import packaged_rulesets
from tests.chassis_pki import Pki
from tests.district import District, item_payload, person, relative_payload
from tests.matcher_in_memory import MemoryMatcher, serving
from tests.unit.services.holder.bench import MortalDatabase, make_material

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
    database: MortalDatabase
    sync: Sync
    office: MatterOffice
    matcher: Matcher

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
    """Both units, which may be one with two services; one matcher, one clock."""

    def __init__(
        self,
        folder: Path,
        pki: Pki,
        district: District,
        *,
        declaring: str = "reg-a",
        approving: str = "ben-a",
    ) -> None:
        self.district, self.pki, self.folder = district, pki, folder
        self.declaring, self.approving = declaring, approving
        self.matcher = MemoryMatcher(district)
        self.time = district.now
        self.facts = replace(FACTS, approving_unit=approving, declaring_unit=declaring)
        self.ahead: dict[str, timedelta] = {}  # by how much a unit's clock is
        self.stack = ExitStack()

    def now(self, unit: str = "") -> datetime:
        return self.time + self.ahead.get(unit, timedelta())

    def open(self, address: str) -> None:
        self.declarer = self._start(self.declaring, Side.REGISTRY, relative_payload, address)
        self.approver = self._start(self.approving, Side.BENEFICIARY, item_payload, address)
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
        settings = DatabaseSettings(path=self.folder / f"{unit}-{side.name}.db")
        database = self.stack.enter_context(MortalDatabase(settings))
        migrate(database, VERSIONS)
        peer = PeerSettings(address=address, identity="spiffe://fuling/matcher", timeout_s=20)
        channel, matcher = open_matcher(peer, self.pki.issue(f"spiffe://fuling/unit/{unit}"))
        self.stack.callback(channel.close)
        material = make_material(self.district, unit, side)
        now = partial(self.now, unit)
        runtime = Runtime(now, Identity("fuling", "unit", unit))

        def load(session: Session, subjects: object) -> list[Payload]:
            del session, subjects
            return [payload(person(1))]

        def facts(session: Session, notice_id: bytes) -> CaseFacts:
            del session, notice_id
            return self.facts

        def save(session: Session, notice_id: bytes, notice: HitNotice) -> None:
            del session, notice_id, notice  # what a notice says is ``FACTS``

        sync = make_sync(database, matcher, material, runtime, load, save, facts)
        office = make_office(database, material, actor_of, str.strip, facts, now, lambda: None)
        return Office(unit, database, sync, office, matcher)

    def _notify(self, unit: Office, side: Side) -> None:
        found = unit.database.read(
            lambda session: (
                session.connection().exec_driver_sql("SELECT rid, token FROM record").one()
            )
        )
        rid, token = bytes(found[0]), bytes(found[1])
        notice = (
            OfficialNotice(
                *(rid, token, CASE, self.approving, "受益人", "X-1", "改厕补助", "项目补助"),
                *(120_000, "某镇某村", date(2026, 3, 1)),
            )
            if side is Side.REGISTRY
            else ItemNotice(rid, token, CASE, self.declaring, "乙某", "某局", "科长", "配偶")
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

    def declarer_steps(self) -> tuple[Entry, ...]:
        """Every step that the declaring unit holds."""
        rules = packaged_rulesets()
        case = self.declarer.database.read(lambda session: store.read_case(session, CASE, rules))
        assert case is not None
        return case.folded.entries

    def waiting(self, unit: str, at: datetime | None) -> list[store.Waiting]:
        """The unit's reports that may be sent at that time; all for None."""
        office = self.approver if unit == "ben-a" else self.declarer
        return office.database.read(lambda session: store.read_waiting(session, at))

    def pass_days(self, days: int) -> None:
        self.time += timedelta(days=days)

    def states(self) -> tuple[State, State]:
        return self.declarer.matter.state, self.approver.matter.state


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
