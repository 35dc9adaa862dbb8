"""A registry without its server: store and use cases over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

import pytest
import sqlalchemy as sa

from services.chassis.audit import AuditEntry, entries, verify_trail
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.holder.imports import Imported
from services.holder.store import records
from services.process.store.trail import Trail
from services.registry.app import VERSIONS
from services.registry.entries import ListedOfficial, RelativeStatus
from services.registry.import_sheet import ImportSheet
from services.registry.store import Store
from services.registry.withdraw import Withdraw
from tests.district import NOW
from tests.unit.services.registry.signoff_bench import Office

CLERK = Identity("fuling", "clerk", "reg-a", "li")


@dataclass
class Registry:
    """``woken`` counts how often the worker was woken."""

    database: Database
    kinds: tuple[int, ...] = (1, 2, 3, 4)
    woken: list[None] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.database)

    def take(self, data: bytes, name: str = "申报表.csv") -> Imported:
        use_case = ImportSheet(self.store, self.kinds, lambda: NOW, lambda: self.woken.append(None))
        return use_case.run(CLERK, name, data)

    def withdraw(self, official: bytes, *relatives: bytes, reason: str = "更正") -> int:
        use_case = Withdraw(self.store, lambda: NOW, lambda: self.woken.append(None))
        return use_case.run(CLERK, official, relatives, reason)

    def listed(self) -> list[ListedOfficial]:
        return self.store.list_declarations(Trail(NOW, CLERK, "list-declarations"))

    def statuses(self) -> dict[str, RelativeStatus]:
        """By the relative's name; of the first official."""
        return {relative.name: status for relative, status in self.listed()[0].relatives}

    def ref_of(self, name: str) -> bytes:
        return next(r.ref for o in self.listed() for r, _ in o.relatives if r.name == name)

    def pending(self) -> int:
        """Subjects that wait to be sealed."""
        return len(self.database.read(records.read_standing))

    def accept_all(self) -> None:
        """As if the matcher had accepted everything that is entered."""
        statement = sa.text(
            "UPDATE record SET state = 'accepted', epoch = zeroblob(32), seq = 1, "
            "rid = randomblob(16), token = zeroblob(32) WHERE state = 'entered'"
        )
        self.database.run_tx("accept", lambda session: session.execute(statement))

    def trail(self) -> list[AuditEntry]:
        self.database.read(verify_trail)
        return list(self.database.read(lambda session: entries(session, limit=1000)))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Database(DatabaseSettings(path=tmp_path / "registry.db")) as database:
        migrate(database, VERSIONS)
        yield Registry(database)


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the unit's accounts work, to be copied."""
    path = tmp_path_factory.mktemp("staffed") / "registry.db"
    with Database(DatabaseSettings(path=path)) as database:
        migrate(database, VERSIONS)
        Office(database).staff()
    return path


@pytest.fixture
def office(tmp_path: Path, staffed: Path) -> Iterator[Office]:
    path = tmp_path / "office.db"
    path.touch(mode=0o600)
    copyfile(staffed, path)
    with Database(DatabaseSettings(path=path)) as database:
        yield Office(database)
