"""The registry's database: schema, payloads of sealed records, listed notices."""

from __future__ import annotations

import stat
from datetime import date

import pytest

from libmatch.notices import ItemNotice, OfficialNotice
from libmatch.payloads import decode_relative
from libmatch.relations import Relation
from services.chassis.schema import schema_differences
from services.holder.store.mailbox import Envelope, Mailbox, Received
from services.process.store.trail import Trail
from services.registry.app import VERSIONS
from services.registry.entries import (
    OfficialEntry,
    RelativeEntry,
    RelativeStatus,
    find_status,
    make_payload,
)
from services.registry.tables import Tables
from tests.district import NOW, person
from tests.unit.services.registry.conftest import CLERK, Registry
from tests.unit.services.registry.sheets_of_declarations import OFFICIAL, row, sheet

NOTICE = OfficialNotice(
    rid=bytes(16),
    token=bytes(32),
    case_id=bytes(16),
    approving_unit="区民政局",
    capacity="受益人",
    item_ref="X-1",
    item_name="危房改造",
    programme="住房补助",
    amount_fen=120000,
    place="某村",
    start=date(2026, 3, 1),
)


def test_migrations_and_tables_agree_and_are_strict() -> None:
    assert schema_differences(VERSIONS, Tables.metadata) == []


def test_database_is_for_its_owner_alone(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    for file in registry.database.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_loaded_subjects_come_in_the_order_asked_for(registry: Registry) -> None:
    registry.take(sheet(*(row(person(n), f"李某{'甲乙丙丁'[n]}", "子女") for n in range(4))))
    refs = [registry.ref_of(name) for name in ("李某丙", "王某", "李某甲")]
    loaded = registry.database.read(lambda session: registry.store.load(session, refs))
    assert [relative.name for _, relative in loaded] == ["李某丙", "王某", "李某甲"]
    assert {official.name for official, _ in loaded} == {"王某"}


def test_payload_names_relative_relation_and_official(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    refs = [registry.ref_of("李某")]
    (pair,) = registry.database.read(lambda session: registry.store.load(session, refs))
    payload = decode_relative(make_payload(*pair, "区某局").encode())
    assert (payload.person, payload.relation) == (person(1), "配偶")
    assert (payload.official, payload.official_unit) == (OFFICIAL, "某局")
    assert (payload.official_name, payload.official_post) == ("王某", "科长")


def test_unit_of_the_roster_stands_in_for_a_blank_one() -> None:
    official = OfficialEntry(bytes(16), OFFICIAL, "王某")
    relative = RelativeEntry(bytes(16), bytes(16), Relation.SPOUSE, person(1), "李某")
    assert make_payload(official, relative, "区某局").official_unit == "区某局"


def test_relative_without_a_number_has_no_payload() -> None:
    official = OfficialEntry(bytes(16), OFFICIAL, "王某")
    relative = RelativeEntry(bytes(16), bytes(16), Relation.SPOUSE, None, "李某")
    with pytest.raises(ValueError, match="never sealed"):
        make_payload(official, relative, "")
    assert find_status(relative, None) is RelativeStatus.ID_UNKNOWN


def open_no_case(*_: object) -> None:
    """What is kept of a notice here has nothing to do with its case."""


def keep(registry: Registry, subject: bytes | None, content: OfficialNotice | None) -> None:
    envelope = Envelope(bytes(16), bytes(32), bytes(32), b"sealed", bytes(64))
    mailbox = Mailbox(registry.database, registry.store.save_notice, open_no_case)
    mailbox.keep(Received(envelope, content, subject, content is None), NOW)


def test_listed_notice_joins_the_own_record_and_the_items_facts(registry: Registry) -> None:
    registry.take(sheet(row(person(1))))
    keep(registry, registry.ref_of("李某"), NOTICE)
    (listed,) = registry.store.list_notices(Trail(NOW, CLERK, "list-notices"))
    assert (listed.official_name, listed.relative_name) == ("王某", "李某")
    assert (listed.relation, listed.approving_unit) == ("配偶", "区民政局")
    assert (listed.item_name, listed.amount_fen) == ("危房改造", 120000)
    assert (listed.start, listed.disputed) == (date(2026, 3, 1), False)


def test_unopened_notice_is_listed_blank_and_disputed(registry: Registry) -> None:
    keep(registry, None, None)
    (listed,) = registry.store.list_notices(Trail(NOW, CLERK, "list-notices"))
    assert (listed.disputed, listed.item_name, listed.official_name) == (True, "", "")


def test_notice_of_the_other_side_is_not_kept(registry: Registry) -> None:
    wrong = ItemNotice(bytes(16), bytes(32), bytes(16), "reg-a", "某", "某局", "某职", "配偶")
    with pytest.raises(TypeError):
        registry.database.run_tx(
            "save", lambda session: registry.store.save_notice(session, bytes(16), wrong)
        )
