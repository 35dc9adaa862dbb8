"""A standing table gives the hits of the table that it was made of, whatever was searched for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from libmatch.bulk import standing
from libmatch.bulk.columns import TOKEN_COLUMNS
from libmatch.bulk.duckdb_engine import DuckDB, Resources
from libmatch.bulk.hits import read_hits
from libmatch.bulk.join import JoinCounts, join_tables
from libmatch.bulk.standing import HEADER_SIZE, Standing, sort_table
from libmatch.bulk.tables import COLUMNS, TableHead, write_table
from libmatch.errors import InputError

Bytes = npt.NDArray[np.uint8]
EPOCH = bytes(range(32))


def words(rows: npt.NDArray[np.int64]) -> Bytes:
    return rows.astype(">i8").view(np.uint8)


def uniform(seed: int, n: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), np.uint8)


def colliding(seed: int, n: int) -> Bytes:
    """Tokens of few first words, many of them equal; the ends of the range among them."""
    random = np.random.default_rng(seed)
    edges = np.array([-(1 << 63), -1, 0, 1, (1 << 63) - 1])
    rows = random.integers(0, 2, (n, 4), np.int64)
    rows[:, 0] = edges[random.integers(0, 5, n)]
    return words(rows)


def write(path: Path, tokens: Bytes) -> Path:
    write_table(path, EPOCH, [(tokens, None)])
    return path


def joined(a: Path, b: Path) -> tuple[JoinCounts, list[list[int]], list[list[int]]]:
    """The counts, and the hits in the order of the file."""
    out = a.with_name("hits")
    counts = join_tables(a, b, out, overwrite=True)
    rids_a, rids_b = read_hits(out)
    return counts, rids_a.tolist(), rids_b.tolist()


@pytest.fixture(params=[(0, 5), (0, 1 << 18), (1 << 40, 700)], ids=["cut", "searched", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is searched, or read, whatever is less work; in parts of so many rows."""
    cost, chunk = request.param
    monkeypatch.setattr(standing, "_SEARCH_COST", cost)
    monkeypatch.setattr(standing, "_CHUNK", chunk)


@pytest.mark.parametrize(
    ("make", "new", "old"),
    [
        (uniform, 10, 3_000),
        (colliding, 10, 600),
        (colliding, 200, 150),
        (uniform, 0, 50),
        (uniform, 50, 0),
    ],
)
def test_hits_are_those_of_the_token_table_in_order(
    tmp_path: Path, way: None, make: Callable[[int, int], Bytes], new: int, old: int
) -> None:
    tokens = make(1, old)
    some = make(2, new)
    some[: new // 2] = tokens[: new // 2][: len(some)] if old >= new // 2 else some[: new // 2]
    a, b = write(tmp_path / "a", some), write(tmp_path / "b", tokens)
    kept = tmp_path / "b.standing"
    assert sort_table(b, kept) == old
    assert joined(a, kept) == joined(a, b)
    assert joined(kept, a) == joined(b, a)
    if new > 1 and old:
        assert joined(a, b)[0].pairs > 0


def test_rows_ascend_by_all_columns(tmp_path: Path) -> None:
    sort_table(write(tmp_path / "t", colliding(3, 500)), tmp_path / "kept")
    table = Standing.open(tmp_path / "kept")
    rows = list(zip(*(table.columns[name].tolist() for name in COLUMNS), strict=True))
    assert rows == sorted(rows)
    assert len(rows) == 500
    assert (tmp_path / "kept").stat().st_size == HEADER_SIZE + 500 * 48


def test_the_example_of_the_specification(tmp_path: Path) -> None:
    token = bytes(range(0xF0, 0xF8)) + bytes(range(1, 25))
    rid = bytes(range(0x7F, 0x8F))
    row = (
        np.frombuffer(token, np.uint8).reshape(1, 32),
        np.frombuffer(rid, np.uint8).reshape(1, 16),
    )
    write_table(tmp_path / "t", EPOCH, [row])
    sort_table(tmp_path / "t", tmp_path / "kept")
    data = (tmp_path / "kept").read_bytes()
    assert data[:72] == b"libmatch/1/standing-table".ljust(32, b"\0") + EPOCH + bytes(7) + b"\1"
    assert data[72:4096] == bytes(4024)
    assert [data[at : at + 8][::-1] for at in range(4096, 4144, 8)] == [
        (token + rid)[at : at + 8] for at in range(0, 48, 8)
    ]


def test_only_what_a_new_token_can_hit_is_taken() -> None:
    n = 100_000
    firsts = np.sort(np.random.default_rng(4).integers(-(1 << 63), 1 << 63, n, np.int64))
    columns = {name: firsts if name == "t0" else np.arange(n) for name in COLUMNS}
    table = Standing(TableHead(EPOCH, n), columns)
    parts = list(table.find_rows(np.concatenate((firsts[[5, 70_000, 5]], firsts[:3] + 1))))
    assert [part["t0"].tolist() for part in parts] == [firsts[[5, 70_000]].tolist()]


def test_more_rows_than_memory_are_sorted(tmp_path: Path) -> None:
    small = Resources(memory_bytes=1 << 26, threads=1)
    tokens = uniform(5, 1_600_000)  # 77 MB of rows
    write_table(tmp_path / "t", EPOCH, [(tokens, None)], resources=small)
    assert sort_table(tmp_path / "t", tmp_path / "kept", resources=small) == len(tokens)
    kept = Standing.open(tmp_path / "kept").columns
    assert (np.diff(kept["r1"][np.lexsort((kept["r1"],))]) == 1).all()
    order = kept["r1"]
    for number, name in enumerate(TOKEN_COLUMNS):
        column = tokens[:, 8 * number : 8 * number + 8].copy().view(">i8")[:, 0]
        assert np.array_equal(kept[name], column[order])
    assert (kept["t0"][1:] >= kept["t0"][:-1]).all()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 1),
    "only a header": lambda path: os.truncate(path, HEADER_SIZE),
    "only a beginning": lambda path: os.truncate(path, 40),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "another version": lambda path: path.write_bytes(path.read_bytes().replace(b"/1/", b"/2/")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_standing_table_is_refused_and_named(tmp_path: Path, damage: str) -> None:
    a, kept = write(tmp_path / "a", uniform(1, 5)), tmp_path / "kept"
    sort_table(a, kept)
    DAMAGE[damage](kept)
    with pytest.raises(InputError) as refused:
        join_tables(a, kept, tmp_path / "hits")
    assert str(kept) in refused.value.message_zh
    assert not (tmp_path / "hits").exists()


def test_standing_table_of_another_epoch_is_refused(tmp_path: Path) -> None:
    a, kept = write(tmp_path / "a", uniform(1, 5)), tmp_path / "kept"
    write_table(tmp_path / "b", bytes(32), [(uniform(1, 5), None)])
    sort_table(tmp_path / "b", kept)
    with pytest.raises(InputError, match="epochs"):
        join_tables(a, kept, tmp_path / "hits")


def test_two_standing_tables_are_refused(tmp_path: Path) -> None:
    sort_table(write(tmp_path / "a", uniform(1, 5)), tmp_path / "kept")
    with pytest.raises(InputError, match="two standing"):
        join_tables(tmp_path / "kept", tmp_path / "kept", tmp_path / "hits")


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    table = write(tmp_path / "a", uniform(1, 5))
    before = table.read_bytes()
    with pytest.raises(FileExistsError):
        sort_table(table, write(tmp_path / "b", uniform(2, 5)))
    with pytest.raises(InputError, match="input"):
        sort_table(table, table, overwrite=True)
    assert table.read_bytes() == before
    sort_table(table, tmp_path / "b", overwrite=True)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_rows_out_of_order_are_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DuckDB, "create_sorted", create_unsorted)
    with pytest.raises(AssertionError, match="order"):
        sort_table(write(tmp_path / "a", uniform(1, 50)), tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def create_unsorted(engine: DuckDB, name: str, source: str, columns: tuple[str]) -> None:
    rows = engine.fetch_columns(source)
    engine.create_table(name, columns)
    engine.insert_columns(name, rows)
