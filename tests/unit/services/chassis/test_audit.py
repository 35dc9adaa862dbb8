"""services.chassis.audit: an altered trail shows, and a cut one shows against a remembered head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.errors import LogError
from services.chassis.audit import AuditEntry, Head, entries, head, record, verify_trail
from services.chassis.db import Database
from services.chassis.identity import Identity
from services.chassis.schema import migrate

_START = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
_CLERK = Identity("fuling", "clerk", "caizheng", "li")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_trail.py").write_text(
        "from services.chassis.migrations.trail import create_trail\n"
        'revision, down_revision = "0001", None\n'
        "def upgrade():\n    create_trail()\n",
        encoding="utf-8",
    )
    with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        migrate(database, versions)
        yield database


def _fill(database: Database, count: int) -> Head:
    def body(session: Session) -> Head:
        for number in range(count):
            at = _START + timedelta(seconds=number)
            record(session, at=at, actor=_CLERK, action="item.view", subject=f"item-{number}")
        return head(session)

    return database.run_tx("fill", body)


def _tamper(database: Database, statement: str) -> None:
    """What somebody with the file in hand does: triggers first."""

    def body(session: Session) -> None:
        for verb in ("update", "delete"):
            session.execute(sa.text(f"DROP TRIGGER audit_no_{verb}"))
        session.execute(sa.text(statement))

    database.run_tx("tamper", body)


def _verify(database: Database, remembered: Head | None = None) -> None:
    database.read(lambda session: verify_trail(session, remembered))


def test_entries_come_back_in_order_as_recorded(database: Database) -> None:
    _fill(database, 3)
    found = database.read(lambda session: entries(session, after=1, limit=1))
    (entry,) = found
    assert (entry.seq, entry.actor, entry.action) == (2, str(_CLERK), "item.view")
    assert (entry.subject, entry.outcome) == ("item-1", "ok")
    assert entry.at == _START + timedelta(seconds=1)


def test_whole_trail_verifies_with_every_head_it_ever_had(database: Database) -> None:
    heads = [_fill(database, 0)] + [_fill(database, 2) for _ in range(3)]
    for remembered in heads:
        _verify(database, remembered)


def test_long_trail_verifies(database: Database) -> None:
    _verify(database, _fill(database, 2_100))  # more than two of verify's chunks


def test_verifying_in_a_transaction_loses_nothing_of_it(database: Database) -> None:
    def body(session: Session) -> None:
        session.add(
            AuditEntry(seq=1, at=_START, actor="a", action="b", subject="", reason="", outcome="",
                       digest=bytes(32))
        )  # fmt: skip
        with session.no_autoflush, pytest.raises(LogError, match="ends at entry 0"):
            verify_trail(session, Head(1, bytes(32)))

    database.run_tx("verify", body)
    assert database.read(head).seq == 1


def test_entry_goes_with_its_action_or_not_at_all(database: Database) -> None:
    def body(session: Session) -> None:
        record(session, at=_START, actor="system", action="x")
        raise ValueError("the action failed")

    with pytest.raises(ValueError, match="the action failed"):
        database.run_tx("action", body)
    assert database.read(head) == Head(0, bytes(32))


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE audit SET actor = 'spiffe://fuling/clerk/caizheng/wang' WHERE seq = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", 3),
        ("UPDATE audit SET action = 'item.list' WHERE seq = 1", 1),
        ("UPDATE audit SET subject = 'item-9' WHERE seq = 2", 2),
        ("UPDATE audit SET reason = 'x' WHERE seq = 2", 2),
        ("UPDATE audit SET outcome = 'refused' WHERE seq = 4", 4),
        ("UPDATE audit SET digest = zeroblob(32) WHERE seq = 2", 2),
        ("UPDATE audit SET actor = actor || action, action = '' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("UPDATE audit SET seq = 9 WHERE seq = 4", 4),
        ("INSERT INTO audit SELECT 5, at, actor, action, subject, reason, outcome, digest "
         "FROM audit WHERE seq = 4", 5),
    ],
)  # fmt: skip
def test_altered_trail_is_found_at_its_first_bad_entry(
    database: Database, statement: str, entry: int
) -> None:
    _fill(database, 4)
    _tamper(database, statement)
    with pytest.raises(LogError, match=rf"entry {entry} "):
        _verify(database)


def test_cut_off_end_shows_only_against_a_remembered_head(database: Database) -> None:
    remembered = _fill(database, 4)
    _tamper(database, "DELETE FROM audit WHERE seq > 2")
    _verify(database)
    with pytest.raises(LogError, match="ends at entry 2, but had 4"):
        _verify(database, remembered)


def test_rewritten_trail_shows_against_a_remembered_head(database: Database) -> None:
    remembered = _fill(database, 2)
    _tamper(database, "DELETE FROM audit")
    _fill(database, 1)
    database.run_tx(
        "other", lambda session: record(session, at=_START, actor="system", action="other")
    )
    _verify(database)
    with pytest.raises(LogError, match="entry 2 is another than remembered"):
        _verify(database, remembered)


@pytest.mark.parametrize("verb", ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"])
def test_trail_refuses_to_change_by_sql(database: Database, verb: str) -> None:
    _fill(database, 1)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        database.run_tx("sql", lambda session: session.execute(sa.text(verb)))


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "11010119900307775X"},
        {"reason": "phone 13812345678"},
        {"actor": "E12345678"},
        {"outcome": "x" * 501},
    ],
)
def test_personal_data_is_refused(database: Database, change: dict[str, str]) -> None:
    texts = {"actor": "system", "action": "a"} | change
    body: Callable[[Session], Head] = lambda session: record(session, at=_START, **texts)  # noqa: E731
    with pytest.raises(ValueError, match="personal data"):
        database.run_tx("record", body)


def test_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = _START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        database.run_tx("x", lambda session: record(session, at=naive, actor="a", action="b"))


def test_head_survives_being_written_down(database: Database) -> None:
    written = _fill(database, 3)
    assert Head.parse(str(written)) == written


@pytest.mark.parametrize("text", ["", "1", "1:00", "x:" + "0" * 64, "-1:" + "0" * 64])
def test_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Head.parse(text)
