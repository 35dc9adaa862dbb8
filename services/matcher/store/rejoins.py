"""The full join of what is live against the stored hits, and the healing of what was missed.

Nothing is ever missed while the store keeps its promises; this is how one would learn that it did not. The
join is that of ``libmatch.bulk`` (``pairs``), not the index that found the hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import encode_hit_leaf
from libmatch.matching import make_hit
from libmatch.records import Hit, Side
from libmatch.release import hit_id
from libmatch.suites import get_suite
from services.chassis import audit
from services.chassis.db import Database, to_micros
from services.chassis.identity import Identity
from services.matcher.store.joins import Match
from services.matcher.store.ledger import append_entries
from services.matcher.store.pairs import Pairs, find_pairs, read_refs
from services.matcher.store.rows import insert_hits
from services.matcher.tables import Owner, Record, Sealed, StoredHit, table_of

_RECORD, _SEALED = table_of(Record), table_of(Sealed)
_OWNER, _HIT = table_of(Owner), table_of(StoredHit)
_CHUNK = 65_536  # hits that are read at once
_AT_ONCE = 1_000  # pairs that are healed with one set of statements


@dataclass(frozen=True)
class MissedHit:
    """Two live records with one token that no live hit names. Ids of rows, and what 纪委 knows them by."""

    hit_id: bytes
    registry_record: int
    beneficiary_record: int
    hit: Hit


@dataclass(frozen=True)
class Comparison:
    """``pairs``: how many a full join finds. ``surplus``: ids of live hits that it does not find."""

    pairs: int
    missed: tuple[MissedHit, ...]
    surplus: tuple[bytes, ...]

    @property
    def agrees(self) -> bool:
        return not self.missed and not self.surplus


class Rejoins:
    """Full joins of one database. ``scratch``: an owner-only folder for tables of tokens meanwhile."""

    def __init__(self, database: Database, scratch: Path) -> None:
        self._database = database
        self._scratch = scratch

    def compare(self) -> Comparison:
        """What a full join says of the live hits, from one snapshot; changes nothing.

        Memory: the engine's, and some 200 bytes a pair. Raises OSError for a full disk, InputError for too
        little memory.
        """
        return self._database.read(self._compare)

    def repair(self, missed: Sequence[MissedHit], actor: Identity, at: datetime) -> int:
        """How many of ``missed`` became live hits, with leaves in the log, in one committed transaction.

        One that is no pair any more, because a record was withdrawn meanwhile, or that is a live hit by
        now, is left out: all is looked at again in the transaction.
        """

        def write(session: Session) -> int:
            healed = 0
            for start in range(0, len(missed), _AT_ONCE):
                healed += _heal(session, missed[start : start + _AT_ONCE], at)
            if healed:
                subject = f"{healed} missed hits"
                audit.record(session, at=at, actor=actor, action="rejoin.repair", subject=subject)
            return healed

        return self._database.run_tx("repair", write)

    def _compare(self, session: Session) -> Comparison:
        live, numbers = _read_live_hits(session)
        count, known = 0, np.zeros(len(live), np.bool_)
        missed: list[MissedHit] = []
        epochs = sa.select(_OWNER.c.epoch, _OWNER.c.suite).distinct().order_by(_OWNER.c.epoch)
        for epoch, suite in session.execute(epochs).all():
            found = find_pairs(session, epoch, self._scratch)
            new, old = _compare_sorted(found, live)
            count, known = count + len(found), known | old
            missed += _describe(session, epoch, suite, found, new)
        surplus = _read_hit_ids(session, numbers[~known])
        return Comparison(count, tuple(missed), surplus)


def _read_live_hits(session: Session) -> tuple[Pairs, npt.NDArray[np.int64]]:
    """The pairs of all live hits, in order, and their numbers."""
    columns = (_HIT.c.number, _HIT.c.registry_record, _HIT.c.beneficiary_record)
    query = sa.select(*columns).where(_HIT.c.live)
    parts = [np.empty((0, 3), np.int64)]
    rows = session.execute(query, execution_options={"yield_per": _CHUNK})
    parts += [np.array([tuple(row) for row in part], np.int64) for part in rows.partitions()]
    numbers, registry, beneficiary = np.concatenate(parts).T
    later, earlier = np.maximum(registry, beneficiary), np.minimum(registry, beneficiary)
    return Pairs.of(later, earlier), numbers[np.lexsort((earlier, later))]


def _compare_sorted(
    found: Pairs, live: Pairs
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of ``found`` are not live, and which of ``live`` were found; none stands twice in either."""
    later = np.concatenate((found.later, live.later))
    earlier = np.concatenate((found.earlier, live.earlier))
    order = np.lexsort((earlier, later))
    later, earlier = later[order], earlier[order]
    same = (later[1:] == later[:-1]) & (earlier[1:] == earlier[:-1])
    twice = np.zeros(len(order), np.bool_)
    twice[order[1:]] = same
    twice[order[:-1]] |= same
    return ~twice[: len(found)], twice[len(found) :]


def _describe(
    session: Session, epoch: bytes, suite: int, found: Pairs, missed: npt.NDArray[np.bool_]
) -> list[MissedHit]:
    if not missed.any():
        return []
    pairs = Pairs(found.later[missed], found.earlier[missed])
    refs = read_refs(session, epoch, pairs)
    described = []
    for later, earlier in pairs:
        mine = refs[later].side is Side.REGISTRY
        registry, beneficiary = (later, earlier) if mine else (earlier, later)
        hit = make_hit(refs[registry], refs[beneficiary])
        described.append(
            MissedHit(hit_id(get_suite(suite), epoch, hit), registry, beneficiary, hit)
        )
    return described


def _read_hit_ids(session: Session, numbers: npt.NDArray[np.int64]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE].tolist()
        found += session.scalars(sa.select(_HIT.c.hit_id).where(_HIT.c.number.in_(some)))
    return tuple(sorted(found))


def _heal(session: Session, missed: Sequence[MissedHit], at: datetime) -> int:
    records = [record for one in missed for record in (one.registry_record, one.beneficiary_record)]
    tokens = _read_tokens(session, records)
    stored = _read_stored(session, [one.hit_id for one in missed])
    pairs = [
        one
        for one in missed
        if tokens.get(one.registry_record) is not None
        and tokens.get(one.registry_record) == tokens.get(one.beneficiary_record)
        and not stored.get(one.hit_id)
    ]
    if not pairs:
        return 0
    first = append_entries(session, [encode_hit_leaf(one.hit_id, to_micros(at)) for one in pairs])
    again = [one.hit_id for one in pairs if one.hit_id in stored]  # it was put out of force wrongly
    session.execute(_HIT.update().where(_HIT.c.hit_id.in_(again)).values(live=True))
    for place, one in enumerate(pairs):
        if one.hit_id not in stored:
            match = Match(one.registry_record, one.beneficiary_record, one.hit.beneficiary)
            insert_hits(session, Side.REGISTRY, [match], [one.hit_id], at, first + place)
    return len(pairs)


def _read_tokens(session: Session, records: Sequence[int]) -> dict[int, Any]:
    """(first half, second half) of the live ones among ``records``."""
    query = (
        sa.select(_RECORD.c.id, _RECORD.c.key, _SEALED.c.rest)
        .join_from(_RECORD, _SEALED, _SEALED.c.record == _RECORD.c.id)
        .where(_RECORD.c.id.in_(records), _RECORD.c.key.is_not(None))
    )
    return {record: (key, rest) for record, key, rest in session.execute(query)}


def _read_stored(session: Session, hit_ids: Sequence[bytes]) -> dict[bytes, bool]:
    """Whether they are live, of those hits that are stored."""
    query = sa.select(_HIT.c.hit_id, _HIT.c.live).where(_HIT.c.hit_id.in_(hit_ids))
    return dict(session.execute(query).all())
