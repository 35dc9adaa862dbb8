"""A service's own database: transactions as functions, one writer at a time, reads from one snapshot.

``Database`` is the one entry, for SQLite (a file; the default) and for PostgreSQL (several processes). What
differs between the two is an engine each (``sqlite``, ``postgresql``); services know neither.
"""

from __future__ import annotations

from services.chassis.db.columns import UtcDateTime, to_micros
from services.chassis.db.database import Database
from services.chassis.db.engine import DatabaseError
from services.chassis.db.rows import insert_many

__all__ = ["Database", "DatabaseError", "UtcDateTime", "insert_many", "to_micros"]
