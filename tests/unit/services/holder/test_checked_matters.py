"""Which matters of a unit its random checks draw from, and what a checker sees of them (R51)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.holder.matters.facts import CaseFacts
from services.holder.store.checked import describe_matters, read_matters_of
from services.holder.store.matters import save_opened
from services.holder.tables import MatterRow
from services.registry.app import VERSIONS
from services.rules.matter_facts import Matter, State
from services.rules.ruleset import packaged_rulesets

NEW_YEAR = datetime(2018, 12, 31, 16, 0, tzinfo=UTC)  # in China
A, B, C = (letter * 16 for letter in (b"a", b"b", b"c"))
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
    start=date(2018, 3, 1),
)


def matter(case_id: bytes, at: datetime) -> Matter:
    version = packaged_rulesets().versions[0].version
    return Matter(case_id, version, "ben-a", "reg-a", "ben-a", "乙某", at)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = (matter(A, NEW_YEAR - timedelta(seconds=1)), matter(B, NEW_YEAR), matter(C, NEW_YEAR))

    def save(session: Session) -> None:
        for one in opened:
            save_opened(session, bytes(16), one)

    with Database(DatabaseSettings(path=tmp_path / "unit.db")) as database:
        migrate(database, VERSIONS)
        database.run_tx("open", save)
        yield database


def drawn_from(database: Database, year: int) -> set[bytes]:
    return set(database.read(lambda session: read_matters_of(session, year)))


def shown(database: Database, facts: CaseFacts | None) -> dict[str, str]:
    told = database.read(
        lambda session: describe_matters(session, [A, bytes(16)], lambda *_: facts)
    )
    assert list(told) == [A]
    return dict(told[A])


def test_R51_a_matter_is_of_the_year_in_china_in_which_the_unit_was_told(
    database: Database,
) -> None:
    assert [drawn_from(database, year) for year in (2018, 2019, 2020)] == [{A}, {B, C}, set()]


def test_R51_a_withdrawn_matter_is_not_drawn(database: Database) -> None:
    def withdraw(session: Session) -> None:
        row = session.get(MatterRow, B)
        assert row is not None
        row.state = State.WITHDRAWN.name

    database.run_tx("withdraw", withdraw)
    assert drawn_from(database, 2019) == {C}


def test_R63_a_checker_sees_the_facts_of_a_matter_that_is_held(database: Database) -> None:
    told = shown(database, FACTS)
    assert told["办理状态"] == State.NOTIFIED.value
    assert (told["受益人"], told["财政资金（元）"]) == ("甲某", "1200.00")
    assert shown(database, replace(FACTS, amount_fen=None))["财政资金（元）"] == ""
    assert "已不存在" in shown(database, None)["说明"]
