"""Looks at lists: which there are, and what one says, each in the trail (R63)."""

from __future__ import annotations

from dataclasses import dataclass

from services.beneficiary.item_records import Item
from services.beneficiary.lists import BeneficiaryList, ListState, json_to_item
from services.beneficiary.store.lists import ListStore
from services.chassis.identity import Identity
from services.holder.accounts import Accounts
from services.process.store.trail import Trail

PAGE = 2000  # items, some 300 bytes each: far below the smallest sensible message limit


@dataclass(frozen=True, repr=False)
class ShownItem:
    """What a list says of an item. ``said`` None: a withdrawal, or a list that no longer waits."""

    item_ref: str
    said: Item | None


@dataclass(frozen=True, repr=False)
class ShownList:
    """A page of a list. ``next_after``: the item behind which the next page begins, "" on the last."""

    head: BeneficiaryList
    items: tuple[ShownItem, ...]
    next_after: str


class ListLooks:
    """What the unit's staff, the signer and the discipline organ see of lists, ``page`` items at a time."""

    def __init__(self, lists: ListStore, accounts: Accounts, page: int = PAGE) -> None:
        self._page = page
        self._lists = lists
        self._accounts = accounts

    def list_all(self, actor: Identity, *, waiting: bool) -> list[BeneficiaryList]:
        """All lists, or those that wait, the oldest first; nobody is named in them."""
        states = [ListState.WAITING] if waiting else []
        return self._lists.list_all(states, Trail(self._accounts.now(), actor, "show-lists"))

    def show(self, actor: Identity, list_id: bytes, reason: str, after: str = "") -> ShownList:
        """One list with what it says behind the item ``after``. RuleViolation R63, NotFound."""
        why = self._accounts.look_reason(reason)
        # "list-…": a look at everybody on it, as the access log of a person reads the trail.
        trail = Trail(self._accounts.now(), actor, "list-content", list_id.hex(), why)
        found, entries = self._lists.get(list_id, after, self._page + 1, trail)
        shown = tuple(
            ShownItem(entry.item_ref, json_to_item(entry.content) if entry.content else None)
            for entry in entries[: self._page]
        )
        return ShownList(found, shown, shown[-1].item_ref if len(entries) > self._page else "")
