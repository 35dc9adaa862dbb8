"""Entries of a lead as canonical bytes, and all of them as one body for another organ.

Spec: docs/spec/parcels.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

from libmatch.encoding import dec, enc, u8, u64, uint
from libmatch.errors import EncodingError
from services.process.leads.steps import (
    Dispose,
    HandOver,
    LeadEntry,
    LeadStep,
    NoteCorrection,
    Press,
    Register,
    TakeOver,
)
from services.process.moments import from_us, to_us
from services.rules.leads import Authority, Concern, Disposal, Gravity, Ground, Nature, Source
from services.rules.matter_facts import Actor
from services.rules.roles import DISCIPLINE, Role
from services.rules.violation import RuleViolation

KIND = "lead"
_MOST_ENTRIES = 200


def encode_entry(entry: LeadEntry) -> bytes:
    """``enc("lead-entry", lead id, unit, u64 seq, u64 µs, login, name, role, step)``."""
    who = (entry.actor.login, entry.actor.name, entry.actor.role.name)
    head = (entry.lead_id, entry.actor.unit.encode(), u64(entry.seq), u64(to_us(entry.at)))
    return enc("lead-entry", *head, *_texts(*who), encode_step(entry.step))


def decode_entry(data: bytes) -> LeadEntry:
    """The entry. Raises EncodingError for anything that ``encode_entry`` does not write."""
    lead_id, unit, seq, at, login, name, role, step = dec("lead-entry", data, 8)
    try:
        who = Actor(login.decode(), name.decode(), unit.decode(), Role[role.decode()])
        return LeadEntry(lead_id, uint(seq, 8), from_us(uint(at, 8)), who, decode_step(step))
    except (ValueError, KeyError, OverflowError):
        raise EncodingError("not an entry of a lead") from None


def encode_step(step: LeadStep) -> bytes:
    """``enc("lead-step", event, fields…)``."""
    return enc("lead-step", _EVENT_OF[type(step)].encode(), *_fields(step))


def decode_step(data: bytes) -> LeadStep:
    """The step. Raises EncodingError for anything that ``encode_step`` does not write."""
    fields = dec("lead-step", data)
    try:
        event, rest = fields[0].decode(), fields[1:]
        step = _MAKERS[event](*rest)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, RuleViolation):
        raise EncodingError("not a step of a lead") from None
    if encode_step(step) != data:
        raise EncodingError("not the canonical encoding of a step")
    return step


def encode_file(entries: Sequence[LeadEntry]) -> bytes:
    """``enc("lead-file", entry, …)``: all entries of one lead, in order."""
    return enc("lead-file", *map(encode_entry, entries))


def decode_file(data: bytes, sender: str, commissions: Collection[str]) -> list[LeadEntry]:
    """The entries in a file of ``sender``, all of one lead and each of a unit that it may speak for.

    ``commissions``: the members of the roster that are the district's. Raises EncodingError.
    """
    encoded = dec("lead-file", data)
    if not 1 <= len(encoded) <= _MOST_ENTRIES:
        raise EncodingError(f"a file has 1 to {_MOST_ENTRIES} entries")
    entries = [decode_entry(one) for one in encoded]
    for entry in entries:
        unit, role = entry.actor.unit, entry.actor.role
        if entry.lead_id != entries[0].lead_id:
            raise EncodingError("a file is about one lead")
        if unit != sender and sender not in commissions:
            raise EncodingError("the sender speaks for another organ")
        if role not in DISCIPLINE or (role is Role.INSPECTOR) != (unit in commissions):
            raise EncodingError("an entry is in a role that its unit does not have")
    return entries


def _fields(step: LeadStep) -> tuple[bytes, ...]:
    match step:
        case Register(c, reference, about, summary):
            names = (c.ground.name, c.source.name, c.authority.name)
            units = (c.unit, c.responsible_unit)
            found = u64(to_us(c.discovered_at))
            texts = _texts(*names, *units, reference, about, summary)
            return (u8(c.discipline), found, *texts)
        case HandOver(to):
            return _texts(to)
        case Press(due_on):
            return _texts(due_on.isoformat())
        case TakeOver(gravity):
            return _texts(gravity.name)
        case NoteCorrection(corrected_at):
            return (u64(to_us(corrected_at)),)
        case Dispose(disposal, nature, grounds, because):
            named = "" if nature is None else nature.name
            return _texts(disposal.name, named, grounds, because)


def _texts(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def _register(discipline: bytes, found: bytes, *texts: bytes) -> Register:
    ground, source, authority, unit, responsible, *rest = (text.decode() for text in texts)
    reference, about, summary = rest
    concern = Concern(
        Ground[ground],
        Source[source],
        Authority[authority],
        unit,
        responsible,
        {0: False, 1: True}[uint(discipline, 1)],
        _moment(found),
    )
    return Register(concern, reference, about, summary)


def _dispose(disposal: bytes, nature: bytes, grounds: bytes, because: bytes) -> Dispose:
    named = Nature[nature.decode()] if nature else None
    return Dispose(Disposal[disposal.decode()], named, grounds.decode(), because.decode())


def _moment(data: bytes) -> datetime:
    return from_us(uint(data, 8))


_EVENT_OF: dict[type[LeadStep], str] = {
    Register: "register",
    HandOver: "hand-over",
    Press: "press",
    TakeOver: "take-over",
    NoteCorrection: "note-correction",
    Dispose: "dispose",
}
_MAKERS: dict[str, Callable[..., LeadStep]] = {
    "register": _register,
    "hand-over": lambda to: HandOver(to.decode()),
    "press": lambda due_on: Press(date.fromisoformat(due_on.decode())),
    "take-over": lambda gravity: TakeOver(Gravity[gravity.decode()]),
    "note-correction": lambda at: NoteCorrection(_moment(at)),
    "dispose": _dispose,
}
