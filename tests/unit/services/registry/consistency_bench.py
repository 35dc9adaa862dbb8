"""Reporting units that cross-check their declarations over one matcher, in one process.

::

    bench = Cross(tmp_path, ("reg-a", "reg-b"))
    a = bench["reg-a"]; a.declare(row(...), …); a.round(); bench["reg-b"].round(); …findings()
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from libmatch.letters import Letter
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate
from services.holder.accounts import Accounts
from services.holder.store.accounts import AccountStore
from services.process.store.trail import Trail
from services.registry.app import VERSIONS
from services.registry.consistency.desk import ShownFinding
from services.registry.consistency.office import make_consistency
from services.registry.import_sheet import ImportSheet
from services.registry.store import Store
from services.registry.withdraw import Withdraw
from tests.district import make_district, person
from tests.matcher_bench import Bench
from tests.unit.services.holder.bench import make_material
from tests.unit.services.registry.sheets_of_declarations import row, sheet

REASON = "核对亲属申报"


@cache
def migrated() -> bytes:
    """An empty registry database: migrating one for every unit of every test takes most of the time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        with Database(DatabaseSettings(path=path)) as database:
            migrate(database, VERSIONS)
        return path.read_bytes()


class Post:
    """One unit's way to the matcher, without a wire. ``down``: what every call raises."""

    def __init__(self, matcher: Bench, unit: str) -> None:
        self._matcher = matcher
        self._unit = unit
        self.down: Exception | None = None

    def _use(self) -> Bench:
        if self.down is not None:
            raise self.down
        return self._matcher

    def send_letter(self, letter: Letter) -> int:
        return self._use().use.letters.accept(self._unit, letter)

    def fetch_letters(self, after: int = 0) -> Iterator[tuple[int, Letter]]:
        for one in self._use().use.letters.fetch(self._unit, after, 1000):
            yield one.number, one.letter

    def acknowledge_letters(self, number: int, signature: bytes) -> None:
        self._use().use.letters.acknowledge(self._unit, number, signature)


class Unit:
    """One registry without its server."""

    def __init__(self, folder: Path, matcher: Bench, unit: str) -> None:
        self.unit, self.now = unit, matcher.clock
        self.clerk = Identity("fuling", "clerk", unit, "li")
        path = folder / f"{unit}.db"
        path.touch(mode=0o600)
        path.write_bytes(migrated())
        self.database = Database(DatabaseSettings(path=path))
        self.store = Store(self.database)
        self.post = Post(matcher, unit)
        accounts = Accounts(AccountStore(self.database), unit, None, self.now)
        material = make_material(matcher.district, unit)
        self.office = make_consistency(self.database, material, self.post, accounts, 60.0, self.now)

    def declare(self, *rows: Mapping[str, str]) -> None:
        """Imports one sheet."""
        use_case = ImportSheet(self.store, (1, 2, 3, 4), self.now, lambda: None)
        assert not use_case.run(self.clerk, "申报.csv", sheet(*rows)).report.problems

    def withdraw(self, official: str, relative: str, reason: str = "更正") -> None:
        """Withdraws one relative by the names of both."""
        listed = self.store.list_declarations(Trail(self.now(), self.clerk, "list-declarations"))
        (one,) = [one for one in listed if one.official.name == official]
        refs = [r.ref for r, _ in one.relatives if r.name == relative and not r.withdrawn]
        use_case = Withdraw(self.store, self.now, lambda: None)
        assert use_case.run(self.clerk, one.official.ref, refs, reason) == 1

    def round(self) -> None:
        self.office.rounds.run_in_background()

    def findings(self, *, decided: bool = False) -> list[ShownFinding]:
        return self.office.desk.list_findings(self.clerk, REASON, decided=decided)

    def texts(self) -> list[tuple[str, str, str]]:
        """(official, declarant, relation) of the open findings."""
        return [
            (one.finding.official_name, one.finding.told.name, one.finding.told.relation)
            for one in self.findings()
        ]


class Cross:
    """The units and their matcher, whose clock is everybody's."""

    def __init__(self, folder: Path, units: tuple[str, ...] = ("reg-a", "reg-b", "reg-c")) -> None:
        self._stack = ExitStack()
        (folder / "matcher").mkdir()
        self.district = make_district(registry=units)
        self.matcher = self._stack.enter_context(Bench(folder / "matcher", self.district))
        self.clock = self.matcher.clock
        self.units = {}
        for name in units:
            unit = self.units[name] = Unit(folder, self.matcher, name)
            self._stack.callback(unit.database.close)

    def __getitem__(self, unit: str) -> Unit:
        return self.units[unit]

    def rounds(self, count: int = 2) -> None:
        """Rounds of everybody: what one writes, the others read in the next."""
        for _ in range(count):
            for unit in self.units.values():
                unit.round()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


WANG, LI, ZHAO = person(1001), person(1002), person(1003)
UNIT_B = "测试单位reg-b"
SIBLING, SPOUSE = "本人的兄弟姐妹", "配偶"


def wang(relation: str = SIBLING, unit: str = UNIT_B, **cells: str) -> dict[str, str]:
    """王某 of reg-a declares 李某, who works in reg-b."""
    return row(LI, "李某", relation, official=WANG, official_name="王某", 亲属单位=unit, **cells)


def li(*, of: Any = ZHAO, name: str = "赵某", relation: str = SPOUSE) -> dict[str, str]:
    """李某 of reg-b declares 赵某, who is nobody's official."""
    return row(of, name, relation, official=LI, official_name="李某")


LI_HAS_WANG = li(of=WANG, name="王某", relation=SIBLING)


def hand_over(unit: Unit, *handed: Letter) -> list[int]:
    """A round in which the matcher hands out just these; the numbers that were acknowledged."""
    acknowledged: list[int] = []
    unit.post.fetch_letters = lambda *_: iter(enumerate(handed, 1))  # type: ignore[method-assign]
    unit.post.acknowledge_letters = (  # type: ignore[method-assign]
        lambda number, signature: acknowledged.append(number)  # noqa: ARG005
    )
    unit.round()
    del unit.post.fetch_letters, unit.post.acknowledge_letters
    return acknowledged


def letters(cross: Cross) -> list[Mapping[str, Any]]:
    """What the matcher has of every letter, with its size and stored bytes."""
    with sqlite3.connect(cross.matcher.path) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT *, length(body) AS size FROM letter ORDER BY number")
        found: list[Mapping[str, Any]] = [dict(one) for one in rows]
    connection.close()
    return found


def bodies(unit: Unit) -> list[bytes]:
    with sqlite3.connect(unit.database.path) as connection:
        found = [one for (one,) in connection.execute("SELECT body FROM consistency_letter")]
    connection.close()
    return found
