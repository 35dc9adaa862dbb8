"""Token tables: tokens and record ids of one epoch as a Parquet file (docs/spec/bulk.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.bulk.columns import (
    RID_COLUMNS,
    TOKEN_COLUMNS,
    number_rows,
    split_rids,
    split_tokens,
)
from libmatch.bulk.duckdb_engine import DuckDB, Resources, open_engine
from libmatch.bulk.staging import stage
from libmatch.errors import InputError

Bytes = npt.NDArray[np.uint8]
FORMAT_KEY = "libmatch.format"
EPOCH_KEY = "libmatch.epoch"
FORMAT = "libmatch/1/token-table"
EPOCH_ID_SIZE = 32
_EPOCH_HEX = re.compile(f"[0-9a-f]{{{2 * EPOCH_ID_SIZE}}}")
COLUMNS = (*TOKEN_COLUMNS, *RID_COLUMNS)


@dataclass(frozen=True)
class TableHead:
    """What a token table says of itself: its epoch and how many rows it has."""

    epoch_id: bytes
    rows: int


def write_table(
    path: Path,
    epoch_id: bytes,
    batches: Iterable[tuple[Bytes, Bytes | None]],
    *,
    resources: Resources | None = None,
    overwrite: bool = False,
) -> int:
    """How many rows were written to ``path``, in the order of the batches, all or nothing.

    A batch is tokens uint8[n, 32] with record ids uint8[n, 16], or with None: then a row's id is its
    number from 0, as 16 bytes big-endian. Memory: one batch and what ``resources`` allow; the rest waits
    on the disk beside ``path``, 48 bytes a row. Raises ValueError for other shapes or an epoch id that
    is not 32 bytes, FileExistsError, OSError for a full disk, ModuleNotFoundError without DuckDB.
    """
    settings = describe(FORMAT, epoch_id)
    with (
        stage(path, overwrite=overwrite) as (folder, result),
        open_engine(folder, resources or Resources(), keep_order=True) as engine,
    ):
        engine.create_table("rows", COLUMNS)
        first = 0
        for tokens, rids in batches:
            first += _insert(engine, tokens, rids, first)
        return engine.copy_rows("SELECT * FROM rows", result, settings)


def describe(file_format: str, epoch_id: bytes) -> dict[str, str]:
    """The key-value metadata of a file of that format and epoch. Raises ValueError."""
    if len(epoch_id) != EPOCH_ID_SIZE:
        raise ValueError(f"an epoch id has {EPOCH_ID_SIZE} bytes")
    return {FORMAT_KEY: file_format, EPOCH_KEY: epoch_id.hex()}


def _insert(engine: DuckDB, tokens: Bytes, rids: Bytes | None, first: int) -> int:
    count = len(tokens)
    if rids is not None and len(rids) != count:
        raise ValueError("as many record ids as tokens")
    ids = number_rows(first, count) if rids is None else split_rids(rids)
    engine.insert_columns("rows", {**split_tokens(tokens), **ids})
    return count


def open_checked(engine: DuckDB, name: str, path: Path) -> TableHead:
    """What the token table says of itself, once it is the view ``name``. Raises InputError, OSError."""
    epoch_id = open_format(engine, name, path, FORMAT, COLUMNS)
    return TableHead(epoch_id, engine.count_rows(path))


def open_format(
    engine: DuckDB,
    name: str,
    path: Path,
    file_format: str,
    columns: Sequence[str],
) -> bytes:
    """The epoch id of a file of that format and those columns, which is now the view ``name``.

    A null would lose its row's matches without a sign, so a file that may hold one is refused. Raises
    InputError, OSError.
    """
    engine.open_file(name, path)
    epoch_id = _check_settings(path, engine.read_settings(path), file_format)
    types = engine.read_types(name)
    missing = "、".join(column for column in columns if column not in types)
    if missing:
        raise _refuse(path, f"missing columns: {missing}", f"缺少列 {missing}，请重新生成")
    wrong = "、".join(column for column in columns if types[column] != "BIGINT")
    if wrong:
        zh = f"列 {wrong} 的类型不是 64 位整数，请重新生成"
        raise _refuse(path, f"columns of another type: {wrong}", zh)
    nulls = "、".join(sorted(engine.find_nulls(path) & set(columns)))
    if nulls:
        raise _refuse(path, f"nulls in {nulls}", f"列 {nulls} 可能有空值，请重新生成")
    return epoch_id


def _check_settings(path: Path, settings: dict[str, str], file_format: str) -> bytes:
    found = settings.get(FORMAT_KEY)
    if found is None:
        zh = "没有格式标记，不是本程序生成的令牌表，请检查是否选错文件"
        raise _refuse(path, "no format is named", zh)
    if found != file_format:
        zh = f"格式是“{found}”，需要的是“{file_format}”；请检查是否选错文件，或用同一版本的程序重新生成"
        raise _refuse(path, f"format {found!r} is not {file_format!r}", zh)
    epoch_hex = settings.get(EPOCH_KEY, "")
    if not _EPOCH_HEX.fullmatch(epoch_hex):
        raise _refuse(path, "no epoch id", "没有写明周期，请重新生成")
    return bytes.fromhex(epoch_hex)


def _refuse(path: Path, message: str, message_zh: str) -> InputError:
    return InputError(f"{path.name}: {message}", f"{path}：{message_zh}")
