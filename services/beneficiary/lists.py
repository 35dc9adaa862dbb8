"""Lists: what was imported or is to be withdrawn, and who signed which content (R25, R31, R61). Values only.

A list waits until it is signed and reviewed; its content is then in force, and the match has it. A waiting
list is altered when something newer about one of its items comes: that item leaves it, its digest changes,
and what was signed under the old digest is void. What is in force stays as it is until then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from libmatch.encoding import enc
from libmatch.identifiers import Identifier, Kind
from services.beneficiary.item_records import Capacity, Item, ItemPerson
from services.chassis.refusals import Conflict
from services.chassis.sheets import Position
from services.rules.signing import ListSignature, require_signed_list
from services.rules.violation import RuleViolation

LIST_ID_SIZE = 16


class ListKind(StrEnum):
    """What a list says about its items."""

    PRE = "pre"  # the proposed beneficiaries (R61)
    POST = "post"  # the actual ones
    WITHDRAWAL = "withdrawal"  # out of the match


class ListState(StrEnum):
    """How far a list has come."""

    WAITING = "waiting"  # for signature and review
    IN_FORCE = "in-force"
    REPLACED = "replaced"  # newer lists have taken over all of its items
    DISCARDED = "discarded"


@dataclass(frozen=True)
class BeneficiaryList:
    """A list without its content. ``list_id``: 16 bytes; ``digest``: of the content, 32 bytes.

    ``signed_by`` and ``reviewed_by`` are logins, "" before. ``reason``: of a withdrawal.
    """

    list_id: bytes
    kind: ListKind
    state: ListState
    digest: bytes
    items: int
    imported_by: str
    imported_at: datetime
    reason: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    reviewed_by: str = ""
    reviewed_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nobody's step is missing."""
        return bool(self.signed_by and self.reviewed_by)

    def signed(self, signature: ListSignature, at: datetime) -> BeneficiaryList:
        """The list with the party head's signature (R25). RuleViolation, Conflict."""
        self._require_waiting()
        require_signed_list(signature, signature.unit, self.digest)
        if self.signed_by:
            raise _already("signed", "签署")
        return replace(self, signed_by=signature.account, signed_at=at)

    def reviewed(self, login: str, digest: bytes, at: datetime) -> BeneficiaryList:
        """The list as the responsible leader reviewed it (R31). RuleViolation, Conflict."""
        self._require_waiting()
        if digest != self.digest:
            raise RuleViolation(
                "R31",
                "the list was altered since it was read; read it again",
                "受益人名单在您查看之后有改动，请重新查看后再审核",
            )
        if login == self.imported_by:
            raise RuleViolation(
                "R31",
                "one person enters, another one reviews",
                "录入和审核须为两人，请由责任领导审核",
            )
        if self.reviewed_by:
            raise _already("reviewed", "审核")
        return replace(self, reviewed_by=login, reviewed_at=at)

    def altered(self, digest: bytes, items: int) -> BeneficiaryList:
        """The list with other content: what was signed and reviewed is void; empty, it is replaced."""
        state = self.state if items else ListState.REPLACED
        bare = replace(self, signed_by="", signed_at=None, reviewed_by="", reviewed_at=None)
        return replace(bare, state=state, digest=digest, items=items)

    def discarded(self) -> BeneficiaryList:
        """The list that nobody will sign. Conflict unless it waits."""
        self._require_waiting()
        return replace(self, state=ListState.DISCARDED)

    def _require_waiting(self) -> None:
        if self.state is not ListState.WAITING:
            raise Conflict(
                f"the list is {self.state} already",
                "该名单已经生效、被新名单取代或已撤销，请重新查看最新情况（规则R25）。",
                reason="LIST_CHANGED",
            )


def _already(word: str, word_zh: str) -> Conflict:
    return Conflict(
        f"the list was {word} a moment ago",
        f"该名单刚刚已由他人{word_zh}，请重新查看最新情况。",
        reason="LIST_CHANGED",
    )


@dataclass(frozen=True, repr=False)
class ListEntry:
    """One item of a list. ``content``: canonical JSON, "" of a withdrawal and once it is not waiting."""

    item_ref: str
    digest: bytes
    content: str = ""


def make_entry(item: Item) -> ListEntry:
    """The entry that says this of an item."""
    content = item_to_json(item)
    return ListEntry(item.item_ref, _digest("list-item", content.encode()), content)


def make_withdrawal(item_ref: str) -> ListEntry:
    """The entry that takes an item out of the match."""
    return ListEntry(item_ref, _digest("list-withdrawal", item_ref.encode()))


def digest_of(unit: str, kind: ListKind, entries: Mapping[str, bytes]) -> bytes:
    """The digest of a list, 32 bytes: SHA-256 over unit, kind, and each item's number and digest.

    ``entries``: digests by item number. Whoever has an item's number and JSON can compute it again.
    """
    parts = [part for ref in sorted(entries) for part in (ref.encode(), entries[ref])]
    return _digest("list", unit.encode(), kind.encode(), *parts)


def _digest(label: str, *parts: bytes) -> bytes:
    return hashlib.sha256(enc(label, *parts)).digest()


def item_to_json(item: Item) -> str:
    """The item as JSON with sorted keys, persons in order of their identifiers; without its place."""
    persons = sorted(
        [int(one.identifier.kind), one.identifier.idn, one.name, one.capacity.value]
        for one in item.persons
    )
    values = {
        "item_ref": item.item_ref,
        "item_name": item.item_name,
        "programme": item.programme,
        "amount_fen": item.amount_fen,
        "place": item.place,
        "start": item.start_date.isoformat() if item.start_date else None,
        "finished": item.finished.isoformat() if item.finished else None,
        "remark": item.remark,
        "company": item.company,
        "persons": persons,
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def json_to_item(text: str) -> Item:
    """The item that ``item_to_json`` wrote, without a place in a sheet."""
    values: dict[str, Any] = json.loads(text)
    persons = tuple(
        ItemPerson(Identifier(Kind(kind), idn), name, Capacity(capacity))
        for kind, idn, name, capacity in values.pop("persons")
    )
    start, finished = (
        date.fromisoformat(text) if (text := values.pop(key)) else None
        for key in ("start", "finished")
    )
    where = Position("", 0)
    return Item(persons=persons, start_date=start, finished=finished, position=where, **values)


@dataclass(frozen=True, repr=False)
class Draft:
    """A list that is to be made: who brings it, when, and what it says."""

    list_id: bytes
    kind: ListKind
    by: str
    at: datetime
    entries: Sequence[ListEntry]
    reason: str = ""

    def as_list(self, unit: str, state: ListState) -> BeneficiaryList:
        """The list that it becomes."""
        digest = digest_of(unit, self.kind, digests(self.entries))
        head = (self.list_id, self.kind, state, digest, len(self.entries))
        return BeneficiaryList(*head, self.by, self.at, self.reason)


def digests(entries: Iterable[ListEntry]) -> dict[str, bytes]:
    """The digest of each entry by its item's number."""
    return {entry.item_ref: entry.digest for entry in entries}
