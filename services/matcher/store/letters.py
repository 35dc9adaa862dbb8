"""Letters between units: one kept for each sender and recipient, until it is taken in or replaced.

What is erased leaves its number and digest, so that a repetition gets its answer, until the epoch ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import encode_letter_leaf
from libmatch.errors import ConflictError
from libmatch.letters import Letter
from services.chassis.db import Database, to_micros
from services.chassis.refusals import Overloaded
from services.matcher.store.ledger import append_entries
from services.matcher.store.rows import next_number
from services.matcher.tables import StoredLetter, table_of

_LETTER = table_of(StoredLetter)
_DAY = timedelta(days=1)
_RETRY_S = 3600.0


@dataclass(frozen=True)
class AcceptedLetter:
    """A letter as it was accepted; ``number`` ascends over all."""

    number: int
    letter: Letter
    accepted_at_us: int
    leaf_index: int


class LetterStore:
    """The letters of all units."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, letter: Letter, digest: bytes, per_day: int, at: datetime) -> int:
        """The log leaf of a letter whose signature was checked; the same for a repetition.

        Raises ConflictError for other content under its number, or a number that is not above all before;
        Overloaded for more than ``per_day`` to that recipient in 24 hours.
        """

        def write(session: Session) -> int:
            earlier = _find(session, letter)
            if earlier is not None:
                if earlier.digest != digest:
                    raise ConflictError("this number was used for another letter")
                return int(earlier.leaf_index)
            _check_next(session, letter)
            _check_quota(session, letter, per_day, at)
            _erase(session, letter)
            return _keep(session, letter, digest, at)

        return self._database.run_tx("letter", write)

    def fetch(self, epoch: bytes, recipient: str, after: int, limit: int) -> list[AcceptedLetter]:
        """Up to ``limit`` letters to ``recipient`` that are kept, numbered above ``after``, ascending."""
        query = (
            sa.select(_LETTER)
            .where(_LETTER.c.recipient == recipient, _LETTER.c.number > after)
            .where(_LETTER.c.epoch == epoch, _LETTER.c.body.is_not(None))
            .order_by(_LETTER.c.number)
            .limit(limit)
        )
        rows = self._database.read(lambda session: session.execute(query).all())
        return [
            AcceptedLetter(
                row.number, Letter.decode(row.body), to_micros(row.accepted_at), row.leaf_index
            )
            for row in rows
        ]

    def acknowledge(self, epoch: bytes, recipient: str, number: int) -> None:
        """Erases the letters to ``recipient`` up to ``number``."""
        taken_in = sa.update(_LETTER).where(
            _LETTER.c.recipient == recipient,
            _LETTER.c.number <= number,
            _LETTER.c.epoch == epoch,
            _LETTER.c.body.is_not(None),
        )
        self._database.run_tx(
            "letters.acknowledge", lambda session: session.execute(taken_in.values(body=None))
        )


def _of_pair(letter: Letter) -> tuple[sa.ColumnElement[bool], ...]:
    mine = (_LETTER.c.sender == letter.sender, _LETTER.c.recipient == letter.recipient)
    return (*mine, _LETTER.c.epoch == letter.epoch)


def _find(session: Session, letter: Letter) -> sa.Row[tuple[bytes, int]] | None:
    columns = (_LETTER.c.digest, _LETTER.c.leaf_index)
    query = sa.select(*columns).where(*_of_pair(letter), _LETTER.c.seq == letter.seq)
    return session.execute(query).first()


def _check_next(session: Session, letter: Letter) -> None:
    last = session.scalar(sa.select(sa.func.max(_LETTER.c.seq)).where(*_of_pair(letter)))
    if last is not None and letter.seq <= last:
        raise ConflictError("a newer letter to this recipient is here; numbers ascend")


def _check_quota(session: Session, letter: Letter, per_day: int, at: datetime) -> None:
    recent = sa.select(sa.func.count()).where(*_of_pair(letter), _LETTER.c.accepted_at > at - _DAY)
    if int(session.scalar(recent) or 0) >= per_day:
        raise Overloaded(
            f"a unit sends another at most {per_day} letters in 24 hours",
            f"24小时内向同一单位发送的核对信函已达上限（{per_day}封），请稍后再试。",
            retry_after_s=_RETRY_S,
        )


def _erase(session: Session, letter: Letter) -> None:
    """What the letter replaces, and all of ended epochs: nobody may open those any more."""
    replaced = sa.update(_LETTER).where(*_of_pair(letter), _LETTER.c.body.is_not(None))
    session.execute(replaced.values(body=None))
    session.execute(sa.delete(_LETTER).where(_LETTER.c.epoch != letter.epoch))


def _keep(session: Session, letter: Letter, digest: bytes, at: datetime) -> int:
    leaf = encode_letter_leaf(letter.sender, letter.recipient, letter.seq, to_micros(at), digest)
    leaf_index = append_entries(session, [leaf])
    row = {
        "number": next_number(session, _LETTER.c.number),
        "epoch": letter.epoch,
        "sender": letter.sender,
        "recipient": letter.recipient,
        "seq": letter.seq,
        "digest": digest,
        "accepted_at": at,
        "leaf_index": leaf_index,
        "body": letter.encode(),
    }
    session.execute(_LETTER.insert().values(row))
    return leaf_index
