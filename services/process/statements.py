"""That an official explained a matter at a meeting (R49), as the body of a report to 纪委 alone.

It has a number among the unit's entries of the case and is no step: nothing of the matter changes by it, and
the other unit of the case does not learn of it. 纪委's service counts from it what 区委组织部 oversees (R50).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from libmatch.encoding import dec, enc, exactly, u8, u64, uint
from libmatch.errors import EncodingError
from libmatch.records import Side
from services.chassis.identity import Identity
from services.process.moments import from_us, to_us
from services.rules.matter_facts import MATTER_ID_SIZE
from services.rules.statements import Meeting, StatementFigures

_YEARS = range(2000, 10_000)


@dataclass(frozen=True, repr=False)
class Stated:
    """One matter in the statement of ``year``. ``seq`` counts with the entries of the declaring unit."""

    case_id: bytes
    unit: str
    side: Side
    seq: int
    at: datetime
    year: int
    meeting: Meeting
    held_on: date

    def __post_init__(self) -> None:
        exactly(self.case_id, MATTER_ID_SIZE, "a case id")
        if self.side is not Side.REGISTRY or self.year not in _YEARS:
            raise EncodingError("the declaring unit records statements, of a year with four digits")

    def encode(self) -> bytes:
        """``enc("matter-statement", case, unit, u8 side, u64 seq, u64 at, year, meeting, day)``."""
        head = (self.case_id, self.unit.encode(), u8(self.side), u64(self.seq))
        texts = (str(self.year), self.meeting.name, self.held_on.isoformat())
        return enc("matter-statement", *head, u64(to_us(self.at)), *(t.encode() for t in texts))


def is_stated(data: bytes) -> bool:
    """Whether ``data`` claims to be a statement, by its label."""
    try:
        dec("matter-statement", data)
    except EncodingError:
        return False
    return True


def decode_stated(data: bytes) -> Stated:
    """The statement. Raises EncodingError for anything that ``Stated.encode`` does not write."""
    case_id, unit, side, seq, at, year, meeting, day = dec("matter-statement", data, 8)
    try:
        head = (case_id, unit.decode(), Side(uint(side, 1)), uint(seq, 8), from_us(uint(at, 8)))
        texts = (int(year.decode()), Meeting[meeting.decode()], date.fromisoformat(day.decode()))
        stated = Stated(*head, *texts)
    except (ValueError, KeyError, OverflowError):
        raise EncodingError("not a statement about a matter") from None
    if stated.encode() != data:
        raise EncodingError("not the canonical encoding of a statement")
    return stated


# --- who oversees them ----------------------------------------------------------------------------


@dataclass(frozen=True)
class StatementReport:
    """How the statements of units stand on a day (R50). ``names``: units as people see them."""

    as_of: date
    units: tuple[StatementFigures, ...]
    names: Mapping[str, str]


class StatementBook(Protocol):
    """Who can tell how statements stand: a registry of its unit, 纪委 of all."""

    def count(self, caller: Identity) -> StatementReport:
        """What ``caller`` may see of it. RuleViolation R50."""
