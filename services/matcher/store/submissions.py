"""Batches and withdrawals: each one transaction of rows, hits, log leaves and receipt.

The order of checks is the same for both: seen before (the stored receipt, or a conflict), the next number,
then what is particular. Signatures and who the peer is were checked before (``intake``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

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
from libmatch.errors import BatchError, ConflictError, SequenceError
from libmatch.matching import make_hit
from libmatch.records import RID_SIZE, Receipt, RecordRef, Side, Withdrawal, cell
from libmatch.release import hit_id
from libmatch.suites import Suite
from services.chassis.db import Database, to_micros
from services.chassis.refusals import Overloaded
from services.matcher.store.groups import Groups, Ticket
from services.matcher.store.joins import Match, find_matches
from services.matcher.store.ledger import append_entries
from services.matcher.store.rows import (
    erase_rows,
    find_live,
    insert_batch,
    insert_hits,
    insert_rows,
    next_number,
)
from services.matcher.tables import Kind, Owner, Submission, position_of, record_id, table_of

_DAY = timedelta(hours=24)
_TOGETHER = 8  # a transaction of the largest batches takes some 0.2 s; more save little
_QUOTA_RETRY_S = 3600.0  # the window slides: an hour later there may be room

_OWNER = table_of(Owner)
_SUBMISSION = table_of(Submission)


@dataclass(frozen=True)
class Quota:
    """What one unit may do: records in any 24 hours, and pairs that one batch may flag."""

    records_per_day: int
    hits_per_batch: int


class Submissions:
    """Accepts in committed and synced transactions, each of what waits by then, and finds what was accepted.

    ``together``: how many submissions share a transaction at most.
    """

    def __init__(self, database: Database, signer: LogSigner, together: int = _TOGETHER) -> None:
        self._database = database
        self._signer = signer
        self._groups: Groups[Receipt] = Groups(database, "submit", together)

    def admit(self, suite: Suite, batch: AdmittedBatch, quota: Quota, at: datetime) -> Receipt:
        """The receipt of a checked batch; of one that was accepted before, the stored receipt.

        Raises ConflictError, SequenceError, Overloaded (quota), BatchError (too many pairs).
        """
        return self.offer(suite, batch, quota, at).result()

    def offer(
        self, suite: Suite, batch: AdmittedBatch, quota: Quota, at: datetime
    ) -> Ticket[Receipt]:
        """A place in the line for ``admit``: what is offered first is accepted first."""
        header = batch.batch.header
        stream = Stream(header.epoch, header.unit, header.side)

        def write(session: Session) -> Receipt:
            acceptance = Acceptance(session, self._signer, stream, header.seq, batch.digest, at)
            return acceptance.earlier() or _admit(acceptance, suite, batch, quota)

        return self._groups.offer(write)

    def withdraw(
        self, suite: Suite, withdrawal: Withdrawal, digest: bytes, at: datetime
    ) -> Receipt:
        """The receipt of a checked withdrawal, likewise.

        Raises ConflictError, SequenceError, or BatchError where it names anything but live records of its
        unit and side; which of them is not told, so that it is no oracle.
        """
        w = withdrawal
        stream = Stream(w.epoch, w.unit, w.side)

        def write(session: Session) -> Receipt:
            acceptance = Acceptance(session, self._signer, stream, w.seq, digest, at)
            return acceptance.earlier() or _withdraw(acceptance, suite, w)

        return self._groups.offer(write).result()

    def find_receipt(self, epoch: bytes, unit: str, side: Side, seq: int) -> Receipt | None:
        """The stored receipt of that number, if there is one."""
        stream = Stream(epoch, unit, side)
        found = self._database.read(lambda session: stream.find(session, seq))
        return found and found[1]

    def next_seq(self, epoch: bytes, unit: str, side: Side) -> int:
        """The number that the unit's next submission of this side must have; the first is 1."""
        return self._database.read(Stream(epoch, unit, side).next_seq)


@dataclass(frozen=True)
class Stream:
    """The numbered submissions of one unit and side in one epoch."""

    epoch: bytes
    unit: str
    side: Side

    def find(self, session: Session, seq: int) -> tuple[bytes, Receipt] | None:
        """(digest, receipt) of submission ``seq``."""
        columns = (_SUBMISSION.c.digest, _SUBMISSION.c.receipt)
        query = sa.select(*columns).where(*self._where(), _SUBMISSION.c.seq == seq)
        row = session.execute(query).first()
        return None if row is None else (row.digest, Receipt.decode(row.receipt))

    def next_seq(self, session: Session) -> int:
        query = sa.select(sa.func.max(_SUBMISSION.c.seq)).where(*self._where())
        return int(session.scalar(query) or 0) + 1

    def owner(self, session: Session, suite: Suite) -> int:
        """The owner's id, made where this is the unit's first submission in the epoch."""
        where = (_OWNER.c.epoch == self.epoch, _OWNER.c.unit == self.unit)
        known = session.scalar(sa.select(_OWNER.c.id).where(*where))
        if known is not None:
            return int(known)
        new = next_number(session, _OWNER.c.id)
        row = {"id": new, "epoch": self.epoch, "unit": self.unit, "suite": suite.number}
        session.execute(_OWNER.insert().values(row))
        return new

    def _where(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _SUBMISSION.c.owner == _OWNER.c.id,
            _OWNER.c.epoch == self.epoch,
            _OWNER.c.unit == self.unit,
            _SUBMISSION.c.side == int(self.side),
        )


@dataclass(frozen=True)
class Acceptance:
    """One submission in its transaction: is it new, and keeping it."""

    session: Session
    signer: LogSigner
    stream: Stream
    seq: int
    digest: bytes
    at: datetime

    @property
    def at_us(self) -> int:
        return to_micros(self.at)

    def earlier(self) -> Receipt | None:
        """The receipt of the same content under the same number; None where this is the next number.

        Raises ConflictError for other content, SequenceError for a number that is not the next one.
        """
        found = self.stream.find(self.session, self.seq)
        if found is not None:
            digest, receipt = found
            if digest != self.digest:
                raise ConflictError("this sequence number was used for other content")
            return receipt
        expected = self.stream.next_seq(self.session)
        if self.seq != expected:
            raise SequenceError(expected)
        return None

    def keep(self, number: int, owner: int, kind: Kind, count: int, leaf_index: int) -> Receipt:
        """The receipt, signed and stored with its submission."""
        s = self.stream
        fields = (s.epoch, s.side, s.unit, self.seq, self.digest, self.at_us, leaf_index)
        receipt = sign_receipt(self.signer, *fields)
        row = {
            "number": number,
            "owner": owner,
            "side": int(s.side),
            "seq": self.seq,
            "kind": int(kind),
            "count": count,
            "digest": self.digest,
            "accepted_at": self.at,
            "leaf_index": leaf_index,
            "receipt": receipt.encode(),
        }
        self.session.connection().execute(_SUBMISSION.insert(), row)
        return receipt


def _admit(acceptance: Acceptance, suite: Suite, admitted: AdmittedBatch, quota: Quota) -> Receipt:
    session, stream, at = acceptance.session, acceptance.stream, acceptance.at
    count, rids = admitted.batch.header.count, admitted.batch.columns.rid
    owner = stream.owner(session, suite)
    _check_quota(session, owner, count, quota, at)
    number = next_number(session, _SUBMISSION.c.number)
    insert_rows(session, number, owner, admitted)
    matches = _match(session, number, count, stream, quota)
    hit_ids = [
        hit_id(suite, stream.epoch, make_hit(_new_ref(stream, rids, match), match.other))
        for match in matches
    ]
    at_us = acceptance.at_us
    leaf = encode_batch_leaf(acceptance.digest, stream.side, stream.unit, acceptance.seq, at_us)
    first = append_entries(session, [leaf, *(encode_hit_leaf(one, at_us) for one in hit_ids)])
    receipt = acceptance.keep(number, owner, Kind.BATCH, count, first)
    insert_batch(session, number, admitted)
    insert_hits(session, stream.side, matches, hit_ids, at, first + 1)
    return receipt


def _new_ref(stream: Stream, rids: bytes, match: Match) -> RecordRef:
    rid = cell(rids, RID_SIZE, position_of(match.new_record))
    return RecordRef(stream.side, stream.unit, rid)


def _check_quota(session: Session, owner: int, count: int, quota: Quota, at: datetime) -> None:
    recent = session.scalar(
        sa.select(sa.func.sum(_SUBMISSION.c.count)).where(
            _SUBMISSION.c.owner == owner,
            _SUBMISSION.c.kind == int(Kind.BATCH),
            _SUBMISSION.c.accepted_at > at - _DAY,
        )
    )
    if int(recent or 0) + count > quota.records_per_day:
        raise Overloaded(
            f"a unit submits at most {quota.records_per_day} records in 24 hours",
            f"本单位24小时内提交的记录已达上限（{quota.records_per_day}条），请稍后再提交或联系管理员。",
            retry_after_s=_QUOTA_RETRY_S,
        )


def _match(session: Session, number: int, count: int, stream: Stream, quota: Quota) -> list[Match]:
    ends = record_id(number, 0), record_id(number, count - 1)
    limit = quota.hits_per_batch + 1
    matches = find_matches(session, *ends, stream.side, stream.epoch, limit)
    if len(matches) == limit:
        raise BatchError(
            f"a batch flags at most {quota.hits_per_batch} pairs: it repeats few persons very often"
        )
    return matches


def _withdraw(acceptance: Acceptance, suite: Suite, withdrawal: Withdrawal) -> Receipt:
    session, stream, w = acceptance.session, acceptance.stream, withdrawal
    owner = stream.owner(session, suite)
    records = find_live(session, owner, w.side, w.rids)
    if len(records) != len(w.rids):
        raise BatchError("a withdrawal names live records of its own unit and side, and no others")
    erase_rows(session, records)
    leaf = encode_withdrawal_leaf(
        acceptance.digest, stream.side, stream.unit, acceptance.seq, acceptance.at_us
    )
    first = append_entries(session, [leaf])
    number = next_number(session, _SUBMISSION.c.number)
    return acceptance.keep(number, owner, Kind.WITHDRAWAL, len(records), first)
