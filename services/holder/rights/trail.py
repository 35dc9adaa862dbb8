"""The audit trail for its administrator, who reads no business data (R63, R64)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from services.chassis.audit import AuditEntry, Head, head
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.holder.accounts import Accounts
from services.holder.store import rights as store
from services.holder.store.matters import Transaction
from services.holder.store.rights import TrailFilter
from services.process.store.trail import Trail
from services.rules.roles import Action

MAX_ENTRIES = 1000


class ReadTrail:
    """The trail of one service of a unit. Raises Refused where the settings name no administrators."""

    def __init__(self, database: Database, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._database = database
        self._accounts = accounts
        self._now = now

    def head(self, caller: Identity) -> Head:
        """The present end."""
        self._require(caller)
        return self._database.read(head)

    def page(
        self, caller: Identity, after: int, limit: int, wanted: TrailFilter
    ) -> Sequence[AuditEntry]:
        """Up to ``limit`` (at most 1000) wanted entries behind ``after``; the look is an entry itself."""
        self._require(caller)
        trail = Trail(self._now(), caller, "read-trail")
        limit = min(limit or MAX_ENTRIES, MAX_ENTRIES)

        def run(session: Transaction) -> Sequence[AuditEntry]:
            found = store.read_trail(session, after, limit, wanted)
            trail.write(session)
            return found

        return self._database.run_tx("rights.trail", run)

    def _require(self, caller: Identity) -> None:
        self._accounts.named_administrators()
        self._accounts.require(caller, Action.READ_AUDIT)
