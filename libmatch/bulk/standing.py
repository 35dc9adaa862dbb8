"""Standing tables: tokens kept in order, so that new ones cost by their own number (docs/spec/bulk.md).

A search touches a few pages of the file for each new token, however long the table is. What it finds are the
rows whose first 8 bytes a new token has; which of them are hits, the join decides as always.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.bulk.columns import Column
from libmatch.bulk.duckdb_engine import DuckDB, Resources, open_engine
from libmatch.bulk.staging import stage
from libmatch.bulk.tables import COLUMNS, EPOCH_ID_SIZE, TableHead, open_checked
from libmatch.errors import InputError

FORMAT = b"libmatch/1/standing-table"
HEADER_SIZE = 4096  # a page: the columns begin aligned
_NAME_SIZE = 32
_WORD = 8
_ROW_SIZE = len(COLUMNS) * _WORD
_CHUNK = 1 << 18  # rows that are in memory at once, 12 MiB
_SEARCH_COST = 16  # of one token, in rows that are read and joined: 1 µs, 0.06 µs

Columns = dict[str, Column]


def sort_table(
    table: Path, out: Path, *, resources: Resources | None = None, overwrite: bool = False
) -> int:
    """How many rows the standing table at ``out`` has: those of a token table, in order; all or nothing.

    Memory: what ``resources`` allow; the rest waits on the disk beside ``out``. Cost: a sort. Raises
    InputError for a table that cannot be used, FileExistsError, OSError, ModuleNotFoundError without DuckDB.
    """
    if out.exists() and table.exists() and out.samefile(table):
        raise InputError("the output is the input", "结果文件不能与令牌表是同一个文件")
    with (
        stage(out, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources or Resources(), keep_order=True) as engine,
    ):
        head = open_checked(engine, "given", table)
        engine.create_sorted("sorted", "given", COLUMNS)
        _write(result, head, engine)
        return head.rows


def _write(path: Path, head: TableHead, engine: DuckDB) -> None:
    """Writes the rows of the table ``sorted`` at their places. Not mapped: a full disk has to raise."""
    with path.open("wb") as file:
        file.write(encode_header(head))
        last = None
        for first in range(0, head.rows, _CHUNK):
            columns = engine.fetch_rows("sorted", first, _CHUNK)
            last = _check_order(columns["t0"], last)
            for number, name in enumerate(COLUMNS):
                file.seek(HEADER_SIZE + (number * head.rows + first) * _WORD)
                file.write(columns[name].astype("<i8").tobytes())


def _check_order(firsts: Column, last: int | None) -> int:
    # A row out of order would be a lost match without a sign.
    if (firsts[1:] < firsts[:-1]).any() or (last is not None and firsts[0] < last):
        raise AssertionError("the engine gave rows out of order")
    return int(firsts[-1])


def encode_header(head: TableHead) -> bytes:
    """The first page of a standing table."""
    name = FORMAT.ljust(_NAME_SIZE, b"\0")
    return (name + head.epoch_id + head.rows.to_bytes(_WORD, "big")).ljust(HEADER_SIZE, b"\0")


def is_standing(path: Path) -> bool:
    """Whether the file says that it is a standing table. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(FORMAT)) == FORMAT


@dataclass(frozen=True, eq=False)
class Standing:
    """An open standing table: its columns, int64[n] each, mapped from the file."""

    head: TableHead
    columns: Columns

    @classmethod
    def open(cls, path: Path) -> Standing:
        """The table in ``path``. Raises InputError where the file is another, or not all of it is there."""
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(HEADER_SIZE)
        epoch_id = header[_NAME_SIZE : _NAME_SIZE + EPOCH_ID_SIZE]
        end = _NAME_SIZE + EPOCH_ID_SIZE + _WORD
        head = TableHead(epoch_id, int.from_bytes(header[end - _WORD : end], "big"))
        if header != encode_header(head) or size != HEADER_SIZE + head.rows * _ROW_SIZE:
            raise InputError(
                f"{path.name}: no whole standing table", f"{path}：不是常备表，或文件不完整"
            )
        if head.rows == 0:
            return cls(head, {name: np.empty(0, np.int64) for name in COLUMNS})
        words = np.memmap(path, "<i8", "r", HEADER_SIZE, (len(COLUMNS), head.rows))
        return cls(head, dict(zip(COLUMNS, np.asarray(words), strict=True)))

    def find_rows(self, firsts: Column) -> Iterator[Columns]:
        """All rows whose t0 is among ``firsts``, in order, in parts; of many ``firsts``, simply all rows.

        Cost: a search for each of ``firsts``, or reading the table once where that is less.
        """
        wanted, column = np.unique(firsts), self.columns["t0"]
        if len(wanted) * _SEARCH_COST > self.head.rows:
            begins, ends = np.array([0]), np.array([self.head.rows])
        else:
            begins = np.searchsorted(column, wanted, "left")
            there = begins < len(column)
            there[there] = column[begins[there]] == wanted[there]
            begins, ends = begins[there], np.searchsorted(column, wanted[there], "right")
        for first, last in _cut(begins, ends):
            rows = _ranges(first, last)
            yield {name: column[rows] for name, column in self.columns.items()}


def _cut(
    begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """The ranges again, in groups of at most ``_CHUNK`` rows; longer ranges are cut."""
    sizes = -(-(ends - begins) // _CHUNK)
    if (sizes > 1).any():
        pieces = _ranges(np.zeros(len(sizes), np.int64), sizes)
        begins = np.repeat(begins, sizes) + pieces * _CHUNK
        ends = np.minimum(np.repeat(ends, sizes), begins + _CHUNK)
    totals = np.cumsum(ends - begins)
    at = 0
    while at < len(begins):
        before = int(totals[at - 1]) if at else 0
        to = max(at + 1, int(np.searchsorted(totals, before + _CHUNK, "right")))
        yield begins[at:to], ends[at:to]
        at = to


def _ranges(begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers of all ranges, one range after another."""
    sizes = ends - begins
    offsets = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows: npt.NDArray[np.int64] = np.repeat(begins, sizes) + np.arange(int(sizes.sum())) - offsets
    return rows
