"""Judges what a matcher's store holds after a crash, row by row, against what was sent and what was seen.

::

    faults = judge(database, story, seen)         # [] where nothing is lost, doubled, partial, rewritten
    faults = judge_file(path, story, seen)        # likewise, and SQLite's own check of the file
    faults = judge_copy(path, story, seen)        # what a restart would find, without one

Reads the tables and not the use cases under test. A fault of kind ``LOST`` is what ``synchronous=NORMAL`` may
do when the power fails; one of the other kinds nothing may do.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import (
    append_leaves,
    encode_ack_leaf,
    encode_batch_leaf,
    encode_hit_leaf,
    encode_release_leaf,
    encode_withdrawal_leaf,
    hash_entry,
    read_root,
)
from libmatch.encoding import PREFIX, split
from libmatch.errors import LogError
from libmatch.matching import ReferenceMatcher
from libmatch.records import Receipt, RecordRef, Side
from libmatch.release import hit_id
from services.chassis.db import Database, DatabaseError
from services.chassis.refusals import ChassisError
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.store.joins import Rejoin, rejoin
from tests.crash_story import Seen, Sent, Story, Stream, receipt_fact


class Kind(Enum):
    """What is wrong with a store."""

    LOST = "lost"
    DOUBLED = "doubled"
    PARTIAL = "partial"
    REWRITTEN = "rewritten"
    CORRUPT = "corrupt"


class Fault(NamedTuple):
    """One thing that a crash must not do."""

    kind: Kind
    what: str


@dataclass(frozen=True)
class Rows:
    """The tables, read in one snapshot."""

    submissions: Sequence[Any]
    records: Sequence[Any]
    sealed: frozenset[int]
    batches: Sequence[Any]
    hits: Sequence[Any]
    notices: Sequence[Any]
    entries: dict[int, bytes]
    nodes: dict[tuple[int, int], bytes]

    @property
    def stored(self) -> list[tuple[Stream, int]]:
        """(stream, seq) of what was submitted, in order of acceptance."""
        return [(Stream(row.unit, Side(row.side)), row.seq) for row in self.submissions]


_SUBMISSIONS = """\
SELECT o.unit, s.side, s.seq, s.number, s.digest, s.accepted_at, s.leaf_index, s.receipt
FROM submission s JOIN owner o ON o.id = s.owner ORDER BY s.number"""
_RECORDS = """\
SELECT r.id, o.unit, r.side, r.rid, r.key FROM record r JOIN owner o ON o.id = r.owner"""


def _read(session: Session) -> Rows:
    def rows(sql: str) -> Sequence[Any]:
        return session.connection().exec_driver_sql(sql).all()

    nodes = rows("SELECT level, position, hash FROM log_node")
    return Rows(
        submissions=rows(_SUBMISSIONS),
        records=rows(_RECORDS),
        sealed=frozenset(row.record for row in rows("SELECT record FROM sealed")),
        batches=rows("SELECT number, live, capsule IS NOT NULL AS opens FROM batch"),
        hits=rows("SELECT hit_id, found_at, leaf_index, live FROM hit"),
        notices=rows("SELECT * FROM notice"),
        entries={row.leaf_index: row.entry for row in rows("SELECT * FROM log_entry")},
        nodes={(level, position): bytes(node) for level, position, node in nodes},
    )


def judge(database: Database, story: Story, seen: Seen) -> list[Fault]:
    """What is wrong; nothing where every crash so far did what it may."""
    rows = database.read(_read)
    faults = list(_judge_receipts(rows, story, seen))
    if not faults:  # else the rest follows from it
        faults += chain(
            _judge_rows(rows, story),
            _judge_hits(rows, story),
            _judge_log(rows),
            _judge_notices(rows),
        )
    faults += _judge_facts(rows, seen)
    live = sum(bool(row.live) for row in rows.hits)
    if rejoin(database) != Rejoin(pairs=live, missed=0, surplus=0):
        faults.append(Fault(Kind.PARTIAL, f"a full join differs: {rejoin(database)}"))
    return faults


def judge_file(path: Path, story: Story, seen: Seen) -> list[Fault]:
    """The same of a SQLite file as a starting service opens it, with SQLite's own check at the end."""
    try:
        with closing(Database(f"sqlite:///{path}")) as database:
            migrate(database, VERSIONS)
            faults = judge(database, story, seen)
        return faults + check_file(path)
    except (DatabaseError, ChassisError, LogError, sa.exc.DBAPIError, sqlite3.Error) as error:
        return [Fault(Kind.CORRUPT, f"{type(error).__name__}: {error}")]


def judge_copy(path: Path, story: Story, seen: Seen) -> list[Fault]:
    """The same of a copy of the file and its journal as they are now; the originals are not touched."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            if one.exists():
                shutil.copy(one, folder)
        return judge_file(Path(folder) / path.name, story, seen)


def check_file(path: Path) -> list[Fault]:
    """What SQLite itself finds wrong with the file."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        found += connection.execute("PRAGMA foreign_key_check").fetchall()
    return [Fault(Kind.CORRUPT, str(row)) for row in found if row != ("ok",)]


def _judge_receipts(rows: Rows, story: Story, seen: Seen) -> Iterator[Fault]:
    """Every acknowledged submission is there with its receipt; every stored one was sent, once, in order."""
    stored = {}
    for row in rows.submissions:
        _, about, value = receipt_fact(Receipt.decode(row.receipt))
        stored[about] = value
    for about, value in seen.of("receipt").items():
        if about not in stored:
            yield Fault(Kind.LOST, f"submission {about}")
        elif stored[about] != value:
            yield Fault(Kind.REWRITTEN, f"receipt of {about}")
    for stream, sent in story.streams.items():
        seqs = sorted(seq for one, seq in rows.stored if one == stream)
        if seqs != list(range(1, len(seqs) + 1)) or len(seqs) > len(sent):
            yield Fault(Kind.DOUBLED, f"{stream} has the numbers {seqs}")


def _sent(rows: Rows, story: Story) -> list[Sent]:
    return [story.streams[stream][seq - 1] for stream, seq in rows.stored]


def _judge_rows(rows: Rows, story: Story) -> Iterator[Fault]:
    """Each stored batch has all its rows and no others; what was withdrawn is erased, and only that."""
    sent = _sent(rows, story)
    submitted = [ref for one in sent for ref, _ in one.records]
    withdrawn = {ref for one in sent for ref in one.withdrawn}
    kept = {row.id: RecordRef(Side(row.side), row.unit, row.rid) for row in rows.records}
    yield from _compare("records", submitted, kept.values())
    live = {row.id for row in rows.records if row.key is not None}
    yield from _compare("live records", set(submitted) - withdrawn, (kept[i] for i in live))
    if rows.sealed != live:
        yield Fault(Kind.PARTIAL, "sealed bodies are not those of the live records")
    living = Counter(kept[i] for i in live)
    for row, one in zip(rows.submissions, sent, strict=True):
        found = [batch for batch in rows.batches if batch.number == row.number]
        expected = sum(living[ref] for ref, _ in one.records)
        if [(batch.live, bool(batch.opens)) for batch in found] != (
            [(expected, expected > 0)] if one.records else []
        ):
            yield Fault(Kind.PARTIAL, f"batch {row.number}")


def _compare(what: str, expected: Iterable[object], found: Iterable[object]) -> Iterator[Fault]:
    wanted, there = Counter(expected), Counter(found)
    if wanted - there:
        yield Fault(Kind.PARTIAL, f"{(wanted - there).total()} {what} are missing")
    if there - wanted:
        yield Fault(Kind.DOUBLED, f"{(there - wanted).total()} {what} too many")


def _judge_hits(rows: Rows, story: Story) -> Iterator[Fault]:
    """The hits are those of the reference matcher on the same submissions in the same order."""
    oracle, ever, district = ReferenceMatcher(), set(), story.district
    for one in _sent(rows, story):
        ever.update(oracle.admit(one.records))
        oracle.withdraw(one.withdrawn)

    def name(hits: Iterable[Any]) -> set[bytes]:
        return {hit_id(district.suite, district.epoch.epoch_id, hit) for hit in hits}

    yield from _compare("hits", name(ever), (bytes(row.hit_id) for row in rows.hits))
    live = (bytes(row.hit_id) for row in rows.hits if row.live)
    yield from _compare("live hits", name(oracle.live_hits()), live)


def _judge_log(rows: Rows) -> Iterator[Fault]:
    """Each thing that was kept has its one leaf, each leaf its thing; the nodes are those of the leaves."""
    expected = dict(_expected_leaves(rows))
    counts = Counter(_label(entry) for entry in rows.entries.values())
    for label, number in Counter(_label(entry) for entry in expected.values()).items():
        if counts[label] != number:
            yield Fault(Kind.DOUBLED, f"{counts[label]} leaves {label} for {number}")
    for index, entry in expected.items():
        if rows.entries.get(index) != entry:
            yield Fault(Kind.REWRITTEN, f"leaf {index} is not {_label(entry)} as kept")
    if sorted(rows.entries) != list(range(len(rows.entries))):
        yield Fault(Kind.PARTIAL, "the log has gaps")
        return
    leaves = [hash_entry(rows.entries[i]) for i in range(len(rows.entries))]
    if append_leaves(lambda *_: b"", 0, leaves) != rows.nodes:
        yield Fault(Kind.REWRITTEN, "the log's nodes are not those of its leaves")


def _expected_leaves(rows: Rows) -> Iterator[tuple[int, bytes]]:
    batches = {row.number for row in rows.batches}
    for row in rows.submissions:
        encode = encode_batch_leaf if row.number in batches else encode_withdrawal_leaf
        head = (row.digest, Side(row.side), row.unit, row.seq)
        yield row.leaf_index, encode(*head, row.accepted_at)
    for row in rows.hits:
        yield row.leaf_index, encode_hit_leaf(row.hit_id, row.found_at)
    for row in rows.notices:
        ids = (row.notice_id, row.hit_id)
        leaf = encode_release_leaf(*ids, row.unit, Side(row.side), row.released_at)
        yield row.leaf_index, leaf
        if row.acknowledged_leaf is not None:
            yield row.acknowledged_leaf, encode_ack_leaf(row.notice_id, row.acknowledged_at)


def _label(entry: bytes) -> str:
    return split(entry)[0].removeprefix(PREFIX).decode()


def _judge_notices(rows: Rows) -> Iterator[Fault]:
    """An acknowledgement is whole or not there at all."""
    for row in rows.notices:
        parts = (row.acknowledged_at, row.acknowledged_leaf, row.acknowledgement)
        if len({part is None for part in parts}) != 1:
            yield Fault(Kind.PARTIAL, f"acknowledgement of notice {row.number}")


def _judge_facts(rows: Rows, seen: Seen) -> Iterator[Fault]:
    """Heads, leaves, releases and acknowledgements that were seen before are there, unaltered."""
    size = len(rows.entries)
    for about, root in seen.of("head").items():
        if int(about) > size:
            yield Fault(Kind.LOST, f"the log had {about} leaves and has {size}")
        elif read_root(lambda *at: rows.nodes.get(at, bytes(32)), int(about)).hex() != root:
            yield Fault(Kind.REWRITTEN, f"the log's first {about} leaves")
    leaves = {str(i): hash_entry(entry).hex() for i, entry in rows.entries.items()}
    notices = {bytes(row.notice_id).hex(): row for row in rows.notices}
    released = {about: f"{row.number}/{row.leaf_index}" for about, row in notices.items()}
    acknowledged = {
        about: f"{row.acknowledged_at}/{row.acknowledged_leaf}"
        for about, row in notices.items()
        if row.acknowledged_at is not None
    }
    for kind, there in (
        ("leaf", leaves),
        ("release", released),
        ("acknowledgement", acknowledged),
    ):
        for about, value in seen.of(kind).items():
            if about not in there:
                yield Fault(Kind.LOST, f"{kind} {about}")
            elif there[about] != value:
                yield Fault(Kind.REWRITTEN, f"{kind} {about}")
