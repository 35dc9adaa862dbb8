"""The matcher as its rules say it, in lists and dictionaries: what the services are compared with.

Plain and slow on purpose. Nothing of the services is imported, nothing is indexed and nothing is kept that
could be computed: what is live, flagged or cleared is asked each time of all that was ever accepted. A
refusal is named by the reason that goes over the wire.

``judge`` says what a message must come to and changes nothing; ``take`` is the acceptance. Between the two a
process may die. Persons are marks: two records match where their marks are equal and their epochs too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from libmatch.clearances import ClearanceStatus, HoldReason
from libmatch.records import Hit, RecordRef, Side
from libmatch.release import hit_id
from libmatch.reports import Stage
from libmatch.suites import Suite
from tests.standing_model import Party, Said, find_hold

Mark = tuple[int, int, int]
DAY = timedelta(days=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Refusal:
    """The reason of a refusal; ``expected`` with SEQUENCE only."""

    why: str
    expected: int = 0


@dataclass(frozen=True)
class Term:
    """An epoch: its id, and the moments from which and until which it is in force."""

    id: bytes
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Limits:
    """What the settings say."""

    records_per_day: int
    pairs_per_batch: int
    opens_at: datetime
    clear_valid: timedelta


@dataclass(frozen=True)
class Message:
    """What a unit sends: a batch has ``rows`` (record id and mark), a withdrawal ``rids``."""

    epoch: bytes
    unit: str
    side: Side
    seq: int
    digest: bytes
    rows: tuple[tuple[bytes, Mark], ...] = ()
    rids: tuple[bytes, ...] = ()

    @property
    def stream(self) -> tuple[bytes, str, Side]:
        return self.epoch, self.unit, self.side


@dataclass
class Accepted:
    """A message that was taken. ``opens``: what 纪委 said of a batch's capsule."""

    message: Message
    at: datetime
    receipt: bytes
    opens: bool | None = None


@dataclass(eq=False)
class Row:
    """One record."""

    batch: Accepted
    ref: RecordRef
    mark: Mark
    live: bool = True

    @property
    def epoch(self) -> bytes:
        return self.batch.message.epoch


@dataclass(eq=False)
class Pair:
    """Two records that once had one mark and were both live."""

    id: bytes
    registry: Row
    beneficiary: Row
    found_at: datetime
    case: bytes | None = None

    @property
    def live(self) -> bool:
        return self.registry.live and self.beneficiary.live

    @property
    def hit(self) -> Hit:
        return Hit(self.registry.ref, self.beneficiary.ref)

    def row_of(self, side: Side) -> Row:
        return self.registry if side is Side.REGISTRY else self.beneficiary


@dataclass
class Counts:
    """The figures of one unit and side."""

    batches: int = 0
    live: int = 0
    withdrawn: int = 0
    hits: int = 0
    bad_capsules: int = 0
    last_us: int = 0


@dataclass
class MatcherModel:
    """Everything that was accepted, and who is who. ``active`` are units of the roster in force."""

    suite: Suite
    limits: Limits
    roles: dict[str, frozenset[Side]]
    term: Term
    active: set[str]
    accepted: list[Accepted] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    said: dict[bytes, list[Said]] = field(default_factory=dict)

    # --- who may speak ------------------------------------------------------------------------------

    def refuse_peer(self, peer: str, at: datetime) -> Refusal | None:
        """Why nothing of ``peer`` is heard now."""
        if peer not in self.active:
            return Refusal("ROSTER")
        return None if self.term.begins <= at < self.term.ends else Refusal("EPOCH")

    def judge(self, peer: str, message: Message, at: datetime) -> Refusal | Accepted | None:
        """What a message comes to: refused, known (the acceptance of before), or None: it is new."""
        refused = self.refuse_peer(peer, at)
        if refused is not None:
            return refused
        if message.epoch != self.term.id:
            return Refusal("EPOCH")
        if message.unit != peer:
            return Refusal("OTHER_UNIT")
        if message.side not in self.roles[peer]:
            return Refusal("SIDE")
        return self.judge_content(message, at)

    # --- submissions --------------------------------------------------------------------------------

    def judge_content(self, message: Message, at: datetime) -> Refusal | Accepted | None:
        """The same for a message whose origin is beyond doubt."""
        earlier = self.find(*message.stream, message.seq)
        if earlier is not None:
            return earlier if earlier.message.digest == message.digest else Refusal("CONFLICT")
        expected = self.next_seq(*message.stream)
        if message.seq != expected:
            return Refusal("SEQUENCE", expected)
        return self._judge_batch(message, at) if message.rows else self._judge_withdrawal(message)

    def _judge_batch(self, message: Message, at: datetime) -> Refusal | None:
        recent = sum(
            len(one.message.rows)
            for one in self.accepted
            if (one.message.epoch, one.message.unit) == (message.epoch, message.unit)
            and one.at > at - DAY
        )
        if recent + len(message.rows) > self.limits.records_per_day:
            return Refusal("OVERLOADED")
        used = {row.ref.rid for row in self.rows_of(message.epoch, message.unit)}
        if used & {rid for rid, _ in message.rows}:
            return Refusal("CONFLICT")
        pairs = sum(len(self._opposite(message, mark)) for _, mark in message.rows)
        return Refusal("BATCH") if pairs > self.limits.pairs_per_batch else None

    def _judge_withdrawal(self, message: Message) -> Refusal | None:
        own = [row for row in self.rows_of(message.epoch, message.unit) if row.live]
        live = {row.ref.rid for row in own if row.ref.side is message.side}
        return None if set(message.rids) <= live else Refusal("BATCH")

    def take(self, message: Message, at: datetime, receipt: bytes) -> list[Pair]:
        """The pairs that the acceptance of a new message finds."""
        acceptance = Accepted(message, at, receipt)
        self.accepted.append(acceptance)
        for row in self.rows_of(message.epoch, message.unit):
            row.live = row.live and row.ref.rid not in message.rids
        found = []
        for rid, mark in message.rows:
            row = Row(acceptance, RecordRef(message.side, message.unit, rid), mark)
            for other in self._opposite(message, mark):
                registry, beneficiary = sorted((row, other), key=lambda one: one.ref.side)
                name = hit_id(self.suite, row.epoch, Hit(registry.ref, beneficiary.ref))
                found.append(Pair(name, registry, beneficiary, at))
            self.rows.append(row)
        self.pairs += found
        return found

    def _opposite(self, message: Message, mark: Mark) -> list[Row]:
        return [
            row
            for row in self.rows
            if row.live
            and row.mark == mark
            and row.epoch == message.epoch
            and row.ref.side is message.side.other
        ]

    def find(self, epoch: bytes, unit: str, side: Side, seq: int) -> Accepted | None:
        """The acceptance under that number."""
        stream = (epoch, unit, side)
        found = (one for one in self.accepted if one.message.stream == stream)
        return next((one for one in found if one.message.seq == seq), None)

    def next_seq(self, epoch: bytes, unit: str, side: Side) -> int:
        return 1 + sum(one.message.stream == (epoch, unit, side) for one in self.accepted)

    def rows_of(self, epoch: bytes, unit: str) -> list[Row]:
        return [row for row in self.rows if (row.epoch, row.ref.unit) == (epoch, unit)]

    def join(self) -> set[Hit]:
        """The join of the live records of each epoch."""
        return {
            Hit(a.ref, b.ref)
            for a in self.rows
            for b in self.rows
            if (a.ref.side, b.ref.side) == (Side.REGISTRY, Side.BENEFICIARY)
            and (a.live and b.live)
            and (a.mark, a.epoch) == (b.mark, b.epoch)
        }

    def count(self) -> dict[Party, Counts]:
        """The figures of the epoch in force, of every unit that is active or has submitted."""
        figures = {(unit, side): Counts() for unit in self.active for side in self.roles[unit]}
        for one in self.accepted:
            m = one.message
            if m.epoch != self.term.id:
                continue
            counts = figures.setdefault((m.unit, m.side), Counts())
            counts.batches += bool(m.rows)
            counts.withdrawn += len(m.rids)
            counts.bad_capsules += one.opens is False
            counts.last_us = max(counts.last_us, micros(one.at))
        for row in self.rows:
            if row.epoch == self.term.id and row.live:
                counts = figures[row.ref.unit, row.ref.side]
                counts.live += 1
                counts.hits += sum(pair.live and row in _ends(pair) for pair in self.pairs)
        return figures

    # --- cases --------------------------------------------------------------------------------------

    def judge_assignment(self, case_of: dict[bytes, bytes]) -> Refusal | None:
        """Whether hits may be said to be these cases."""
        known = {pair.id: pair for pair in self.pairs}
        if not case_of.keys() <= known.keys():
            return Refusal("NOT_FOUND")
        said = {pair.id: pair.case for pair in self.pairs if pair.case is not None}
        if any(said.get(hit, case) != case for hit, case in case_of.items()):
            return Refusal("CONFLICT")
        for case in case_of.values():
            hits = [hit for hit, one in (said | case_of).items() if one == case]
            if len({known[hit].beneficiary.ref.unit for hit in hits}) > 1:
                return Refusal("CONFLICT")
        return None

    def assign(self, case_of: dict[bytes, bytes]) -> list[bytes]:
        """The hits that were in no case before."""
        new = [pair for pair in self.pairs if pair.id in case_of and pair.case is None]
        for pair in new:
            pair.case = case_of[pair.id]
        return [pair.id for pair in new]

    def parties(self, case: bytes) -> set[Party]:
        """Who is party of the case: by its live hits in the epoch in force."""
        return {
            (row.ref.unit, row.ref.side)
            for pair in self.pairs
            if pair.case == case and pair.live and pair.registry.epoch == self.term.id
            for row in _ends(pair)
        }

    def say(self, case: bytes, by: Party, stage: Stage, at: datetime) -> None:
        """A report on the case was accepted."""
        self.said.setdefault(case, []).append(Said(by, stage, at))

    # --- the gate -----------------------------------------------------------------------------------

    def clear(
        self, peer: str, rid: bytes, at: datetime
    ) -> tuple[ClearanceStatus, int, HoldReason | None]:
        """Status, expiry in µs and reason for one record id, as ``peer`` gets them."""
        row = next((row for row in self.rows_of(self.term.id, peer) if row.ref.rid == rid), None)
        if row is None or not row.live or row.ref.side is not Side.BENEFICIARY:
            return ClearanceStatus.NOT_SUBMITTED, 0, None
        reasons = {HoldReason.UNREADABLE} if row.batch.opens is False else set(self._holds(row, at))
        if reasons:
            return ClearanceStatus.HOLD, 0, min(reasons)
        if row.batch.opens is None or not self._complete(at):
            return ClearanceStatus.PENDING, 0, None
        expires = min(at + self.limits.clear_valid, self.term.ends)
        return ClearanceStatus.CLEAR, micros(expires), None

    def _holds(self, row: Row, at: datetime) -> Iterable[HoldReason]:
        for pair in self.pairs:
            if pair.live and pair.beneficiary is row:
                reason = self._hold(pair, at)
                if reason is not None:
                    yield reason

    def _hold(self, pair: Pair, at: datetime) -> HoldReason | None:
        if pair.case is None:
            return HoldReason.UNVERIFIED
        parties = self.parties(pair.case)
        declaring = [party for party in parties if party[1] is Side.REGISTRY]
        approver = (pair.beneficiary.ref.unit, Side.BENEFICIARY)
        return find_hold(self.said.get(pair.case, []), approver, declaring, at)

    def _complete(self, at: datetime) -> bool:
        expected = {unit for unit in self.active if Side.REGISTRY in self.roles[unit]}
        arrived = {
            one.message.unit
            for one in self.accepted
            if one.message.rows
            and (one.message.epoch, one.message.side) == (self.term.id, Side.REGISTRY)
        }
        return at >= self.limits.opens_at or expected <= arrived


def _ends(pair: Pair) -> Sequence[Row]:
    return pair.registry, pair.beneficiary
