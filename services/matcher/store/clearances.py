"""What the gate must know of records, read and logged in one transaction.

Set-based queries for up to 1000 record ids, under the caller's own namespace: an id of another unit is
looked up and missed exactly as one that nobody ever used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.records import Side
from services.chassis.db import Database
from services.matcher.standing import FlaggedPair
from services.matcher.store.cases import read_flagged
from services.matcher.store.ledger import append_entries
from services.matcher.tables import (
    POSITION_BITS,
    Capsule,
    Kind,
    Owner,
    Record,
    StoredBatch,
    Submission,
    table_of,
)

_OWNER, _RECORD = table_of(Owner), table_of(Record)
_SUBMISSION, _BATCH = table_of(Submission), table_of(StoredBatch)

_OPENS = {Capsule.UNTESTED: None, Capsule.OPENS: True, Capsule.BAD: False}


@dataclass(frozen=True)
class Facts:
    """What is known of one live record; ``opens`` is None until 纪委 has tested its batch's capsule.

    ``hits`` are the live ones, each with what its case has come to.
    """

    opens: bool | None
    hits: tuple[FlaggedPair, ...] = ()


@dataclass(frozen=True)
class Known:
    """Facts by record id (ids without facts are nobody's, or not the caller's, or withdrawn).

    ``arrived`` are the units with an accepted batch of declarations in this epoch.
    """

    facts: dict[bytes, Facts]
    arrived: frozenset[str]


class Clearances:
    """Reads what is known, lets the gate decide, and logs what it answered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def consult(
        self, epoch: bytes, unit: str, rids: Sequence[bytes], decide: Callable[[Known], bytes]
    ) -> int:
        """The index of the answer's leaf in the log, after ``decide`` made the leaf's data.

        ``decide`` may run twice. What it saw and where the answer stands in the log are one moment.
        """

        def write(session: Session) -> int:
            known = Known(_facts(session, epoch, unit, rids), _arrived(session, epoch))
            return append_entries(session, [decide(known)])

        return self._database.run_tx("gate", write)


def _facts(session: Session, epoch: bytes, unit: str, rids: Sequence[bytes]) -> dict[bytes, Facts]:
    query = (
        sa.select(_RECORD.c.rid, _BATCH.c.state)
        .join(_OWNER, _OWNER.c.id == _RECORD.c.owner)
        .join(
            _BATCH, _BATCH.c.number == _RECORD.c.id.op(">>")(sa.literal_column(str(POSITION_BITS)))
        )
        .where(
            _OWNER.c.epoch == epoch,
            _OWNER.c.unit == unit,
            _RECORD.c.rid.in_(rids),
            # The gate is for items. A declaring unit would learn here of hits before 纪委 does.
            _RECORD.c.side == int(Side.BENEFICIARY),
            _RECORD.c.key.is_not(None),
        )
    )
    opens = {rid: _OPENS[state] for rid, state in session.execute(query)}
    flagged = read_flagged(session, epoch, unit, list(opens))
    return {rid: Facts(state, tuple(flagged.get(rid, ()))) for rid, state in opens.items()}


def _arrived(session: Session, epoch: bytes) -> frozenset[str]:
    query = (
        sa.select(_OWNER.c.unit)
        .join(_SUBMISSION, _SUBMISSION.c.owner == _OWNER.c.id)
        .where(
            _OWNER.c.epoch == epoch,
            _SUBMISSION.c.side == int(Side.REGISTRY),
            _SUBMISSION.c.kind == int(Kind.BATCH),
        )
        .distinct()
    )
    return frozenset(session.scalars(query))
