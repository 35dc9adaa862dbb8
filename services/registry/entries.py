"""What the registry holds, what an import changes of it, and how it is shown. Values only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from libmatch.identifiers import Identifier
from libmatch.payloads import RelativePayload
from libmatch.relations import Relation
from services.chassis.sheets import Notice
from services.holder.states import RecordState


@dataclass(frozen=True, repr=False)
class OfficialEntry:
    """A reporter as held (R17, R19). ``ref`` is 16 bytes.

    ``unsigned``: the form came without signature or date; nothing of it moves on until it is signed.
    """

    ref: bytes
    identifier: Identifier
    name: str
    sex: str = ""
    political: str = ""
    unit: str = ""
    post: str = ""
    rank: str = ""
    work: str = ""
    discipline: bool | None = None
    household: str = ""
    phone: str = ""
    opinion: str = ""
    signer: str = ""
    signed_on: date | None = None
    unsigned: bool = False

    @property
    def sealed_part(self) -> tuple[str, ...]:
        """What every record of this official's relatives repeats: another one is a correction."""
        return (self.name, self.unit, self.post)

    def __repr__(self) -> str:
        return f"<OfficialEntry {self.ref.hex()}>"


@dataclass(frozen=True, repr=False)
class RelativeEntry:
    """A relative as held (R18), or with relation 本人 the official. ``ref`` is 16 bytes.

    ``identifier`` None: not known, never sealed. ``official``: the reference of the reporter.
    """

    ref: bytes
    official: bytes
    relation: Relation
    identifier: Identifier | None
    name: str
    sex: str = ""
    political: str = ""
    unit: str = ""
    post: str = ""
    phone: str = ""
    household: str = ""
    remark: str = ""
    withdrawn: bool = False

    def __repr__(self) -> str:
        return f"<RelativeEntry {self.ref.hex()}>"


@dataclass(frozen=True)
class Known:
    """What is held of the officials of a file, and of others who bear one of their names."""

    officials: Mapping[Identifier, OfficialEntry]
    relatives: Mapping[bytes, Sequence[RelativeEntry]]
    names_of_others: Collection[str]


@dataclass
class ImportPlan:
    """What to write, which relatives to seal (``enter``: references), and what to tell the clerk.

    ``left_out``: references of relatives who are held and whom the declarations no longer name.
    """

    new_officials: list[OfficialEntry] = field(default_factory=list)
    changed_officials: list[OfficialEntry] = field(default_factory=list)
    new_relatives: list[RelativeEntry] = field(default_factory=list)
    changed_relatives: list[RelativeEntry] = field(default_factory=list)
    enter: list[bytes] = field(default_factory=list)
    left_out: list[bytes] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    notices: list[Notice] = field(default_factory=list)


def make_payload(
    official: OfficialEntry, relative: RelativeEntry, unit_name: str
) -> RelativePayload:
    """What is sealed of a relative. ``unit_name`` stands in where the form leaves 单位 blank.

    Raises ValueError for a relative without an identifier: he is never matched (R18).
    """
    if relative.identifier is None:
        raise ValueError("a relative without an identifier is never sealed")
    return RelativePayload(
        person=relative.identifier,
        name=relative.name,
        relation=relative.relation.value,
        official=official.identifier,
        official_name=official.name,
        official_unit=official.unit or unit_name,
        official_post=official.post,
    )


class RelativeStatus(StrEnum):
    """How far a relative has come, as clerks see it."""

    ENTERED = "entered"
    SEALED = "sealed"
    ACCEPTED = "accepted"
    ID_UNKNOWN = "id_unknown"
    WITHDRAWN = "withdrawn"


_SHOWN = {
    RecordState.SEALED: RelativeStatus.SEALED,
    RecordState.ACCEPTED: RelativeStatus.ACCEPTED,
}


def find_status(relative: RelativeEntry, state: RecordState | None) -> RelativeStatus:
    """The status of a relative whose wanted record, if there is one, is in ``state``."""
    if relative.withdrawn:
        return RelativeStatus.WITHDRAWN
    if relative.identifier is None:
        return RelativeStatus.ID_UNKNOWN
    if state is None:  # of an unsigned declaration
        return RelativeStatus.ENTERED
    return _SHOWN.get(state, RelativeStatus.ENTERED)


@dataclass(frozen=True, repr=False)
class ListedOfficial:
    """An official as listed, with his relatives and how far each has come."""

    official: OfficialEntry
    relatives: tuple[tuple[RelativeEntry, RelativeStatus], ...]


@dataclass(frozen=True, repr=False)
class ListedNotice:
    """A notice as listed. The names are this unit's own; the facts are blank where it did not open."""

    notice_id: bytes
    received_at: datetime
    disputed: bool
    official_name: str = ""
    relative_name: str = ""
    relation: str = ""
    approving_unit: str = ""
    capacity: str = ""
    item_name: str = ""
    programme: str = ""
    amount_fen: int | None = None
    place: str = ""
    start: date | None = None
