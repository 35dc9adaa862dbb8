"""Cases: what the opened pairs about one official, person, item and capacity say together.

Declarations of two units, copies (R10) and corrections are several pairs and one case. A case says what
its latest live pair says; with no live pair left it is withdrawn and says what it said last. Nothing here
is stored: it follows from the pairs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from libmatch.encoding import enc, u64
from libmatch.identifiers import Identifier
from libmatch.names import fold_name
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import Side
from services.inspector.progress import Step, latest_steps
from services.inspector.states import CaseStatus

Payload = TypeVar("Payload", RelativePayload, ItemPayload)


@dataclass(frozen=True, repr=False)
class CaseKey:
    """What makes two pairs one case."""

    official: Identifier
    person: Identifier
    approving_unit: str
    item_ref: str
    capacity: str


@dataclass(frozen=True, repr=False)
class CasePair:
    """One opened hit. ``number`` is the matcher's; rids 16 bytes, the others 32."""

    number: int
    hit_id: bytes
    epoch: bytes
    declaring_unit: str
    declaring_rid: bytes
    approving_unit: str
    approving_rid: bytes
    token: bytes
    relative: RelativePayload
    item: ItemPayload
    live: bool = True

    @property
    def key(self) -> CaseKey:
        item = self.item
        unit, official = self.approving_unit, self.relative.official
        return CaseKey(official, item.person, unit, item.item_ref, item.capacity)

    @property
    def case_id(self) -> bytes:
        """The id of the case that this pair begins: 16 bytes, opaque."""
        return hashlib.sha256(enc("case", self.hit_id)).digest()[:16]


@dataclass(frozen=True, repr=False)
class Case:
    """A case with its pairs, ascending, at least one.

    ``agreements`` are (officer, facts agreed to), in order of time; ``steps`` what units reported.
    """

    number: int
    case_id: bytes
    key: CaseKey
    opened_at: datetime
    released_at: datetime | None
    pairs: tuple[CasePair, ...]
    agreements: tuple[tuple[str, bytes], ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def live_pairs(self) -> tuple[CasePair, ...]:
        return tuple(pair for pair in self.pairs if pair.live)

    @property
    def content(self) -> CasePair:
        """The pair whose words are the case's."""
        return (self.live_pairs or self.pairs)[-1]

    @property
    def latest_by_unit(self) -> dict[str, CasePair]:
        """Declaring unit → its latest live pair; units in the order of their first pair."""
        return {pair.declaring_unit: pair for pair in self.live_pairs}

    @property
    def declaring_units(self) -> tuple[str, ...]:
        """Who declares the person, or declared it last, in the order of joining."""
        return tuple(dict.fromkeys(pair.declaring_unit for pair in self.live_pairs or self.pairs))

    @property
    def status(self) -> CaseStatus:
        if not self.live_pairs:
            return CaseStatus.WITHDRAWN
        return CaseStatus.OPENED if self.released_at is None else CaseStatus.RELEASED

    @property
    def stages(self) -> tuple[Step, ...]:
        """The latest step of each party of the case that reported on it (R40)."""
        declaring = {(pair.declaring_unit, Side.REGISTRY) for pair in self.pairs}
        return latest_steps(self.steps, {(self.key.approving_unit, Side.BENEFICIARY), *declaring})

    @property
    def names_differ(self) -> bool:
        """Whether the person has one name in the declaration and another in the list.

        One of the two numbers may be mistyped, and the declared family not the one that receives.
        """
        declared, listed = self.content.relative.name, self.content.item.name
        return fold_name(declared) != fold_name(listed)

    @property
    def facts(self) -> bytes:
        """Digest, 32 bytes, of all that an officer agrees to when the case is released."""
        relative, item = self.content.relative, self.content.item
        texts = (relative.relation, relative.official_name, relative.official_unit)
        names = (relative.official_post, relative.name, item.name)
        rest = (*names, item.item_name, item.programme, item.place)
        amount = b"" if item.amount_fen is None else u64(item.amount_fen)
        start = "" if item.start is None else item.start.isoformat()
        encoded = (text.encode() for text in (*texts, *rest, start))
        return hashlib.sha256(enc("case-facts", amount, *encoded)).digest()

    @property
    def agreed(self) -> tuple[str, ...]:
        """The officers who agreed to what the case says now; what it said before does not count."""
        return tuple(officer for officer, facts in self.agreements if facts == self.facts)


def tidy(payload: Payload) -> Payload:
    """The payload with every control or invisible character of its texts as a space.

    What a unit sealed reaches terminals, sheets and other units: it must not carry escape sequences.
    """
    values: dict[str, Any] = {field.name: getattr(payload, field.name) for field in fields(payload)}
    texts = {name: _printable(v) for name, v in values.items() if isinstance(v, str)}
    return replace(payload, **{**values, **texts})


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
