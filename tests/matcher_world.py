"""A matcher process over a real database that can die at any instant, and an epoch that can change.

::

    world = MatcherWorld(folder)
    world.use.intake.accept(...)     # every use case of services.matcher, over the process's database
    world.attempt("reg-a", call)     # what the wire would answer ``reg-a``: the value, or a Refusal
    world.crash()                    # the process is gone; another one starts on what it left
    world.die_before_commit(call)    # the same inside the call, when all is written and nothing committed
    world.enter_epoch(1)             # another manifest, with the next start
    world.set_roster({"reg-a"})      # the next roster; the others are revoked

Epochs, keys and sealed messages are made once a process (``seal_once``): the same question gives the same
bytes, as an outbox does, and nothing is sealed twice.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.batch import admit_batch, admit_withdrawal
from libmatch.keys import Share
from libmatch.manifest import Roster, Status
from libmatch.prepare import Holder
from libmatch.records import RID_SIZE, Batch, Side, Withdrawal
from services.chassis.db import Database
from services.chassis.errors import outcome_of
from services.chassis.identity import Identity
from services.matcher.app import wire
from services.matcher.config import GateSettings, IntakeSettings, Settings
from services.matcher.store.submissions import Quota, Submissions
from tests.district import NOW, District, item_payload, make_district, person, relative_payload
from tests.matcher_bench import MATCHER, Clock, FakeBatch, fake_batch
from tests.matcher_model import Limits, Message, Refusal, Term
from tests.matcher_storage import FileStorage, Storage

T = TypeVar("T")

REGISTRY_ONLY, BENEFICIARY_ONLY, BOTH = "reg-a", "ben-a", "both-a"
ROLES = {
    REGISTRY_ONLY: frozenset({Side.REGISTRY}),
    BENEFICIARY_ONLY: frozenset({Side.BENEFICIARY}),
    BOTH: frozenset(Side),
}
EPOCHS = 3
STREAMS = [(unit, side) for unit, sides in ROLES.items() for side in sorted(sides)]
LIMITS = Limits(
    records_per_day=8,
    pairs_per_batch=5,
    opens_at=NOW + timedelta(days=5),
    clear_valid=timedelta(days=30),
)


class Killed(Exception):
    """The process ended here."""


class DyingDatabase(Database):
    """A database whose next writing transaction does its work and is never committed."""

    last_act: Callable[[], None] | None = None

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        last_act = self.last_act
        if last_act is None:
            return super().run_tx(name, fn)

        def die(session: Session) -> T:
            fn(session)
            session.flush()
            last_act()
            raise Killed(name)

        return super().run_tx(name, die)


class MatcherWorld:
    """One matcher; see the module's docstring."""

    database: DyingDatabase

    def __init__(self, folder: Path, storage: Storage | None = None) -> None:
        self._folder = folder
        self._storage = storage or FileStorage(folder)
        self.clock = Clock()
        self.generation = 0
        self._versions: dict[int, int] = {}
        self.epoch = 0
        self._limits = Settings.model_construct(
            kit=folder / "kit",
            intake=IntakeSettings(
                records_per_day=LIMITS.records_per_day, hits_per_batch=LIMITS.pairs_per_batch
            ),
            gate=GateSettings(opens_at=LIMITS.opens_at, clear_valid_s=30 * 86400),
        )
        self.quota = Quota(LIMITS.records_per_day, LIMITS.pairs_per_batch)
        self._write_kit(set(ROLES))
        self._open()

    @property
    def district(self) -> District:
        return districts()[self.epoch]

    def _open(self) -> None:
        self.database = DyingDatabase(self._storage.where)
        signer = self.district.log_signer
        self.use = wire(self._limits, self.database, signer, MATCHER, self.clock)
        self.submissions = Submissions(self.database, signer)

    def _write_kit(self, active: set[str]) -> None:
        version = self._versions[self.epoch] = self._versions.get(self.epoch, 0) + 1
        members = tuple(
            replace(member, status=Status.REVOKED)
            if member.unit in ROLES and member.unit not in active
            else member
            for member in self.district.roster.members
        )
        roster = Roster(self.district.manifest.epoch_id, version, members)
        replace(self.district, roster=roster).write_epoch(self._folder / "kit")

    # --- what may happen to a process -----------------------------------------------------------------

    def restart(self) -> None:
        self.database.close()
        self._open()

    def crash(self) -> None:
        """The process is gone and another one starts on what it left at this instant."""
        self._storage.keep()
        self._move_on()

    def die_before_commit(self, call: Callable[[], object]) -> None:
        """``call``, whose transaction never commits, and a crash in any case."""
        self.database.last_act = self._storage.keep
        try:
            call()
        except Killed:
            self._move_on()
        else:
            self.crash()

    def _move_on(self) -> None:
        dead = self.database
        self.generation += 1
        self._storage.move_on()
        self._open()
        dead.close()  # only now: closing would tidy what was to be kept as it was
        self._storage.tidy()

    def enter_epoch(self, epoch: int, active: set[str]) -> None:
        """The kit of another epoch; it counts from the next start, on purpose and not in passing."""
        self.epoch = epoch
        self._write_kit(active)

    def set_roster(self, active: set[str]) -> None:
        self._write_kit(active)

    def close(self) -> None:
        self.database.close()
        self._storage.close()

    # --- asking it ------------------------------------------------------------------------------------

    def attempt(self, peer: str, call: Callable[[], T]) -> T | Refusal:
        """What ``peer`` gets over the wire. Everything that is no refusal is raised."""

        def admitted() -> T:
            self.use.epochs.admit(Identity("fuling", "unit", peer), "Intake")
            return call()

        return self.answer(admitted)

    def answer(self, call: Callable[[], T]) -> T | Refusal:
        """The same for a caller that is always enrolled."""
        try:
            return call()
        except Killed:
            raise
        except Exception as error:
            outcome = outcome_of(error)
            if outcome.reason == "INTERNAL":
                raise
            return Refusal(outcome.reason, int(outcome.details.get("expected", 0)))

    def entries(self, first: int) -> list[bytes]:
        """The data of the log's leaves from ``first`` on."""
        query = sa.text(
            "SELECT entry FROM log_entry WHERE leaf_index >= :first ORDER BY leaf_index"
        )
        rows = self.database.read(lambda s: s.execute(query, {"first": first}).all())
        return [bytes(row.entry) for row in rows]


# --- epochs and what units seal in them ---------------------------------------------------------------


@functools.cache
def districts() -> tuple[District, ...]:
    """Three epochs of one district, the same parties, authority and log; the terms overlap."""
    first = make_district(
        registry=(REGISTRY_ONLY,), beneficiary=(BENEFICIARY_ONLY,), both=(BOTH,), days=25
    )
    return first, _later(first, 2, 0, 60), _later(first, 3, 10, 120)


def _later(first: District, number: int, begins: int, days: int) -> District:
    shares, begin = (Share.generate(), Share.generate()), NOW + timedelta(days=begins - 1)
    manifest = replace(
        first.manifest,
        epoch=number,
        salt=os.urandom(32),
        not_before=begin,
        not_after=begin + timedelta(days=days),
        commitments=tuple(s.commit(first.suite, i) for i, s in enumerate(shares, 1)),
    )
    roster = replace(first.roster, epoch_id=manifest.epoch_id)
    return replace(first, manifest=manifest, roster=roster, shares=shares, now=begin)


def terms() -> list[Term]:
    manifests = [district.manifest for district in districts()]
    return [Term(m.epoch_id, m.not_before, m.not_after) for m in manifests]


@dataclass(frozen=True)
class Envelope:
    """A message as it is sent, and what the model knows of it."""

    message: Message
    content: Batch | Withdrawal | FakeBatch


@functools.cache
def _holder(epoch: int, unit: str) -> Holder:
    return districts()[epoch].holder(unit)


@functools.lru_cache(maxsize=20_000)
def seal_once(
    epoch: int, unit: str, side: Side, seq: int, persons: tuple[int, ...], variant: int = 0
) -> Envelope:
    """The batch ``seq`` about these persons; another ``variant`` is other content about the same."""
    del variant  # only makes it another question
    district = districts()[epoch]
    make = relative_payload if side is Side.REGISTRY else item_payload
    (sealed,) = _holder(epoch, unit).prepare(side, [make(person(n)) for n in persons], seq)
    # As the outbox does; a batch of a side that the unit does not have gets its digest all the same.
    member = replace(district.roster.find(unit), roles=district.roster.find(BOTH).roles)
    digest = admit_batch(district.manifest, member, sealed.batch).digest
    marks = [(epoch, number, 0) for number in persons]
    head = (district.manifest.epoch_id, unit, side, seq, digest)
    return Envelope(Message(*head, tuple(zip(sealed.rids, marks, strict=True))), sealed.batch)


@functools.lru_cache(maxsize=20_000)
def withdraw_once(epoch: int, unit: str, side: Side, seq: int, rids: tuple[bytes, ...]) -> Envelope:
    """The withdrawal ``seq`` of these records."""
    district = districts()[epoch]
    withdrawal = _holder(epoch, unit).withdraw(side, rids, seq)
    digest = admit_withdrawal(district.manifest, district.roster.find(unit), withdrawal)
    return Envelope(
        Message(district.manifest.epoch_id, unit, side, seq, digest, rids=rids), withdrawal
    )


@functools.lru_cache(maxsize=20_000)
def forge_once(
    epoch: int, unit: str, side: Side, seq: int, marks: tuple[tuple[int, int, int], ...]
) -> Envelope:
    """A batch that nobody can seal: tokens of another epoch, or with the first half of another token."""
    rids = tuple(os.urandom(RID_SIZE) for _ in marks)
    return forge(epoch, unit, side, seq, marks, rids)


def forge(
    epoch: int,
    unit: str,
    side: Side,
    seq: int,
    marks: Sequence[tuple[int, int, int]],
    rids: tuple[bytes, ...],
) -> Envelope:
    """The same with record ids of the test's choice."""
    id_ = districts()[epoch].manifest.epoch_id
    fake = fake_batch(id_, side, unit, seq, [token_of(*mark) for mark in marks], rids)
    digest = fake.admitted.digest
    return Envelope(
        Message(id_, unit, side, seq, digest, tuple(zip(rids, marks, strict=True))), fake
    )


@functools.cache
def token_of(epoch: int, number: int, variant: int = 0) -> bytes:
    """The token of ``person(number)``; of another ``variant`` only its first half."""
    who = person(number)
    token = _holder(epoch, REGISTRY_ONLY).token_of(int(who.kind), who.idn)
    return token if not variant else token[:16] + bytes([variant]) * 16
