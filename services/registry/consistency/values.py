"""What the cross-check of declarations works with. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libmatch.identifiers import Identifier
from libmatch.relations import Relation


@dataclass(frozen=True, repr=False)
class DeclaredRelative:
    """A relative who is declared now. ``unit``: his work unit as the form has it; "" where it has none."""

    relation: Relation
    identifier: Identifier | None
    name: str
    unit: str


@dataclass(frozen=True, repr=False)
class Declarant:
    """An official with a signed declaration, and whom it has. ``ref`` has 16 bytes."""

    ref: bytes
    identifier: Identifier
    name: str
    unit: str
    post: str
    relatives: tuple[DeclaredRelative, ...]


@dataclass(frozen=True, repr=False)
class Told:
    """That A (name, unit, post) declares the official ``ref`` of this unit as ``relation``.

    ``pair`` (32 bytes) names both without their identifiers (``libmatch.consistency.derive_pair``).
    """

    ref: bytes
    pair: bytes
    name: str
    unit: str
    post: str
    relation: str


class FindingState(StrEnum):
    """How far a finding has come."""

    OPEN = "open"
    CLOSED = "closed"  # by itself: the declarations agree now
    SETTLED = "settled"  # looked into: there is something in it
    DISMISSED = "dismissed"  # looked into: there is nothing in it


@dataclass(frozen=True, repr=False)
class Finding:
    """What was told about an official whose own declaration lacks it. ``sender``: the unit that told it.

    ``official_name`` "": he is no longer held. ``grounds`` and ``decided_by`` (a login) of who settled or
    dismissed it.
    """

    finding_id: bytes
    sender: str
    epoch: bytes
    told: Told
    official_name: str
    official_post: str
    state: FindingState
    found_at: datetime
    changed_at: datetime
    grounds: str
    decided_by: str


@dataclass(frozen=True)
class LastRun:
    """The last time that letters were made: for which epoch, of which state of the declarations."""

    epoch: bytes
    made_at: datetime
    mark: str
    letters: int
    claims: int
