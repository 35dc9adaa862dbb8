"""The trail as its administrator reads it, and nobody else (R63, R64)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.audit import head, verify_trail
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.refusals import Refused
from services.chassis.schema import migrate
from services.holder.accounts import Accounts
from services.holder.administrators import Administrators
from services.holder.rights.trail import ReadTrail
from services.holder.store.accounts import AccountStore
from services.holder.store.rights import TrailFilter
from services.process.store.trail import Trail
from services.registry.app import VERSIONS
from tests.district import NOW
from tests.rules_samples import refusal

ALL = TrailFilter()


def who(login: str) -> Identity:
    return Identity("fuling", "clerk", "reg-a", login)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Six entries: two logins, three subjects, the last of each refused."""
    with Database(DatabaseSettings(path=tmp_path / "unit.db")) as database:
        migrate(database, VERSIONS)
        for login in ("li", "ali"):
            for number in range(3):
                trail = Trail(NOW, who(login), "show-matter", f"{number}f" * 16)
                outcome = "refused R35" if number == 2 else "ok"
                database.run_tx("fill", lambda s, t=trail, o=outcome: t.write(s, o))  # type: ignore[misc]
        yield database


def reader(database: Database, *, trial: bool = False) -> ReadTrail:
    three = None if trial else Administrators(system="zhang", security="wang", audit="chen")
    accounts = Accounts(AccountStore(database), "reg-a", three, lambda: NOW)
    return ReadTrail(database, accounts, lambda: NOW)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (ALL, [1, 2, 3, 4, 5, 6]),
        (TrailFilter(login="li"), [1, 2, 3]),  # and not ali's
        (TrailFilter(subject="1f" * 16), [2, 5]),
        (TrailFilter(refused=True), [3, 6]),
        (TrailFilter(login="ali", refused=True), [6]),
        (TrailFilter(action="list-matters"), []),
        (TrailFilter(login="%"), []),
    ],
)
def test_R64_audit_administrator_reads_what_he_asks_for(
    database: Database, wanted: TrailFilter, numbers: list[int]
) -> None:
    found = reader(database).page(who("chen"), 0, 0, wanted)
    assert [entry.seq for entry in found] == numbers


def test_R63_pages_meet_and_each_look_is_an_entry(database: Database) -> None:
    trail = reader(database)
    assert [e.seq for e in trail.page(who("chen"), 0, 4, ALL)] == [1, 2, 3, 4]
    assert [e.action for e in trail.page(who("chen"), 4, 4, ALL)] == 2 * ["show-matter"] + [
        "read-trail"
    ]
    assert trail.page(who("chen"), (1 << 63) - 1, 4, ALL) == []
    assert trail.head(who("chen")) == database.read(head)
    database.read(verify_trail)


def test_R64_trail_is_for_the_audit_administrator_alone(database: Database) -> None:
    trail = reader(database)
    for login in ("zhang", "wang"):
        refusal("R64", trail.head, who(login))
        refusal("R64", trail.page, who(login), 0, 1, ALL)
    refusal("R33", trail.head, who("li"))
    last = reader(database).page(who("chen"), 6, 0, ALL)
    assert {entry.outcome for entry in last} == {"refused R64", "refused R33"}


def test_trial_without_administrators_has_no_trail_to_read(database: Database) -> None:
    with pytest.raises(Refused):
        reader(database, trial=True).head(who("li"))
