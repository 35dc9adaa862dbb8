"""Token tables and their join on disk, against the reference matcher."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pytest

from libmatch.bulk.duckdb_engine import Resources, open_engine
from libmatch.bulk.hits import read_hits
from libmatch.bulk.join import Engine, JoinCounts, join_tables
from libmatch.bulk.tables import write_table
from libmatch.errors import InputError
from libmatch.matching import match
from libmatch.records import RecordRef, Side

Bytes = npt.NDArray[np.uint8]
EPOCH = bytes(range(32))
SMALL = Resources(memory_bytes=1 << 26, threads=1)


def colliding(seed: int, n: int) -> Bytes:
    """Tokens many of which are equal, and many in the first 8, 16 or 24 bytes alone."""
    random = np.random.default_rng(seed)
    tokens = np.full((n, 32), 0x80, np.uint8)  # negative as signed integers
    tokens[:, 7] = random.integers(0, 256, n)
    for word in (15, 16, 31):
        tokens[:, word] = random.integers(0, 2, n)
    return tokens


def random_rids(seed: int, n: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (n, 16), np.uint8)


def pairs_of_reference(
    a: Bytes, rids_a: Bytes, b: Bytes, rids_b: Bytes
) -> set[tuple[bytes, bytes]]:
    records = [
        (RecordRef(side, "u", rid.tobytes()), token.tobytes())
        for side, tokens, rids in ((Side.REGISTRY, a, rids_a), (Side.BENEFICIARY, b, rids_b))
        for token, rid in zip(tokens, rids, strict=True)
    ]
    return {(hit.registry.rid, hit.beneficiary.rid) for hit in match(records)}


def pairs_in(path: Path) -> list[tuple[bytes, bytes]]:
    a, b = read_hits(path)
    return [(one.tobytes(), two.tobytes()) for one, two in zip(a, b, strict=True)]


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
    write_table(a, EPOCH, [(colliding(1, 300), None)])
    write_table(b, EPOCH, [(colliding(2, 400), None)])
    return a, b


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_500), (0, 100), (100, 0), (1, 1)])
def test_join_is_that_of_the_reference_matcher(tmp_path: Path, n: int, m: int) -> None:
    a, b, rids_a, rids_b = colliding(1, n), colliding(2, m), random_rids(3, n), random_rids(4, m)
    write_table(tmp_path / "a", EPOCH, [(a[:7], rids_a[:7]), (a[7:], rids_a[7:])])
    write_table(tmp_path / "b", EPOCH, [(b, rids_b)])
    counts = join_tables(tmp_path / "a", tmp_path / "b", tmp_path / "hits", engine=Engine.DUCKDB)
    found = pairs_in(tmp_path / "hits")
    expected = pairs_of_reference(a, rids_a, b, rids_b)
    assert set(found) == expected
    assert counts == JoinCounts(n, m, len(expected))
    assert len(found) == len(expected)


def test_pairs_ascend_by_signed_columns(tables: tuple[Path, Path], tmp_path: Path) -> None:
    join_tables(*tables, tmp_path / "hits")
    found = pairs_in(tmp_path / "hits")
    assert len(found) > 30
    assert found == sorted(found)  # row numbers are not negative


def test_columns_are_the_big_endian_words_of_tokens_and_ids(tmp_path: Path) -> None:
    token, rid = bytes(range(0xF0, 0xF8)) + bytes(range(1, 25)), bytes(range(0x7F, 0x8F))
    rows = (
        np.frombuffer(token, np.uint8).reshape(1, 32),
        np.frombuffer(rid, np.uint8).reshape(1, 16),
    )
    write_table(tmp_path / "t", EPOCH, [rows])
    path = str(tmp_path / "t")
    with duckdb.connect() as connection:
        (row,) = connection.execute(
            "SELECT t0, t1, t2, t3, r0, r1 FROM read_parquet(?)", [path]
        ).fetchall()
        types = connection.execute(
            "SELECT DISTINCT type, converted_type FROM parquet_schema(?) WHERE num_children IS NULL",
            [path],
        ).fetchall()
    assert b"".join(value.to_bytes(8, "big", signed=True) for value in row) == token + rid
    assert {type_ for type_, _ in types} == {"INT64"}


def test_rows_without_ids_are_numbered_through_all_batches(tmp_path: Path) -> None:
    tokens = random_rids(5, 200).reshape(100, 32)
    batches = [(tokens[:30], None), (tokens[30:30], None), (tokens[30:], None)]
    assert write_table(tmp_path / "t", EPOCH, batches) == 100
    join_tables(tmp_path / "t", tmp_path / "t", tmp_path / "hits")
    numbers = [row.to_bytes(16, "big") for row in range(100)]
    assert pairs_in(tmp_path / "hits") == list(zip(numbers, numbers, strict=True))


def test_tables_larger_than_memory_are_written_and_joined(tmp_path: Path) -> None:
    """Two tables of 2.4 million rows, 115 MB each, in 64 MiB."""
    n, random = 2_400_000, np.random.default_rng(6)
    a = random.integers(0, 256, (n, 32), np.uint8)
    b = random.integers(0, 256, (n, 32), np.uint8)
    b[:5_000] = a[-5_000:]
    b[5_000:9_000, :16] = a[:4_000, :16]
    spilled = []

    def parts(tokens: Bytes) -> Any:
        for start in range(0, n, 100_000):
            spilled.append(sum(file.stat().st_size for file in tmp_path.glob(".a.*/spill/*")))
            yield tokens[start : start + 100_000], None

    write_table(tmp_path / "a", EPOCH, parts(a), resources=SMALL)
    write_table(tmp_path / "b", EPOCH, parts(b), resources=SMALL)
    counts = join_tables(tmp_path / "a", tmp_path / "b", tmp_path / "hits", resources=SMALL)
    assert max(spilled) > 1 << 24
    assert counts == JoinCounts(n, n, 5_000)
    rows_a, rows_b = read_hits(tmp_path / "hits")
    last = rows_a[:, 8:].copy().view(">i8")[:, 0]
    assert np.array_equal(last, np.arange(n - 5_000, n))
    assert np.array_equal(rows_b[:, 8:].copy().view(">i8")[:, 0], np.arange(5_000))


def test_names_that_look_like_patterns_name_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "结果[1]*x=2"
    folder.mkdir()
    a, b, out = folder / "o'a[b].parquet", folder / "b?.parquet", folder / "hits*.parquet"
    write_table(a, EPOCH, [(colliding(1, 10), None)])
    write_table(b, EPOCH, [(colliding(1, 10), None)])
    write_table(folder / "bb.parquet", EPOCH, [(colliding(1, 90), None)])
    assert join_tables(a, b, out).rows_b == 10
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [a.name, b.name, out.name, "bb.parquet"]
    )


# --- what is refused ----------------------------------------------------------------------------


def rewrite(path: Path, select: str, settings: str | None = None) -> None:
    """The table again, with other columns or other settings."""
    kept = f"'libmatch.format': 'libmatch/1/token-table', 'libmatch.epoch': '{EPOCH.hex()}'"
    other = path.with_name("other")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {select} FROM '{path}') TO '{other}' "
            f"(FORMAT parquet, KV_METADATA {{{kept if settings is None else settings}}})"
        )
    other.replace(path)


SETTINGS = {
    "no format": ("'x': 'y'", "没有格式标记"),
    "later format": ("'libmatch.format': 'libmatch/2/token-table'", "libmatch/2/token-table"),
    "no epoch": ("'libmatch.format': 'libmatch/1/token-table'", "周期"),
    "other epoch": (
        f"'libmatch.format': 'libmatch/1/token-table', 'libmatch.epoch': '{'00' * 32}'",
        "不是同一周期",
    ),
}
SELECTS = {
    "missing": ("* EXCLUDE (t2, r1)", "缺少列 t2、r1"),
    "type": ("* REPLACE (t1::DOUBLE AS t1)", "列 t1 的类型"),
    "null": ("* REPLACE (nullif(r1, 3) AS r1)", "列 r1 可能有空值"),
}
DAMAGE: dict[str, Callable[[Path], object]] = {
    **{name: lambda path, s=s: rewrite(path, "*", s) for name, (s, _) in SETTINGS.items()},  # type: ignore[misc]
    **{name: lambda path, s=s: rewrite(path, s) for name, (s, _) in SELECTS.items()},  # type: ignore[misc]
    "no parquet": lambda path: shutil.copy(__file__, path),
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 9),
    "empty": lambda path: os.truncate(path, 0),
}
TEXTS = {name: text for name, (_, text) in (SETTINGS | SELECTS).items()}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", [0, 1])
def test_damaged_table_is_refused_and_named(
    tables: tuple[Path, Path], tmp_path: Path, damage: str, which: int
) -> None:
    DAMAGE[damage](tables[which])
    with pytest.raises(InputError) as refused:
        join_tables(*tables, tmp_path / "hits")
    text = refused.value.message_zh
    assert TEXTS.get(damage, "不是 Parquet 文件") in text
    assert damage == "other epoch" or str(tables[which]) in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def test_missing_table_is_named(tables: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        join_tables(tables[0], tmp_path / "nothing", tmp_path / "hits")
    assert missing.value.filename == str(tmp_path / "nothing")


def test_nothing_is_overwritten_unasked(tables: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "hits"
    out.write_text("before")
    with pytest.raises(FileExistsError):
        join_tables(*tables, out)
    assert out.read_text() == "before"
    join_tables(*tables, out, overwrite=True)
    assert len(pairs_in(out)) > 0


def test_output_is_no_input(tables: tuple[Path, Path]) -> None:
    before = tables[0].read_bytes()
    with pytest.raises(InputError, match="input"):
        join_tables(*tables, tables[0], overwrite=True)
    assert tables[0].read_bytes() == before


def test_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "t"

    def batches() -> Any:
        yield colliding(1, 5), None
        out.write_text("another's")

    with pytest.raises(FileExistsError):
        write_table(out, EPOCH, batches())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t", "another's")]


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "t"
    write_table(out, EPOCH, [(colliding(1, 5), None)])
    before = out.read_bytes()

    def batches() -> Any:
        yield colliding(1, 5), None
        raise RuntimeError("the source failed")

    with pytest.raises(RuntimeError, match="source"):
        write_table(out, EPOCH, batches(), overwrite=True)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("t", before)]


def test_killed_writer_leaves_no_table_but_a_private_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib, numpy as np\n"
        "from libmatch.bulk.tables import write_table\n"
        "def batches():\n"
        "    yield np.zeros((9, 32), np.uint8), None\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_table(pathlib.Path(sys.argv[1]), bytes(32), batches())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "t")]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.match(".t.*.part")
    assert left.stat().st_mode & 0o777 == 0o700
    write_table(tmp_path / "t", EPOCH, [(colliding(1, 5), None)])


def fill(resources: Resources) -> None:
    """Puts 240 MB into an engine that has no folder for what exceeds its memory."""
    rows = {"r": np.random.default_rng(7).integers(0, 1 << 62, 1_000_000)}
    with open_engine(None, resources, keep_order=True) as engine:
        engine.create_table("rows", ["r"])
        for _ in range(30):
            engine.insert_columns("rows", rows)


def test_too_little_memory_is_said() -> None:
    with pytest.raises(InputError, match="memory") as refused:
        fill(SMALL)
    assert "内存上限" in refused.value.message_zh


def test_tables_and_hits_are_their_owners_alone(tables: tuple[Path, Path], tmp_path: Path) -> None:
    join_tables(*tables, tmp_path / "hits")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("epoch", "tokens", "rids"),
    [
        (b"short", colliding(1, 2), None),
        (EPOCH, colliding(1, 2)[:, :31], None),
        (EPOCH, colliding(1, 2), random_rids(1, 3)),
        (EPOCH, colliding(1, 2), random_rids(1, 4).reshape(2, 32)),
    ],
    ids=["epoch", "tokens", "count", "rids"],
)
def test_other_shapes_write_nothing(tmp_path: Path, epoch: bytes, tokens: Any, rids: Any) -> None:
    with pytest.raises(ValueError, match=r"epoch|uint8|as many"):
        write_table(tmp_path / "t", epoch, [(tokens, rids)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"memory_bytes": 1 << 20}, {"threads": 0}])
def test_resources_that_are_none_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="needs"):
        Resources(**wrong)
