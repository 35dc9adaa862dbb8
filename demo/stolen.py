"""The matcher's whole database, read as a file by somebody who got hold of it.

Shares no code with the matcher's stores: it takes the tables as they lie on the disk. The databases of
other releases may differ; then this fails loudly instead of finding little.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from libmatch.records import CAPSULE_SIZE, WORD, BatchHeader, SealedRow, Side

_POSITION_BITS = 11  # of a record's id; what is above is the batch's number
_BATCHES = """
    SELECT s.number, o.epoch, o.unit, o.suite, s.side, s.seq, s.count, b.capsule
    FROM submission s JOIN owner o ON o.id = s.owner JOIN batch b ON b.number = s.number
    ORDER BY s.number"""
_ROWS = """
    SELECT r.id, r.rid, r.key, s.rest, s.body
    FROM record r JOIN sealed s ON s.record = r.id WHERE r.key IS NOT NULL ORDER BY r.id"""
_HITS = "SELECT registry_record, beneficiary_record FROM hit WHERE live"


@dataclass(frozen=True, repr=False)
class StolenRecord:
    """A live record as stored. ``number`` is the matcher's; ``token`` what it keeps beside the row."""

    number: int
    position: int
    token: bytes
    row: SealedRow


@dataclass(frozen=True, repr=False)
class StolenBatch:
    """A batch with its live records. ``capsule`` is None once none of them is left."""

    header: BatchHeader
    suite: int
    capsule: bytes | None
    records: tuple[StolenRecord, ...]


@dataclass(frozen=True, repr=False)
class StolenDatabase:
    """Everything about records that the matcher has. ``pairs``: numbers of the records it flagged."""

    batches: tuple[StolenBatch, ...]
    pairs: frozenset[tuple[int, int]]

    @property
    def records(self) -> int:
        """How many records are live."""
        return sum(len(batch.records) for batch in self.batches)


def read_database(path: Path) -> StolenDatabase:
    """The content of the file; the matcher may be running. Raises sqlite3.Error."""
    with _open(path) as connection:
        rows: dict[int, list[StolenRecord]] = {}
        for number, rid, key, rest, body in connection.execute(_ROWS):
            record = _record(number, rid, key + rest, body)
            rows.setdefault(number >> _POSITION_BITS, []).append(record)
        batches = tuple(
            _batch(head, tuple(rows.pop(head[0], ()))) for head in connection.execute(_BATCHES)
        )
        if rows:
            raise sqlite3.DataError("there are records without a batch")
        return StolenDatabase(batches, frozenset(connection.execute(_HITS)))


def count_accepted(path: Path) -> int:
    """How many batches the matcher accepted so far; 0 where it has no tables yet."""
    try:
        with _open(path) as connection:
            return int(connection.execute("SELECT count(*) FROM batch").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def count_notices(path: Path) -> tuple[int, int]:
    """How many notices lie in the mailboxes, and how many of them were acknowledged."""
    with _open(path) as connection:
        query = "SELECT count(*), count(acknowledged_at) FROM notice"
        sent, acknowledged = connection.execute(query).fetchone()
        return sent, acknowledged


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        connection.execute("BEGIN")
        yield connection


def _batch(
    head: tuple[int, bytes, str, int, int, int, int, bytes | None],
    records: tuple[StolenRecord, ...],
) -> StolenBatch:
    _, epoch, unit, suite, side, seq, count, capsule = head
    if capsule is not None and len(capsule) != CAPSULE_SIZE:
        raise sqlite3.DataError("a capsule has another length")
    return StolenBatch(BatchHeader(epoch, Side(side), unit, seq, count), suite, capsule, records)


def _record(number: int, rid: bytes, token: bytes, body: bytes) -> StolenRecord:
    c_reg, c_ben, half, com = (body[at : at + WORD] for at in range(0, 4 * WORD, WORD))
    position = number & ((1 << _POSITION_BITS) - 1)
    return StolenRecord(
        number, position, token, SealedRow(rid, c_reg, c_ben, half, com, body[4 * WORD :])
    )
