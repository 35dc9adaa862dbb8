"""Looks at lists: which there are, and what one says, each in the trail (R63)."""

from __future__ import annotations

from dataclasses import dataclass

from services.beneficiary.item_records import Item
from services.beneficiary.lists import BeneficiaryList, ListState, json_to_item
from services.beneficiary.store.lists import ListStore
from services.chassis.identity import Identity
from services.holder.accounts import Accounts
from services.holder.store.trail import Trail


@dataclass(frozen=True, repr=False)
class ShownItem:
    """What a list says of an item. ``said`` None: a withdrawal, or a list that no longer waits."""

    item_ref: str
    said: Item | None


class ListLooks:
    """What the unit's staff, the signer and the discipline organ see of lists."""

    def __init__(self, lists: ListStore, accounts: Accounts) -> None:
        self._lists = lists
        self._accounts = accounts

    def list_all(self, actor: Identity, *, waiting: bool) -> list[BeneficiaryList]:
        """All lists, or those that wait, the oldest first; nobody is named in them."""
        states = [ListState.WAITING] if waiting else []
        return self._lists.list_all(states, Trail(self._accounts.now(), actor, "show-lists"))

    def show(
        self, actor: Identity, list_id: bytes, reason: str
    ) -> tuple[BeneficiaryList, list[ShownItem]]:
        """One list with its content, for who reviews and signs. RuleViolation R63, NotFound."""
        why = self._accounts.look_reason(reason)
        # "list-…": a look at everybody on it, as the access log of a person reads the trail.
        trail = Trail(self._accounts.now(), actor, "list-content", list_id.hex(), why)
        found, entries = self._lists.get(list_id, trail)
        return found, [
            ShownItem(entry.item_ref, json_to_item(entry.content) if entry.content else None)
            for entry in entries
        ]
