"""Opposite records that arrive at the same moment are matched, each pair once.

Eight units of both sides submit at once. The second test takes the transactions' isolation away (partners are
sought in a snapshot from before the others wrote, as REPEATABLE READ would) and must miss pairs: it shows
that the first one would see it.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from libmatch.auditlog import LogSigner
from libmatch.records import RecordRef, Side
from libmatch.suites import get_suite
from services.chassis.db import Database
from services.matcher.store import submissions as store
from services.matcher.store.joins import Match, rejoin
from services.matcher.store.submissions import Quota, Submissions
from tests.district import NOW
from tests.matcher_bench import fake_batch, open_submissions

_EPOCH = bytes(32)
_UNITS = 4  # of each side
_ROWS = 50  # of a batch
_QUOTA = Quota(records_per_day=10**9, hits_per_batch=10**6)


@pytest.fixture
def matcher(tmp_path: Path) -> Iterator[tuple[Database, Submissions, Path]]:
    path = tmp_path / "matcher.db"
    database, submissions = open_submissions(path, LogSigner.generate())
    with closing(database):
        yield database, submissions, path


def _tokens(count: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count)]


class _Crowd:
    """Units that submit all tokens on both sides, each unit its share, in rounds that begin together."""

    def __init__(self, submissions: Submissions, tokens: list[bytes]) -> None:
        self._submissions = submissions
        self._round = threading.Barrier(2 * _UNITS)
        self._shares: dict[tuple[Side, str], list[list[bytes]]] = {}
        for side in Side:
            # The same order on both sides: what belongs together arrives in the same round.
            for number in range(_UNITS):
                share = tokens[number::_UNITS]
                self._shares[side, f"unit-{number}"] = [
                    share[start : start + _ROWS] for start in range(0, len(share), _ROWS)
                ]

    def run(self) -> None:
        with ThreadPoolExecutor(2 * _UNITS) as pool:
            for done in [pool.submit(self._submit, *who) for who in self._shares]:
                done.result()

    def _submit(self, side: Side, unit: str) -> None:
        for seq, tokens in enumerate(self._shares[side, unit], 1):
            shuffled = random.sample(tokens, len(tokens))
            batch = fake_batch(_EPOCH, side, unit, seq, shuffled).admitted
            self._round.wait(timeout=60)
            self._submissions.admit(get_suite(1), batch, _QUOTA, NOW)


def test_ten_thousand_opposite_pairs_at_once_are_all_found_and_none_twice(
    matcher: tuple[Database, Submissions, Path],
) -> None:
    database, submissions, path = matcher
    _Crowd(submissions, _tokens(10_000)).run()
    with closing(sqlite3.connect(path)) as reader:
        (hits,) = reader.execute("SELECT count(*) FROM hit").fetchone()
        pairs = (
            "SELECT count(*) FROM (SELECT DISTINCT registry_record, beneficiary_record FROM hit)"
        )
        (different,) = reader.execute(pairs).fetchone()
        (batches,) = reader.execute("SELECT count(*) FROM submission").fetchone()
    assert (hits, different) == (10_000, 10_000)
    assert batches == 2 * 10_000 // _ROWS
    full = rejoin(database)
    assert (full.pairs, full.missed, full.surplus) == (10_000, 0, 0)


class _Snapshots:
    """Looks for partners in what was committed when the thread's round began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()

    def begin(self) -> None:
        self._mine.reader = sqlite3.connect(self._path, isolation_level=None)
        self._mine.reader.execute("BEGIN")
        self._mine.reader.execute("SELECT count(*) FROM record").fetchone()  # fixes the snapshot

    def find(
        self, session: Any, first: int, last: int, side: Side, _epoch: bytes, _limit: int
    ) -> list[Match]:
        new = "SELECT id, key FROM record WHERE id BETWEEN ? AND ?"
        rows = session.connection().exec_driver_sql(new, (first, last)).all()
        seek = (
            "SELECT r.id, o.unit, r.rid FROM record r JOIN owner o ON o.id = r.owner "
            "WHERE r.key = ? AND r.side = ?"
        )
        found = []
        for record, key in rows:
            for other, unit, rid in self._mine.reader.execute(seek, (key, int(side.other))):
                found.append(Match(record, other, RecordRef(side.other, unit, rid)))
        self._mine.reader.close()
        return found


def test_a_snapshot_from_before_the_others_wrote_misses_pairs(
    matcher: tuple[Database, Submissions, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, submissions, path = matcher
    snapshots = _Snapshots(path)
    admit = submissions.admit

    def admit_in_snapshot(*given: Any) -> Any:
        snapshots.begin()
        return admit(*given)

    monkeypatch.setattr(submissions, "admit", admit_in_snapshot)
    monkeypatch.setattr(store, "find_matches", snapshots.find)
    _Crowd(submissions, _tokens(1_000)).run()
    full = rejoin(database)
    assert full.pairs == 1_000
    assert full.missed > 0
