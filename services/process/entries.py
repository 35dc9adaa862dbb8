"""One step of one party as canonical bytes: what is kept, and what a report carries to the others.

A report carries an ``Entry``, a ``History`` for a party that came later, or to 纪委 what was ``Stated`` at a
meeting (``decode_body``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from libmatch.encoding import dec, enc, exactly, u8, u64, uint
from libmatch.errors import EncodingError
from libmatch.records import Side
from services.process.moments import from_us as from_us
from services.process.moments import to_us as to_us
from services.process.statements import Stated, decode_stated, is_stated
from services.rules.matter_facts import (
    MATTER_ID_SIZE,
    Actor,
    Measure,
    MeasureKind,
    Recipient,
    Verdict,
)
from services.rules.matter_steps import (
    Because,
    Complete,
    Conclude,
    Event,
    Inform,
    Object,
    Post,
    Step,
    Take,
    TakeDown,
    TakeMeasure,
)
from services.rules.publication import Place
from services.rules.roles import Role
from services.rules.violation import RuleViolation

_REASONED = ("DISPUTE", "CONFIRM", "WITHDRAW", "REVIVE")


@dataclass(frozen=True, repr=False)
class Entry:
    """A step with who made it when. ``seq`` counts from 1 within the case, the actor's unit and side."""

    case_id: bytes
    side: Side
    seq: int
    at: datetime
    actor: Actor
    step: Step

    def __post_init__(self) -> None:
        exactly(self.case_id, MATTER_ID_SIZE, "a case id")

    @property
    def unit(self) -> str:
        """Whose entry it is: the actor's unit."""
        return self.actor.unit

    @property
    def order(self) -> tuple[datetime, str, int, int]:
        """The order in which every party applies the entries of a case, whenever each came."""
        return self.at, self.actor.unit, int(self.side), self.seq

    @property
    def at_us(self) -> int:
        return to_us(self.at)

    def encode(self) -> bytes:
        """``enc("matter-entry", case, unit, u8 side, u64 seq, u64 at, login, name, role, step)``."""
        who = (self.actor.login, self.actor.name, self.actor.role.name)
        head = (self.case_id, self.actor.unit.encode(), u8(self.side), u64(self.seq))
        texts = (text.encode() for text in who)
        return enc("matter-entry", *head, u64(self.at_us), *texts, encode_step(self.step))


def decode_entry(data: bytes) -> Entry:
    """The entry. Raises EncodingError for anything that ``Entry.encode`` does not write."""
    case_id, unit, side, seq, at, login, name, role, step = dec("matter-entry", data, 9)
    try:
        who = Actor(login.decode(), name.decode(), unit.decode(), Role[role.decode()])
        made_at = from_us(uint(at, 8))
        return Entry(case_id, Side(uint(side, 1)), uint(seq, 8), made_at, who, decode_step(step))
    except (ValueError, KeyError, OverflowError):
        raise EncodingError("not an entry of a matter") from None


@dataclass(frozen=True, repr=False)
class Opening:
    """How the approving unit opened a case: what every party folds from (R43, R62).

    ``official_unit`` declared first and posts for the official's place.
    """

    official_unit: str
    rules_version: str
    notified_at: datetime

    def encode(self) -> bytes:
        """``enc("matter-opening", official unit, rules, u64 time)``."""
        texts = (self.official_unit.encode(), self.rules_version.encode())
        return enc("matter-opening", *texts, u64(to_us(self.notified_at)))


@dataclass(frozen=True, repr=False)
class History:
    """What a party repeats to one that came later: its earlier entries; ``opening`` by the approver alone.

    It has a number among the party's entries, and is no step: nothing changes by it.
    """

    case_id: bytes
    unit: str
    side: Side
    seq: int
    at: datetime
    opening: Opening | None
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        exactly(self.case_id, MATTER_ID_SIZE, "a case id")
        if self.opening is not None and self.side is not Side.BENEFICIARY:
            raise EncodingError("the approving unit alone opens a case")
        for entry in self.entries:
            own = (entry.case_id, entry.actor.unit, entry.side)
            if own != (self.case_id, self.unit, self.side) or entry.seq >= self.seq:
                raise EncodingError("a party repeats its own earlier steps of that case alone")

    def encode(self) -> bytes:
        """``enc("matter-history", case, unit, u8 side, u64 seq, u64 at, opening or nothing, entry, …)``."""
        head = (self.case_id, self.unit.encode(), u8(self.side), u64(self.seq))
        opening = self.opening.encode() if self.opening else b""
        repeated = (entry.encode() for entry in self.entries)
        return enc("matter-history", *head, u64(to_us(self.at)), opening, *repeated)


Said: TypeAlias = Entry | History | Stated
"""What a report says. Each has case_id, unit, side, seq and at, and its ``encode``."""


def decode_body(data: bytes) -> Said:
    """What a report says. Raises EncodingError for anything that none of them writes."""
    if is_stated(data):
        return decode_stated(data)
    try:
        fields = dec("matter-history", data)
    except EncodingError:
        return decode_entry(data)
    if len(fields) < 6:
        raise EncodingError("not a history of a matter")
    case_id, unit, side, seq, at, opening, *entries = fields
    try:
        head = (case_id, unit.decode(), Side(uint(side, 1)), uint(seq, 8), from_us(uint(at, 8)))
    except (ValueError, OverflowError):
        raise EncodingError("not a history of a matter") from None
    repeated = tuple(decode_entry(entry) for entry in entries)
    return History(*head, _decode_opening(opening) if opening else None, repeated)


def _decode_opening(data: bytes) -> Opening:
    unit, rules, at = dec("matter-opening", data, 3)
    try:
        return Opening(unit.decode(), rules.decode(), from_us(uint(at, 8)))
    except (ValueError, OverflowError):
        raise EncodingError("not an opening of a matter") from None


def encode_step(step: Step) -> bytes:
    """``enc("matter-step", the event's name, fields…)``."""
    return enc("matter-step", step.event.name.encode(), *_fields(step))


def _fields(step: Step) -> tuple[bytes, ...]:
    match step:
        case Inform():
            return _texts(step.recipient, step.reference)
        case Take() | Complete():
            return ()
        case Conclude():
            texts = _texts(step.grounds, step.verified_by, step.replaces_because)
            return (*texts, step.signature)
        case TakeMeasure(m):
            days = [day.isoformat() for day in m.days]
            return _texts(m.kind, m.detail, m.told, m.lead_to, m.lead_reference, *days)
        case Post():
            return (*_texts(step.place), step.digest)
        case TakeDown():
            return _texts(step.place)
        case Object():
            return _texts(step.reference)
        case Because():
            return _texts(step.reason)


def _texts(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def decode_step(data: bytes) -> Step:
    """The step. Raises EncodingError for anything that ``encode_step`` does not write."""
    fields = dec("matter-step", data)
    try:
        event, rest = Event[fields[0].decode()], fields[1:]
        step = _because(event, rest) if event.name in _REASONED else _MAKERS[event](*rest)
    except (IndexError, ValueError, KeyError, TypeError, RuleViolation):
        raise EncodingError("not a step of a matter") from None
    if encode_step(step) != data:
        raise EncodingError("not the canonical encoding of a step")
    return step


def _because(event: Event, fields: list[bytes]) -> Because:
    (reason,) = fields
    return Because(event, reason.decode())


def _conclude(verdict: Verdict) -> Callable[..., Step]:
    def make(grounds: bytes, by: bytes, because: bytes, signature: bytes) -> Step:
        return Conclude(verdict, grounds.decode(), by.decode(), signature, because.decode())

    return make


def _measure(*fields: bytes) -> Step:
    kind, detail, told, lead_to, reference, *days = (field.decode() for field in fields)
    decided_on, told_on, lead_on = map(date.fromisoformat, days)
    lead = (lead_to, reference, lead_on)
    return TakeMeasure(Measure(MeasureKind(kind), detail, decided_on, told, told_on, *lead))


_MAKERS: dict[Event, Callable[..., Step]] = {
    Event.INFORM: lambda to, reference: Inform(Recipient(to.decode()), reference.decode()),
    Event.TAKE: lambda: Take(),
    Event.FIND_COMPLIANT: _conclude(Verdict.COMPLIANT),
    Event.FIND_NOT_COMPLIANT: _conclude(Verdict.NOT_COMPLIANT),
    Event.MEASURE: _measure,
    Event.POST: lambda place, digest: Post(Place(place.decode()), digest),
    Event.TAKE_DOWN: lambda place: TakeDown(Place(place.decode())),
    Event.COMPLETE: lambda: Complete(),
    Event.OBJECT: lambda reference: Object(reference.decode()),
}
