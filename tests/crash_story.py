"""What units send to a matcher that crashes, and what the world outside saw of it before.

::

    story = Story(district, random.Random(7)); story.extend(12)      # at least 12 more of each stream
    story.streams[stream][seq - 1]                                   # Sent: a batch or a withdrawal
    seen = Seen(); seen.note(*receipt_fact(receipt))                 # raises Contradiction for another one

Both are judged together by ``tests.judge_store``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from libmatch.auditlog import encode_gate_leaf, hash_entry
from libmatch.batch import compute_token
from libmatch.clearances import ClearanceAnswer
from libmatch.records import RID_SIZE, WORD, Batch, Receipt, RecordRef, Side, Withdrawal, cut
from tests.district import NOW, District, make_district, person

ROWS = 12  # of a batch
PERSONS = 2000  # so many that a batch flags a few pairs and not hundreds


class Stream(NamedTuple):
    """One unit as one side: its submissions have the numbers 1, 2, 3, …"""

    unit: str
    side: Side


STREAMS = (
    Stream("reg-a", Side.REGISTRY),
    Stream("reg-b", Side.REGISTRY),
    Stream("ben-a", Side.BENEFICIARY),
    Stream("ben-b", Side.BENEFICIARY),
    Stream("both-a", Side.REGISTRY),
    Stream("both-a", Side.BENEFICIARY),
)


@dataclass(frozen=True)
class Sent:
    """A submission with what a judge must know of it: each row's token, or what it withdraws."""

    what: Batch | Withdrawal
    records: tuple[tuple[RecordRef, bytes], ...]
    withdrawn: tuple[RecordRef, ...]


def story_district(now: datetime = NOW) -> District:
    """A district with the units of ``STREAMS``."""
    units = {"registry": ("reg-a", "reg-b"), "beneficiary": ("ben-a", "ben-b"), "both": ("both-a",)}
    return make_district(now=now, **units)  # type: ignore[arg-type]


class Story:
    """Submissions of all streams, sealed and signed beforehand, as a unit's outbox keeps them."""

    def __init__(self, district: District, rng: random.Random, rows: int = ROWS) -> None:
        self.district = district
        self.streams: dict[Stream, list[Sent]] = {stream: [] for stream in STREAMS}
        self._live: dict[Stream, list[bytes]] = {stream: [] for stream in STREAMS}
        self._rng = rng
        self._rows = rows

    def extend(self, ahead: int, reached: dict[Stream, int] | None = None) -> None:
        """Each stream has at least ``ahead`` submissions behind the number that it ``reached``."""
        for stream, sent in self.streams.items():
            wanted = (reached or {}).get(stream, 0) + ahead
            while len(sent) < wanted:
                sent.append(self._next(stream, len(sent) + 1))

    def _next(self, stream: Stream, seq: int) -> Sent:
        live, rng = self._live[stream], self._rng
        if len(live) > 2 * self._rows and rng.random() < 0.4:
            gone = rng.sample(live, rng.randint(1, 4))
            live[:] = [rid for rid in live if rid not in gone]
            withdrawal = self.district.withdraw(*stream, gone, seq=seq)
            refs = tuple(RecordRef(stream.side, stream.unit, rid) for rid in gone)
            return Sent(withdrawal, (), refs)
        persons = [person(number) for number in rng.sample(range(PERSONS), self._rows)]
        batch = self.district.seal(*stream, persons, seq=seq).batch
        records = tuple(_records(self.district, batch))
        live += [ref.rid for ref, _ in records]
        return Sent(batch, records, ())


def _records(district: District, batch: Batch) -> Iterator[tuple[RecordRef, bytes]]:
    columns, head = batch.columns, batch.header
    halves = zip(cut(columns.c_reg, WORD), cut(columns.c_ben, WORD), strict=True)
    for rid, pair in zip(cut(columns.rid, RID_SIZE), halves, strict=True):
        yield RecordRef(head.side, head.unit, rid), compute_token(district.suite, *pair)


class Contradiction(AssertionError):
    """The matcher told something otherwise than before."""


@dataclass
class Seen:
    """What was acknowledged: answers that arrived outside, by what they are about."""

    facts: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, kind: str, about: str, value: str) -> None:
        """Keep it. Raises Contradiction where the same was answered otherwise before."""
        before = self.facts.setdefault((kind, about), value)
        if before != value:
            raise Contradiction(f"{kind} {about}: first {before}, then {value}")

    def of(self, kind: str) -> dict[str, str]:
        """What was seen of one kind, by what it is about."""
        return {about: value for (one, about), value in self.facts.items() if one == kind}

    def copy(self) -> Seen:
        """What was seen until now."""
        return Seen(dict(self.facts))

    def reached(self) -> dict[Stream, int]:
        """How many submissions of each stream have a receipt."""
        reached = dict.fromkeys(STREAMS, 0)
        for about in self.of("receipt"):
            unit, side, seq = about.split("/")
            stream = Stream(unit, Side(int(side)))
            reached[stream] = max(reached[stream], int(seq))
        return reached


Fact = tuple[str, str, str]  # kind, about, value


def receipt_fact(receipt: Receipt) -> Fact:
    """That a submission was acknowledged with these bytes."""
    about = f"{receipt.unit}/{int(receipt.side)}/{receipt.seq}"
    return "receipt", about, receipt.encode().hex()


def head_fact(size: int, root: bytes) -> Fact:
    """That the log had this root at this size."""
    return "head", str(size), root.hex()


def gate_fact(unit: str, answer: ClearanceAnswer) -> Fact:
    """That the gate's answer to ``unit`` stands in the log where it says."""
    answers = [(one.rid, one.status) for one in answer.clearances]
    entry = encode_gate_leaf(unit, answer.checked_at_us, answers)
    return "leaf", str(answer.leaf_index), hash_entry(entry).hex()


def acknowledgement_fact(notice_id: bytes, at_us: int, leaf: int) -> Fact:
    """That a unit's acknowledgement of a notice was kept."""
    return "acknowledgement", notice_id.hex(), f"{at_us}/{leaf}"


def release_fact(notice_id: bytes, number: int, leaf: int) -> Fact:
    """That a notice was put into a unit's mailbox."""
    return "release", notice_id.hex(), f"{number}/{leaf}"
