"""Takes an item with all its persons out of the match, for a reason that a person gives.

Where the unit has administrators that is a list too, and stays without effect until it is signed (R25).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.beneficiary.lists import Draft, ListKind, make_withdrawal
from services.beneficiary.store.lists import ListStore
from services.chassis.identity import Identity
from services.holder.reasons import check_reason
from services.holder.references import new_ref
from services.process.store.trail import Trail


class Withdraw:
    """Withdraws here; the matcher is told with the next round (``wake``)."""

    def __init__(
        self,
        lists: ListStore,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        *,
        must_sign: bool,
    ) -> None:
        self._lists = lists
        self._now = now
        self._wake = wake
        self._must_sign = must_sign

    def run(self, actor: Identity, item_ref: str, reason: str) -> tuple[int, bytes]:
        """The number of persons withdrawn just now, and the list that waits for it (b"" for none).

        Raises InvalidRequest without a reason, NotFound for an item that is not held.
        """
        at, why, list_id = self._now(), check_reason(reason), new_ref()
        by, entries = actor.login or actor.name, [make_withdrawal(item_ref)]
        withdrawn = self._lists.withdraw(
            item_ref,
            Draft(list_id, ListKind.WITHDRAWAL, by, at, entries, why),
            lambda ref: Trail(at, actor, "withdraw-item", ref.hex(), why),
            waits=self._must_sign,
        )
        self._wake()
        return withdrawn, list_id if self._must_sign else b""
