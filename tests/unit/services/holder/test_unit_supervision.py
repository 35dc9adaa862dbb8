"""A unit's checks and leads as its service wires them: measures, files, own matters (R41, R51, R53)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from libmatch.parcels import open_parcel
from libmatch.records import Side
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.chassis.schema import migrate
from services.holder.accounts import Accounts
from services.holder.store.accounts import AccountStore
from services.holder.store.matters import add_entry, save_opened
from services.holder.supervision import Supervision, make_supervision
from services.process.draws.desk import Wanted
from services.process.entries import Entry
from services.process.leads.measures import Measure
from services.process.leads.steps import Register
from services.registry.app import VERSIONS
from services.rules.checks import CheckKind
from services.rules.leads import Authority, Concern, Ground, Source
from services.rules.matter_facts import Actor, Matter, MeasureKind, Verdict
from services.rules.matter_facts import Measure as Taken
from services.rules.matter_steps import Conclude, Step, Take, TakeMeasure
from services.rules.roles import Role
from services.rules.ruleset import packaged_rulesets
from tests.district import INSPECTOR, District
from tests.unit.services.holder.bench import make_material

NOW = datetime(2018, 9, 20, 1, 0, tzinfo=UTC)
DAY = date(2018, 9, 20)
CASE = b"c" * 16
WORKER = Actor("wang", "王某", "ben-a", Role.WORKER)
LEADER = Actor("li", "李某", "ben-a", Role.RESPONSIBLE_LEADER)
JI = Identity("fuling", "clerk", "ben-a", "ji")
WHY = "核对移送情况"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(DatabaseSettings(path=tmp_path / "unit.db")) as database:
        migrate(database, VERSIONS)
        version = packaged_rulesets().versions[0].version
        matter = Matter(CASE, version, "ben-a", "reg-a", "ben-a", "乙某", NOW)
        database.run_tx("open", lambda session: save_opened(session, bytes(16), matter))
        yield database


@pytest.fixture
def supervision(database: Database, district: District) -> Supervision:
    accounts = Accounts(AccountStore(database), "ben-a", None, lambda: NOW)
    material = make_material(district, "ben-a", Side.BENEFICIARY)
    return make_supervision(database, material, accounts, lambda *_: None, lambda: NOW, "fuling")


def make_steps(database: Database) -> None:
    taken = Taken(
        MeasureKind.STOPPED, "", DAY, "不符合补助条件", DAY, "区纪委", "移送〔2018〕3号", DAY
    )
    found = Conclude(Verdict.NOT_COMPLIANT, "不符合补助条件", "wang", bytes(64))
    steps: list[tuple[Actor, Step]] = [
        (WORKER, Take()),
        (LEADER, found),
        (LEADER, TakeMeasure(taken)),
        (LEADER, TakeMeasure(taken)),  # a second one has no effect
    ]

    def write(session: Session) -> None:
        for seq, (actor, step) in enumerate(steps, 1):
            at = NOW + timedelta(minutes=seq)
            entry = Entry(CASE, Side.BENEFICIARY, seq, at, actor, step)
            add_entry(session, entry, packaged_rulesets())

    database.run_tx("steps", write)


def test_R41_each_measure_of_the_unit_that_has_effect_is_listed_once(
    database: Database, supervision: Supervision
) -> None:
    assert supervision.leads.measures(JI, WHY) == []
    make_steps(database)
    told = (MeasureKind.STOPPED.value, DAY, "区纪委", "移送〔2018〕3号", DAY)
    assert supervision.leads.measures(JI, WHY) == [Measure(CASE, "ben-a", *told)]


def test_R51_a_units_draw_is_of_its_matters(supervision: Supervision) -> None:
    wanted = Wanted(CheckKind.UNIT_MATTERS, 2018, "", ("ji", "shu"))
    held = supervision.draws.desk.plan(JI, wanted)
    assert held.quota.population == {CASE}
    assert held.draw.plan.title == "R51 单位抽查：涉权事项 ben-a 2018 本单位审批 #1"


def lead(at: datetime) -> Register:
    concern = Concern(
        Ground.LAX_VERIFICATION,
        Source.VERIFICATION,
        Authority.DISTRICT,
        "ben-a",
        "ben-a",
        False,
        at,
    )
    return Register(concern, CASE.hex(), "某科某某", "核查不严")


def test_R53_a_units_file_opens_at_the_commission_of_the_roster(
    supervision: Supervision, district: District
) -> None:
    held = supervision.leads.record(JI, lead)
    recipient, file = supervision.leads.export(JI, held.lead.lead_id, "")
    assert recipient == INSPECTOR
    key = district.inspector.hpke
    sender, _ = open_parcel(district.epoch, "lead", INSPECTOR, key, file)
    assert sender == "ben-a"
    with pytest.raises(InvalidRequest):
        supervision.leads.take_in(JI, file)
