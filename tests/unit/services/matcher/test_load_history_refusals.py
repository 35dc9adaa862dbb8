"""A load takes no file that does not hold, names each, and keeps nothing of what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import get_rows
from libmatch.batch import compute_batch_root, signed_bytes
from libmatch.batch_files import Message, pack_file, read_head
from libmatch.records import Batch
from services.chassis.db import Database
from services.chassis.schema import migrate
from services.matcher.app import VERSIONS
from services.matcher.load_history import LoadHistory
from services.matcher.store.history import History, LoadRefused
from services.matcher.store.joins import Rejoin
from services.matcher.store.ledger import Ledger
from tests.district import District, make_district, person
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


@pytest.fixture
def loaded(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "loaded"), district)


@pytest.fixture
def wired(tmp_path: Path, district: District) -> Bench:
    return Bench(make_folder(tmp_path / "wired"), district)


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
