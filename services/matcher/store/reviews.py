"""What 纪委 sees: capsules to test, hits, the two rows of one hit; never a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from libmatch.records import (
    WORD,
    BatchHeader,
    FlaggedPair,
    FlaggedRecord,
    SealedRow,
    Side,
    cut,
)
from libmatch.suites import get_suite
from services.chassis import audit
from services.chassis.db import Database, to_micros
from services.chassis.identity import Identity
from services.chassis.refusals import NotFound, WrongState
from services.matcher.store.trees import Trees
from services.matcher.tables import (
    Capsule,
    Owner,
    Record,
    Sealed,
    StoredBatch,
    StoredHit,
    Submission,
    number_of,
    position_of,
    table_of,
)

_OWNER, _SUBMISSION = table_of(Owner), table_of(Submission)
_BATCH, _HIT = table_of(StoredBatch), table_of(StoredHit)

# Column by column: a batch's leaf hashes are 64 KiB, and a list has no use for them.
_SUMMARIES = (
    sa.select(
        _BATCH.c.number,
        _BATCH.c.capsule,
        _BATCH.c.signature,
        _BATCH.c.root,
        _SUBMISSION.c.side,
        _SUBMISSION.c.seq,
        _SUBMISSION.c.count.label("count_"),  # rows have a method of that name
        _SUBMISSION.c.leaf_index,
        _OWNER.c.epoch,
        _OWNER.c.unit,
        _OWNER.c.suite,
    )
    .join(_SUBMISSION, _SUBMISSION.c.number == _BATCH.c.number)
    .join(_OWNER, _OWNER.c.id == _SUBMISSION.c.owner)
)


@dataclass(frozen=True)
class BatchSummary:
    """A batch without its rows; ``number`` ascends over all units."""

    number: int
    header: BatchHeader
    capsule: bytes
    signature: bytes
    root: bytes
    leaf_index: int


@dataclass(frozen=True)
class HitSummary:
    """A flagged pair without its rows; ``number`` ascends in order of discovery."""

    number: int
    hit_id: bytes
    found_at_us: int
    leaf_index: int
    live: bool


class Reviews:
    """Reads for 纪委, and what it reports of capsules."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trees = Trees()

    def list_batches(self, after: int, limit: int) -> list[BatchSummary]:
        """Up to ``limit`` batches numbered above ``after``, ascending; without those that are withdrawn.

        A batch of which no row is live has no capsule any more, and nothing to open.
        """
        query = (
            _SUMMARIES.where(_BATCH.c.number > after, _BATCH.c.capsule.is_not(None))
            .order_by(_BATCH.c.number)
            .limit(limit)
        )
        return self._database.read(
            lambda session: [_summary(row) for row in session.execute(query)]
        )

    def report_capsules(
        self, results: Mapping[int, bool], inspector: Identity, at: datetime
    ) -> None:
        """Keep which batches' capsules open; a later report replaces an earlier one.

        Raises NotFound, and keeps nothing, where a number is no batch's.
        """

        def write(session: Session) -> None:
            for number, opens in results.items():
                row = session.get(StoredBatch, number)
                if row is None:
                    raise NotFound("no batch of that number", "没有这一批次。")
                state = Capsule.OPENS if opens else Capsule.BAD
                if state is Capsule.BAD and row.state != Capsule.BAD:
                    subject = f"batch {number}"
                    audit.record(
                        session, at=at, actor=inspector, action="capsule.bad", subject=subject
                    )
                row.state = int(state)

        self._database.run_tx("report-capsules", write)

    def list_hits(self, after: int, limit: int) -> list[HitSummary]:
        """Up to ``limit`` hits numbered above ``after``, ascending."""
        query = select(StoredHit).where(_HIT.c.number > after).order_by(_HIT.c.number).limit(limit)
        return self._database.read(lambda session: [_hit(row) for row in session.exec(query)])

    def fetch_pair(self, hit_id: bytes) -> tuple[HitSummary, FlaggedPair]:
        """The two rows of one hit with their paths, from stored leaf hashes.

        Raises NotFound for an unknown hit, WrongState for one whose record was withdrawn.
        """

        def read(session: Session) -> tuple[HitSummary, FlaggedPair]:
            row = session.exec(select(StoredHit).where(_HIT.c.hit_id == hit_id)).first()
            if row is None:
                raise NotFound("the matcher flagged no such pair", "没有这一比中结果。")
            if not row.live:
                raise WrongState("a record of the pair was withdrawn", "该比中记录已被撤回。")
            records = (row.registry_record, row.beneficiary_record)
            pair = FlaggedPair(*(_flagged(session, record, self._trees) for record in records))
            return _hit(row), pair

        return self._database.read(read)


def _summary(row: Any) -> BatchSummary:
    header = BatchHeader(row.epoch, Side(row.side), row.unit, row.seq, row.count_)
    return BatchSummary(
        row.number, header, row.capsule or b"", row.signature, row.root, row.leaf_index
    )


def _hit(row: StoredHit) -> HitSummary:
    found_at = to_micros(row.found_at)
    return HitSummary(row.number, row.hit_id, found_at, row.leaf_index, row.live)


def _flagged(session: Session, record: int, trees: Trees) -> FlaggedRecord:
    of_batch, position = _BATCH.c.number == number_of(record), position_of(record)
    found = session.execute(_SUMMARIES.where(of_batch)).one()
    summary, suite = _summary(found), get_suite(found.suite)
    return FlaggedRecord(
        header=summary.header,
        capsule=summary.capsule,
        signature=summary.signature,
        position=position,
        row=_row(session, record),
        path=tuple(trees.prove(session, number_of(record), suite, position)),
    )


def _row(session: Session, record: int) -> SealedRow:
    rid, body = session.get_one(Record, record).rid, session.get_one(Sealed, record).body
    c_reg, c_ben, half, com = cut(body[: 4 * WORD], WORD)
    return SealedRow(rid, c_reg, c_ben, half, com, body[4 * WORD :])
