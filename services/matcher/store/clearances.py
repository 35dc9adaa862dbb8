"""What the gate must know of records, read and logged in one transaction.

Set-based queries for up to 1000 record ids, under the caller's own namespace: an id of another unit is
looked up and missed exactly as one that nobody ever used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import RID_SIZE, Side
from services.chassis.db import Database
from services.matcher.standing import FlaggedPair
from services.matcher.store.cases import read_flagged
from services.matcher.store.columns import POSITIONS, cut_column
from services.matcher.store.groups import Groups
from services.matcher.store.ledger import append_entries
from services.matcher.store.prepared import Prepared
from services.matcher.tables import (
    POSITION_BITS,
    Capsule,
    Kind,
    Owner,
    Record,
    StoredBatch,
    StoredHit,
    Submission,
    table_of,
)

_OWNER, _RECORD = table_of(Owner), table_of(Record)
_SUBMISSION, _BATCH, _HIT = table_of(Submission), table_of(StoredBatch), table_of(StoredHit)

_TOGETHER = 32  # more than calls at once by default


@dataclass(frozen=True)
class Facts:
    """What is known of one live record; ``opens`` is None until 纪委 has tested its batch's capsule.

    ``hits`` are the live ones, each with what its case has come to.
    """

    opens: bool | None
    hits: tuple[FlaggedPair, ...] = ()


_WITHOUT_HITS = {
    Capsule.UNTESTED: Facts(None),
    Capsule.OPENS: Facts(True),
    Capsule.BAD: Facts(False),
}


@dataclass(frozen=True)
class Known:
    """Facts by record id (ids without facts are nobody's, or not the caller's, or withdrawn).

    ``arrived`` are the units with an accepted batch of declarations in this epoch.
    """

    facts: dict[bytes, Facts]
    arrived: frozenset[str]


class Clearances:
    """Reads what is known, lets the gate decide, and logs what it answered.

    Questions that wait at the same moment share one transaction, of up to ``together``.
    """

    def __init__(self, database: Database, together: int = _TOGETHER) -> None:
        self._groups: Groups[int] = Groups(database, "gate", together, savepoints=False)

    def consult(
        self, epoch: bytes, unit: str, rids: Sequence[bytes], decide: Callable[[Known], bytes]
    ) -> int:
        """The index of the answer's leaf in the log, after ``decide`` made the leaf's data.

        ``decide`` may run twice. What it saw and where the answer stands in the log are one moment.
        """

        def write(session: Session) -> int:
            known = Known(_facts(session, epoch, unit, rids), _arrived(session, epoch))
            return append_entries(session, [decide(known)])

        return self._groups.offer(write).result()


_FIND = Prepared(
    sa.select(
        _RECORD.c.rid,
        _RECORD.c.id,
        sa.exists().where(_HIT.c.beneficiary_record == _RECORD.c.id, _HIT.c.live).label("flagged"),
    )
    .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
    .where(
        _OWNER.c.epoch == sa.bindparam("epoch"),
        _OWNER.c.unit == sa.bindparam("unit"),
        # A set and not a join, which SQLite would begin at all records of the unit.
        _RECORD.c.rid.in_(sa.select(cut_column("rids", RID_SIZE)).select_from(POSITIONS)),
        # The gate is for items. A declaring unit would learn here of hits before 纪委 does.
        _RECORD.c.side == int(Side.BENEFICIARY),
        _RECORD.c.key.is_not(None),
    )
)
_ARRIVED = Prepared(
    sa.select(_OWNER.c.unit).where(
        _OWNER.c.epoch == sa.bindparam("epoch"),
        sa.exists().where(
            _SUBMISSION.c.owner == _OWNER.c.id,
            _SUBMISSION.c.side == int(Side.REGISTRY),
            _SUBMISSION.c.kind == int(Kind.BATCH),
        ),
    )
)
_STATE = Prepared(sa.select(_BATCH.c.state).where(_BATCH.c.number == sa.bindparam("number")))
_FEW = 8  # batches: more are read with one statement


def _facts(session: Session, epoch: bytes, unit: str, rids: Sequence[bytes]) -> dict[bytes, Facts]:
    values = {"count": len(rids), "rids": b"".join(rids), "epoch": epoch, "unit": unit}
    found = _FIND.rows(session, values)
    states = _states(session, {record >> POSITION_BITS for _, record, _ in found})
    of_batch = {number: _WITHOUT_HITS[state] for number, state in states.items()}
    facts = {rid: of_batch[record >> POSITION_BITS] for rid, record, _ in found}
    flagged = [rid for rid, _, has_hits in found if has_hits]
    if flagged:
        for rid, hits in read_flagged(session, epoch, unit, flagged).items():
            facts[rid] = Facts(facts[rid].opens, tuple(hits))
    return facts


def _states(session: Session, numbers: Collection[int]) -> dict[int, Capsule]:
    """Once a batch and not once a record: the state lies behind the 64 KiB of a batch's leaf hashes."""
    if len(numbers) <= _FEW:
        found = ((number, _STATE.rows(session, {"number": number})) for number in numbers)
        return {number: Capsule(state) for number, ((state,),) in found}
    query = sa.select(_BATCH.c.number, _BATCH.c.state).where(_BATCH.c.number.in_(numbers))
    return {number: Capsule(state) for number, state in session.connection().execute(query)}


def _arrived(session: Session, epoch: bytes) -> frozenset[str]:
    """Once a transaction: no question changes it."""
    known: frozenset[str] | None = session.info.get(_ARRIVED)
    if known is None:
        known = frozenset(unit for (unit,) in _ARRIVED.rows(session, {"epoch": epoch}))
        session.info[_ARRIVED] = known
    return known
