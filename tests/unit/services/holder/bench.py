"""A unit's half on a workbench: real database, real keys, the in-memory matcher over mutual TLS.

::

    bench = Bench(folder, pki, district, matcher_address)
    half = bench.start();  half.enter(1, 2);  half.sync.run();  bench.restart()

Subjects are numbers; subject n is about ``person(n)``. ``bench.database.kill_at`` makes a transaction
raise before or after it is committed, once: what a killed process leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from libmatch.prepare import Payload
from libmatch.records import Side
from services.chassis.config import DatabaseSettings, PeerSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.chassis.server import Runtime
from services.holder.app import make_sync
from services.holder.material import Material
from services.holder.peers import open_matcher
from services.holder.states import RecordState
from services.holder.store import records
from services.holder.sync import Sync
from services.holder.tables import Record
from services.registry.app import VERSIONS
from services.registry.store import Store
from services.registry.store.case_facts import facts_of_cases
from tests.chassis_pki import Pki
from tests.district import District, person, relative_payload

T = TypeVar("T")
UNIT = "reg-a"


class Killed(Exception):
    """The process ended here."""


class MortalDatabase(Database):
    """A database that can be killed around a transaction: ``kill_at = ("outbox.accept", "after")``."""

    kill_at: tuple[str, str] | None = None
    seen: set[str]

    def run_tx(self, name: str, fn: Callable[[Session], T]) -> T:
        self.seen = {*getattr(self, "seen", ()), name}
        if self.kill_at == (name, "before"):
            raise Killed(name)
        result = super().run_tx(name, fn)
        if self.kill_at == (name, "after"):
            raise Killed(name)
        return result


@dataclass
class Half:
    """One run of the half's process."""

    database: MortalDatabase
    sync: Sync
    now: Callable[[], datetime]

    def enter(self, *numbers: int) -> None:
        self.database.run_tx(
            "enter", lambda session: records.enter(session, _subjects(numbers), self.now())
        )

    def retire(self, *numbers: int) -> int:
        return self.database.run_tx(
            "retire", lambda session: records.retire(session, _subjects(numbers))
        )

    def states(self) -> dict[int, RecordState]:
        """The state of each wanted subject."""
        standing = self.database.read(records.read_standing)
        return {int.from_bytes(s, "big"): found.state for s, found in standing.items()}

    def count(self, state: RecordState) -> int:
        """Records, wanted or not, in ``state``."""
        query = sa.select(sa.func.count()).where(sa.column("state") == state.value)
        query = query.select_from(sa.table("record"))
        return int(self.database.read(lambda session: session.execute(query).scalar_one()))

    def rows(self, sql: str) -> Sequence[Any]:
        return self.database.read(lambda session: session.execute(sa.text(sql)).all())

    def rid_of(self, number: int) -> bytes:
        query = sa.select(Record.rid).where(  # type: ignore[call-overload]
            sa.column("subject") == number.to_bytes(16, "big"), sa.column("wanted")
        )
        rid = self.database.read(lambda session: session.execute(query).scalar_one())
        assert isinstance(rid, bytes)
        return rid


class Bench:
    """The folder of one unit's half, started and restarted."""

    def __init__(self, folder: Path, pki: Pki, district: District, address: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.district = district
        self.pki = pki
        self.address = address
        self.timeout_s = 20.0
        self.now: Callable[[], datetime] = lambda: district.now
        self._running: ExitStack | None = None

    def start(self) -> Half:
        """A new process over the same database."""
        self.stop()
        self._running = stack = ExitStack()
        settings = DatabaseSettings(path=self.folder / "unit.db")
        database = stack.enter_context(MortalDatabase(settings))
        migrate(database, VERSIONS)
        peer = PeerSettings(
            address=self.address, identity="spiffe://fuling/matcher", timeout_s=self.timeout_s
        )
        channel, matcher = open_matcher(peer, self.pki.issue(f"spiffe://fuling/unit/{UNIT}"))
        stack.callback(channel.close)
        identity = Identity("fuling", "unit", UNIT)
        sync = make_sync(
            database,
            matcher,
            make_material(self.district),
            Runtime(self.now, identity),
            _load,
            Store.save_notice,
            facts_of_cases(UNIT, "测试单位"),
        )
        return Half(database, sync, self.now)

    def cut_off(self) -> None:
        """The next process finds no matcher."""
        self.address, self.timeout_s = "127.0.0.1:1", 0.3

    def stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None


def make_material(district: District, unit: str = UNIT, side: Side = Side.REGISTRY) -> Material:
    return Material(side, district.holder(unit), district.keys(unit).hpke)


def _subjects(numbers: Sequence[int]) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in numbers]


def _load(session: Session, subjects: Sequence[bytes]) -> list[Payload]:
    return [relative_payload(person(int.from_bytes(subject, "big"))) for subject in subjects]
