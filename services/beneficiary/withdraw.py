"""Takes an item with all its persons out of the match, for a reason that a person gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.beneficiary.store import Store
from services.chassis.identity import Identity
from services.holder.reasons import check_reason
from services.holder.store.trail import Trail


class Withdraw:
    """Withdraws at once here; the matcher is told with the next round (``wake``)."""

    def __init__(self, store: Store, now: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self._store = store
        self._now = now
        self._wake = wake

    def run(self, actor: Identity, item_ref: str, reason: str) -> int:
        """The number of persons withdrawn just now.

        Raises InvalidRequest without a reason, NotFound for an item that is not held.
        """
        at, why = self._now(), check_reason(reason)
        withdrawn = self._store.withdraw(
            item_ref, lambda ref: Trail(at, actor, "withdraw-item", ref.hex(), why)
        )
        self._wake()
        return withdrawn
