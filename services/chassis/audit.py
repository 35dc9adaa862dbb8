"""The audit trail of one service: who did what, when, to which record, why, and how it ended (R63).

Entries live in the service's own database and are written in the transaction of the action: either
both are kept or neither. Each entry's digest covers the one before it::

    digest_n = SHA-256(enc("audit", digest_{n-1}, u64 seq, u64 µs, actor, action, subject, reason, outcome))

so that a changed, removed or inserted entry breaks every later one. A cut-off end breaks nothing by
itself: it shows against a ``Head`` that was remembered elsewhere (the log, a printed report).

``subject`` is an opaque reference, never personal data; what is shaped like an identity number, a
phone or a card is refused. Who holds the file and knows this code can write a new chain: only a
remembered head proves otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, select

from libmatch.encoding import enc, u64
from libmatch.errors import LogError
from services.chassis.db import UtcDateTime, to_micros
from services.chassis.identity import Identity
from services.chassis.observe import scrub_text

_GENESIS = bytes(32)
_MAX_TEXT = 500
_CHUNK = 1000


class _AuditTables(SQLModel, registry=registry()):
    """Its own metadata: every service has this table, and none declares it."""


class AuditEntry(_AuditTables, table=True):
    """One entry; ``seq`` counts from 1 without gaps."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject: str
    reason: str
    outcome: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a trail: the number of entries and the last digest (32 bytes; zeros when empty)."""

    seq: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.seq < 0 or len(self.digest) != 32:
            raise ValueError("a head is a count and 32 bytes")

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The head that ``str`` wrote. Raises ValueError."""
        seq, _, digest = text.partition(":")
        return cls(int(seq), bytes.fromhex(digest))


def record(
    session: Session,
    *,
    at: datetime,
    actor: Identity | str,
    action: str,
    subject: str = "",
    reason: str = "",
    outcome: str = "ok",
) -> Head:
    """The head after appending one entry in ``session``'s transaction.

    Raises ValueError for a text that is too long or shaped like personal data, for a naive ``at``.
    """
    texts = (str(actor), action, subject, reason, outcome)
    for text in texts:
        if len(text) > _MAX_TEXT or scrub_text(text) != text:
            raise ValueError("an audit text is too long or looks like personal data")
    last = head(session)
    entry = AuditEntry(
        seq=last.seq + 1,
        at=at,
        actor=texts[0],
        action=action,
        subject=subject,
        reason=reason,
        outcome=outcome,
        digest=b"",
    )
    entry.digest = _digest(last.digest, entry)
    session.add(entry)
    session.flush()
    return Head(entry.seq, entry.digest)


def head(session: Session) -> Head:
    """The present end of the trail."""
    last = session.exec(select(AuditEntry).order_by(sa.desc("seq")).limit(1)).first()
    return Head(last.seq, last.digest) if last else Head(0, _GENESIS)


def entries(session: Session, after: int = 0, limit: int = 100) -> Sequence[AuditEntry]:
    """Up to ``limit`` entries with a higher number than ``after``, in order."""
    query = select(AuditEntry).where(AuditEntry.seq > after).order_by(sa.asc("seq")).limit(limit)
    return session.exec(query).all()


def verify_trail(session: Session, *remembered: Head | None) -> None:
    """Returns where the whole chain holds and still contains every head that was ``remembered``.

    Raises LogError naming the first entry that does not follow from the one before it, or saying
    that the trail was cut off or rewritten since a head was remembered.
    """
    heads = {known.seq: known for known in remembered if known is not None}
    for known in remembered:
        _compare(known, heads.get(known.seq) if known else None)
    digest, seq = _GENESIS, 0
    _compare(heads.get(0), Head(0, _GENESIS))
    while chunk := entries(session, after=seq, limit=_CHUNK):
        for entry in chunk:
            seq += 1
            if entry.seq != seq or _digest(digest, entry) != entry.digest:
                raise LogError(f"audit trail: entry {seq} does not follow from the one before it")
            digest = entry.digest
            session.expunge(entry)  # a trail may be longer than the memory
            _compare(heads.get(seq), Head(seq, digest))
    longest = max(heads, default=0)
    if seq < longest:
        raise LogError(f"audit trail: ends at entry {seq}, but had {longest} entries")


def _compare(remembered: Head | None, found: Head | None) -> None:
    if remembered is not None and remembered != found:
        raise LogError(f"audit trail: entry {remembered.seq} is another than remembered")


def _digest(previous: bytes, entry: AuditEntry) -> bytes:
    texts = (entry.actor, entry.action, entry.subject, entry.reason, entry.outcome)
    numbers = u64(entry.seq), u64(to_micros(entry.at))
    encoded = enc("audit", previous, *numbers, *(text.encode() for text in texts))
    return hashlib.sha256(encoded).digest()
