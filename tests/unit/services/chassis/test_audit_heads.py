"""services.chassis.audit_heads: what a file outside the database remembers shows a cut-off trail (R63)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.errors import LogError
from services.chassis.audit import record, verify_trail
from services.chassis.audit_heads import AuditHeads, keep_heads, read_heads
from services.chassis.config import ConfigError
from services.chassis.db import Database
from services.chassis.schema import migrate

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


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


def fill(database: Database, count: int) -> None:
    for number in range(count):
        database.run_tx(
            "fill",
            lambda s, n=number: record(s, at=START, actor="li", action="look", subject=f"item-{n}"),  # type: ignore[misc]
        )


def verify(database: Database, path: Path) -> None:
    known = [line.head for line in read_heads(path)]
    database.read(lambda session: verify_trail(session, *known))


def test_R63_end_is_remembered_once_a_day_and_at_the_stop(
    database: Database, tmp_path: Path
) -> None:
    path, clock = tmp_path / "heads", Clock()
    with ExitStack() as stack:
        (worker,) = keep_heads(stack, path, database, clock)
        assert worker.name == "audit-heads"
        heads = AuditHeads(path, database, clock)
        for hours, lines in ((1, 1), (23, 1), (25, 2), (26, 2), (50, 3)):
            fill(database, 2)
            clock.at = START + timedelta(hours=hours)
            heads.remember_daily()
            assert len(read_heads(path)) == lines
    assert [line.head.seq for line in read_heads(path)] == [0, 6, 10, 10]
    verify(database, path)
    assert path.stat().st_mode & 0o077 == 0


def test_R63_trail_that_was_cut_off_holds_by_itself_and_not_against_the_file(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 5)
    AuditHeads(tmp_path / "heads", database, lambda: START).remember()
    fill(database, 1)
    database.run_tx("cut", lambda s: s.execute(sa.text("DROP TRIGGER audit_no_delete")))
    database.run_tx("cut", lambda s: s.execute(sa.text("DELETE FROM audit WHERE seq > 4")))
    database.read(verify_trail)
    with pytest.raises(LogError, match="ends at entry 4, but had 5"):
        verify(database, tmp_path / "heads")


def test_R63_trail_that_was_written_anew_shows_against_an_earlier_line(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "heads"
    heads = AuditHeads(path, database, lambda: START)
    fill(database, 3)
    heads.remember()
    database.run_tx("cut", lambda s: s.execute(sa.text("DROP TRIGGER audit_no_delete")))
    database.run_tx("cut", lambda s: s.execute(sa.text("DELETE FROM audit")))
    database.run_tx(
        "fill", lambda s: record(s, at=START, actor="li", action="look", subject="item-9")
    )
    fill(database, 3)
    heads.remember()
    with pytest.raises(LogError, match="entry 3 is another"):
        verify(database, path)


@pytest.mark.parametrize("text", ["no head\n", "2026-01-01T00:00:00 1:00\n", "\xe9\n"])
def test_file_of_something_else_keeps_the_service_from_starting(
    database: Database, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "heads"
    path.write_text(text, encoding="utf-8")
    with ExitStack() as stack, pytest.raises(ConfigError, match="audit_heads"):
        keep_heads(stack, path, database, lambda: START)


def test_folder_that_is_not_there_keeps_the_service_from_starting(
    database: Database, tmp_path: Path
) -> None:
    with ExitStack() as stack, pytest.raises(ConfigError, match="audit_heads"):
        keep_heads(stack, tmp_path / "none" / "heads", database, lambda: START)


def test_file_that_is_gone_does_not_keep_the_service_from_stopping(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with ExitStack() as stack:
        keep_heads(stack, folder / "heads", database, lambda: START)
        (folder / "heads").unlink()
        folder.rmdir()
