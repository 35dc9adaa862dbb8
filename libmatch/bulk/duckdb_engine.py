"""DuckDB as the engine: embedded, larger than memory. The one module that imports it, and only when used.

Nothing is fetched from a network: extensions are neither installed nor loaded.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libmatch.bulk.columns import Column
from libmatch.errors import InputError

if TYPE_CHECKING:
    import duckdb

_SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_unsigned_extensions": "false",
}
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Resources:
    """What an engine may take. Raises ValueError for less than 64 MiB or no thread.

    ``memory_bytes``: rows beyond go to disk beside the result; None: 80 % of the machine's memory.
    ``threads``: None: all cores.
    """

    memory_bytes: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.memory_bytes is not None and self.memory_bytes < 1 << 26:
            raise ValueError("an engine needs 64 MiB of memory or more")
        if self.threads is not None and self.threads < 1:
            raise ValueError("an engine needs a thread or more")


class DuckDB:
    """An open engine, its tables and views by name. Names of tables and columns are the program's own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def create_table(self, name: str, columns: Sequence[str]) -> None:
        """Return when there is an empty table of 64-bit integers."""
        types = ", ".join(f"{column} BIGINT NOT NULL" for column in columns)
        self._connection.execute(f"CREATE TABLE {name} ({types})")

    def insert_columns(self, name: str, columns: Mapping[str, Column]) -> None:
        """Return when the rows of the columns stand in the table."""
        self._connection.register("batch", dict(columns))
        sql = f"INSERT INTO {name} SELECT {', '.join(columns)} FROM batch"  # noqa: S608
        self._connection.execute(sql)
        self._connection.unregister("batch")

    def create_sorted(self, name: str, source: str, columns: Sequence[str]) -> None:
        """Return when the rows of ``source``, ascending by all its columns, are the table ``name``."""
        listed = ", ".join(columns)
        sql = f"CREATE TABLE {name} AS SELECT {listed} FROM {source} ORDER BY {listed}"  # noqa: S608
        self._connection.execute(sql)

    def fetch_rows(self, name: str, first: int, count: int) -> dict[str, Column]:
        """So many rows of a table from number ``first`` on, in the order in which they were put in."""
        sql = f"SELECT * FROM {name} WHERE rowid BETWEEN ? AND ?"  # noqa: S608
        return self._connection.execute(sql, [first, first + count - 1]).fetchnumpy()

    def fetch_column(self, name: str, column: str) -> Column:
        """One column of a table or view."""
        sql = f"SELECT {column} FROM {name}"  # noqa: S608
        found: dict[str, Column] = self._connection.execute(sql).fetchnumpy()
        return found[column]

    def fetch_columns(self, name: str) -> dict[str, Column]:
        """All rows of a table or view, by column."""
        return self._connection.table(name).fetchnumpy()

    def open_file(self, name: str, path: Path) -> None:
        """Return when the Parquet file is the view ``name``. Raises InputError for what is no such file."""
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        import duckdb

        try:
            self.open_parts(name, [path])
        except duckdb.InvalidInputException:
            raise InputError(
                f"{path.name} is no Parquet file", f"{path}：不是 Parquet 文件，或文件不完整"
            ) from None

    def open_parts(self, name: str, paths: Sequence[Path]) -> None:
        """Return when the rows of all those Parquet files, in their order, are the view ``name``."""
        files = ", ".join(_quote(_escape(path)) for path in paths)
        source = f"read_parquet([{files}], hive_partitioning = false)"
        self._connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")  # noqa: S608

    def read_settings(self, path: Path) -> dict[str, str]:
        """The key-value metadata of a Parquet file."""
        rows = self._ask("SELECT key, value FROM parquet_kv_metadata(?)", path)
        return {_as_text(key): _as_text(value) for key, value in rows}

    def read_types(self, name: str) -> dict[str, str]:
        """The columns of a view and their SQL types."""
        rows = self._connection.execute(f"DESCRIBE {name}").fetchall()
        return {row[0]: row[1] for row in rows}

    def count_rows(self, path: Path) -> int:
        """The rows of a Parquet file, from its footer."""
        ((rows,),) = self._ask("SELECT num_rows FROM parquet_file_metadata(?)", path)
        return int(rows)

    def find_nulls(self, path: Path) -> set[str]:
        """The columns that hold a null, or may: from the statistics of the file's footer."""
        sql = (
            "SELECT DISTINCT path_in_schema FROM parquet_metadata(?) "
            "WHERE stats_null_count IS NULL OR stats_null_count > 0"
        )
        return {row[0] for row in self._ask(sql, path)}

    def copy_rows(self, sql: str, out: Path, settings: Mapping[str, str]) -> int:
        """How many rows of a query were written to a Parquet file with that key-value metadata."""
        pairs = ", ".join(f"{_quote(key)}: {_quote(value)}" for key, value in settings.items())
        options = f"FORMAT parquet, COMPRESSION uncompressed, KV_METADATA {{{pairs}}}"
        copied = self._connection.execute(f"COPY ({sql}) TO {_quote(str(out))} ({options})")
        row = copied.fetchone()
        assert row is not None
        return int(row[0])

    def _ask(self, sql: str, path: Path) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, [_escape(path)]).fetchall()


@contextmanager
def open_engine(folder: Path | None, resources: Resources, *, keep_order: bool) -> Iterator[DuckDB]:
    """An engine that puts what exceeds its memory into ``folder``; None: nowhere.

    ``keep_order``: rows are copied in the order in which they were put in. In the block, a full disk
    raises OSError (ENOSPC and the like), too little memory InputError. ModuleNotFoundError without DuckDB.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config=dict(_SETTINGS))
    try:
        spill = "" if folder is None else str(folder.absolute() / "spill")
        connection.execute(f"SET temp_directory = {_quote(spill)}")
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SET preserve_insertion_order = {str(keep_order).lower()}")
        if resources.memory_bytes is not None:
            connection.execute(f"SET memory_limit = '{resources.memory_bytes}B'")
        if resources.threads is not None:
            connection.execute(f"SET threads = {resources.threads}")
        yield DuckDB(connection)
    except duckdb.Error as error:
        shortage = _as_shortage(error, folder)
        if shortage is None:
            raise
        raise shortage from None
    finally:
        connection.close()


def _quote(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _escape(path: Path) -> str:
    """The path as a pattern that means this one file, whatever its name."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))


def _as_text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace")


def _as_shortage(error: Exception, folder: Path | None) -> Exception | None:
    """A full disk or too little memory as errors of their own; None for another error of DuckDB."""
    import duckdb

    text = str(error)
    where = None if folder is None else str(folder.parent)
    for code in _NO_SPACE:
        if os.strerror(code) in text:
            return OSError(code, os.strerror(code), where)
    if not isinstance(error, duckdb.OutOfMemoryException):
        return None
    if "max_temp_directory_size" in text:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), where)
    return InputError(
        "the engine has too little memory",
        "内存上限太小，无法完成；请加大内存上限或减少线程数后重试",
    )
