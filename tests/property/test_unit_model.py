"""Hypothesis drives a unit's outbox against a real matcher over a line that loses what it likes.

Whatever was lost, whoever died, and however the clocks, the roster and the epoch changed: once things are in
order again, every entry of the unit is at the matcher exactly once in its present form, and none that was
withdrawn. Until then, a person that is at the matcher and still wanted is never missing there.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session

from libmatch.errors import EpochError
from libmatch.prepare import Payload
from libmatch.records import Side
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import Runtime
from services.holder.app import make_sync
from services.holder.courier import OutboxStopped
from services.holder.material import Material
from services.holder.store import records
from services.registry.app import VERSIONS
from services.registry.store import Store
from services.registry.store.case_facts import facts_of_cases
from tests.district import person, relative_payload
from tests.machine_runs import run_machine
from tests.matcher_bench import Clock
from tests.matcher_world import (
    EPOCHS,
    REGISTRY_ONLY,
    ROLES,
    Killed,
    MatcherWorld,
    districts,
    token_of,
)
from tests.unit_line import Fate, UnitLine

T = TypeVar("T")
SIDE = Side.REGISTRY

subjects = st.integers(0, 3)
people = st.integers(1, 5)
lines = st.lists(st.sampled_from([*[Fate.ARRIVES] * 4, *Fate]), max_size=8)
jumps = st.sampled_from([timedelta(hours=h) for h in (1, 25, 9 * 24, 40 * 24, -1, -25)])


class MortalDatabase(Database):
    """A database whose process dies at a transaction: ``dies_in`` transactions from now, 0 for never."""

    dies_in = 0
    commits_first = False

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        self.dies_in -= 1
        if self.dies_in:
            return super().run_tx(name, fn)
        if self.commits_first:
            super().run_tx(name, fn)
        raise Killed(name)


class UnitMachine(RuleBasedStateMachine):
    """One unit; ``wanted`` says which person each subject is about now."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.world = MatcherWorld(self.folder / "matcher")
        self.line = UnitLine(self.world, REGISTRY_ONLY)
        self.clock = Clock()
        self.epoch = 0
        self.wanted: dict[int, int] = {}
        self.arrived: set[int] = set()
        self.given_up: set[int] = set()
        path = self.folder / "unit.db"
        path.write_bytes(_empty_database())
        path.chmod(0o600)
        self.start()
        self.enter({0: 1, 1: 2})
        self.round([], by_itself=False)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.check_in_the_end()
            finally:
                self.database.close()
                self.world.close()
                shutil.rmtree(self.folder)

    def start(self) -> None:
        """The unit's process, with the kit of ``epoch``."""
        self.database = MortalDatabase(f"sqlite:///{self.folder / 'unit.db'}")
        self.sync = make_sync(
            self.database,
            self.line,
            _material(self.epoch),
            Runtime(self.clock, Identity("fuling", "unit", REGISTRY_ONLY)),
            self.load,
            Store.save_notice,
            facts_of_cases(REGISTRY_ONLY, "测试单位"),
        )

    def load(self, _session: Session, named: Sequence[bytes]) -> list[Payload]:
        return [relative_payload(person(self.wanted[number_of(one)])) for one in named]

    # --- the unit's clerks ------------------------------------------------------------------------------

    @rule(named=st.dictionaries(subjects, people, min_size=1, max_size=4))
    def enter(self, named: dict[int, int]) -> None:
        """New entries, and corrections of those that are there."""
        self.wanted |= named
        enter = functools.partial(records.enter, subjects=[name_of(n) for n in named])
        self.database.run_tx("enter", lambda session: enter(session, at=self.clock()))

    @precondition(lambda self: self.wanted)
    @rule(named=st.sets(subjects, min_size=1, max_size=2))
    def retire(self, named: set[int]) -> None:
        for number in named & self.wanted.keys():
            del self.wanted[number]
        self.arrived -= named
        self.given_up |= named  # its withdrawal may go before a record that is entered after it
        retired = [name_of(n) for n in named]
        self.database.run_tx("retire", lambda session: records.retire(session, retired))

    # --- rounds, and what befalls them --------------------------------------------------------------------

    @rule(fates=lines, by_itself=st.booleans())
    def round(self, fates: list[Fate], *, by_itself: bool) -> None:
        self.line.fates.extend(fates)
        run = self.sync.run_in_background if by_itself else self.sync.run
        with contextlib.suppress(OutboxStopped, EpochError):  # somebody must act; see the end
            run()
        self.line.fates.clear()

    @rule(fates=lines, dies_in=st.integers(1, 8), commits=st.booleans())
    def round_in_which_the_unit_dies(
        self, fates: list[Fate], dies_in: int, *, commits: bool
    ) -> None:
        self.database.dies_in, self.database.commits_first = dies_in, commits
        try:
            self.round(fates, by_itself=False)
        except Killed:
            self.line.fates.clear()
        self.restart_the_unit()

    @rule()
    def restart_the_unit(self) -> None:
        self.database.close()
        self.start()

    @rule(crash=st.booleans())
    def restart_the_matcher(self, *, crash: bool) -> None:
        self.world.crash() if crash else self.world.restart()

    @rule(jump=jumps, whose=st.sampled_from(["unit", "matcher", "both"]))
    def turn_a_clock(self, jump: timedelta, whose: str) -> None:
        if whose != "matcher":
            self.clock.moment += jump
        if whose != "unit":
            self.world.clock.moment += jump

    @rule(enrolled=st.booleans())
    def change_the_roster(self, *, enrolled: bool) -> None:
        self.world.set_roster(set(ROLES) if enrolled else set(ROLES) - {REGISTRY_ONLY})

    @precondition(lambda self: self.world.epoch < EPOCHS - 1)
    @rule()
    def matcher_enters_the_next_epoch(self) -> None:
        self.world.enter_epoch(self.world.epoch + 1, set(ROLES))
        self.world.restart()

    @precondition(lambda self: self.epoch < self.world.epoch)
    @rule()
    def unit_takes_up_the_matchers_epoch(self) -> None:
        self.epoch, self.arrived, self.given_up = self.world.epoch, set(), set()
        self.restart_the_unit()

    # --- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def who_is_matched_stays_matched(self) -> None:
        """Also while a correction is on its way: the old record is there until the new one is."""
        if hasattr(self, "world"):
            there = {subject for subject, _ in self.at_the_matcher()}
            assert there >= self.arrived
            self.arrived = (there & self.wanted.keys()) - self.given_up

    def at_the_matcher(self) -> list[tuple[int, bytes]]:
        """(subject, token) of every live record of the unit in its epoch, straight from the tables."""
        query = sa.text(
            "SELECT r.rid, r.key, s.rest FROM record r JOIN sealed s ON s.record = r.id"
            " JOIN owner o ON o.id = r.owner WHERE o.epoch = :epoch AND o.unit = :unit"
        )
        of_unit = {"epoch": districts()[self.epoch].manifest.epoch_id, "unit": REGISTRY_ONLY}
        live = self.world.database.read(lambda session: session.execute(query, of_unit).all())
        return [(self.subject_of(bytes(rid)), bytes(key) + bytes(rest)) for rid, key, rest in live]

    def subject_of(self, rid: bytes) -> int:
        found = self.database.read(lambda session: records.find_sealed(session, rid))
        assert found is not None, "a record that the unit does not know"
        return number_of(found[0])

    def check_in_the_end(self) -> None:
        """After the epoch, the roster and the clocks are in order, and the quota has room."""
        if self.epoch != self.world.epoch:
            self.unit_takes_up_the_matchers_epoch()
        self.change_the_roster(enrolled=True)
        begins = districts()[self.epoch].manifest.not_before
        self.clock.moment = self.world.clock.moment = max(self.world.clock(), begins)
        if self.world.clock() >= districts()[self.epoch].manifest.not_after - timedelta(days=40):
            self.clock.moment = self.world.clock.moment = begins
        waiting = 1
        for _ in range(30):
            waiting = self.sync.run().sent.waiting
            if not waiting:
                break
            self.clock.moment += timedelta(hours=25)
            self.world.clock.moment += timedelta(hours=25)
        assert not waiting
        expected = {(subject, token_of(self.epoch, n)) for subject, n in self.wanted.items()}
        assert sorted(self.at_the_matcher()) == sorted(expected)
        self.check_that_all_is_proven()

    def check_that_all_is_proven(self) -> None:
        """Every receipt of the epoch is in the log, as the unit has seen for itself."""
        self.sync.run()
        query = sa.text("SELECT count(*) FROM outbox WHERE epoch = :epoch AND NOT proven")
        epoch = districts()[self.epoch].manifest.epoch_id
        count = self.database.read(
            lambda session: session.execute(query, {"epoch": epoch}).scalar()
        )
        assert count == 0


def name_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def number_of(subject: bytes) -> int:
    return int.from_bytes(subject, "big")


@functools.cache
def _material(epoch: int) -> Material:
    district = districts()[epoch]
    former = {one.epoch.epoch_id: one.epoch for one in districts()[:epoch]}
    holder = district.holder(REGISTRY_ONLY)
    return Material(SIDE, holder, district.keys(REGISTRY_ONLY).hpke, former)


@functools.cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unit.db"
        with Database(f"sqlite:///{path}") as database:
            migrate(database, VERSIONS)
        return path.read_bytes()


@pytest.mark.campaign
def test_every_entry_of_a_unit_is_at_the_matcher_once_in_the_end(long: bool) -> None:
    run_machine(UnitMachine, examples=3000 if long else 16, steps=40 if long else 25)
