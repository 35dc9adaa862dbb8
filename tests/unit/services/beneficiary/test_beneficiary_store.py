"""The beneficiary service's database: schema, payloads of sealed records, listed notices."""

from __future__ import annotations

import shutil
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.payloads import decode_item
from services.beneficiary.app import VERSIONS
from services.beneficiary.entries import make_payload
from services.beneficiary.store.lists import read_unsigned
from services.beneficiary.tables import Tables
from services.chassis.config import DatabaseSettings
from services.chassis.db import Database
from services.chassis.schema import migrate, schema_differences
from services.holder.store.mailbox import Envelope, Mailbox, Received
from services.process.store.trail import Trail
from tests.district import NOW, person
from tests.unit.services.beneficiary.conftest import CLERK, Unit, row, sheet

NOTICE = ItemNotice(bytes(16), bytes(32), bytes(16), "reg-a", "王某", "某局", "科长", "配偶")


def test_migrations_and_tables_agree_and_are_strict() -> None:
    assert schema_differences(VERSIONS, Tables.metadata) == []


def test_payload_names_person_and_the_items_facts(unit: Unit) -> None:
    unit.take(sheet(row(), row(person(2), name="赵某")))
    refs = [unit.ref_of("赵某"), unit.ref_of("李某")]
    pairs = unit.database.read(lambda session: unit.store.load(session, refs))
    payloads = [decode_item(make_payload(*pair).encode()) for pair in pairs]
    assert [payload.person for payload in payloads] == [person(2), person(1)]
    first = payloads[0]
    assert (first.name, first.capacity, first.item_ref) == ("赵某", "受益人", "MZ-2026-001")
    assert (first.item_name, first.programme) == ("危房改造", "住房补助")
    assert (first.amount_fen, first.place) == (120050, "某村")
    assert first.start == date(2026, 3, 1)


def open_no_case(*_: object) -> None:
    """What is kept of a notice here has nothing to do with its case."""


def keep(unit: Unit, subject: bytes | None, content: ItemNotice | None) -> None:
    envelope = Envelope(bytes(16), bytes(32), bytes(32), b"sealed", bytes(64))
    mailbox = Mailbox(unit.database, unit.store.save_notice, open_no_case)
    mailbox.keep(Received(envelope, content, subject, content is None), NOW)


def test_listed_notice_joins_the_own_item_and_the_official(unit: Unit) -> None:
    unit.take(sheet(row()))
    keep(unit, unit.ref_of("李某"), NOTICE)
    (listed,) = unit.store.list_notices(Trail(NOW, CLERK, "list-notices"))
    assert (listed.item_ref, listed.item_name) == ("MZ-2026-001", "危房改造")
    assert (listed.person_name, listed.relation) == ("李某", "配偶")
    assert (listed.official_name, listed.official_unit) == ("王某", "某局")
    assert (listed.official_post, listed.disputed) == ("科长", False)


def test_unopened_notice_is_listed_blank_and_disputed(unit: Unit) -> None:
    keep(unit, None, None)
    (listed,) = unit.store.list_notices(Trail(NOW, CLERK, "list-notices"))
    assert (listed.disputed, listed.item_ref, listed.official_name) == (True, "", "")


def test_notice_of_the_other_side_is_not_kept(unit: Unit) -> None:
    wrong = OfficialNotice(
        bytes(16), bytes(32), bytes(16), "x", "x", "x", "x", "x", None, "x", None
    )
    with pytest.raises(TypeError):
        unit.database.run_tx(
            "save", lambda session: unit.store.save_notice(session, bytes(16), wrong)
        )


def test_R61_what_was_held_before_there_were_lists_is_a_proposed_list_that_nobody_signed(
    tmp_path: Path,
) -> None:
    with Database(DatabaseSettings(path=tmp_path / "old.db")) as database:
        migrate(database, _first_three(tmp_path))
        for statement in (
            "INSERT INTO item VALUES (x'01', 'A-1', '', '', 500, '', NULL, '', '', 0, 0)",
            "INSERT INTO person VALUES (x'02', x'01', 1, '', '受益人', '', 0, 0, 0)",
            "INSERT INTO person VALUES (x'03', x'01', 1, '', '委托代理人', '', 1, 0, 0)",
        ):
            database.run_tx("old", partial(Session.execute, statement=sa.text(statement)))
        migrate(database, VERSIONS)
        query = "SELECT ref, in_pre, in_post, pre_amount_fen FROM person ORDER BY ref"
        rows = database.read(lambda session: session.execute(sa.text(query)).all())
        unsigned = database.read(lambda session: read_unsigned(session, ["A-1"]))
    assert [tuple(row) for row in rows] == [(b"\x02", 1, 0, 500), (b"\x03", 0, 0, 500)]
    assert unsigned == {"A-1"}


def _first_three(tmp_path: Path) -> Path:
    """The revisions of the release before there were lists."""
    folder = tmp_path / "versions"
    folder.mkdir()
    for path in sorted(VERSIONS.glob("000[123]_*.py")):
        shutil.copy(path, folder)
    return folder
