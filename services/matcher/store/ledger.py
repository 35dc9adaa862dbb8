"""The audit log in the database: appending in the caller's transaction, heads and proofs.

Nodes are complete subtrees, written once; a head or a proof is one query for the O(log² n) nodes that it
needs. Whoever alters an entry here cannot alter the checkpoints that others remember.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.auditlog import (
    append_leaves,
    hash_entry,
    read_consistency,
    read_inclusion,
    read_root,
)
from libmatch.errors import LogError
from libmatch.merkle import NodeReader
from libmatch.records import WORD
from services.chassis.db import Database
from services.matcher.store.prepared import Prepared
from services.matcher.tables import LogEntry, LogNode, table_of

T = TypeVar("T")
Place = tuple[int, int]  # (level, position) of a complete subtree

_ENTRY, _NODE = table_of(LogEntry), table_of(LogNode)


def read_size(session: Session) -> int:
    """The number of leaves."""
    last = session.scalar(sa.select(sa.func.max(_ENTRY.c.leaf_index)))
    return 0 if last is None else int(last) + 1


def append_entries(session: Session, entries: Sequence[bytes]) -> int:
    """The index of the first of ``entries``, appended in order in ``session``'s transaction."""
    edge = _EDGE.rows(session, {})
    first = int(edge[0][0]) if edge else 0
    leaves = [hash_entry(entry) for entry in entries]
    # The left neighbours that appending meets are those that the present root is made of.
    left = {(level, position): node for _, level, position, node in edge}
    nodes = append_leaves(_reader(left), first, leaves)
    _INSERT_ENTRIES.run_many(
        session, [{"leaf_index": i, "entry": entry} for i, entry in enumerate(entries, first)]
    )
    _INSERT_NODES.run_many(
        session,
        [{"level": at[0], "position": at[1], "hash": node} for at, node in nodes.items()],
    )
    return first


def _select_edge() -> sa.Select[tuple[int, int, int, bytes]]:
    """Size of the log, and the complete subtrees that its root is made of: one for each bit of the size.

    No row for an empty log.
    """
    size = sa.select((sa.func.max(_ENTRY.c.leaf_index) + 1).label("size")).cte("log_size")
    bits = sa.select(
        size.c.size, sa.literal_column("0").label("level"), size.c.size.label("rest")
    ).cte("bits", recursive=True)
    half = bits.c.rest.op("/")(sa.literal_column("2"))
    bits = bits.union_all(
        sa.select(bits.c.size, bits.c.level + sa.literal_column("1"), half).where(
            bits.c.rest > sa.literal_column("1")
        )
    )
    here = sa.and_(
        _NODE.c.level == bits.c.level, _NODE.c.position == bits.c.rest - sa.literal_column("1")
    )
    return (
        sa.select(bits.c.size, _NODE.c.level, _NODE.c.position, _NODE.c.hash)
        .select_from(bits.join(_NODE, here))
        .where(bits.c.rest % sa.literal_column("2") == sa.literal_column("1"))
    )


_EDGE = Prepared(_select_edge())
_INSERT_ENTRIES, _INSERT_NODES = Prepared(_ENTRY.insert()), Prepared(_NODE.insert())


class Ledger:
    """Heads and proofs of the log, each from one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> tuple[int, bytes]:
        """(size, root) now."""

        def read(session: Session) -> tuple[int, bytes]:
            size = read_size(session)
            return size, _compute(session, lambda nodes: read_root(nodes, size))

        return self._database.read(read)

    def size(self) -> int:
        """The number of leaves now."""
        return self._database.read(read_size)

    def prove_inclusion(self, leaf_index: int, size: int) -> tuple[bytes, list[bytes]]:
        """(leaf hash, path) of a leaf in the first ``size`` leaves. Raises LogError out of range."""

        def compute(nodes: NodeReader) -> tuple[bytes, list[bytes]]:
            return nodes(0, leaf_index), read_inclusion(nodes, leaf_index, size)

        return self._database.read(lambda session: _compute(session, compute))

    def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first ``old`` leaves begin the first ``new``. Raises LogError."""
        return self._database.read(
            lambda session: _compute(session, lambda nodes: read_consistency(nodes, old, new))
        )


def _compute(session: Session, compute: Callable[[NodeReader], T]) -> T:
    return compute(_reader(_fetch(session, _places(compute))))


def _places(compute: Callable[[NodeReader], object]) -> set[Place]:
    """Which nodes ``compute`` reads. It runs on zeros for that: what it reads depends on sizes only."""
    wanted: set[Place] = set()

    def note(level: int, position: int) -> bytes:
        wanted.add((level, position))
        return bytes(WORD)

    compute(note)
    return wanted


def _fetch(session: Session, places: set[Place]) -> dict[Place, bytes]:
    if not places:
        return {}
    where = sa.tuple_(_NODE.c.level, _NODE.c.position).in_(sorted(places))
    rows = session.execute(sa.select(_NODE.c.level, _NODE.c.position, _NODE.c.hash).where(where))
    return {(level, position): node for level, position, node in rows}


def _reader(nodes: dict[Place, bytes]) -> NodeReader:
    def read(level: int, position: int) -> bytes:
        try:
            return nodes[level, position]
        except KeyError:
            raise LogError("the stored audit log lacks a node: restore the database") from None

    return read
