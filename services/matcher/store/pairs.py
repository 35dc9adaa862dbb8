"""The full join of an epoch's live records at scale, with ``libmatch.bulk``, in the caller's transaction.

The narrow table of records is read once, a side at a time; the halves of tokens that lie beside the bodies
are read for the records that are in pairs alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.bulk.columns import TOKEN_SIZE
from libmatch.bulk.duckdb_engine import Resources
from libmatch.bulk.hits import read_hits
from libmatch.bulk.join import join_tables
from libmatch.bulk.tables import write_table
from libmatch.records import RecordRef, Side
from services.matcher.tables import KEY_SIZE, Owner, Record, Sealed, record_id, table_of

Bytes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]

_RECORD, _SEALED, _OWNER = table_of(Record), table_of(Sealed), table_of(Owner)
_CHUNK = 65_536  # rows of the table of records that are in memory at once
_NAMED = 10_000  # ids in one statement; SQLite takes 32,766
_MEMORY = 2 << 30  # of the engine; what exceeds it goes to the scratch folder


@dataclass(frozen=True)
class Pairs:
    """Pairs of records with one token, int64[k] each: the one that came later, ascending, and the other."""

    later: Ids
    earlier: Ids

    @classmethod
    def of(cls, some: Ids, others: Ids) -> Pairs:
        """The pairs of these ids, put in order."""
        later, earlier = np.maximum(some, others), np.minimum(some, others)
        order = np.lexsort((earlier, later))
        return cls(later[order], earlier[order])

    def __len__(self) -> int:
        return len(self.later)

    def since(self, record: int) -> Pairs:
        """Those whose later record has that id or a greater one."""
        begin = int(np.searchsorted(self.later, record))
        return Pairs(self.later[begin:], self.earlier[begin:])

    def between(self, first: int, last: int) -> Pairs:
        """Those whose later record is of the batches from ``first`` to ``last``."""
        ends = np.searchsorted(self.later, [record_id(first, 0), record_id(last + 1, 0)])
        return Pairs(self.later[ends[0] : ends[1]], self.earlier[ends[0] : ends[1]])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """(later, earlier), in order."""
        return zip(self.later.tolist(), self.earlier.tolist(), strict=True)


def count_pairs(session: Session) -> int:
    """At least as many pairs as a full join gives, from the keys alone: is it worth making them?"""
    sides = [sa.func.sum(sa.case((_RECORD.c.side == int(side), 1), else_=0)) for side in Side]
    product = (sides[0] * sides[1]).label("pairs")
    keys = sa.select(product).where(_RECORD.c.key.is_not(None)).group_by(_RECORD.c.key).subquery()
    return int(session.scalar(sa.select(sa.func.sum(keys.c.pairs))) or 0)


def find_pairs(session: Session, epoch: bytes, scratch: Path) -> Pairs:
    """All pairs of live records of the epoch. ``scratch``: a folder for the tables, gone at the end.

    Memory: the engine's, and about 150 bytes a pair. Raises OSError for a full disk, InputError for
    too little memory.
    """
    with tempfile.TemporaryDirectory(prefix="join-", dir=scratch) as name:
        folder, resources = Path(name), Resources(memory_bytes=_MEMORY)
        registry, beneficiary, hits = (
            folder / name for name in ("registry", "beneficiary", "hits")
        )
        for side, path in ((Side.REGISTRY, registry), (Side.BENEFICIARY, beneficiary)):
            write_table(path, epoch, _read_keys(session, epoch, side), resources=resources)
        join_tables(registry, beneficiary, hits, resources=resources)
        ids = [_rids_to_ids(rids) for rids in read_hits(hits)]
    return _keep_equal(session, *ids)


def _read_keys(session: Session, epoch: bytes, side: Side) -> Iterator[tuple[Bytes, Bytes]]:
    """Tokens uint8[n, 32], of which the second halves are left zero, and ids as uint8[n, 16]."""
    owners = sa.select(_OWNER.c.id).where(_OWNER.c.epoch == epoch)
    # A sum has no index: the rows come in the order in which they lie, and not owner by owner at random.
    of_epoch = (_RECORD.c.owner + 0).in_(owners)
    query = sa.select(_RECORD.c.id, _RECORD.c.key).where(
        _RECORD.c.side == int(side), _RECORD.c.key.is_not(None), of_epoch
    )
    rows = session.execute(query, execution_options={"yield_per": _CHUNK})
    for part in rows.partitions():
        tokens = np.zeros((len(part), TOKEN_SIZE), np.uint8)
        keys = b"".join([key for _, key in part])
        tokens[:, :KEY_SIZE] = np.frombuffer(keys, np.uint8).reshape(-1, KEY_SIZE)
        yield tokens, _ids_to_rids(np.array([record for record, _ in part], np.int64))


def _ids_to_rids(ids: Ids) -> Bytes:
    words = np.zeros((len(ids), 2), ">i8")
    words[:, 1] = ids
    return words.view(np.uint8)


def _rids_to_ids(rids: Bytes) -> Ids:
    return np.ascontiguousarray(rids).view(">i8")[:, 1].astype(np.int64)


def _keep_equal(session: Session, registry: Ids, beneficiary: Ids) -> Pairs:
    """The pairs whose tokens are equal in the second half, too."""
    ids, rest = (registry, beneficiary), dict[int, bytes]()
    for record, half in _read_of(session, _SEALED.c.record, _SEALED.c.rest, ids=ids):
        rest[record] = half
    pairs = zip(registry.tolist(), beneficiary.tolist(), strict=True)
    # A record whose second half is gone from the store is in no pair: the nightly join tells of it.
    equal = np.array([a in rest and rest[a] == rest.get(b) for a, b in pairs], np.bool_)
    return Pairs.of(registry[equal], beneficiary[equal])


def read_refs(session: Session, epoch: bytes, pairs: Pairs) -> dict[int, RecordRef]:
    """Which records they are, by id."""
    units = dict(
        session.execute(sa.select(_OWNER.c.id, _OWNER.c.unit).where(_OWNER.c.epoch == epoch)).all()
    )
    columns = (_RECORD.c.id, _RECORD.c.side, _RECORD.c.owner, _RECORD.c.rid)
    found = _read_of(session, *columns, ids=(pairs.later, pairs.earlier))
    return {record: RecordRef(Side(side), units[owner], rid) for record, side, owner, rid in found}


def _read_of(
    session: Session, key: sa.Column[int], *columns: sa.Column[Any], ids: Iterable[Ids]
) -> Iterator[Any]:
    """``key`` and ``columns`` of the rows with these keys, each once."""
    wanted = np.unique(np.concatenate(list(ids)))
    for start in range(0, len(wanted), _NAMED):
        some = wanted[start : start + _NAMED].tolist()
        yield from session.execute(sa.select(key, *columns).where(key.in_(some)))
