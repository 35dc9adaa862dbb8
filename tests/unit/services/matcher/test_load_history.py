"""A load leaves what the wire would have left, all of it or nothing, however often it is repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.batch_files import Message
from libmatch.records import Batch, Receipt
from services.chassis.audit import entries
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History, Loaded
from services.matcher.store.joins import Rejoin
from services.matcher.tables import StoredHit, table_of
from tests.district import District, make_district
from tests.matcher_bench import MATCHER, Bench
from tests.unit.services.matcher.carried_files import (
    BEN,
    REG,
    Carried,
    load,
    log_head,
    make_folder,
    send,
    write,
)


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a",), both=("both-a",))


def receipts_of(bench: Bench, messages: Sequence[Message]) -> list[Receipt]:
    heads = [m.header if isinstance(m, Batch) else m for m in messages]
    return [bench.use.intake.get_receipt(h.unit, h.side, h.seq) for h in heads]


@pytest.fixture
def loaded(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "loaded"), district)


@pytest.fixture
def wired(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "wired"), district)


def some_history(district: District) -> tuple[list[Message], list[Carried]]:
    """Messages that are there before, and what is carried, in the order in which a load takes it."""
    before = [Carried(district, "reg-a", REG), Carried(district, "ben-a", BEN)]
    before[0].seal(1, 2, 3)
    before[1].seal(3, 4, 5)
    carried = [
        Carried(district, "ben-a", BEN, first=2),
        Carried(district, "both-a", REG),
        Carried(district, "both-a", BEN),
        Carried(district, "reg-b", REG),
    ]
    ben, own_reg, own_ben, reg = carried
    ben.seal(1, 1, 6, 7)  # of what is there; the same person twice
    ben.seal(8, 9)
    own_reg.seal(4, 8, 10)
    own_ben.seal(10, 2, 11)  # its own official, and another's
    reg.seal(7, 1, 12)
    reg.seal(11, 5)
    return [*before[0].messages, *before[1].messages], carried


def test_a_load_leaves_what_the_wire_would_have_left(
    loaded: Bench, wired: Bench, district: District, tmp_path: Path
) -> None:
    before, carried = some_history(district)
    messages = [message for one in carried for message in one.messages]
    with loaded, wired:
        for bench in (loaded, wired):
            send(bench, before)
            bench.clock.moment += timedelta(days=1)
        for one in carried:
            one.write(tmp_path / "files" / one.unit)
        result = load(loaded, tmp_path / "files")
        expected = send(wired, messages)
        assert receipts_of(loaded, messages) == expected
        assert log_head(loaded) == log_head(wired)  # leaf by leaf, hits among them
        assert loaded.live_hits() == wired.live_hits()
        assert loaded.hit_ids() == wired.hit_ids()
        new = len(wired.hit_ids()) - 1  # one is of what was there before
        assert result == Loaded(batches=6, records=17, withdrawals=0, hits=new, known=0)
        assert loaded.rejoin() == Rejoin(pairs=new + 1, missed=0, surplus=0)


def test_a_load_into_postgresql_leaves_the_same_log(
    wired: Bench, district: District, tmp_path: Path, postgresql_url: str
) -> None:
    before, carried = some_history(district)
    messages = [message for one in carried for message in one.messages]
    with wired, Database(postgresql_url) as database:
        migrate(database, VERSIONS)
        send(wired, [*before, *messages])
        for where, some in (("first", before), ("second", messages)):
            batches = [message for message in some if isinstance(message, Batch)]
            for _, own in groupby(batches, lambda batch: (batch.header.unit, batch.header.side)):
                write(tmp_path / where, list(own))
            history = History(database, district.log_signer)
            use_case = LoadHistory(history, wired.use.epochs, 200_000, MATCHER, wired.clock)
            use_case.run(tmp_path / where, tmp_path)
        found = find_hits(database)
        assert found == find_hits(wired.database)
        assert len(found) == len(wired.hit_ids())


def find_hits(database: Database) -> set[bytes]:
    hits = sa.select(table_of(StoredHit).c.hit_id)
    return set(database.read(lambda session: session.scalars(hits).all()))


def test_a_load_that_is_repeated_changes_nothing_and_the_wire_gets_the_same_receipts(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    _, carried = some_history(district)
    messages = [message for one in carried for message in one.messages if one.first == 1]
    with loaded:
        for one in carried:
            if one.first == 1:
                one.write(tmp_path / "files")
        load(loaded, tmp_path / "files")
        head = log_head(loaded)
        receipts = receipts_of(loaded, messages)
        assert load(loaded, tmp_path / "files") == Loaded(known=len(messages))
        assert send(loaded, messages) == receipts
        assert log_head(loaded) == head


def test_what_overlaps_what_was_sent_or_carried_is_taken_once(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    carried = Carried(district, "reg-a", REG)
    for number in range(1, 6):
        carried.seal(number)
    with loaded:
        send(loaded, carried.messages[:1])
        write(tmp_path / "files", carried.messages[:3])
        write(tmp_path / "files", carried.messages[1:])
        result = load(loaded, tmp_path / "files")
        assert (result.batches, result.records, result.known) == (4, 4, 3)


def test_withdrawals_are_carried_too_and_leave_the_hits_that_the_wire_leaves(
    loaded: Bench, wired: Bench, district: District, tmp_path: Path
) -> None:
    there = Carried(district, "ben-a", BEN)
    old = there.seal(1, 2)
    reg, ben = Carried(district, "reg-a", REG), Carried(district, "ben-a", BEN, first=2)
    gone = ben.seal(3, 4, 5)
    corrected = ben.seal(4)
    ben.withdraw(*gone.rids[:2], old.rids[0])
    reg.seal(1, 2, 3, 4, 5)
    with loaded, wired:
        for bench in (loaded, wired):
            send(bench, there.messages)
        for one in (ben, reg):
            one.write(tmp_path / "files")
        result = load(loaded, tmp_path / "files")
        send(wired, [*ben.messages, *reg.messages])
        assert (result.batches, result.withdrawals) == (3, 1)
        assert loaded.live_hits() == wired.live_hits()
        assert {hit.beneficiary.rid for hit in loaded.live_hits()} == {
            *(old.rids[1], gone.rids[2], corrected.rids[0])
        }
        assert log_head(loaded) == log_head(wired)


def test_hits_of_what_was_there_end_with_a_withdrawal_that_is_carried(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    reg, ben = Carried(district, "reg-a", REG), Carried(district, "ben-a", BEN)
    rids = ben.seal(1, 2).rids
    reg.seal(1, 2)
    with loaded:
        send(loaded, [*reg.messages, *ben.messages])
        ben.withdraw(rids[0])
        ben.write(tmp_path / "files")
        assert load(loaded, tmp_path / "files").withdrawals == 1
        assert {hit.beneficiary.rid for hit in loaded.live_hits()} == {rids[1]}


@pytest.mark.parametrize("seed", range(2))
def test_random_histories_agree_with_the_wire(
    loaded: Bench, wired: Bench, district: District, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    lines = [("ben-a", BEN), ("both-a", REG), ("both-a", BEN), ("reg-a", REG), ("reg-b", REG)]
    carried = [Carried(district, unit, side) for unit, side in lines]
    for one in carried:
        live: list[bytes] = []
        for _ in range(rng.randint(1, 4)):
            live += one.seal(*(rng.randrange(12) for _ in range(rng.randint(1, 5)))).rids
            if rng.random() < 0.4:
                gone = set(rng.sample(live, rng.randint(1, len(live))))
                one.withdraw(*sorted(gone))
                live = [rid for rid in live if rid not in gone]
    cut = [rng.randint(0, len(one.messages)) for one in carried]
    with loaded, wired:
        for one, at in zip(carried, cut, strict=True):
            for bench in (loaded, wired):
                send(bench, one.messages[:at])
            if one.messages[at:]:
                write(tmp_path / "files", one.messages[at:])
        load(loaded, tmp_path / "files")
        for one in carried:
            send(wired, one.messages)
        assert loaded.live_hits() == wired.live_hits()
        assert loaded.rejoin().agrees
        assert loaded.rejoin().pairs == len(loaded.hit_ids())


def test_the_trail_and_the_log_know_of_a_load(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    carried = Carried(district, "reg-a", REG)
    carried.seal(1)
    carried.write(tmp_path / "files")
    with loaded:
        load(loaded, tmp_path / "files")
        last = loaded.database.read(lambda session: list(entries(session)))[-1]
        assert (last.action, last.subject) == ("history.load", "1 batches, 0 withdrawals")
