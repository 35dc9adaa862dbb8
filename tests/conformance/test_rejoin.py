"""The full re-join at scale, and the healing of what was missed, on both stores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from libmatch.auditlog import LogSigner, encode_hit_leaf
from libmatch.encoding import u32
from libmatch.records import Side
from libmatch.suites import get_suite
from services.chassis.db import Database, to_micros
from services.matcher.store.joins import Rejoin, rejoin
from services.matcher.store.rejoins import Comparison, Rejoins
from services.matcher.store.submissions import Quota, Submissions
from tests.chassis_pki import Pki
from tests.district import NOW, make_district, person
from tests.matcher_bench import MATCHER, fake_batch, open_submissions
from tests.matcher_process import ROOT, MatcherProcess

EPOCH, SUITE = b"e" * 32, get_suite(1)
QUOTA = Quota(records_per_day=1_000_000, hits_per_batch=1_000_000)
REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@dataclass
class Store:
    """A database with the records that a test admits, and its re-join."""

    database: Database
    submissions: Submissions
    rejoins: Rejoins

    def admit(self, side: Side, unit: str, tokens: Sequence[bytes], epoch: bytes = EPOCH) -> None:
        seq = self.submissions.next_seq(epoch, unit, side)
        batch = fake_batch(epoch, side, unit, seq, tokens)
        self.submissions.admit(SUITE, batch.admitted, QUOTA, NOW)

    def damage(self, sql: str) -> None:
        self.database.run_tx("damage", lambda session: session.execute(sa.text(sql)))

    def rows(self, sql: str) -> list[Any]:
        return self.database.read(lambda session: list(session.execute(sa.text(sql))))

    def agrees(self, pairs: int) -> None:
        """The engine, the store's own join and the hits say the same."""
        assert self.rejoins.compare() == Comparison(pairs, (), ())
        assert rejoin(self.database) == Rejoin(pairs, 0, 0)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'matcher.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o700)
    database, submissions = open_submissions(url, LogSigner(bytes(32)))
    yield Store(database, submissions, Rejoins(database, scratch))
    database.close()
    assert not list(scratch.iterdir())


def token(number: int, rest: int = 0) -> bytes:
    """Tokens with the same ``number`` share their first half; ``rest`` decides."""
    return u32(number).rjust(16, b"t") + u32(rest).rjust(16, b"r")


def fill(store: Store) -> None:
    """Six pairs in one epoch, two of them of one record; one in another, whose tokens are the same."""
    store.admit(REG, "reg-a", [token(1), token(2), token(3, 1), token(4)])
    store.admit(BEN, "ben-a", [token(1), token(2), token(3, 2), token(5)])
    store.admit(BEN, "ben-b", [token(1), token(5)])
    store.admit(REG, "reg-b", [token(5)])
    store.admit(REG, "ben-b", [token(2)])
    store.admit(REG, "reg-a", [token(1)], b"f" * 32)
    store.admit(BEN, "ben-a", [token(1)], b"f" * 32)


def test_an_empty_store_agrees(store: Store) -> None:
    store.agrees(0)


def test_epochs_and_second_halves_are_told_apart(store: Store) -> None:
    fill(store)
    store.agrees(7)


def test_many_records_agree(store: Store) -> None:
    for first in (0, 2_048, 4_096):
        store.admit(REG, "reg-a", [token(i) for i in range(first, first + 2_048)])
        store.admit(BEN, "ben-a", [token(2 * i) for i in range(first, first + 2_048)])
    store.agrees(3_072)


MISSED = {
    "deleted": "DELETE FROM hit WHERE number IN (1, 3)",
    "put out of force": "UPDATE hit SET live = false WHERE number IN (1, 3)",
    "all": "DELETE FROM hit",
}


@pytest.mark.parametrize("damage", MISSED)
def test_missed_hits_are_named_and_healed_with_leaves(store: Store, damage: str) -> None:
    fill(store)
    before = store.rows("SELECT hit_id, registry_record, beneficiary_record FROM hit")
    names = {bytes(row[0]): (row[1], row[2]) for row in before}
    store.damage(MISSED[damage])
    found = store.rejoins.compare()
    assert (found.pairs, len(found.missed), found.surplus) == (7, 7 if damage == "all" else 2, ())
    for one in found.missed:
        assert names[one.hit_id] == (one.registry_record, one.beneficiary_record)
        assert (one.hit.registry.side, one.hit.beneficiary.side) == (REG, BEN)
    leaves = store.rows("SELECT count(*) FROM log_entry")[0][0]
    assert store.rejoins.repair(found.missed, MATCHER, NOW) == len(found.missed)
    store.agrees(7)
    new = store.rows(f"SELECT entry FROM log_entry WHERE leaf_index >= {leaves}")
    expected = {encode_hit_leaf(one.hit_id, to_micros(NOW)) for one in found.missed}
    assert {bytes(row[0]) for row in new} == expected
    placed = store.rows(
        "SELECT hit_id, entry FROM hit JOIN log_entry ON log_entry.leaf_index = hit.leaf_index"
    )
    assert all(bytes(entry) == encode_hit_leaf(bytes(one), to_micros(NOW)) for one, entry in placed)
    assert len(placed) == 7


def test_a_second_repair_changes_nothing(store: Store) -> None:
    fill(store)
    store.damage(MISSED["deleted"])
    missed = store.rejoins.compare().missed
    assert store.rejoins.repair(missed, MATCHER, NOW) == 2
    assert store.rejoins.repair(missed, MATCHER, NOW) == 0
    store.agrees(7)


def test_what_is_no_pair_any_more_is_not_healed(store: Store) -> None:
    fill(store)
    store.damage("DELETE FROM hit WHERE number IN (1, 2)")
    one, two = store.rejoins.compare().missed
    store.damage(f"UPDATE record SET key = NULL WHERE id = {one.registry_record}")
    forged = replace(two, beneficiary_record=one.beneficiary_record)
    assert store.rejoins.repair([one, forged], MATCHER, NOW) == 0
    assert store.rejoins.repair([two], MATCHER, NOW) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE record SET key = NULL WHERE id = 2048",
        "UPDATE sealed SET rest = (SELECT key FROM record WHERE id = 2049) WHERE record = 2048",
        "DELETE FROM sealed WHERE record = 2048",
    ],
    ids=["key", "rest", "sealed"],
)
def test_surplus_hits_are_named(store: Store, damage: str) -> None:
    fill(store)
    named = store.rows("SELECT hit_id FROM hit WHERE registry_record = 2048")
    store.damage(damage)
    found = store.rejoins.compare()
    assert (found.pairs, found.missed) == (5, ())
    assert found.surplus == tuple(sorted(bytes(row[0]) for row in named))


# --- the program --------------------------------------------------------------------------------


def run(matcher: MatcherProcess, *options: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "services.matcher.rejoin", "--config", str(matcher.config)]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_program_tells_and_heals(tmp_path: Path, pki: Pki) -> None:
    district = make_district(registry=["reg-0"], beneficiary=["ben-0"], now=datetime.now(UTC))
    matcher = MatcherProcess(tmp_path, district, pki)
    with matcher:
        for unit, side in (("reg-0", REG), ("ben-0", BEN)):
            matcher.unit(unit).submit(district.seal(unit, side, [person(1)]).batch)
        assert run(matcher)[0] == 0
    with Database(f"sqlite:///{matcher.database}") as database:
        database.run_tx("damage", lambda session: session.execute(sa.text("DELETE FROM hit")))
    code, said = run(matcher)
    assert (code, said["missed"], said["agrees"]) == (1, 1, False)
    assert said["missed_hits"][0]["registry"]["unit"] == "reg-0"
    code, said = run(matcher, "--repair")
    assert (code, said["missed"], said["repaired"]) == (1, 1, 1)
    assert run(matcher) == (
        0,
        {
            "event": "rejoin",
            "agrees": True,
            "pairs": 1,
            "missed": 0,
            "surplus": 0,
            "missed_hits": [],
            "surplus_hits": [],
        },
    )
    assert '"rejoin.repaired"' in matcher.log_file.read_text("utf-8")
    assert not [path for path in matcher.database.parent.iterdir() if path.name.startswith("join-")]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, pki: Pki) -> None:
    district = make_district(registry=["reg-0"], beneficiary=["ben-0"], now=datetime.now(UTC))
    matcher = MatcherProcess(tmp_path, district, pki)
    with matcher:
        matcher.unit("reg-0").submit(district.seal("reg-0", REG, [person(1)]).batch)
        command = [sys.executable, "-m", "services.matcher.rejoin", "--config", str(matcher.config)]
        done = subprocess.run(
            [*command, "--scratch", str(tmp_path / "none")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert str(tmp_path / "none") in done.stderr
    assert "Traceback" not in done.stderr
