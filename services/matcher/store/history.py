"""Many batches at once: all rows first, one join of them with everything that is live, one transaction.

What a load comes to is what its messages would have come to over the wire, one after another in the order in
which they are taken: the same hits with the same ids, the same leaves in that order, receipts of the same
form (docs/decisions/0016). One thing differs: what a load itself withdraws again was never flagged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import (
    LogSigner,
    encode_batch_leaf,
    encode_hit_leaf,
    encode_withdrawal_leaf,
    sign_receipt,
)
from libmatch.batch import AdmittedBatch
from libmatch.errors import ConflictError, SequenceError
from libmatch.matching import make_hit
from libmatch.records import Side, Withdrawal
from libmatch.release import hit_id
from libmatch.suites import Suite
from services.chassis import audit
from services.chassis.db import Database, to_micros
from services.chassis.identity import Identity
from services.matcher.store.joins import Match
from services.matcher.store.ledger import append_entries
from services.matcher.store.pairs import Pairs, count_pairs, find_pairs, read_refs
from services.matcher.store.rows import (
    erase_rows,
    find_live,
    insert_batch,
    insert_hits,
    insert_rows,
    next_number,
)
from services.matcher.store.submissions import Stream
from services.matcher.tables import (
    Kind,
    Record,
    StoredHit,
    Submission,
    number_of,
    record_id,
    table_of,
)

_RECORD, _SUBMISSION, _HIT = table_of(Record), table_of(Submission), table_of(StoredHit)
_AT_ONCE = 256
"""Submissions whose leaves, receipts and hits are written together."""
_WORTH_REBUILDING = 5
"""An index that is built anew takes 1 µs a row; a row put into it at random takes five times that or more."""

_CACHE_KIB = 1 << 20
"""Of the process that loads: the index of some 30 million record ids."""


class LoadRefused(Exception):
    """Nothing of a load was kept; ``problems`` are (where, why in English)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {why}" for where, why in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class LoadOrder:
    """What a load is for and by whom. ``rows``: about how many records it brings.

    ``hits_per_batch``: as for submissions. ``scratch``: a folder for tables of tokens while they are joined.
    """

    epoch: bytes
    suite: Suite
    hits_per_batch: int
    rows: int
    scratch: Path
    actor: Identity
    at: datetime


@dataclass(frozen=True)
class Loaded:
    """What was kept: new messages and records, hits found; ``known`` messages were there before."""

    batches: int = 0
    records: int = 0
    withdrawals: int = 0
    hits: int = 0
    known: int = 0


class History:
    """Loads, each in one committed and synced transaction."""

    def __init__(self, database: Database, signer: LogSigner) -> None:
        self._database = database
        self._signer = signer

    def load(self, order: LoadOrder, fill: Callable[[Loading], None]) -> Loaded:
        """What came of the messages that ``fill`` gave to the loading. It may run twice.

        Raises LoadRefused, or what ``fill`` raises; then nothing is kept.
        """

        def write(session: Session) -> Loaded:
            loading = Loading(session, self._signer, order)
            fill(loading)
            return loading.finish()

        return self._database.run_tx("load", write)


@dataclass
class _Line:
    """One unit and side in the transaction: the next number, and the digests that this load brought."""

    stream: Stream
    owner: int
    next_seq: int
    digests: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entry:
    """A message that is new: its submission's number, and where it came from for refusals."""

    number: int
    line: _Line
    seq: int
    kind: Kind
    count: int
    digest: bytes
    where: str
    rids: tuple[bytes, ...] = ()  # of a withdrawal


class Loading:
    """The messages of one load in its transaction, in the order of their acceptance."""

    def __init__(self, session: Session, signer: LogSigner, order: LoadOrder) -> None:
        self._session = session
        self._signer = signer
        self._order = order
        self._lines: dict[tuple[str, Side], _Line] = {}
        self._entries: list[_Entry] = []
        self._known = 0
        self._number = self._first = next_number(session, _SUBMISSION.c.number)
        self._dropped = _make_room(session, order.rows)

    def take_batch(self, batch: AdmittedBatch, where: str) -> None:
        """Keep a checked batch's rows. ``where`` names its file.

        Raises ConflictError for a number or a record id that was used before, SequenceError for a gap.
        """
        header = batch.batch.header
        entry = self._enter(
            header.unit, header.side, header.seq, batch.digest, where, Kind.BATCH, header.count
        )
        if entry is not None:
            insert_batch(self._session, entry.number, batch)
            insert_rows(self._session, entry.number, entry.line.owner, batch)

    def take_withdrawal(self, withdrawal: Withdrawal, digest: bytes, where: str) -> None:
        """Keep a checked withdrawal; its rows go when all are there. Raises as ``take_batch``."""
        w = withdrawal
        self._enter(w.unit, w.side, w.seq, digest, where, Kind.WITHDRAWAL, len(w.rids), w.rids)

    def _enter(
        self,
        unit: str,
        side: Side,
        seq: int,
        digest: bytes,
        where: str,
        kind: Kind,
        count: int,
        rids: tuple[bytes, ...] = (),
    ) -> _Entry | None:
        """The entry of a new message, its submission stored without a receipt; None for a known one."""
        line = self._find_line(unit, side)
        if self._is_known(line, seq, digest):
            self._known += 1
            return None
        line.next_seq, line.digests[seq] = seq + 1, digest
        entry = _Entry(self._number, line, seq, kind, count, digest, where, rids)
        self._number += 1
        self._entries.append(entry)
        row = {
            "number": entry.number,
            "owner": line.owner,
            "side": int(side),
            "seq": seq,
            "kind": int(kind),
            "count": count,
            "digest": digest,
            "accepted_at": self._order.at,
            "leaf_index": 0,
            "receipt": b"",  # both follow when the hits before it are known
        }
        self._session.connection().execute(_SUBMISSION.insert(), row)
        return entry

    def _find_line(self, unit: str, side: Side) -> _Line:
        line = self._lines.get((unit, side))
        if line is None:
            stream = Stream(self._order.epoch, unit, side)
            owner = stream.owner(self._session, self._order.suite)
            line = _Line(stream, owner, stream.next_seq(self._session))
            self._lines[unit, side] = line
        return line

    def _is_known(self, line: _Line, seq: int, digest: bytes) -> bool:
        if seq > line.next_seq:
            raise SequenceError(line.next_seq)
        if seq == line.next_seq:
            return False
        known = line.digests.get(seq)
        if known is None:
            stored = line.stream.find(self._session, seq)
            known = stored and stored[0]
        if known != digest:
            raise ConflictError("this sequence number was used for other content")
        return True

    def finish(self) -> Loaded:
        """What came of it: rows withdrawn, hits found, leaves and receipts written. Raises LoadRefused."""
        for index in self._dropped:
            self._session.connection().execute(sa.schema.CreateIndex(index))
        if not self._entries:
            return Loaded(known=self._known)
        self._erase_withdrawn()
        pairs = self._join()
        for start in range(0, len(self._entries), _AT_ONCE):
            self._settle(self._entries[start : start + _AT_ONCE], pairs)
        batches = [entry for entry in self._entries if entry.kind is Kind.BATCH]
        loaded = Loaded(
            batches=len(batches),
            records=sum(entry.count for entry in batches),
            withdrawals=len(self._entries) - len(batches),
            hits=len(pairs),
            known=self._known,
        )
        self._leave_trail(loaded)
        return loaded

    def _erase_withdrawn(self) -> None:
        for entry in self._entries:
            if entry.kind is not Kind.WITHDRAWAL:
                continue
            stream = entry.line.stream
            records = find_live(self._session, entry.line.owner, stream.side, entry.rids)
            if len(records) != entry.count or any(number_of(r) > entry.number for r in records):
                raise _refuse(
                    entry, "a withdrawal names live records of its own unit and side, and no others"
                )
            erase_rows(self._session, records)

    def _join(self) -> Pairs:
        """The pairs that are new, in the order in which the wire would have found them."""
        order, session = self._order, self._session
        batches = sum(entry.kind is Kind.BATCH for entry in self._entries)
        flagged = session.scalar(sa.select(sa.func.count()).where(_HIT.c.live)) or 0
        if count_pairs(session) - int(flagged) > order.hits_per_batch * batches:
            raise LoadRefused([("all files", _too_many(order.hits_per_batch))])
        found = find_pairs(session, order.epoch, order.scratch)
        pairs = found.since(record_id(self._first, 0))
        for entry in self._entries:
            if len(pairs.between(entry.number, entry.number)) > order.hits_per_batch:
                raise _refuse(entry, _too_many(order.hits_per_batch))
        return pairs

    def _settle(self, entries: Sequence[_Entry], pairs: Pairs) -> None:
        """Leaves, receipts and hits of ``entries``."""
        order, at_us = self._order, to_micros(self._order.at)
        refs = read_refs(
            self._session, order.epoch, pairs.between(entries[0].number, entries[-1].number)
        )
        leaves, places, found = list[bytes](), list[int](), list[tuple[list[Match], list[bytes]]]()
        for entry in entries:
            mine = pairs.between(entry.number, entry.number)
            matches = [Match(new, old, refs[old]) for new, old in mine]
            hits = (make_hit(refs[match.new_record], match.other) for match in matches)
            ids = [hit_id(order.suite, order.epoch, hit) for hit in hits]
            places.append(len(leaves))
            leaves += [_leaf_of(entry, at_us), *(encode_hit_leaf(one, at_us) for one in ids)]
            found.append((matches, ids))
        first = append_entries(self._session, leaves)
        self._sign(entries, [first + place for place in places], at_us)
        for entry, place, (matches, ids) in zip(entries, places, found, strict=True):
            side = entry.line.stream.side
            insert_hits(self._session, side, matches, ids, order.at, first + place + 1)

    def _sign(self, entries: Sequence[_Entry], leaf_indices: Sequence[int], at_us: int) -> None:
        update = (
            _SUBMISSION.update()
            .where(_SUBMISSION.c.number == sa.bindparam("of"))
            .values(leaf_index=sa.bindparam("leaf"), receipt=sa.bindparam("signed"))
        )
        rows = []
        for entry, leaf in zip(entries, leaf_indices, strict=True):
            s = entry.line.stream
            fields = (s.epoch, s.side, s.unit, entry.seq, entry.digest, at_us, leaf)
            receipt = sign_receipt(self._signer, *fields)
            rows.append({"of": entry.number, "leaf": leaf, "signed": receipt.encode()})
        self._session.connection().execute(update, rows)

    def _leave_trail(self, loaded: Loaded) -> None:
        subject = f"{loaded.batches} batches, {loaded.withdrawals} withdrawals"
        audit.record(
            self._session,
            at=self._order.at,
            actor=self._order.actor,
            action="history.load",
            subject=subject,
        )


def _make_room(session: Session, rows: int) -> list[sa.Index]:
    """The indexes of records that are to be built again at the end, now gone; none where few rows come."""
    if session.get_bind().dialect.name != "sqlite":
        return []  # elsewhere others read meanwhile, and would wait for the whole load
    # Record ids come at random: while their index fits, no page of it is written before the end.
    session.connection().exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIB}")
    query = sa.select(sa.func.sum(_SUBMISSION.c.count)).where(_SUBMISSION.c.kind == int(Kind.BATCH))
    if int(session.scalar(query) or 0) > _WORTH_REBUILDING * rows:
        return []
    indexes = [index for index in _RECORD.indexes if not index.unique]
    for index in indexes:
        session.connection().execute(sa.schema.DropIndex(index))
    return indexes


def _leaf_of(entry: _Entry, at_us: int) -> bytes:
    encode = encode_batch_leaf if entry.kind is Kind.BATCH else encode_withdrawal_leaf
    stream = entry.line.stream
    return encode(entry.digest, stream.side, stream.unit, entry.seq, at_us)


def _refuse(entry: _Entry, why: str) -> LoadRefused:
    return LoadRefused([(entry.where, f"message {entry.seq}: {why}")])


def _too_many(limit: int) -> str:
    return f"a batch flags at most {limit} pairs: it repeats few persons very often"
