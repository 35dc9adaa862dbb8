"""The client's state file: outbox with stored bytes, records, receipts, notices, checkpoints.

One SQLite file, owner-only, holding no identifier and no name: records are known by the caller's own
reference, a keyed digest of their content, and their token; notices are kept sealed. Everything that must
stand or fall together is one transaction; after it, the file survives kill -9 and power loss. Rollback
journal, not WAL: one file to back up, and several processes may share it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from libmatch.errors import StateError
from libmatch.records import Receipt, Side
from libmatch.release import SealedNotice

_APPLICATION = 0x6C6D6373  # "lmcs": SQLite's application_id, so that no other file is taken for one
_VERSION = 1
_BUSY_TIMEOUT_S = 30.0

_SCHEMA = (
    """
    CREATE TABLE requests (
      epoch BLOB NOT NULL, side INTEGER NOT NULL, seq INTEGER NOT NULL,
      form INTEGER NOT NULL,      -- 1 batch, 2 withdrawal
      digest BLOB NOT NULL,
      body BLOB,                  -- what is sent, again and again; dropped once there is a receipt
      receipt BLOB,
      proved INTEGER NOT NULL DEFAULT 0,   -- the receipt's leaf was found in the audit log
      PRIMARY KEY (epoch, side, seq)
    ) STRICT
    """,
    """
    CREATE TABLE records (
      epoch BLOB NOT NULL, rid BLOB NOT NULL, side INTEGER NOT NULL, ref TEXT NOT NULL,
      content BLOB NOT NULL, token BLOB NOT NULL,
      live INTEGER NOT NULL DEFAULT 1,     -- 0: its withdrawal is in the outbox or was accepted
      PRIMARY KEY (epoch, rid)
    ) STRICT
    """,
    "CREATE INDEX records_by_ref ON records (epoch, side, ref)",
    """
    CREATE TABLE incomplete (
      epoch BLOB NOT NULL, side INTEGER NOT NULL, ref TEXT NOT NULL,
      PRIMARY KEY (epoch, side, ref)
    ) STRICT
    """,
    """
    CREATE TABLE notices (
      arrival INTEGER PRIMARY KEY,
      notice_id BLOB NOT NULL UNIQUE,
      mailbox BLOB NOT NULL,      -- the epoch in which it was fetched last: numbers may begin anew
      number INTEGER NOT NULL,    -- in that mailbox
      side INTEGER NOT NULL, epoch BLOB NOT NULL, unit TEXT NOT NULL, hit_id BLOB NOT NULL,
      sealed BLOB NOT NULL, signature BLOB NOT NULL, acknowledged INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE checkpoints (
      log_key BLOB NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL,
      PRIMARY KEY (log_key, size)
    ) STRICT
    """,
)


class Form(IntEnum):
    """What a request of the outbox is."""

    BATCH = 1
    WITHDRAWAL = 2


@dataclass(frozen=True, repr=False)
class Request:
    """One request of the outbox: ``body`` is ``Batch.encode`` or ``Withdrawal.encode``."""

    side: Side
    seq: int
    form: Form
    digest: bytes
    body: bytes


@dataclass(frozen=True, repr=False)
class StoredRecord:
    """One sealed record: whose it is and what it says, without saying it. Lengths 16, 32, 32."""

    rid: bytes
    ref: str
    content: bytes
    token: bytes


@dataclass(frozen=True, repr=False)
class StoredNotice:
    """A notice as it arrived; ``arrival`` counts up over both sides."""

    arrival: int
    notice: SealedNotice
    acknowledged: bool


class State:
    """The state file at ``path``; made, owner-only, where there is none.

    Raises StateError for a file that is not one, is newer than this code, or cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StateError(
                f"the state file cannot be opened: {error.strerror}",
                f"无法打开状态文件：{error.strerror}",
            ) from None
        with self.transaction() as tx:
            tx.prepare_schema()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that sees and changes one state; kept when the block ends, else undone."""
        try:
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield Transaction(connection)
                except BaseException:
                    if connection.in_transaction:  # SQLite itself undoes it where the disk is full
                        connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StateError(
                f"the state file cannot be used: {name}",
                "客户端状态文件无法读写（磁盘已满、被占用或已损坏），本次操作未保存",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        # A connection a transaction: cheap here, and safe in any thread of the caller's system.
        connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        connection.execute("PRAGMA synchronous = EXTRA")  # the journal's end reaches the disk, too
        return connection


class Transaction:
    """Every query of the state file. Lives as long as ``State.transaction``'s block."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def prepare_schema(self) -> None:
        """Return when the tables are those of this version. Raises StateError."""
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if application == 0 and not self._rows("SELECT 1 FROM sqlite_schema"):
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        elif application != _APPLICATION:
            raise StateError("not a state file of this client", "该文件不是本客户端的状态文件")
        elif version != _VERSION:
            raise StateError(
                f"the state file has version {version}; this client knows {_VERSION}",
                "状态文件由更新版本的客户端写入，请升级软件",
            )

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        return self._db.execute(sql, values).fetchall()

    # --- outbox -----------------------------------------------------------------------------------

    def next_seq(self, epoch: bytes, side: Side) -> int:
        """The sequence number of the next request, from 1."""
        sql = "SELECT coalesce(max(seq), 0) + 1 FROM requests WHERE epoch = ? AND side = ?"
        return int(self._db.execute(sql, (epoch, side)).fetchone()[0])

    def add_request(self, epoch: bytes, request: Request) -> None:
        """Put a request into the outbox, where it stays until it has a receipt."""
        self._db.execute(
            "INSERT INTO requests (epoch, side, seq, form, digest, body) VALUES (?, ?, ?, ?, ?, ?)",
            (epoch, request.side, request.seq, request.form, request.digest, request.body),
        )

    def first_waiting(self, epoch: bytes, side: Side, after: int = 0) -> Request | None:
        """The request without a receipt that comes next behind number ``after``, or None."""
        row = self._db.execute(
            "SELECT seq, form, digest, body FROM requests WHERE epoch = ? AND side = ?"
            " AND seq > ? AND receipt IS NULL ORDER BY seq LIMIT 1",
            (epoch, side, after),
        ).fetchone()
        return row and Request(side, row[0], Form(row[1]), row[2], row[3])

    def count_waiting(self, epoch: bytes) -> int:
        """How many requests wait for a receipt."""
        sql = "SELECT count(*) FROM requests WHERE epoch = ? AND receipt IS NULL"
        return int(self._db.execute(sql, (epoch,)).fetchone()[0])

    def keep_receipt(self, receipt: Receipt) -> None:
        """Store the receipt and drop the bytes that were sent."""
        self._db.execute(
            "UPDATE requests SET receipt = ?, body = NULL WHERE epoch = ? AND side = ? AND seq = ?",
            (receipt.encode(), receipt.epoch, receipt.side, receipt.seq),
        )

    def unproved(self, epoch: bytes) -> list[tuple[Form, Receipt]]:
        """The receipts whose leaves were not yet looked up in the audit log."""
        rows = self._db.execute(
            "SELECT form, receipt FROM requests WHERE epoch = ? AND receipt IS NOT NULL"
            " AND NOT proved ORDER BY side, seq",
            (epoch,),
        )
        return [(Form(form), Receipt.decode(receipt)) for form, receipt in rows]

    def mark_proved(self, receipt: Receipt) -> None:
        """The receipt's leaf was found in the audit log."""
        self._db.execute(
            "UPDATE requests SET proved = 1 WHERE epoch = ? AND side = ? AND seq = ?",
            (receipt.epoch, receipt.side, receipt.seq),
        )

    # --- records ----------------------------------------------------------------------------------

    def add_records(self, epoch: bytes, side: Side, records: Sequence[StoredRecord]) -> None:
        """Remember new live records."""
        self._db.executemany(
            "INSERT INTO records (epoch, rid, side, ref, content, token) VALUES (?, ?, ?, ?, ?, ?)",
            [(epoch, r.rid, side, r.ref, r.content, r.token) for r in records],
        )

    def live_records(self, epoch: bytes, side: Side, ref: str) -> dict[bytes, bytes]:
        """The live records under ``ref``: content digest → record id."""
        rows = self._db.execute(
            "SELECT content, rid FROM records WHERE epoch = ? AND side = ? AND ref = ? AND live",
            (epoch, side, ref),
        )
        return dict(rows.fetchall())

    def retire_records(self, epoch: bytes, rids: Sequence[bytes]) -> None:
        """The records are not live any more; who they were stays known, for notices under way."""
        self._db.executemany(
            "UPDATE records SET live = 0 WHERE epoch = ? AND rid = ?",
            [(epoch, rid) for rid in rids],
        )

    def find_record(self, epoch: bytes, rid: bytes) -> StoredRecord | None:
        """The record of that id, live or not, or None."""
        row = self._db.execute(
            "SELECT ref, content, token FROM records WHERE epoch = ? AND rid = ?", (epoch, rid)
        ).fetchone()
        return row and StoredRecord(rid, *row)

    def mark_incomplete(self, epoch: bytes, side: Side, ref: str, *, incomplete: bool) -> None:
        """Remember whether a row of ``ref`` was refused when it was last prepared."""
        self._db.execute(
            "INSERT OR IGNORE INTO incomplete VALUES (?, ?, ?)"
            if incomplete
            else "DELETE FROM incomplete WHERE epoch = ? AND side = ? AND ref = ?",
            (epoch, side, ref),
        )

    def is_incomplete(self, epoch: bytes, side: Side, ref: str) -> bool:
        """Whether a row of ``ref`` was refused when it was last prepared."""
        sql = "SELECT 1 FROM incomplete WHERE epoch = ? AND side = ? AND ref = ?"
        return bool(self._rows(sql, epoch, side, ref))

    # --- notices and the log ----------------------------------------------------------------------

    def last_notice(self, mailbox: bytes, side: Side) -> int:
        """The greatest number of a notice that was fetched in the epoch ``mailbox``, or 0."""
        sql = "SELECT coalesce(max(number), 0) FROM notices WHERE mailbox = ? AND side = ?"
        return int(self._db.execute(sql, (mailbox, side)).fetchone()[0])

    def add_notice(
        self, mailbox: bytes, number: int, notice: SealedNotice, *, acknowledged: bool
    ) -> None:
        """Store a notice as it arrived; one that is there already keeps its content."""
        values = {
            **vars(notice),
            "mailbox": mailbox,
            "number": number,
            "acknowledged": acknowledged,
        }
        self._db.execute(
            "INSERT INTO notices (notice_id, mailbox, number, side, epoch, unit, hit_id, sealed,"
            " signature, acknowledged) VALUES (:notice_id, :mailbox, :number, :side, :epoch, :unit,"
            " :hit_id, :sealed, :signature, :acknowledged) ON CONFLICT (notice_id)"
            " DO UPDATE SET mailbox = excluded.mailbox, number = excluded.number",
            values,
        )

    def notices(self, side: Side) -> list[StoredNotice]:
        """All notices of ``side`` in order of arrival."""
        rows = self._db.execute(
            "SELECT arrival, acknowledged, epoch, notice_id, unit, hit_id, sealed, signature"
            " FROM notices WHERE side = ? ORDER BY arrival",
            (side,),
        )
        return [
            StoredNotice(
                arrival,
                SealedNotice(epoch, notice_id, unit, side, hit_id, sealed, signature),
                bool(acknowledged),
            )
            for arrival, acknowledged, epoch, notice_id, unit, hit_id, sealed, signature in rows
        ]

    def mark_acknowledged(self, arrival: int) -> None:
        """The matcher has the acknowledgement of that notice."""
        self._db.execute("UPDATE notices SET acknowledged = 1 WHERE arrival = ?", (arrival,))

    def last_checkpoint(self, log_key: bytes) -> str | None:
        """The checkpoint of the largest log seen under that key, as a signed note, or None."""
        row = self._db.execute(
            "SELECT note FROM checkpoints WHERE log_key = ? ORDER BY size DESC LIMIT 1", (log_key,)
        ).fetchone()
        return row and str(row[0])

    def add_checkpoint(self, log_key: bytes, size: int, note: str) -> None:
        """Remember a checkpoint for ever."""
        self._db.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?)", (log_key, size, note)
        )
