"""Calls to the disk that fail: which, with what result of SQLite, and what a caller must hear of it.

::

    saboteur = Saboteur()
    with watched(folder, saboteur):                    # tests.sqlite_vfs
        with saboteur.armed(FAULTS["sync"], nth=3):    # the third sync from now fails
            ...
        saboteur.struck                                # how many calls failed
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.chassis.db import DatabaseError
from services.chassis.errors import outcome_of
from services.chassis.refusals import ChassisError
from tests.sqlite_vfs import OK, Watcher


@dataclass(frozen=True)
class Fault:
    """Which call fails with which result of SQLite, and whether all that follow fail too."""

    call: str
    code: int
    lasting: bool = False


FAULTS = {
    "full": Fault("xWrite", 13, lasting=True),  # SQLITE_FULL
    "write": Fault("xWrite", 10 | 3 << 8),  # SQLITE_IOERR_WRITE
    "sync": Fault("xSync", 10 | 4 << 8),  # SQLITE_IOERR_FSYNC
    "sync-lasting": Fault("xSync", 10 | 4 << 8, lasting=True),
    "truncate": Fault("xTruncate", 10 | 6 << 8),  # SQLITE_IOERR_TRUNCATE
    "read": Fault("xRead", 10 | 1 << 8),  # SQLITE_IOERR_READ
    "open": Fault("xOpen", 14),  # SQLITE_CANTOPEN
    "shared-memory": Fault("xShmMap", 10 | 21 << 8),  # SQLITE_IOERR_SHMMAP
}


class Saboteur(Watcher):
    """Lets the ``nth`` call of a fault's kind fail, while it is armed."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._left = 0
        self.struck = 0

    def before(self, call: str, name: str) -> int:
        fault = self._fault
        if fault is None or call != fault.call:
            return OK
        self._left -= 1
        if self._left > 0 or (self._left < 0 and not fault.lasting):
            return OK
        self.struck += 1
        return fault.code

    @contextmanager
    def armed(self, fault: Fault, nth: int) -> Iterator[None]:
        self._fault, self._left, self.struck = fault, nth, 0
        try:
            yield
        finally:
            self._fault = None


def must_be_explained(error: DatabaseError | ChassisError) -> None:
    """A caller hears that storage failed, in both languages, and nothing of the database's inside.

    Whoever starts the service, or has it erase, reads which file it is.
    """
    if isinstance(error, DatabaseError):
        assert ".db" in str(error)
        return
    outcome = outcome_of(error)
    assert outcome.reason in ("STORAGE_FULL", "STORAGE_FAILED"), repr(error)
    assert outcome.message_zh
    text = f"{outcome.message} {outcome.message_zh} {outcome.details}".lower()
    assert not any(word in text for word in ("select", "insert", "update", "sqlite", "traceback"))
