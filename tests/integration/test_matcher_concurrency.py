"""Opposite records that arrive at the same moment are matched, each pair once: by threads, by processes.

What would show a loss is shown too: transactions whose isolation was lowered miss pairs. In SQLite partners
are sought in a snapshot from before the others wrote, as REPEATABLE READ would. In PostgreSQL the lock and
the isolation are taken away from a trial of its own: the matcher's store numbers its rows and the leaves of
its log without gaps, and so its primary keys alone would stop what the trial lets happen.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import LogSigner, hash_entry
from libmatch.merkle import compute_root
from libmatch.records import RecordRef, Side
from libmatch.suites import get_suite
from services.chassis.db import Database, postgresql
from services.chassis.refusals import Overloaded
from services.matcher.store import submissions as store
from services.matcher.store.joins import Match, rejoin
from services.matcher.store.ledger import Ledger
from services.matcher.store.submissions import Submissions
from services.matcher.tables import LogEntry, StoredHit, Submission, table_of
from tests.matcher_bench import open_submissions
from tests.matcher_crowd import ROWS, Crowd, tokens

_ROOT = Path(__file__).resolve().parents[2]
_UNITS = 4  # of each side
_HIT, _ENTRY, _SUBMISSION = table_of(StoredHit), table_of(LogEntry), table_of(Submission)


@pytest.fixture
def matcher(tmp_path: Path) -> Iterator[tuple[Database, Submissions, Path]]:
    path = tmp_path / "matcher.db"
    database, submissions = open_submissions(path, LogSigner.generate())
    with closing(database):
        yield database, submissions, path


def _check(database: Database, pairs: int) -> None:
    """Every pair was found once, every batch kept once, the log has no gap, a full join agrees."""
    entries = database.read(
        lambda session: session.execute(
            sa.select(_ENTRY.c.leaf_index, _ENTRY.c.entry).order_by(_ENTRY.c.leaf_index)
        ).all()
    )
    found = sa.select(_HIT.c.registry_record, _HIT.c.beneficiary_record)
    assert _count(database, found) == pairs
    assert _count(database, found.distinct()) == pairs
    assert _count(database, sa.select(_SUBMISSION.c.number)) == 2 * pairs // ROWS
    assert [index for index, _ in entries] == list(range(pairs + 2 * pairs // ROWS))
    leaves = [hash_entry(entry) for _, entry in entries]
    assert Ledger(database).head() == (len(leaves), compute_root(get_suite(1).h, leaves))
    full = rejoin(database)
    assert (full.pairs, full.missed, full.surplus) == (pairs, 0, 0)


def _count(database: Database, query: sa.Select[Any]) -> int:
    counted = sa.select(sa.func.count()).select_from(query.subquery())
    return database.read(lambda session: int(session.execute(counted).scalar_one()))


def test_ten_thousand_opposite_pairs_at_once_are_all_found_and_none_twice(
    matcher: tuple[Database, Submissions, Path],
) -> None:
    database, submissions, _ = matcher
    Crowd(submissions, tokens(10_000), range(_UNITS), _UNITS).run()
    _check(database, 10_000)


@pytest.mark.campaign
def test_ten_thousand_pairs_by_two_processes_are_all_found_and_none_twice(
    postgresql_url: str, long: bool
) -> None:
    pairs = 30_000 if long else 10_000
    database, _ = open_submissions(postgresql_url, LogSigner(bytes(32)))
    with closing(database):
        _run_processes(postgresql_url, pairs)
        _check(database, pairs)


def _run_processes(url: str, count: int) -> None:
    half, command = _UNITS // 2, (sys.executable, "-m", "tests.matcher_crowd", url)
    with ExitStack() as running:
        crowds = [
            running.enter_context(
                subprocess.Popen(
                    [*command, *map(str, (count, _UNITS, first, first + half - 1))],
                    cwd=_ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for first in (0, half)
        ]
        for crowd in crowds:
            assert crowd.stdout is not None
            while (line := crowd.stdout.readline()) and line != "ready\n":
                pass  # the log
        for crowd in crowds:
            assert crowd.stdin is not None
            crowd.stdin.write("go\n")
            crowd.stdin.flush()
        for crowd in crowds:
            _, errors = crowd.communicate(timeout=1200)
            assert crowd.returncode == 0, errors


class _Snapshot:
    """Looks for partners in what was committed when the round began."""

    def __init__(self, path: Path) -> None:
        self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def renew(self) -> None:
        if self._reader.in_transaction:
            self._reader.execute("COMMIT")
        self._reader.execute("BEGIN")
        self._reader.execute("SELECT count(*) FROM record").fetchone()  # fixes the snapshot

    def find(
        self, session: Any, first: int, last: int, side: Side, _epoch: bytes, _limit: int
    ) -> list[Match]:
        new = "SELECT id, key FROM record WHERE id BETWEEN ? AND ?"
        seek = (
            "SELECT r.id, o.unit, r.rid FROM record r JOIN owner o ON o.id = r.owner "
            "WHERE r.key = ? AND r.side = ?"
        )
        return [
            Match(record, other, RecordRef(side.other, unit, rid))
            for record, key in session.connection().exec_driver_sql(new, (first, last)).all()
            for other, unit, rid in self._reader.execute(seek, (key, int(side.other)))
        ]

    def close(self) -> None:
        self._reader.close()


def test_a_snapshot_from_before_the_others_wrote_misses_pairs(
    matcher: tuple[Database, Submissions, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, submissions, path = matcher
    with closing(_Snapshot(path)) as snapshot:
        monkeypatch.setattr(store, "find_matches", snapshot.find)
        Crowd(submissions, tokens(1_000), range(_UNITS), _UNITS, snapshot.renew).run()
    full = rejoin(database)
    assert full.pairs == 1_000
    assert full.missed > 0


_METADATA = sa.MetaData()
_ARRIVAL = sa.Table(
    "arrival",
    _METADATA,
    sa.Column("side", sa.Integer, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Index("arrival_key", "key", "side"),
)
_PAIR = sa.Table("pair", _METADATA, sa.Column("key", sa.LargeBinary, nullable=False))


def _arrive(side: Side, key: bytes) -> Callable[[Session], None]:
    """The heart of a submission: keep the record, look for its partner, keep the pair."""

    def write(session: Session) -> None:
        session.execute(_ARRIVAL.insert().values(side=int(side), key=key))
        partner = sa.select(_ARRIVAL.c.key).where(
            _ARRIVAL.c.key == key, _ARRIVAL.c.side == int(side.other)
        )
        for found in session.scalars(partner).all():
            session.execute(_PAIR.insert().values(key=found))

    return write


def _missed(url: str, pairs: int) -> int:
    """How many of ``pairs`` were not found, where both sides of each arrive at once, as by two processes."""
    with ExitStack() as opened:
        sides = {side: opened.enter_context(Database(url)) for side in Side}
        with sides[Side.REGISTRY].writer_connection() as connection:
            _METADATA.create_all(connection)
            connection.commit()
        together = threading.Barrier(2)

        def submit(side: Side) -> None:
            for key in tokens(pairs):
                together.wait(timeout=60)
                while True:
                    try:
                        sides[side].run_tx("arrive", _arrive(side, key))
                        break
                    except Overloaded:  # as a client does
                        pass

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(submit, side) for side in Side]:
                done.result()
        found = sides[Side.REGISTRY].read(lambda s: s.execute(sa.select(_PAIR.c.key)).all())
    assert len(set(found)) == len(found)  # none doubled, at any isolation
    return pairs - len(found)


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers of several processes no longer queue."""
    monkeypatch.setattr(postgresql, "_take_turn", lambda *_: None)
    monkeypatch.setattr(postgresql, "_end_turn", lambda *_: None)


@pytest.mark.usefixtures("without_lock")
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_a_lower_isolation_without_the_lock_misses_pairs(
    level: str, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_BEGIN_WRITING", f"BEGIN ISOLATION LEVEL {level}")
    assert _missed(postgresql_url, 60) > 0


@pytest.mark.usefixtures("without_lock")
def test_serializable_with_repetition_misses_none_even_without_the_lock(
    postgresql_url: str,
) -> None:
    assert _missed(postgresql_url, 60) == 0


def test_with_the_lock_nothing_is_missed_and_nothing_need_be_repeated(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.db.database._ATTEMPTS", 1)
    assert _missed(postgresql_url, 60) == 0
