"""Merkle trees of batches whose hits are read, each built once while it is asked for.

A batch of 2048 rows takes 2047 hashes and 64 KiB of its row to build; its leaf hashes never change, and 纪委
reads the hits of one batch after another.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.merkle import build_levels, read_position
from libmatch.records import WORD, cut
from libmatch.suites import Suite
from services.matcher.tables import StoredBatch, table_of

_BATCH = table_of(StoredBatch)
_CAPACITY = 64  # trees of 2048 rows have 270 kB each as objects: 17 MB

Levels = list[list[bytes]]


class Trees:
    """The levels of the trees that were asked for last, by batch number. Safe from any thread."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._levels: OrderedDict[int, Levels] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._levels)

    def prove(self, session: Session, number: int, suite: Suite, position: int) -> list[bytes]:
        """The path of the row at ``position`` of batch ``number``, from the leaf upwards."""
        return read_position(self._find(session, number, suite), position)

    def _find(self, session: Session, number: int, suite: Suite) -> Levels:
        with self._lock:
            held = self._levels.get(number)
            if held is not None:
                self._levels.move_to_end(number)
                return held
        # Outside the lock: two that build the same tree build it equal.
        stored = sa.select(_BATCH.c.leaf_hashes).where(_BATCH.c.number == number)
        levels = build_levels(suite.h, cut(session.scalars(stored).one(), WORD))
        with self._lock:
            self._levels[number] = levels
            while len(self._levels) > self._capacity:
                self._levels.popitem(last=False)
        return levels
