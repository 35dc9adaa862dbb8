"""A load leaves what the wire would have left, all of it or nothing, however often it is repeated."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import pytest
import sqlalchemy as sa

from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import get_rows
from libmatch.batch import compute_batch_root, signed_bytes
from libmatch.batch_files import Message, pack_file, read_head
from libmatch.records import Batch, Receipt, Side, Withdrawal
from libmatch.seal import SealedBatch
from services.chassis.audit import entries
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History, Loaded, LoadRefused
from services.matcher.store.joins import Rejoin
from services.matcher.store.ledger import Ledger
from services.matcher.tables import StoredHit, table_of
from tests.district import District, make_district, person
from tests.matcher_bench import MATCHER, Bench

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(registry=("reg-a", "reg-b"), beneficiary=("ben-a",), both=("both-a",))


@dataclass
class Carried:
    """What one unit and side has prepared: messages in their order."""

    district: District
    unit: str
    side: Side
    first: int = 1

    def __post_init__(self) -> None:
        self.messages: list[Message] = []

    def seal(self, *numbers: int) -> SealedBatch:
        seq = self.first + len(self.messages)
        sealed = self.district.seal(self.unit, self.side, [person(n) for n in numbers], seq=seq)
        self.messages.append(sealed.batch)
        return sealed

    def withdraw(self, *rids: bytes) -> None:
        seq = self.first + len(self.messages)
        self.messages.append(self.district.withdraw(self.unit, self.side, rids, seq=seq))

    def write(self, folder: Path) -> Path:
        return write(folder, self.messages)


def write(folder: Path, messages: Sequence[Message]) -> Path:
    head, data = pack_file([message.encode() for message in messages])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / head.file_name
    path.write_bytes(data)
    return path


def load(bench: Bench, folder: Path, hits_per_batch: int = 200_000) -> Loaded:
    history = History(bench.database, bench.district.log_signer)
    use_case = LoadHistory(history, bench.use.epochs, hits_per_batch, MATCHER, bench.clock)
    return use_case.run(folder, bench.folder)


def send(bench: Bench, messages: Sequence[Message]) -> list[Receipt]:
    """By the wire's use case."""
    receipts = []
    for message in messages:
        if isinstance(message, Withdrawal):
            receipts.append(bench.use.intake.withdraw(message.unit, message))
        else:
            receipts.append(bench.use.intake.accept(message.header.unit, message))
    return receipts


def receipts_of(bench: Bench, messages: Sequence[Message]) -> list[Receipt]:
    heads = [m.header if isinstance(m, Batch) else m for m in messages]
    return [bench.use.intake.get_receipt(h.unit, h.side, h.seq) for h in heads]


@pytest.fixture
def loaded(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "loaded"), district)


@pytest.fixture
def wired(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "wired"), district)


def log_head(bench: Bench) -> tuple[int, bytes]:
    return Ledger(bench.database).head()


def make_folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path


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


# --- refusals ---


def flip(path: Path) -> None:
    """One bit of the last sealed record."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def of_another_epoch(path: Path) -> None:
    stranger = Carried(make_district(registry=("reg-a",)), "reg-a", REG)
    stranger.seal(1)
    path.write_bytes(pack_file([stranger.messages[0].encode()])[1])


def of_another_unit(path: Path) -> None:
    with path.open("rb") as file:
        head = read_head(file)
        rest = file.read()
    path.write_bytes(replace(head, unit="reg-b").encode() + rest)


REFUSED: list[tuple[Callable[[Path], object], str]] = [
    (flip, "signature does not hold"),
    (cut_off, "cut off"),
    (of_another_epoch, "another epoch"),
    (of_another_unit, "another epoch, unit or side"),
    (lambda path: path.write_bytes(b"PK\x03\x04" * 9), "not a file of batches"),
    (lambda path: path.write_bytes(b""), "cut off"),
]


@pytest.mark.parametrize(("spoil", "why"), REFUSED)
def test_a_file_that_does_not_hold_is_named_and_nothing_of_the_load_is_kept(
    loaded: Bench, district: District, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    good, bad = Carried(district, "ben-a", BEN), Carried(district, "reg-a", REG)
    for one in (good, bad):
        one.seal(1)
        one.seal(2)
    good.write(tmp_path / "files")
    path = bad.write(tmp_path / "files" / "reg-a")
    spoil(path)
    with loaded:
        with pytest.raises(LoadRefused) as refused:
            load(loaded, tmp_path / "files")
        ((where, text),) = refused.value.problems
        assert where == f"reg-a/{path.name}"
        assert why in text
        assert_nothing_kept(loaded)
        path.unlink()
        assert load(loaded, tmp_path / "files").batches == 2


def assert_nothing_kept(bench: Bench) -> None:
    assert log_head(bench)[0] == 0
    assert bench.next_seq("reg-a", REG) == bench.next_seq("ben-a", BEN) == 1
    assert bench.rejoin() == Rejoin(0, 0, 0)


def test_every_file_that_does_not_hold_is_named_at_once(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    carried = [Carried(district, unit, REG) for unit in ("reg-a", "reg-b", "both-a")]
    for one, spoil in zip(carried, (flip, cut_off, flip), strict=True):
        one.seal(1)
        spoil(one.write(tmp_path / "files"))
    with loaded:
        with pytest.raises(LoadRefused) as refused:
            load(loaded, tmp_path / "files")
        assert len({where for where, _ in refused.value.problems}) == 3


@pytest.mark.parametrize("sent", [0, 1])
def test_a_gap_between_files_is_refused(
    loaded: Bench, district: District, tmp_path: Path, sent: int
) -> None:
    carried = Carried(district, "reg-a", REG)
    for number in range(4):
        carried.seal(number)
    with loaded:
        send(loaded, carried.messages[:sent])
        write(tmp_path / "files", carried.messages[sent + 1 :])
        with pytest.raises(LoadRefused, match=f"the next one is {sent + 1}"):
            load(loaded, tmp_path / "files")


def test_other_content_under_a_number_that_was_used_is_refused(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    one, other = Carried(district, "reg-a", REG), Carried(district, "reg-a", REG)
    for carried in (one, other):
        carried.seal(1)
    write(tmp_path / "files" / "a", one.messages)
    write(tmp_path / "files" / "b", other.messages)
    with loaded:
        with pytest.raises(LoadRefused, match=r"b/.*used for other content"):
            load(loaded, tmp_path / "files")
        send(loaded, one.messages)
        with pytest.raises(LoadRefused, match=r"b/.*used for other content"):
            load(loaded, tmp_path / "files")


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_a_record_id_that_was_used_before_is_refused(
    wired: Bench,
    district: District,
    tmp_path: Path,
    where: str,
    request: pytest.FixtureRequest,
) -> None:
    carried, other = Carried(district, "reg-a", REG), Carried(district, "ben-a", BEN)
    carried.seal(1, 2)
    other.seal(3)
    carried.messages.append(seal_again(district, carried.messages[0], seq=2))
    path = carried.write(tmp_path / "files")
    other.write(tmp_path / "files")
    url = f"sqlite:///{tmp_path / 'loaded.db'}"
    with (
        wired,
        Database(request.getfixturevalue("postgresql_url") if where == "postgresql" else url) as at,
    ):
        migrate(at, VERSIONS)
        history = History(at, district.log_signer)
        use_case = LoadHistory(history, wired.use.epochs, 200_000, MATCHER, wired.clock)
        with pytest.raises(LoadRefused, match=f"^{path.name}: a record id was used before"):
            use_case.run(tmp_path / "files", tmp_path)
        assert Ledger(at).head()[0] == 0


def seal_again(district: District, message: Message, seq: int) -> Batch:
    """The same rows under another number, signed by their unit."""
    assert isinstance(message, Batch)
    header, rows = replace(message.header, seq=seq), get_rows(1, Kernel.LIBRARY)
    root = compute_batch_root(district.suite, header, message.columns, rows)
    signed = signed_bytes(district.suite, header, message.capsule, root)
    signature = district.keys(header.unit).signing.sign(signed)
    return replace(message, header=header, signature=signature)


@pytest.mark.parametrize("case", ["twice", "not yet", "foreign side"])
def test_a_withdrawal_of_what_is_not_live_is_refused(
    loaded: Bench, district: District, tmp_path: Path, case: str
) -> None:
    reg, ben = Carried(district, "both-a", REG), Carried(district, "both-a", BEN)
    rids = reg.seal(1, 2).rids
    ben.seal(3)
    if case == "twice":
        reg.withdraw(rids[0])
        reg.withdraw(rids[0])
    elif case == "foreign side":
        ben.withdraw(rids[0])
    else:
        later = district.seal("both-a", REG, [person(9)], seq=3)
        reg.withdraw(*later.rids)
        reg.messages.append(later.batch)
    for one in (reg, ben):
        one.write(tmp_path / "files")
    with loaded:
        with pytest.raises(LoadRefused, match="a withdrawal names live records"):
            load(loaded, tmp_path / "files")
        assert log_head(loaded)[0] == 0


def test_a_batch_that_flags_too_many_pairs_is_refused(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    reg, ben = Carried(district, "reg-a", REG), Carried(district, "ben-a", BEN)
    ben.seal(1, 1, 1)
    reg.seal(2, 2)
    reg.seal(1, 1, 1)
    for one in (reg, ben):
        one.write(tmp_path / "files")
    with loaded:
        for limit in (2, 8):  # too many for all batches together; too many for one
            with pytest.raises(LoadRefused, match=f"at most {limit} pairs"):
                load(loaded, tmp_path / "files", limit)
        assert load(loaded, tmp_path / "files", 9).hits == 9


def test_a_folder_without_files_is_refused(loaded: Bench, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with loaded, pytest.raises(LoadRefused, match="there is no file"):
        load(loaded, tmp_path / "files")


def test_a_unit_that_was_revoked_is_refused(
    loaded: Bench, district: District, tmp_path: Path
) -> None:
    carried = Carried(district, "reg-a", REG)
    carried.seal(1)
    carried.write(tmp_path / "files")
    with loaded:
        loaded.follow(district.revoke("reg-a"))
        with pytest.raises(LoadRefused, match="does not list the unit as active"):
            load(loaded, tmp_path / "files")
