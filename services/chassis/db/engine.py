"""What differs between the databases, behind one interface; ``Database`` is its only user."""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol

import sqlalchemy as sa

PATIENCE_S = 30.0
"""How long a transaction waits for its turn, or for a connection, where the caller sets no deadline."""

READERS = 8
"""Connections of one process for reading; it has one more for writing."""


class DatabaseError(Exception):
    """A database that a service must not use; the message says why and what to do."""


class Trouble(Enum):
    """What the driver's error means for a transaction."""

    CONFLICT = auto()  # another one was in the way; nothing was kept; the same again may pass
    LOST = auto()  # the connection is gone; nothing was kept, unless it was lost during COMMIT
    FULL = auto()  # no space; nothing was kept
    FAILED = auto()  # the storage cannot be read or written
    LATE = auto()  # the caller's time was over; nothing was kept
    OTHER = auto()  # a mistake of the code: a constraint, a wrong statement


class Engine(Protocol):
    """One database: connections for the writer and for readers, and what their errors mean."""

    @property
    def where(self) -> str:
        """Which database this is, for messages: never a password."""

    def writing(self, name: str, patience_s: float) -> AbstractContextManager[sa.Connection]:
        """The writer's connection; no other process writes meanwhile.

        Raises DeadlinePassed where it was not this one's turn for ``patience_s``.
        """

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection whose transaction sees one snapshot and refuses to write."""

    def trouble(self, error: sa.exc.DBAPIError, *, writing: bool) -> Trouble:
        """What ``error`` means."""

    def code(self, error: sa.exc.DBAPIError) -> str:
        """The database's own name of ``error``, without values."""

    def erase(self, connection: sa.Connection) -> None:
        """Rewrites the database without what was deleted. Raises DatabaseError where readers hold it."""

    def close(self) -> None:
        """Ends all connections."""
