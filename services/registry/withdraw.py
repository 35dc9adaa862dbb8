"""Takes declared relatives out of the match, for a reason that a person gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from services.chassis.identity import Identity
from services.holder.reasons import check_reason
from services.holder.references import check_ref
from services.process.store.trail import Trail
from services.registry.store import Store


class Withdraw:
    """Withdraws at once here; the matcher is told with the next round (``wake``)."""

    def __init__(self, store: Store, now: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self._store = store
        self._now = now
        self._wake = wake

    def run(
        self, actor: Identity, official_ref: bytes, relative_refs: Sequence[bytes], reason: str
    ) -> int:
        """The number of relatives withdrawn just now; all of the official's where none are named.

        Raises InvalidRequest without a reason, NotFound for somebody who is not held.
        """
        subject, why = check_ref(official_ref).hex(), check_reason(reason)
        named = {check_ref(ref) for ref in relative_refs}
        trail = Trail(self._now(), actor, "withdraw-relatives", subject, why)
        withdrawn = self._store.withdraw(official_ref, named, trail)
        self._wake()
        return withdrawn
