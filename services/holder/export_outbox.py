"""Hands out the outbox as files, for a unit that carries what it does not send (docs/spec/batch-files.md).

The outbox stays as it is: what was carried is sent as well, later or meanwhile, and the matcher answers what
it has taken in with the stored receipt. Nothing is handed out that is not sent over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from libmatch.batch_files import FileHead, pack_file
from services.chassis.identity import Identity
from services.chassis.refusals import InvalidRequest
from services.holder.seal_pending import SealPending
from services.holder.store.unsent import Unsent
from services.process.store.trail import Trail

FILE_BYTES = 32 << 20
"""Of messages in one file: about 48,000 records, and a third of what an answer holds in memory."""


class ExportOutbox:
    """One file after the other, each from one moment of the outbox."""

    def __init__(
        self,
        unsent: Unsent,
        seal: SealPending,
        now: Callable[[], datetime],
        file_bytes: int = FILE_BYTES,
    ) -> None:
        self._unsent = unsent
        self._seal = seal
        self._now = now
        self._file_bytes = file_bytes

    def run(self, actor: Identity, after: int) -> tuple[FileHead, bytes] | None:
        """The file of the messages behind number ``after``; None where all have receipts.

        With 0, what was entered is sealed before. Raises InvalidRequest, EpochError out of the epoch.
        """
        if not 0 <= after < 1 << 63:
            raise InvalidRequest("a message's number is below 2^63")
        if after == 0:
            self._seal.run()
        trail = Trail(self._now(), actor, "export-outbox", f"behind {after}")
        bodies = self._unsent.read(after, self._file_bytes, trail)
        return pack_file(bodies) if bodies else None
