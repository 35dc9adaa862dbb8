"""What 纪委 opened and nobody was told of goes when its days are over; what is a matter stays (R65)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.errors import ServiceError
from libmatch.records import Side
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database, to_micros
from services.chassis.refusals import Conflict
from services.chassis.schema import migrate
from services.cli.peers.rights import RetentionClient
from services.inspector import rpc
from services.inspector.app import VERSIONS
from services.inspector.retention import PurgeCases
from services.rules.ruleset import packaged_rulesets
from tests.district import person
from tests.inspector_bench import (
    LI,
    ZHANG,
    Fuse,
    Handlers,
    InspectorBench,
    Wire,
    item,
    relative,
)
from tests.rules_samples import refusal

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
YEAR = timedelta(days=365)
WHY = "到期清除，领导已批准"


class Scene:
    """Two opened cases of persons 1 and 2; ``withdraw`` takes the first one's declaration back."""

    def __init__(self, bench: InspectorBench) -> None:
        self.bench = bench
        self.rid, _ = bench.submit("reg-a", REG, [relative(person(n)) for n in (1, 2)])
        bench.submit("ben-a", BEN, [item(person(n), f"X-{n}") for n in (1, 2)])
        bench.pull()
        self.after = timedelta()

    def withdraw(self) -> None:
        self.bench.matcher.withdraw("reg-a", REG, [self.rid])
        self.bench.pull()

    def now(self) -> datetime:
        return self.bench.matcher.clock() + self.after

    @property
    def purge(self) -> PurgeCases:
        return PurgeCases(self.bench.database, packaged_rulesets(), self.now)

    def due(self) -> int:
        return sum(one.count for one in self.purge.count_due())

    def traces(self, secret: str) -> int:
        files = self.bench.path.parent.glob("inspector.db*")
        return sum(path.read_bytes().count(secret.encode()) for path in files)


@pytest.fixture
def scene(bench: InspectorBench) -> Scene:
    return Scene(bench)


def test_R65_withdrawn_case_that_nobody_was_told_of_is_erased_after_a_year(scene: Scene) -> None:
    scene.withdraw()
    scene.after = YEAR - timedelta(days=1)
    assert scene.due() == 0
    scene.after = YEAR
    assert scene.due() == 1
    assert scene.traces(person(1).idn) > 0
    (gone,) = (case for case in scene.bench.cases() if not case.live_pairs)
    assert scene.purge.run(ZHANG, 1, WHY).purged == 1
    assert [case.content.item.item_ref for case in scene.bench.cases()] == ["X-2"]
    assert scene.traces(person(1).idn) == 0
    assert scene.traces(person(2).idn) > 0
    last = next(e for e in reversed(scene.bench.trail()) if e.action == "case.purge")
    assert (last.subject, last.outcome, last.reason) == (gone.case_id.hex(), "erased", WHY)


def test_R65_erased_case_stays_gone_and_the_rounds_go_on(scene: Scene) -> None:
    scene.withdraw()
    scene.after = YEAR
    scene.purge.run(ZHANG, 1, WHY)
    scene.bench.reopen()
    assert scene.bench.pull().opened.hits == 0
    assert scene.bench.disputes() == []  # the list of hits still has no gap
    assert len(scene.bench.cases()) == 1


def test_R65_case_that_goes_on_is_never_due(scene: Scene) -> None:
    scene.after = 40 * YEAR
    assert scene.due() == 0


def test_R65_case_that_another_units_declaration_still_says_is_never_due(scene: Scene) -> None:
    scene.bench.submit("reg-b", REG, [relative(person(1))])
    scene.bench.pull()
    scene.withdraw()
    scene.after = 40 * YEAR
    assert {len(case.pairs) for case in scene.bench.cases()} == {1, 2}
    assert scene.due() == 0


def test_R65_case_that_units_were_told_of_is_kept_with_its_matter(scene: Scene) -> None:
    ids = [case.case_id for case in scene.bench.cases()]
    for officer in (ZHANG, LI):
        scene.bench.release.agree(officer, ids, "核对无误")
    scene.bench.pull()
    scene.withdraw()
    scene.after = 40 * YEAR
    assert scene.due() == 0


def test_R65_case_in_a_draw_that_goes_on_is_kept(scene: Scene) -> None:
    scene.withdraw()
    scene.after = YEAR
    (case,) = (case for case in scene.bench.cases() if not case.live_pairs)
    draw = sa.text(
        "INSERT INTO draw (draw_id, number, kind, unit, year, percent, record, planned_by, "
        "planned_at, moved_at) VALUES (zeroblob(16), 1, 'DISTRICT', '', 2026, 10, x'', 'zhang', 1, 1)"
    )
    drawn = sa.text("INSERT INTO draw_item VALUES (zeroblob(16), :case_id)")
    database = scene.bench.database
    database.run_tx("draw", lambda session: session.execute(draw))
    database.run_tx("draw", lambda s: s.execute(drawn, {"case_id": case.case_id}))
    assert scene.due() == 0
    finish = sa.text("UPDATE draw SET finished_at = 2")
    database.run_tx("draw", lambda session: session.execute(finish))
    assert scene.due() == 1


def test_R65_officer_names_the_number_that_he_saw_and_why(scene: Scene) -> None:
    scene.withdraw()
    scene.after = YEAR
    with pytest.raises(Conflict):
        scene.purge.run(ZHANG, 2, WHY)
    refusal("R63", scene.purge.run, ZHANG, 1, "清")
    assert scene.due() == 1


def test_R65_hits_that_ended_before_the_upgrade_count_from_the_upgrade(tmp_path: Path) -> None:
    former = tmp_path / "versions"
    shutil.copytree(VERSIONS, former)
    (former / "0005_keep_when_hits_ended.py").unlink()
    insert = sa.text(
        "INSERT INTO hit (number, hit_id, found_at_us, leaf_index, live, state) "
        "VALUES (1, x'01', 0, 0, 0, 'opened'), (2, x'02', 0, 0, 1, 'opened')"
    )
    before = to_micros(datetime.now(UTC))
    with Database(DatabaseSettings(path=tmp_path / "inspector.db")) as database:
        migrate(database, former)
        database.run_tx("fill", lambda session: session.execute(insert))
        migrate(database, VERSIONS)
        query = sa.text("SELECT withdrawn_at FROM hit ORDER BY number")
        ended, live = database.read(lambda session: session.execute(query).scalars().all())
    assert ended >= before
    assert live is None


def test_R65_officer_erases_over_the_wire(scene: Scene) -> None:
    scene.withdraw()
    use = replace(scene.bench.use, purge=scene.purge)
    client = RetentionClient(Wire(Handlers(lambda s: rpc.register(s, use)), ZHANG, Fuse()))
    assert client.count_due() == ([], 0)
    scene.after = YEAR
    (line,), total = client.count_due()
    assert (line.what, line.count, total) == ("已撤回且从未发出通知的比中内容", 1, 1)
    with pytest.raises(ServiceError, match="another number"):
        client.purge(2, WHY)
    assert client.purge(total, WHY).purged == 1
    assert client.count_due() == ([], 0)
